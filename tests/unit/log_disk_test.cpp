// The log on file systems that are full, read-only, limited or without preallocation.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "log/cursor_file.hpp"
#include "log/run_directory.hpp"
#include "log_support.hpp"

namespace trunkline {
namespace {

using namespace log_test;

// Takes all space of the file system until removed.
class Ballast {
 public:
  explicit Ballast(const TempDirectory& directory) : path_(directory.file("ballast")) {
    const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'b');
    while (::write(fd.get(), block.data(), block.size()) > 0) {
    }
  }
  ~Ballast() { ::unlink(path_.c_str()); }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;

 private:
  std::string path_;
};

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    if (!mount_) GTEST_SKIP() << "cannot mount a tmpfs";
  }

  TempDirectory directory_;
  Mount mount_{directory_, "tmpfs", "size=1m"};
};

TEST_F(FullDisk, CreatingTheRun) {
  const std::string base = directory_.file("trunkline");
  {
    const Ballast ballast(directory_);
    Expected<RunDirectory> run = RunDirectory::create(base);
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code, TR_EIO);
    EXPECT_NE(run.error().message.find("No space left"), std::string::npos) << run.error().message;
    EXPECT_TRUE(RunDirectory::list(base) && RunDirectory::list(base)->empty());
    if (std::filesystem::exists(base + "/run")) {
      EXPECT_TRUE(std::filesystem::is_empty(base + "/run"));
    }
  }
  Expected<RunDirectory> run = RunDirectory::create(base);
  ASSERT_TRUE(run) << run.error().message;
}

TEST_F(FullDisk, AdoptingARun) {
  const std::string base = directory_.file("trunkline");
  std::string id;
  {
    Expected<RunDirectory> run = RunDirectory::create(base);
    ASSERT_TRUE(run);
    id = run->id();
    // Nobody known, lock free.
    ASSERT_EQ(::unlink((run->path() + "/owner").c_str()), 0);
  }
  {
    const Ballast ballast(directory_);
    Expected<RunDirectory> run = RunDirectory::adopt(base, id);
    ASSERT_FALSE(run);
    EXPECT_EQ(run.error().code, TR_EIO);
  }
  EXPECT_TRUE(RunDirectory::adopt(base, id));
}

TEST_F(FullDisk, TheFirstSegment) {
  LogWriter writer = must_open(directory_.fd(), {256 << 10, false});
  {
    const Ballast ballast(directory_);
    const Error error = append_one(writer, 1, "one");
    EXPECT_EQ(error.code, TR_EIO);
    EXPECT_NE(error.message.find("No space left"), std::string::npos) << error.message;
    EXPECT_EQ(writer.last_sequence(), 0u);
    EXPECT_TRUE(files_with(directory_, "seg-").empty());
    EXPECT_TRUE(files_with(directory_, "spare-").empty());
  }
  ASSERT_FALSE(append_one(writer, 1, "one"));
  EXPECT_EQ(read_all(directory_.fd()).records, (Records{{1, "one"}}));
}

TEST_F(FullDisk, ASegmentLargerThanTheDisk) {
  LogWriter writer = must_open(directory_.fd(), {8u << 20, false});
  EXPECT_EQ(append_one(writer, 1, "one").code, TR_EIO);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(FullDisk, TheNextSegmentAndNothingOfTheFailedBatchIsSeen) {
  LogWriter writer = must_open(directory_.fd(), {256 << 10, false});
  Records records;
  std::string payloads[40];
  std::vector<Frame> frames;
  ASSERT_FALSE(append_one(writer, 1, records[1] = "one"));
  {
    const Ballast ballast(directory_);
    for (uint64_t i = 0; i < 40; ++i) {
      payloads[i] = payload_of(i + 2, 10'000);
      frames.push_back({i + 2, payloads[i]});
    }
    EXPECT_EQ(writer.append(frames.data(), frames.size()).code, TR_EIO);  // would begin in the first segment
    EXPECT_EQ(writer.last_sequence(), 1u);
    EXPECT_EQ(read_all(directory_.fd()).records, records);
    ASSERT_FALSE(append_one(writer, 2, records[2] = "fits into the first"));
    EXPECT_EQ(read_all(directory_.fd()).records, records);
  }
  for (Frame& frame : frames) records[frame.sequence += 10] = std::string(frame.payload);
  const Error error = writer.append(frames.data(), frames.size());
  ASSERT_FALSE(error) << error.message;
  EXPECT_EQ(read_all(directory_.fd()).records, records);
}

TEST_F(FullDisk, GoesOnByRecyclingAloneWhenNothingIsLeft) {
  LogWriter writer = must_open(directory_.fd(), {256 << 10, false});
  const std::string payload(100'000, 'p');
  uint64_t sequence = 1;
  while (!append_one(writer, sequence, payload)) ++sequence;
  const Ballast ballast(directory_);
  EXPECT_EQ(append_one(writer, sequence, payload).code, TR_EIO);
  for (int i = 0; i < 50; ++i, ++sequence) {
    writer.release_before(sequence);
    const Error error = append_one(writer, sequence, payload);
    ASSERT_FALSE(error) << error.message;
  }
}

TEST_F(FullDisk, TheCursor) {
  Expected<CursorFile> file = CursorFile::open(directory_.fd(), "local");
  ASSERT_TRUE(file);
  Cursor cursor{1, 10, std::string(60'000, 'a'), "local"};
  ASSERT_FALSE(file->store(cursor));
  {
    const Ballast ballast(directory_);
    cursor.acknowledged = 20;
    cursor.state = std::string(60'000, 'b');
    EXPECT_EQ(file->store(cursor).code, TR_EIO);
    EXPECT_EQ(file->store(cursor).code, TR_EIO);  // again: the whole record is not touched
    ASSERT_TRUE(file->load());
    EXPECT_EQ(file->load()->acknowledged, 10u);
    EXPECT_EQ(file->load()->state, std::string(60'000, 'a'));
    Expected<CursorFile> other = CursorFile::open(directory_.fd(), "other");
    if (other) {
      EXPECT_EQ(other->store(cursor).code, TR_EIO);
    }
  }
  ASSERT_FALSE(file->store(cursor));
  EXPECT_EQ(file->load()->acknowledged, 20u);
}

TEST(LogDisk, AReadOnlyDirectoryIsAnError) {
  const TempDirectory directory;
  const std::string base = directory.file("trunkline");
  ASSERT_TRUE(RunDirectory::create(base));
  if (::mount(base.c_str(), base.c_str(), nullptr, MS_BIND, nullptr) != 0) GTEST_SKIP() << "cannot mount";
  ASSERT_EQ(::mount(nullptr, base.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr), 0);
  Expected<RunDirectory> run = RunDirectory::create(base);
  Expected<RunDirectory> fresh = RunDirectory::create(base + "/below/it");
  const Expected<std::vector<std::string>> ids = RunDirectory::list(base);
  Expected<RunDirectory> adopted = ids && !ids->empty() ? RunDirectory::adopt(base, ids->front()) : Error{};
  {
    const UniqueFd fd(::open((base + "/run").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    LogWriter writer = must_open(fd.get(), {});
    EXPECT_EQ(append_one(writer, 1, "x").code, TR_EIO);
    Expected<CursorFile> cursor = CursorFile::open(fd.get(), "local");
    EXPECT_FALSE(cursor);
  }
  ::umount2(base.c_str(), MNT_DETACH);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, TR_EIO);
  EXPECT_NE(run.error().message.find("Read-only"), std::string::npos) << run.error().message;
  EXPECT_FALSE(fresh);
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->size(), 1u);
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().code, TR_EIO);
  EXPECT_TRUE(RunDirectory::create(base));  // control: it was the mount
}

TEST(LogDisk, WithoutPreallocationTheFileGrows) {
  TempDirectory directory;
  const Mount mount(directory, "ramfs", "mode=0700");
  if (!mount) GTEST_SKIP() << "cannot mount a ramfs";
  Records records;
  {
    LogWriter writer = must_open(directory.fd(), {64 << 10, false});
    for (uint64_t sequence = 1; sequence <= 100; ++sequence) {
      ASSERT_FALSE(append_one(writer, sequence, records[sequence] = payload_of(sequence, 3000)));
      if (sequence == 1) {
        EXPECT_LT(std::filesystem::file_size(directory.file("seg-00000001")), 4096u);
      }
    }
    EXPECT_GE(writer.bytes(), 300'000u);
    EXPECT_EQ(read_all(directory.fd()).records, records);
    writer.release_before(95);
    for (uint64_t sequence = 101; sequence <= 200; ++sequence) {
      ASSERT_FALSE(append_one(writer, sequence, records[sequence] = payload_of(sequence, 3000)));
    }
  }
  const Contents contents = read_all(directory.fd(), 95);
  EXPECT_EQ(contents.records, Records(records.lower_bound(95), records.end()));
  EXPECT_EQ(contents.corrupt, 0u);
}

// A write that ends half way, in the midst of a batch: what of it had been written is not seen.
void fail_in_mid_batch(TempDirectory& directory) {
  // In a child, for the limit holds for the whole process.
  const pid_t child = in_child([&]() -> int {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGXFSZ);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    LogWriter writer = must_open(directory.fd(), {64 << 10, false});
    Records records;
    for (uint64_t sequence = 1; sequence <= 3; ++sequence) {
      if (append_one(writer, sequence, records[sequence] = payload_of(sequence, 2000))) return 1;
    }
    const rlimit limit{20'000, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    std::string payloads[10];
    std::vector<Frame> frames;
    for (uint64_t i = 0; i < 10; ++i) {
      payloads[i] = payload_of(i + 4, 3000);
      frames.push_back({i + 4, payloads[i]});
    }
    const Error error = writer.append(frames.data(), frames.size());
    if (error.code != TR_EIO || error.message.find("File too large") == std::string::npos) return 3;
    if (writer.last_sequence() != 3) return 4;
    Contents contents = read_all(directory.fd());
    if (contents.records != records || contents.corrupt != 0) return 5;
    // A shorter frame in the same place must not bring frames of the failed batch behind it to light.
    if (append_one(writer, 4, records[4] = "four")) return 6;
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &none) != 0) return 7;
    LogWriter later = must_open(directory.fd(), {64 << 10, false});
    if (later.last_sequence() != 4) return 8;
    if (append_one(later, 50, records[50] = "fifty")) return 9;
    contents = read_all(directory.fd());
    return contents.records == records && contents.corrupt == 0 ? 0 : 10;
  });
  EXPECT_EQ(wait_for(child), 0);
}

TEST(LogDisk, AWriteThatFailsHalfWayLeavesNothingInAGrowingFile) {
  TempDirectory directory;
  const Mount mount(directory, "ramfs", "mode=0700");
  if (!mount) GTEST_SKIP() << "cannot mount a ramfs";
  fail_in_mid_batch(directory);
}

TEST(LogDisk, AWriteThatFailsHalfWayLeavesNothingInAPreallocatedFile) {
  TempDirectory directory;
  fail_in_mid_batch(directory);
}

TEST(LogDisk, ALimitOnFileSizesIsAnErrorWhereSigxfszIsBlocked) {
  const TempDirectory directory;
  const pid_t child = in_child([&]() -> int {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGXFSZ);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    const rlimit limit{1 << 20, 1 << 20};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    LogWriter writer = must_open(directory.fd(), {});
    return append_one(writer, 1, "one").code == TR_EIO ? 0 : 2;
  });
  EXPECT_EQ(wait_for(child), 0);
}

TEST(LogDisk, OutOfDescriptorsIsAnErrorAndPasses) {
  const TempDirectory directory;
  LogWriter writer = must_open(directory.fd(), {4096, false});
  ASSERT_FALSE(append_one(writer, 1, std::string(3000, 'a')));
  Expected<LogReader> reader = LogReader::open(directory.fd());
  ASSERT_TRUE(reader);
  std::vector<UniqueFd> all;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  while (true) {
    Expected<UniqueFd> fd = duplicate(0);
    if (!fd) break;
    all.push_back(std::move(*fd));
  }
  EXPECT_EQ(append_one(writer, 2, std::string(3000, 'b')).code, TR_EIO);
  EXPECT_FALSE(reader->read(1, 10'000, 10));
  all.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_FALSE(append_one(writer, 2, std::string(3000, 'b')));
  Expected<LogReader::Result> result = reader->read(1, 10'000, 10);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->frames.size(), 2u);
}

}  // namespace
}  // namespace trunkline
