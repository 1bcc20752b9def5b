// The log in its normal life: what was appended is read, in order, across segments, restarts and recycling.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "log_support.hpp"

namespace trunkline {
namespace {

using namespace log_test;

constexpr LogOptions kSmall{4096, false};

Records fill(LogWriter& writer, uint64_t first, uint64_t last, size_t size) {
  Records records;
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    records[sequence] = payload_of(sequence, size + sequence % 13);
    const Error error = append_one(writer, sequence, records[sequence]);
    EXPECT_FALSE(error) << error.message;
  }
  return records;
}

TEST(Log, NothingIsMadeBeforeTheFirstAppend) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), {});
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  EXPECT_EQ(writer.first_sequence(), 0u);
  EXPECT_EQ(writer.last_sequence(), 0u);
  EXPECT_EQ(writer.bytes(), 0u);
  const Contents contents = read_all(directory.fd());
  EXPECT_TRUE(contents.records.empty());
  EXPECT_EQ(contents.error, "");
}

TEST(Log, ReturnsWhatWasAppendedAcrossSegmentsInOneBatchOrMany) {
  for (const size_t batch : {1u, 3u, 50u, 1000u}) {
    const TempDirectory directory;
    LogWriter writer = must_open(directory.fd(), kSmall);
    Records records;
    std::vector<Frame> frames;
    for (uint64_t sequence = 1; sequence <= 300; ++sequence) {
      records[sequence] = payload_of(sequence, sequence % 150);  // size 0 too
      frames.push_back({sequence, records[sequence]});
      if (frames.size() < batch && sequence < 300) continue;
      const Error error = writer.append(frames.data(), frames.size());
      ASSERT_FALSE(error) << error.message;
      frames.clear();
    }
    EXPECT_GT(files_with(directory, "seg-").size(), 5u);
    EXPECT_EQ(writer.first_sequence(), 1u);
    EXPECT_EQ(writer.last_sequence(), 300u);
    EXPECT_EQ(writer.bytes(), 4096 * files_with(directory, "seg-").size());
    const Contents contents = read_all(directory.fd());
    EXPECT_EQ(contents.records, records);
    EXPECT_EQ(contents.corrupt, 0u);
    EXPECT_TRUE(contents.ordered);
  }
}

TEST(Log, SequencesMayLeapButNotRepeat) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), kSmall);
  ASSERT_FALSE(append_one(writer, 5, "five"));
  ASSERT_FALSE(append_one(writer, uint64_t{1} << 40, "far"));
  EXPECT_EQ(append_one(writer, uint64_t{1} << 40, "again").code, TR_EINVAL);
  EXPECT_EQ(append_one(writer, 7, "back").code, TR_EINVAL);
  const Frame wrong[] = {{(uint64_t{1} << 40) + 2, "b"}, {(uint64_t{1} << 40) + 1, "a"}};
  EXPECT_EQ(writer.append(wrong, 2).code, TR_EINVAL);
  EXPECT_EQ(read_all(directory.fd()).records, (Records{{5, "five"}, {uint64_t{1} << 40, "far"}}));
}

TEST(Log, FilesAreOursAloneWhateverTheUmask) {
  const TempDirectory directory;
  const mode_t before = ::umask(0);
  LogWriter writer = must_open(directory.fd(), kSmall);
  ASSERT_FALSE(append_one(writer, 1, "x"));
  ::umask(before);
  struct stat info {};
  ASSERT_EQ(::stat(directory.file("seg-00000001").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
}

TEST(Log, ReadsFromAnySequenceForwardAndBack) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), kSmall);
  Records records;
  for (uint64_t sequence = 2; sequence <= 400; sequence += 2) records[sequence] = payload_of(sequence, 90);
  for (const auto& [sequence, payload] : records) ASSERT_FALSE(append_one(writer, sequence, payload));
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_TRUE(reader);
  for (const uint64_t from : {1u, 2u, 3u, 200u, 399u, 400u, 401u, 7u, 350u, 351u, 10u, 9u, 0u}) {
    const Contents contents = read_on(*reader, from);
    EXPECT_EQ(contents.records, Records(records.lower_bound(from), records.end())) << from;
    EXPECT_EQ(contents.corrupt, 0u);
  }
}

TEST(Log, KeepsToTheLimitsOfARead) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), kSmall);
  fill(writer, 1, 20, 100);
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_TRUE(reader);
  Expected<LogReader::Result> result = reader->read(1, 1, 100);
  ASSERT_TRUE(result);
  ASSERT_EQ(result->frames.size(), 1u);  // one even if bigger
  EXPECT_FALSE(result->end);
  result = reader->read(2, 350, 100);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->frames.size(), 3u);
  result = reader->read(5, 1 << 20, 2);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->frames.size(), 2u);
  // The payloads live as long as the result, wherever it has been moved to.
  const LogReader::Result moved = std::move(*result);
  EXPECT_EQ(moved.frames[0].payload, payload_of(5, 105));
  EXPECT_EQ(moved.frames[1].payload, payload_of(6, 106));
}

TEST(Log, GoesOnAfterARestartInAFreshSegment) {
  const TempDirectory directory;
  Records records;
  for (uint64_t run = 0; run < 5; ++run) {
    LogWriter writer = must_open(directory.fd(), kSmall);
    EXPECT_EQ(writer.last_sequence(), run * 30);
    records.merge(fill(writer, run * 30 + 1, run * 30 + 30, 60));
    EXPECT_EQ(writer.first_sequence(), 1u);
  }
  EXPECT_EQ(read_all(directory.fd()).records, records);
  EXPECT_TRUE(files_with(directory, "spare-").empty());
}

TEST(Log, ReleasedSegmentsAreUsedAgainAndAtMostTwoAreKept) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), kSmall);
  fill(writer, 1, 300, 100);
  const size_t segments = files_with(directory, "seg-").size();
  ASSERT_GE(segments, 8u);
  const uint64_t oldest = writer.oldest_segment_last_sequence();
  writer.release_before(oldest);  // its last frame is still needed
  EXPECT_EQ(files_with(directory, "seg-").size(), segments);
  writer.release_before(oldest + 1);
  EXPECT_EQ(files_with(directory, "seg-").size(), segments - 1);
  EXPECT_EQ(writer.first_sequence(), oldest + 1);
  writer.release_before(UINT64_MAX);
  EXPECT_EQ(files_with(directory, "seg-").size(), 1u);
  ASSERT_EQ(files_with(directory, "spare-").size(), 2u);
  for (const std::string& spare : files_with(directory, "spare-")) {
    // Readers still in it are told by the header, before anything else in it changes.
    EXPECT_EQ(read_file(directory.file(spare)).substr(0, 128), std::string(128, '\0'));
  }
  EXPECT_EQ(writer.bytes(), 4096u);
  EXPECT_EQ(writer.oldest_segment_last_sequence(), 0u);
  EXPECT_EQ(writer.last_sequence(), 300u);
  // Three more segments take both spares, and the old frames in them are not seen.
  Records records = fill(writer, 301, 400, 100);
  EXPECT_TRUE(files_with(directory, "spare-").empty());
  const Contents contents = read_all(directory.fd(), 301);
  EXPECT_EQ(contents.records, records);
  EXPECT_EQ(contents.corrupt, 0u);
  for (const auto& [sequence, payload] : read_all(directory.fd()).records)
    EXPECT_EQ(payload, payload_of(sequence, 100 + sequence % 13));
}

TEST(Log, TheNumberingSurvivesTheReleaseOfEverything) {
  const TempDirectory directory;
  {
    LogWriter writer = must_open(directory.fd(), kSmall);
    fill(writer, 1, 100, 100);
    writer.release_before(UINT64_MAX);
  }
  const LogWriter writer = must_open(directory.fd(), kSmall);
  EXPECT_EQ(writer.last_sequence(), 100u);
}

TEST(Log, LargeFramesGetASegmentOfTheirOwn) {
  const TempDirectory directory;
  Records records;
  {
    LogWriter writer = must_open(directory.fd(), kSmall);
    records[1] = "small";
    records[2] = payload_of(2, 5'000'000);
    records[3] = payload_of(3, 300'000);
    records[4] = payload_of(4, 4096 - 128 - 16);  // just fits
    records[5] = payload_of(5, 4096 - 128 - 15);  // just does not
    records[6] = "end";
    std::vector<Frame> frames;
    for (const auto& [sequence, payload] : records) frames.push_back({sequence, payload});
    const Error error = writer.append(frames.data(), frames.size());
    ASSERT_FALSE(error) << error.message;
    EXPECT_GE(writer.bytes(), 5'300'000u);
  }
  const Contents contents = read_all(directory.fd());
  EXPECT_EQ(contents.records, records);
  EXPECT_EQ(contents.corrupt, 0u);
  LogWriter writer = must_open(directory.fd(), kSmall);
  ASSERT_FALSE(append_one(writer, 7, "next"));
  writer.release_before(7);
  EXPECT_EQ(writer.bytes(), 4096u);
  for (const std::string& spare : files_with(directory, "spare-")) {
    EXPECT_EQ(std::filesystem::file_size(directory.file(spare)), 4096u);  // the large ones are gone
  }
}

TEST(Log, SyncWorksAcrossSegmentsAndReleases) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), {4096, true});
  fill(writer, 1, 100, 100);
  EXPECT_FALSE(writer.sync());
  fill(writer, 101, 200, 100);
  writer.release_before(150);
  EXPECT_FALSE(writer.sync());
  EXPECT_FALSE(writer.sync());
}

TEST(Log, LastSequenceIsKnownToReaders) {
  const TempDirectory directory;
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_TRUE(reader);
  EXPECT_EQ(*reader->last_sequence(), 0u);
  LogWriter writer = must_open(directory.fd(), kSmall);
  for (uint64_t sequence = 3; sequence < 200; sequence += 3) {
    ASSERT_FALSE(append_one(writer, sequence, payload_of(sequence, 70)));
    ASSERT_EQ(*reader->last_sequence(), sequence);
  }
}

// The reader has a part of the first segment in memory when its file is taken for another one.
TEST(Log, AReaderInTheMiddleOfARecycledSegmentGoesOnInTheNextAndSeesNoDamage) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), {1 << 20, false});
  const auto size = [](uint64_t sequence) { return 5000 + sequence % 13; };
  uint64_t sequence = 0;
  const auto append_until = [&](const char* name) {
    while (!std::filesystem::exists(directory.file(name))) {
      ++sequence;
      ASSERT_FALSE(append_one(writer, sequence, payload_of(sequence, size(sequence))));
    }
  };
  append_until("seg-00000002");
  const uint64_t second = sequence;
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_TRUE(reader);
  Expected<LogReader::Result> result = reader->read(1, 1 << 20, 3);
  ASSERT_TRUE(result);
  writer.release_before(second);
  append_until("seg-00000003");
  for (int i = 0; i < 100; ++i) {  // over half of the file of the first
    ++sequence;
    ASSERT_FALSE(append_one(writer, sequence, payload_of(sequence, size(sequence))));
  }
  const Contents contents = read_on(*reader, 4, 1 << 20, 1000);
  EXPECT_EQ(contents.corrupt, 0u);
  EXPECT_EQ(contents.records.rbegin()->first, sequence);
  EXPECT_LT(contents.records.size(), sequence - 3);  // or the reader had all of it in memory
  for (uint64_t n = second; n <= sequence; ++n) EXPECT_EQ(contents.records.count(n), 1u);
  for (const auto& [n, payload] : contents.records) ASSERT_EQ(payload, payload_of(n, size(n)));
}

// The reader of a live log sees every record once, in order; one that falls behind sees gaps, never wrong bytes.
void follow(bool release_early) {
  constexpr uint64_t kRecords = 60'000;
  const TempDirectory directory;
  std::atomic<uint64_t> seen{0};
  std::atomic<bool> done{false};
  std::thread writing([&] {
    LogWriter writer = must_open(directory.fd(), {16384, false});
    for (uint64_t sequence = 1; sequence <= kRecords; sequence += 3) {
      const std::string a = payload_of(sequence, 40 + sequence % 300);
      const std::string b = payload_of(sequence + 1, 40 + (sequence + 1) % 300);
      const std::string c = payload_of(sequence + 2, 40 + (sequence + 2) % 300);
      const Frame frames[] = {{sequence, a}, {sequence + 1, b}, {sequence + 2, c}};
      const Error error = writer.append(frames, 3);
      ASSERT_FALSE(error) << error.message;
      writer.release_before(release_early ? sequence - std::min<uint64_t>(sequence, 400) : seen.load());
    }
    done = true;
  });
  Expected<LogReader> reader = LogReader::open(directory.fd());
  EXPECT_TRUE(reader);
  uint64_t corrupt = 0;
  uint64_t count = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (seen < kRecords && std::chrono::steady_clock::now() < deadline) {
    const bool last_round = done;
    Expected<LogReader::Result> result = reader->read(seen + 1, 20'000, 100);
    if (!result) {
      ADD_FAILURE() << result.error().message;
      break;
    }
    corrupt += result->corrupt;
    for (const Frame& frame : result->frames) {
      if (frame.sequence <= seen || frame.payload != payload_of(frame.sequence, 40 + frame.sequence % 300)) {
        ADD_FAILURE() << "wrong record " << frame.sequence << " after " << seen;
      }
      if (!release_early) {
        EXPECT_EQ(frame.sequence, seen + 1);
      }
      seen = frame.sequence;
      ++count;
    }
    if (last_round && result->end && result->frames.empty()) break;
    if (release_early && count % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
  writing.join();
  EXPECT_EQ(seen, kRecords);
  EXPECT_EQ(corrupt, 0u);
  if (!release_early) {
    EXPECT_EQ(count, kRecords);
  }
}

TEST(Log, AReaderFollowsALiveWriterAcrossRecycling) { follow(false); }
TEST(Log, AReaderThatIsOvertakenSeesGapsAndNoDamage) { follow(true); }

// Several rounds of kill -9 in the midst of appending: what was reported written is there.
TEST(Log, SurvivesKills) {
  const TempDirectory directory;
  uint64_t reported = 0;
  for (int round = 0; round < 25; ++round) {
    int pipe_fds[2];
    ASSERT_EQ(::pipe(pipe_fds), 0);
    const pid_t child = in_child([&] {
      LogWriter writer = must_open(directory.fd(), {32768, false});
      for (uint64_t sequence = writer.last_sequence() + 1;; ++sequence) {
        if (append_one(writer, sequence, payload_of(sequence, sequence % 2000))) return 1;
        if (::write(pipe_fds[1], &sequence, sizeof sequence) != sizeof sequence) return 2;
        writer.release_before(sequence - std::min<uint64_t>(sequence, 200));
      }
    });
    ::close(pipe_fds[1]);
    uint64_t sequence = 0;
    const int wanted = 100 + round * 37;
    for (int i = 0; i < wanted && ::read(pipe_fds[0], &sequence, sizeof sequence) == sizeof sequence; ++i)
      reported = sequence;
    ::kill(child, SIGKILL);
    EXPECT_EQ(wait_for(child), 1000 + SIGKILL);
    while (::read(pipe_fds[0], &sequence, sizeof sequence) == sizeof sequence) reported = sequence;
    ::close(pipe_fds[0]);
    const Contents contents = read_all(directory.fd());
    ASSERT_EQ(contents.error, "");
    EXPECT_EQ(contents.corrupt, 0u);
    ASSERT_FALSE(contents.records.empty());
    EXPECT_GE(contents.records.rbegin()->first, reported);
    EXPECT_LE(contents.records.rbegin()->first, reported + 1);
    const uint64_t first = contents.records.begin()->first;
    EXPECT_LE(first + 200, std::max<uint64_t>(reported, 201));
    EXPECT_EQ(contents.records.size(), contents.records.rbegin()->first - first + 1);
    for (const auto& [n, payload] : contents.records) ASSERT_EQ(payload, payload_of(n, n % 2000));
  }
  EXPECT_GT(reported, 1000u);
}

}  // namespace
}  // namespace trunkline
