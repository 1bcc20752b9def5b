// The log under damage: what is read is what was written, or it is missing; never anything else.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>

#include "log/segment.hpp"
#include "log/segment_reader.hpp"
#include "log_support.hpp"

namespace trunkline {
namespace {

using namespace log_test;
using log_detail::encode_header;
using log_detail::kSegmentHeader;
using log_detail::SegmentHeader;

constexpr LogOptions kSmall{4096, false};

// Everything read is genuine.
void expect_genuine(const Contents& contents, const Records& written, const std::string& what) {
  ASSERT_EQ(contents.error, "") << what;
  ASSERT_TRUE(contents.ordered) << what;
  for (const auto& [sequence, payload] : contents.records) {
    const auto found = written.find(sequence);
    ASSERT_TRUE(found != written.end()) << what << ": invented " << sequence;
    ASSERT_EQ(payload, found->second) << what << ": wrong payload of " << sequence;
  }
}

SegmentHeader header_of(const std::string& bytes, uint32_t index) {
  SegmentHeader header;
  EXPECT_EQ(log_detail::decode_header(bytes.data(), kSegmentHeader, index, &header), log_detail::HeaderState::kGood);
  return header;
}

// Where frames begin, by their lengths.
std::vector<size_t> frame_offsets(const std::string& bytes) {
  std::vector<size_t> offsets;
  size_t at = kSegmentHeader;
  while (at + 16 <= bytes.size()) {
    const log_detail::FrameHeader header = log_detail::load_frame_header(bytes.data() + at);
    if (header.sequence == 0) break;
    offsets.push_back(at);
    at += log_detail::frame_size(header.length);
  }
  offsets.push_back(at);
  return offsets;
}

Records write_log(int directory_fd, uint64_t first, uint64_t last) {
  Records records;
  LogWriter writer = must_open(directory_fd, kSmall);
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    records[sequence] = payload_of(sequence, sequence * 7 % 40);
    EXPECT_FALSE(append_one(writer, sequence, records[sequence]));
  }
  return records;
}

TEST(LogDamage, TruncatedAtEveryByteThePrefixIsRecoveredAndAppendingGoesOn) {
  const TempDirectory directory;
  const Records written = write_log(directory.fd(), 1, 8);
  const std::string segment = read_file(directory.file("seg-00000001"));
  const std::vector<size_t> offsets = frame_offsets(segment);
  ASSERT_EQ(offsets.size(), 9u);
  for (size_t size = 0; size <= offsets.back() + 8; ++size) {
    directory.clear();
    write_file(directory.file("seg-00000001"), segment.substr(0, size));
    // A frame without its padding is whole.
    size_t whole = 0;
    while (whole < 8 && offsets[whole] + 16 + written.at(whole + 1).size() <= size) ++whole;
    if (size < 64) whole = 0;
    Contents contents = read_all(directory.fd());
    expect_genuine(contents, written, "truncated to " + std::to_string(size));
    ASSERT_EQ(contents.records.size(), whole) << size;
    // Appending works, and both parts are read.
    LogWriter writer = must_open(directory.fd(), kSmall);
    ASSERT_EQ(writer.last_sequence(), whole);
    ASSERT_FALSE(append_one(writer, 100, "after"));
    contents = read_all(directory.fd());
    ASSERT_EQ(contents.records.size(), whole + 1) << size;
    ASSERT_EQ(contents.records.at(100), "after");
  }
}

TEST(LogDamage, WithAnyOneBitFlippedNothingWrongIsAcceptedAndAllElseIsRead) {
  const TempDirectory directory;
  Records written = write_log(directory.fd(), 1, 6);
  written.merge(write_log(directory.fd(), 7, 9));
  const std::string good[] = {read_file(directory.file("seg-00000001")), read_file(directory.file("seg-00000002"))};
  size_t refused = 0;
  for (int file = 0; file < 2; ++file) {
    const std::string path = directory.file(file == 0 ? "seg-00000001" : "seg-00000002");
    const size_t end = frame_offsets(good[file]).back();
    for (size_t bit = 0; bit < (end + 32) * 8; ++bit) {
      std::string bad = good[file];
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
      UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      ASSERT_FALSE(pwrite_all(fd.get(), &bad[bit / 8], 1, bit / 8));
      const Contents contents = read_all(directory.fd());
      const std::string what = "segment " + std::to_string(file + 1) + ", bit " + std::to_string(bit);
      ASSERT_NO_FATAL_FAILURE(expect_genuine(contents, written, what));
      // One flip costs one record at most: a header has a copy, and behind a frame the next is found.
      ASSERT_GE(contents.records.size() + 1, written.size()) << what;
      // The loss is counted, but for that of the very last record, which looks as a torn tail does.
      const bool last_lost = contents.records.count(9) == 0;
      if (contents.records.size() < written.size() && !last_lost) {
        ASSERT_EQ(contents.corrupt, 1u) << what;
      }
      if (contents.records.size() == written.size()) {
        ASSERT_EQ(contents.corrupt, 0u) << what;
      }
      refused += written.size() - contents.records.size();
      if (bit % 16 == 0) {
        ASSERT_LE(must_open(directory.fd(), kSmall).last_sequence(), 9u);
      }
      ASSERT_FALSE(pwrite_all(fd.get(), &good[file][bit / 8], 1, bit / 8));
    }
  }
  EXPECT_GT(refused, 1000u);  // the flips were seen: all bits of frames, but for the padding
}

TEST(LogDamage, AWholeDamagedSegmentIsSkippedAndCountedOnce) {
  const TempDirectory directory;
  Records written = write_log(directory.fd(), 1, 5);
  const Records lost = write_log(directory.fd(), 6, 9);
  written.merge(write_log(directory.fd(), 10, 12));
  write_file(directory.file("seg-00000002"), std::string(4096, 'x'));
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_TRUE(reader);
  const Contents contents = read_on(*reader, 1);
  EXPECT_EQ(contents.records, written);
  EXPECT_EQ(contents.corrupt, 1u);
  EXPECT_EQ(read_on(*reader, 11).corrupt, 0u);
  // A segment that has vanished is a gap.
  ASSERT_EQ(::unlink(directory.file("seg-00000002").c_str()), 0);
  EXPECT_EQ(read_all(directory.fd()).records, written);
}

// The file of segment 1 is used again for segment 3; a crash may leave any mix of old and new in it.
class RecycledSegment : public testing::Test {
 protected:
  RecycledSegment() {
    {
      LogWriter writer = must_open(directory_.fd(), kSmall);
      uint64_t sequence = 1;
      while (files_with(directory_, "seg-").size() < 2) append(writer, sequence++);
      old_ = read_file(directory_.file("seg-00000001"));
      writer.release_before(UINT64_MAX);
      const uint64_t first = sequence;
      while (!std::filesystem::exists(directory_.file("seg-00000003"))) append(writer, sequence++);
      append(writer, sequence++);
      last_ = sequence - 1;
      EXPECT_LT(first, last_);
    }
    new_ = read_file(directory_.file("seg-00000003"));
    first_in_new_ = header_of(new_, 3).first_sequence;
  }

  void append(LogWriter& writer, uint64_t sequence) {
    written_[sequence] = payload_of(sequence, 100);
    ASSERT_FALSE(append_one(writer, sequence, written_[sequence]));
  }

  // Whether any frame verifies in what lies there as segment `index`.
  bool any_frame(uint32_t index, const std::string& bytes) {
    write_file(directory_.file(log_detail::segment_name(index)), bytes);
    Expected<log_detail::OpenedSegment> opened = log_detail::open_segment(directory_.fd(), index);
    EXPECT_TRUE(opened && opened->state == log_detail::HeaderState::kGood);
    log_detail::SegmentReader reader(std::move(*opened));
    Frame frame;
    const Expected<bool> there = reader.peek(&frame);
    EXPECT_TRUE(there);
    const auto search = reader.search(0, true);
    EXPECT_TRUE(search);
    return *there || *search != log_detail::SegmentReader::Search::kNothing;
  }

  Contents read_with(const std::string& third) {
    write_file(directory_.file("seg-00000003"), third);
    Contents contents = read_all(directory_.fd());
    expect_genuine(contents, written_, "recycled");
    return contents;
  }

  TempDirectory directory_;
  Records written_;
  std::string old_, new_;
  uint64_t last_ = 0, first_in_new_ = 0;
};

TEST_F(RecycledSegment, StillHoldsOldFramesWhichAreNotSeen) {
  ASSERT_EQ(old_.size(), new_.size());
  EXPECT_EQ(old_.substr(2000), new_.substr(2000));  // or the tests below would prove nothing
  EXPECT_EQ(frame_offsets(old_).size(), 34u);
  const Contents contents = read_with(new_);
  EXPECT_EQ(contents.records.rbegin()->first, last_);
  EXPECT_EQ(contents.records.count(1), 0u);
  EXPECT_EQ(contents.corrupt, 0u);
}

TEST_F(RecycledSegment, OldHeaderAndNewFrames) {
  const Contents contents = read_with(old_.substr(0, kSegmentHeader) + new_.substr(kSegmentHeader));
  EXPECT_EQ(contents.records.rbegin()->first, first_in_new_ - 1);
  EXPECT_EQ(contents.corrupt, 1u);
}

TEST_F(RecycledSegment, NewHeaderAndOldFrames) {
  const Contents contents = read_with(new_.substr(0, kSegmentHeader) + old_.substr(kSegmentHeader));
  EXPECT_EQ(contents.records.rbegin()->first, first_in_new_ - 1);
  LogWriter writer = must_open(directory_.fd(), kSmall);
  EXPECT_EQ(writer.last_sequence(), first_in_new_ - 1);
}

TEST_F(RecycledSegment, EveryCutBetweenOldAndNew) {
  for (size_t cut = 0; cut <= 400; ++cut) {
    const Contents contents = read_with(new_.substr(0, cut) + old_.substr(cut));
    ASSERT_LE(contents.records.rbegin()->first, last_);
    ASSERT_EQ(contents.records.count(1), 0u);
    read_with(old_.substr(0, cut) + new_.substr(cut));
  }
}

TEST_F(RecycledSegment, UnderAnotherHeaderNoFrameVerifiesWhateverItsSequence) {
  EXPECT_FALSE(any_frame(3, new_.substr(0, kSegmentHeader) + old_.substr(kSegmentHeader)));
  EXPECT_TRUE(any_frame(3, new_));
  // Neither the new header nor the new name has reached the disk.
  const size_t end = frame_offsets(new_)[2];
  const std::string new_frames = new_.substr(kSegmentHeader, end - kSegmentHeader) + std::string(4096 - end, '\0');
  EXPECT_FALSE(any_frame(1, old_.substr(0, kSegmentHeader) + new_frames));
  EXPECT_TRUE(any_frame(1, old_));
}

// Control: had the epoch not been part of the checksum, the old frames would verify.
TEST_F(RecycledSegment, UnderTheOldEpochTheOldFramesWouldBeSeen) {
  SegmentHeader header = header_of(new_, 3);
  header.epoch = header_of(old_, 1).epoch;
  header.first_sequence = 1;
  header.previous_last = 0;
  char block[kSegmentHeader];
  encode_header(header, block);
  for (const char* name : {"seg-00000002"}) ASSERT_EQ(::unlink(directory_.file(name).c_str()), 0);
  const Contents contents = read_with(std::string(block, sizeof block) + old_.substr(kSegmentHeader));
  EXPECT_EQ(contents.records.count(1), 1u);
}

TEST(LogDamage, ATornTailIsLeftBehindAndNotCounted) {
  const TempDirectory directory;
  Records written = write_log(directory.fd(), 1, 5);
  std::string bytes = read_file(directory.file("seg-00000001"));
  const std::vector<size_t> offsets = frame_offsets(bytes);
  std::memset(&bytes[offsets[4] + 20], 0, 8);
  write_file(directory.file("seg-00000001"), bytes);
  written.erase(5);
  EXPECT_EQ(read_all(directory.fd()).corrupt, 0u);
  {
    LogWriter writer = must_open(directory.fd(), kSmall);
    EXPECT_EQ(writer.last_sequence(), 4u);
    ASSERT_FALSE(append_one(writer, 5, "five anew"));
  }
  written[5] = "five anew";
  const Contents contents = read_all(directory.fd());
  EXPECT_EQ(contents.records, written);
  EXPECT_EQ(contents.corrupt, 0u);
}

TEST(LogDamage, AHoleInTheMiddleIsSteppedOver) {
  const TempDirectory directory;
  Records written = write_log(directory.fd(), 1, 20);
  std::string bytes = read_file(directory.file("seg-00000001"));
  const std::vector<size_t> offsets = frame_offsets(bytes);
  for (const char fill : {'\0', 'x', '\xff'}) {
    std::string bad = bytes;
    std::fill(bad.begin() + static_cast<ptrdiff_t>(offsets[4]), bad.begin() + static_cast<ptrdiff_t>(offsets[9]), fill);
    write_file(directory.file("seg-00000001"), bad);
    const Contents contents = read_all(directory.fd());
    expect_genuine(contents, written, "hole");
    EXPECT_EQ(contents.records.size(), 15u);
    EXPECT_EQ(contents.corrupt, 1u);
    EXPECT_EQ(read_all(directory.fd(), 15).corrupt, 0u);  // of no concern to who comes later
  }
}

TEST(LogDamage, RandomBytesZerosAndEmptyFilesAreNoLog) {
  std::mt19937_64 random(42);
  for (int round = 0; round < 60; ++round) {
    const TempDirectory directory;
    std::string bytes(static_cast<size_t>(random() % 20000), '\0');
    if (round % 3 != 0) {
      for (char& c : bytes) c = static_cast<char>(random());
    }
    if (round == 0) bytes.clear();
    write_file(directory.file("seg-00000007"), bytes);
    Contents contents = read_all(directory.fd());
    EXPECT_EQ(contents.error, "");
    EXPECT_TRUE(contents.records.empty());
    LogWriter writer = must_open(directory.fd(), kSmall);
    ASSERT_FALSE(append_one(writer, 1, "one"));
    EXPECT_TRUE(std::filesystem::exists(directory.file("seg-00000008")));
    contents = read_all(directory.fd());
    EXPECT_EQ(contents.records, (Records{{1, "one"}}));
    writer.release_before(2);
  }
}

TEST(LogDamage, RandomDamageInAValidSegmentNeverYieldsAnythingWrong) {
  const TempDirectory directory;
  const Records written = write_log(directory.fd(), 1, 60);
  const std::string good = read_file(directory.file("seg-00000001"));
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::string bad = good;
    for (uint64_t n = random() % 4 + 1; n > 0; --n) {
      const size_t at = static_cast<size_t>(random() % bad.size());
      const size_t size = std::min(bad.size() - at, static_cast<size_t>(random() % 200));
      for (size_t i = 0; i < size; ++i) bad[at + i] = static_cast<char>(random());
    }
    write_file(directory.file("seg-00000001"), bad);
    ASSERT_NO_FATAL_FAILURE(expect_genuine(read_all(directory.fd()), written, "round " + std::to_string(round)));
  }
}

TEST(LogDamage, ASparseGiantNeitherTakesMemoryNorTime) {
  const TempDirectory directory;
  const Records written = write_log(directory.fd(), 1, 3);
  const std::string path = directory.file("seg-00000001");
  // As it is; and with a header that claims all of it, and a frame that claims a quarter of a gigabyte of that.
  for (const bool crafted : {false, true}) {
    if (crafted) {
      ASSERT_EQ(::truncate(path.c_str(), 4096), 0);
      std::string bytes = read_file(path);
      SegmentHeader header = header_of(bytes, 1);
      header.capacity = uint64_t{10} << 30;
      encode_header(header, bytes.data());
      const log_detail::FrameHeader frame{1u << 28, 1, 4};
      log_detail::store_frame_header(frame, bytes.data() + frame_offsets(bytes).back());
      write_file(path, bytes);
    }
    ASSERT_EQ(::truncate(path.c_str(), off_t{10} << 30), 0);
    struct rusage before {};
    ::getrusage(RUSAGE_SELF, &before);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(read_all(directory.fd()).records, written);
    LogWriter writer = must_open(directory.fd(), kSmall);
    EXPECT_LT(writer.bytes(), 1u << 20);  // what it takes on the disk, not what it claims
    const auto took = std::chrono::steady_clock::now() - start;
    struct rusage after {};
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 << 10);
    EXPECT_LT(took, std::chrono::seconds(crafted ? 20 : 5));
  }
}

TEST(LogDamage, NoiseThatLooksLikeFramesIsNotSearchedForEver) {
  const TempDirectory directory;
  {
    LogWriter writer = must_open(directory.fd(), {8u << 20, false});
    ASSERT_FALSE(append_one(writer, 1, "one"));
  }
  std::string bytes = read_file(directory.file("seg-00000001"));
  for (size_t at = kSegmentHeader + 24; at + 16 <= bytes.size(); at += 16) {
    log_detail::store_frame_header({3u << 20, 1, 2}, bytes.data() + at);
  }
  write_file(directory.file("seg-00000001"), bytes);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(read_all(directory.fd()).records, (Records{{1, "one"}}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(LogDamage, ANewerFormatIsRefusedAndLeftAlone) {
  const TempDirectory directory;
  write_log(directory.fd(), 1, 3);
  std::string bytes = read_file(directory.file("seg-00000001"));
  SegmentHeader header = header_of(bytes, 1);
  header.version = 2;
  encode_header(header, bytes.data());
  write_file(directory.file("seg-00000001"), bytes);
  Expected<LogWriter> writer = LogWriter::open(directory.fd(), kSmall);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, TR_EUNSUPPORTED);
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, TR_EUNSUPPORTED);
  EXPECT_EQ(read_file(directory.file("seg-00000001")), bytes);
}

TEST(LogDamage, StrangeThingsInPlaceOfSegmentsAreStrangersNotHangs) {
  const TempDirectory directory;
  const Records written = write_log(directory.fd(), 1, 3);
  ASSERT_EQ(::mkfifo(directory.file("seg-00000002").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("seg-00000001", directory.file("seg-00000003").c_str()), 0);
  ASSERT_EQ(::mkdir(directory.file("seg-00000004").c_str(), 0700), 0);
  write_file(directory.file("seg-x"), "?");
  const Contents contents = read_all(directory.fd());
  EXPECT_EQ(contents.records, written);
  EXPECT_EQ(contents.corrupt, 3u);
  LogWriter writer = must_open(directory.fd(), kSmall);
  ASSERT_FALSE(append_one(writer, 4, "four"));
  EXPECT_EQ(read_all(directory.fd()).records.size(), 4u);
}

}  // namespace
}  // namespace trunkline
