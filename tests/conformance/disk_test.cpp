// Disks that are small, full, full for a while, or read-only: recording goes on, and what is lost is counted.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

// A file system of its own over a directory.
class Mount {
 public:
  Mount(const std::string& path, const char* type, const char* options, unsigned long flags = 0) : path_(path) {
    mounted_ =
        ::mount(type[0] == '/' ? type : "none", path.c_str(), type[0] == '/' ? nullptr : type, flags, options) == 0;
  }
  ~Mount() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  explicit operator bool() const { return mounted_; }
  bool make_read_only() { return ::mount("none", path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0; }

 private:
  std::string path_;
  bool mounted_ = false;
};

class Disk : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root may mount";
  }
  // Spans of about `kilobytes` each.
  static void record_large(int spans, size_t kilobytes, const std::string& name = "large") {
    const std::string text(kilobytes * 1024, 'x');
    const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
    for (int i = 0; i < spans; ++i) {
      const tr_span span = start_span(trace, name + " " + std::to_string(i));
      tr_span_set_str(span, "text", 4, text.data(), text.size());
      tr_span_end(span);
    }
    tr_trace_end(trace);
  }

  TempDirectory directory_;
};

// What was lost is known when the processor finds nothing more, a moment after a flush has found everything taken.
tr_processor_stats settled(tr_processor_id id) {
  eventually([id] { return stats_of(id).pending.records == 0; });
  return stats_of(id);
}

// Fills a file system to its last byte; gives the space back at the end.
class Filler {
 public:
  explicit Filler(const std::string& directory) : path_(directory + "/filler") {
    const int fd = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (size_t size : {size_t{65536}, size_t{4096}, size_t{1}}) {
      const std::string bytes(size, 'f');
      while (::write(fd, bytes.data(), bytes.size()) > 0) {
      }
    }
    ::close(fd);
  }
  ~Filler() { ::unlink(path_.c_str()); }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;

 private:
  std::string path_;
};

TEST_F(Disk, OfOneMegabyte) {
  const Mount mount(directory_.path(), "tmpfs", "size=1m");
  ASSERT_TRUE(mount);
  Probe probe(Kind::kOnBatch, {.flags = TR_PROCESSOR_DURABLE});
  Session session(directory_.path());
  EXPECT_NE(stats().mode, TR_MODE_FILE) << "the recorder's file does not fit";
  ASSERT_EQ(probe.attach(), TR_OK);
  record_large(1000, 4);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = settled(probe.id());
  EXPECT_EQ(counts.delivered.spans, 1000u) << "what the disk does not take is delivered from memory";
  EXPECT_TRUE(law_holds(counts));
  EXPECT_FALSE(session.messages().empty()) << "nobody was told";
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_EQ(probe.released(), 1);
}

TEST_F(Disk, OfAFewKilobytes) {
  const Mount mount(directory_.path(), "tmpfs", "size=16k");
  ASSERT_TRUE(mount);
  Probe probe(Kind::kOnBatch, {.flags = TR_PROCESSOR_DURABLE});
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_large(100, 4);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats_of(probe.id()).delivered.spans, 100u);
  EXPECT_EQ(session.stop(), TR_OK);
}

// Full in the middle of a run: the processor keeps up from memory; when there is room the log goes on on disk.
TEST_F(Disk, FullForAWhile) {
  const Mount mount(directory_.path(), "tmpfs", "size=24m");
  ASSERT_TRUE(mount);
  Probe probe(Kind::kOnBatch, {.flags = TR_PROCESSOR_DURABLE});
  Session session(directory_.path(), [](tr_config& config) { config.max_memory = 16u << 20; });
  EXPECT_EQ(stats().mode, TR_MODE_FILE);
  ASSERT_EQ(probe.attach(), TR_OK);
  record_large(200, 4, "before");
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  {
    const Filler filler(directory_.path());
    for (int i = 0; i < 10; ++i) {
      record_large(200, 8, "during");
      ASSERT_EQ(tr_flush(60'000), TR_OK);
    }
    EXPECT_GT(stats().log_errors, 0u);
  }
  const uint64_t errors = stats().log_errors;
  for (int i = 0; i < 5; ++i) {
    record_large(200, 4, "after");
    ASSERT_EQ(tr_flush(60'000), TR_OK);
  }
  EXPECT_EQ(stats().log_errors, errors) << "it does not recover";
  EXPECT_GT(stats().log_bytes, 0u);
  const tr_processor_stats counts = settled(probe.id());
  EXPECT_EQ(counts.delivered.spans + stats().spans_refused, 200u + 2000u + 1000u);
  EXPECT_EQ(stats().spans_refused, 0u);
  EXPECT_TRUE(law_holds(counts));
  std::string all;
  for (const std::string& message : session.messages()) all += message + "\n";
  EXPECT_NE(all.find("cannot be written"), std::string::npos) << all;
  EXPECT_NE(all.find("can be written again"), std::string::npos) << all;
  EXPECT_EQ(session.stop(), TR_OK);
}

// Full, and the processor does not keep up either: it loses its oldest beyond what memory may hold, and that is
// counted.
TEST_F(Disk, FullWithASlowProcessor) {
  const Mount mount(directory_.path(), "tmpfs", "size=12m");
  ASSERT_TRUE(mount);
  std::atomic<bool> awake{false};
  Probe slow(Kind::kOnBatch, {.name = "slow", .flags = TR_PROCESSOR_DURABLE, .batch_size = 16});
  slow.decide = [&](const Seen&) { return awake ? TR_OK : TR_EAGAIN; };
  Probe quick(Kind::kOnBatch, {.name = "quick"});
  Session session(directory_.path(), [](tr_config& config) { config.max_memory = 4u << 20; });
  ASSERT_EQ(slow.attach(), TR_OK);
  ASSERT_EQ(quick.attach(), TR_OK);
  const Filler filler(directory_.path());
  constexpr uint64_t kTraces = 30;
  for (uint64_t i = 0; i < kTraces; ++i) {
    record_large(100, 8);
    ASSERT_TRUE(quick.wait_taken((i + 1) * 102));
  }
  awake = true;
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = settled(slow.id());
  EXPECT_EQ(counts.offered.spans, kTraces * 100);
  EXPECT_GT(counts.overflowed.spans, 0u);
  EXPECT_EQ(counts.unreadable.records, 0u);
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.pending.records, 0u);
  EXPECT_EQ(stats_of(quick.id()).delivered.spans, kTraces * 100);
  EXPECT_EQ(session.stop(), TR_OK);
}

// Beyond max_disk the slowest loses its oldest, and its newest arrive.
TEST_F(Disk, BeyondItsLimit) {
  std::atomic<bool> awake{false};
  Probe slow(Kind::kOnBatch, {.name = "slow", .flags = TR_PROCESSOR_DURABLE, .batch_size = 16});
  slow.decide = [&](const Seen&) { return awake ? TR_OK : TR_EAGAIN; };
  Probe quick(Kind::kOnBatch, {.name = "quick"});
  constexpr uint64_t kLimit = 4u << 20;
  Session session(directory_.path(), [](tr_config& config) {
    config.max_disk = kLimit;
    config.max_memory = 16u << 20;
  });
  ASSERT_EQ(slow.attach(), TR_OK);
  ASSERT_EQ(quick.attach(), TR_OK);
  constexpr uint64_t kTraces = 60;
  for (uint64_t i = 0; i < kTraces; ++i) {
    record_large(50, 16, "trace " + std::to_string(i));
    ASSERT_TRUE(quick.wait_taken((i + 1) * 52));
    EXPECT_LE(stats().log_bytes, kLimit + (2u << 20));
  }
  awake = true;
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = settled(slow.id());
  EXPECT_EQ(counts.offered.spans, kTraces * 50);
  EXPECT_GT(counts.overflowed.spans, 0u);
  EXPECT_GT(counts.delivered.spans, 0u);
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.unreadable.records, 0u);
  const auto taken = slow.taken();
  EXPECT_EQ(taken.back().type, TR_RECORD_TRACE_END);
  EXPECT_EQ(taken.back().name, "trace " + std::to_string(kTraces - 1));
  for (size_t i = 1; i < taken.size(); ++i) ASSERT_LT(taken[i - 1].sequence, taken[i].sequence);
  EXPECT_EQ(stats_of(quick.id()).delivered.spans, kTraces * 50);
  EXPECT_EQ(stats_of(quick.id()).overflowed.records, 0u);
  EXPECT_EQ(session.stop(), TR_OK);
}

// Without a log on disk a slow processor has what memory holds.
TEST_F(Disk, MemoryOnlyWithASlowProcessor) {
  std::atomic<bool> awake{false};
  Probe slow(Kind::kOnBatch, {.name = "slow", .batch_size = 16});
  slow.decide = [&](const Seen&) { return awake ? TR_OK : TR_EAGAIN; };
  Probe quick(Kind::kOnBatch, {.name = "quick"});
  Session session(directory_.path(), [](tr_config& config) {
    config.durability = TR_DURABILITY_MEMORY;
    config.max_memory = 4u << 20;
  });
  EXPECT_EQ(stats().mode, TR_MODE_MEMORY);
  ASSERT_EQ(slow.attach(), TR_OK);
  ASSERT_EQ(quick.attach(), TR_OK);
  for (uint64_t i = 0; i < 30; ++i) {
    record_large(50, 16);
    ASSERT_TRUE(quick.wait_taken((i + 1) * 52));
  }
  awake = true;
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = settled(slow.id());
  EXPECT_GT(counts.overflowed.spans, 0u);
  EXPECT_GT(counts.delivered.spans, 100u) << "4 MiB of memory hold more";
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.pending.records, 0u);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(Disk, ReadOnlyFromTheStart) {
  Mount mount(directory_.path(), "tmpfs", "size=1m");
  ASSERT_TRUE(mount);
  ASSERT_TRUE(mount.make_read_only());
  Probe probe(Kind::kOnBatch, {.flags = TR_PROCESSOR_DURABLE});
  Session session(directory_.path());
  EXPECT_EQ(session.result(), TR_OK);
  EXPECT_EQ(stats().mode, TR_MODE_MEMORY);
  EXPECT_FALSE(session.messages().empty());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(probe.taken_count(), 100u);
  EXPECT_EQ(session.stop(), TR_OK);
}

}  // namespace
}  // namespace trunkline::conformance
