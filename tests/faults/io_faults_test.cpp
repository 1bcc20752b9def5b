// Calls to the system that are interrupted, cut short, refused, fail or do not return: recording goes on, what is
// recorded is delivered, and what went wrong is counted.
#include <sys/resource.h>
#include <sys/wait.h>

#include <condition_variable>
#include <fstream>
#include <vector>

#include "faults/fault_fixture.hpp"
#include "faults/io_shim.hpp"

namespace faults {
namespace {

using io::Armed;
using io::Call;
using io::Injector;

class IoFaults : public FaultTest {
 protected:
  // Large values too, so that extents and segments are passed through.
  static void record_spans(int count, size_t bytes = 2000) {
    const std::string text(bytes, 'x');
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    for (int i = 0; i < count; ++i) {
      tr_span span = 0;
      while ((span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL)) == 0) std::this_thread::yield();
      tr_span_set_str(span, "text", 4, text.data(), text.size());
      EXPECT_EQ(tr_span_end(span), TR_OK);
    }
    EXPECT_EQ(tr_trace_end(trace), TR_OK);
  }
  uint64_t lines() const {
    std::ifstream file(directory_ + "/traces.jsonl");
    uint64_t count = 0;
    for (std::string line; std::getline(file, line);) ++count;
    return count;
  }
  // A process of its own, for limits hold for a whole process. Its exit code is the number of the check that failed.
  template <class Child>
  static void in_child(Child&& child) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      alarm(60);
      _exit(child());
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
};

// Two calls of three are interrupted or do less than they were asked to.
class Interrupting : public Injector {
 public:
  int decide(Call call, int) override {
    const uint64_t n = count_++;
    const bool transfers = call == Call::kRead || call == Call::kWrite;
    if (call == Call::kRename || call == Call::kMake || n % 3 == 0) return io::kGoOn;
    if (n % 3 == 1) return transfers ? io::kShort : io::kGoOn;
    ++interrupted;
    return EINTR;
  }
  std::atomic<uint64_t> interrupted{0};

 private:
  std::atomic<uint64_t> count_{0};
};

TEST_F(IoFaults, interrupted_and_short_calls_are_carried_on) {
  Interrupting interrupting;
  Armed armed(interrupting);
  tr_config with = config();
  with.processors = "jsonl";
  with.durability = TR_DURABILITY_FSYNC;
  start(with);
  EXPECT_EQ(stats().mode, TR_MODE_FILE);
  record_spans(5000);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats().log_errors, 0u);
  expect_conserved();
  armed.disarm();
  EXPECT_GT(interrupting.interrupted, 20u);
  EXPECT_EQ(lines(), 5002u);
}

// The n-th call fails.
class Failing : public Injector {
 public:
  explicit Failing(uint64_t at, int error = EIO) : at_(at), error_(error) {}
  int decide(Call, int) override { return count++ == at_ ? error_ : io::kGoOn; }
  std::atomic<uint64_t> count{0};

 private:
  uint64_t at_;
  int error_;
};

TEST_F(IoFaults, each_call_in_turn_fails_once) {
  allow(280);
  // Of a whole life: start, spans, flush, shutdown.
  bool in_memory = false;
  uint64_t without_file = 0;
  const auto live = [&](uint64_t at) {
    Failing failing(at);
    {
      Armed armed(failing);
      tr_config with = config();
      with.processors = "jsonl";
      with.log_level = TR_LEVEL_OFF;
      start(with);
      // Without a directory there is no place for its file.
      in_memory = stats().mode == TR_MODE_MEMORY;
      record_spans(50);
      EXPECT_EQ(tr_flush(60'000), TR_OK) << "call " << at;
      const tr_processor_stats mine = stats_of(counting_id_);
      EXPECT_EQ(mine.delivered.spans, 50u) << "call " << at;
      EXPECT_EQ(mine.offered.records, mine.delivered.records) << "call " << at;
      running_ = false;
      EXPECT_EQ(tr_shutdown(60'000), TR_OK) << "call " << at;
    }
    EXPECT_TRUE(lines() == 52 || (in_memory && lines() == 0)) << "call " << at << ": " << lines() << " lines";
    without_file += lines() == 0;
    std::filesystem::remove_all(directory_ + "/run");
    std::filesystem::remove(directory_ + "/traces.jsonl");
    return failing.count.load();
  };
  const uint64_t calls = live(UINT64_MAX);
  EXPECT_GT(calls, 20u);
  for (uint64_t at = 0; at < calls && !HasFailure(); ++at) live(at);
  EXPECT_LT(without_file, calls / 4);
}

TEST_F(IoFaults, each_call_in_turn_fails_while_a_dead_run_is_taken_up) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer ends a process that makes threads after a fork";
  allow(280);
  tr_config with = config();
  with.processors = "jsonl";
  with.log_level = TR_LEVEL_OFF;
  const auto live = [&] {
    EXPECT_EQ(tr_init(&with, nullptr), TR_OK);
    EXPECT_EQ(tr_shutdown(60'000), TR_OK);
  };
  const auto take_up = [&](uint64_t at) {
    in_child([&] {
      if (tr_init(&with, nullptr) != TR_OK) return 1;
      record_spans(50);
      return 0;  // without an end
    });
    Failing failing(at);
    {
      const Armed armed(failing);
      live();
    }
    live();
    EXPECT_GE(lines(), 52u) << "call " << at;
    std::filesystem::remove_all(directory_ + "/run");
    std::filesystem::remove(directory_ + "/traces.jsonl");
    return failing.count.load();
  };
  const uint64_t calls = take_up(UINT64_MAX);
  EXPECT_GT(calls, 50u);
  for (uint64_t at = 0; at < calls && !HasFailure(); at += scaled(2, 1)) take_up(at);
}

// Calls of one kind fail, for as long as the test wants.
class Refusing : public Injector {
 public:
  explicit Refusing(std::initializer_list<Call> calls, int error = EIO) : error_(error) {
    for (const Call call : calls) calls_ |= 1u << static_cast<unsigned>(call);
  }
  int decide(Call call, int) override {
    if ((calls_ >> static_cast<unsigned>(call) & 1) == 0) return io::kGoOn;
    ++refused;
    return error_;
  }
  std::atomic<uint64_t> refused{0};

 private:
  unsigned calls_ = 0;
  int error_;
};

TEST_F(IoFaults, a_disk_that_fails_for_a_while_is_counted_and_used_again) {
  start();
  record_spans(100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  {
    Refusing refusing({Call::kWrite, Call::kSync, Call::kAllocate, Call::kTruncate});
    const Armed armed(refusing);
    for (int i = 0; i < 10; ++i) {
      record_spans(200);
      ASSERT_EQ(tr_flush(60'000), TR_OK);
    }
    EXPECT_GT(refusing.refused, 0u);
  }
  const uint64_t errors = stats().log_errors;
  EXPECT_GT(errors, 0u);
  record_spans(100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats().log_errors, errors);
  EXPECT_EQ(counting_.spans(), 2200u);
}

TEST_F(IoFaults, a_log_that_cannot_be_read_for_a_while_is_read_later_or_counted) {
  tr_config with = config();
  with.max_memory = 4u << 20;
  start(with);
  std::atomic<bool> awake{false};
  std::atomic<uint64_t> taken{0};
  struct Lagging {
    std::atomic<bool>& awake;
    std::atomic<uint64_t>& taken;
  } lagging{awake, taken};
  tr_processor table{};
  table.struct_size = sizeof table;
  table.name = "lagging";
  table.flags = TR_PROCESSOR_DURABLE;
  table.user_data = &lagging;
  table.on_batch = [](void* self, const tr_batch* batch) {
    auto* const of = static_cast<Lagging*>(self);
    if (!of->awake) return TR_EAGAIN;
    for (size_t i = 0; i < batch->count; ++i) of->taken += batch->records[i]->type == TR_RECORD_SPAN_END;
    return TR_OK;
  };
  tr_processor_id id = 0;
  ASSERT_EQ(tr_add_processor(&table, &id), TR_OK);
  // More than memory keeps, so that it has to be read back.
  for (int i = 0; i < 20; ++i) {
    record_spans(200, 8000);
    ASSERT_TRUE(comes_true([&] { return stats_of(counting_id_).pending.records == 0; }));
  }
  Refusing refusing({Call::kRead});
  {
    const Armed armed(refusing);
    awake = true;
    EXPECT_TRUE(comes_true([&] { return refusing.refused > 0; }));
  }
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = stats_of(id);
  EXPECT_EQ(counts.delivered.spans, taken);
  EXPECT_EQ(counts.offered.spans, 4000u);
  EXPECT_EQ(counts.delivered.spans + counts.unreadable.spans + counts.overflowed.spans, 4000u);
  EXPECT_EQ(counts.pending.records, 0u);
}

TEST_F(IoFaults, with_any_number_of_descriptors_left) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer ends a process that makes threads after a fork";
  for (rlim_t more = 0; more < 24; ++more) {
    SCOPED_TRACE(more);
    in_child([&] {
      const rlimit few{open_descriptors() + 3 + more, 4096};  // the standard ones are not counted
      if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
      CountingProcessor counting;
      tr_config with = config();
      with.log_level = TR_LEVEL_OFF;
      tr_processor_id id = 0;
      const tr_processor table = counting.table();
      if (tr_init(&with, nullptr) != TR_OK) return 2;
      if (tr_add_processor(&table, &id) != TR_OK) return 3;
      record_spans(3000, 5000);
      if (tr_flush(60'000) != TR_OK) return 4;
      if (counting.spans() != 3000 || stats_of(id).delivered.spans != 3000) return 5;
      return tr_shutdown(60'000) == TR_OK && counting.released() == 1 ? 0 : 6;
    });
  }
}

TEST_F(IoFaults, a_limit_on_file_sizes_neither_kills_nor_loses) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer ends a process that makes threads after a fork";
  for (const rlim_t limit : {rlim_t{0}, rlim_t{1} << 10, rlim_t{1} << 20, rlim_t{3} << 20, rlim_t{9} << 20}) {
    SCOPED_TRACE(limit);
    in_child([&] {
      signal(SIGXFSZ, SIG_DFL);
      const rlimit small{limit, RLIM_INFINITY};
      if (setrlimit(RLIMIT_FSIZE, &small) != 0) return 1;
      CountingProcessor counting;
      tr_config with = config();
      with.log_level = TR_LEVEL_OFF;
      const tr_processor table = counting.table();
      if (tr_init(&with, nullptr) != TR_OK) return 2;
      if (tr_add_processor(&table, nullptr) != TR_OK) return 3;
      // A burst, so that callers grow the recorder's pool themselves.
      record_spans(4000, 8000);
      if (tr_flush(60'000) != TR_OK) return 4;
      if (counting.spans() + stats().spans_refused < 4000) return 5;
      if (limit < (9u << 20) && stats().log_errors == 0 && stats().mode != TR_MODE_MEMORY) return 6;
      sigset_t pending;
      if (sigpending(&pending) != 0 || sigismember(&pending, SIGXFSZ) != 0) return 7;
      return tr_shutdown(60'000) == TR_OK ? 0 : 8;
    });
    std::filesystem::remove_all(directory_ + "/run");
  }
}

// Writes do not return before they are let go, as on a network file system whose server is gone.
class Hanging : public Injector {
 public:
  int decide(Call call, int fd) override {
    if (call != Call::kWrite || fd <= STDERR_FILENO) return io::kGoOn;
    std::unique_lock lock(mutex_);
    ++hanging;
    let_go_.wait(lock, [this] { return gone_; });
    return io::kGoOn;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    let_go_.notify_all();
  }
  std::atomic<uint64_t> hanging{0};

 private:
  std::mutex mutex_;
  std::condition_variable let_go_;
  bool gone_ = false;
};

TEST_F(IoFaults, a_disk_that_does_not_answer_holds_up_no_caller_and_no_deadline) {
  using std::chrono::steady_clock;
  tr_config with = config();
  with.max_memory = 4u << 20;
  const size_t before_it = open_descriptors();
  start(with);
  record_spans(10);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  Hanging hanging;
  Armed armed(hanging);
  record_spans(10);
  ASSERT_TRUE(comes_true([&] { return hanging.hanging > 0; }));
  // Recording goes on until memory is used up, then spans are refused and counted; no call waits.
  const tr_trace trace = tr_trace_start("more", TR_NUL, nullptr);
  const std::string text(1000, 'x');
  uint64_t started = 0;
  while (stats().spans_refused == 0) {
    const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
    tr_span_set_str(span, "text", 4, text.data(), text.size());
    tr_span_end(span);
    started += span != 0;
    ASSERT_LT(started, 1'000'000u);
  }
  EXPECT_GT(started, 1000u);
  const auto before = steady_clock::now();
  EXPECT_EQ(tr_flush(100), TR_ETIMEDOUT);
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(5));
  running_ = false;
  std::atomic<bool> back{false};
  std::thread ending([&] {
    EXPECT_EQ(tr_shutdown(200), TR_ETIMEDOUT);
    back = true;
  });
  for (int i = 0; i < 30'000 && !back; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(back) << "the shutdown waits for the disk";
  hanging.let_go();
  ending.join();
  armed.disarm();
  // What was left behind goes when its thread has come back; what it held is found in the run directory.
  for (int i = 0; i < 50 && open_descriptors() > before_it; ++i) {
    start();
    EXPECT_EQ(tr_flush(60'000), TR_OK);
    running_ = false;
    EXPECT_EQ(tr_shutdown(60'000), TR_OK);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace
}  // namespace faults
