// Forks at every bad moment: in mid-trace with busy threads, again and again, inside a hook, and by the ways that do
// not run fork handlers.
#include <fcntl.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <vector>

#include "faults/fault_fixture.hpp"

// What the parent's threads own is out of reach in a child, which has none of them: no leak of ours, but reported as
// one.
extern "C" const char* __lsan_default_options() { return "detect_leaks=0"; }

namespace faults {
namespace {

class Fork : public FaultTest {
 protected:
  void SetUp() override {
    FaultTest::SetUp();
    if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer ends a process that makes threads after such a fork";
  }

  // Runs `child` in a forked process, whose exit status must be 0 within the test's time limit.
  template <class Child>
  static void in_child(Child&& child) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      alarm(30);
      _exit(child());
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "the number of the check that failed in the child";
  }
};

int record_spans(int count) {
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  if (trace == 0) return 1;
  for (int i = 0; i < count; ++i) {
    const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
    if (span == 0) return 2;
    if (tr_span_end(span) != TR_OK) return 3;
  }
  return tr_trace_end(trace) == TR_OK ? 0 : 4;
}

TEST_F(Fork, the_parents_handles_are_stale_in_the_child_which_records_on_its_own) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
  uint8_t parents_id[16];
  ASSERT_EQ(tr_trace_get_id(trace, parents_id), TR_OK);
  const tr_processor_id parents_processor = counting_id_;
  in_child([&] {
    if (tr_span_set_i64(span, "k", 1, 1) != TR_ESTALE) return 10;
    if (tr_span_end(span) != TR_ESTALE || tr_trace_end(trace) != TR_ESTALE) return 11;
    if (tr_span_start(trace, span, TR_KIND_TOOL, "span", TR_NUL) != 0) return 12;
    const tr_trace own = tr_trace_start("child", TR_NUL, nullptr);
    uint8_t own_id[16];
    if (own == 0 || tr_trace_get_id(own, own_id) != TR_OK) return 13;
    if (std::memcmp(own_id, parents_id, sizeof own_id) == 0) return 14;
    if (tr_span_end(span) != TR_ESTALE) return 15;
    if (tr_remove_processor(parents_processor) != TR_ENOENT) return 16;
    CountingProcessor counting;
    const tr_processor table = counting.table();
    if (tr_add_processor(&table, nullptr) != TR_OK) return 17;
    if (const int failed = record_spans(100)) return 20 + failed;
    if (tr_flush(60'000) != TR_OK || counting.spans() != 100) return 18;
    if (stats().traces_started != 2 || stats().mode != TR_MODE_FILE) return 19;
    return tr_shutdown(60'000) == TR_OK && counting.released() == 1 ? 0 : 30;
  });
  EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), 1u);
  EXPECT_EQ(entries_of(directory_ + "/run"), 1u) << "the child's run is gone, the parent's is not";
}

TEST_F(Fork, in_mid_trace_with_eight_busy_threads) {
  // Its allocator may be locked by a thread that the child does not have; glibc's is not.
  if (kSanitized) GTEST_SKIP() << "AddressSanitizer's allocator does not survive such a fork";
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> ended{0};
  std::vector<std::thread> all;
  for (int t = 0; t < 8; ++t) {
    all.emplace_back([&] {
      while (!stop) {
        const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
        if (span == 0) continue;
        tr_span_set_str(span, "key", 3, "value", 5);
        if (tr_span_end(span) == TR_OK) ++ended;
        if (ended % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    in_child([&] {
      CountingProcessor counting;
      const tr_processor table = counting.table();
      if (tr_add_processor(&table, nullptr) != TR_OK) return 10;
      if (const int failed = record_spans(1000)) return 20 + failed;
      if (tr_flush(60'000) != TR_OK) return 11;
      if (counting.spans() != 1000) return 12;
      return tr_shutdown(60'000) == TR_OK ? 0 : 13;
    });
  }
  stop = true;
  for (std::thread& thread : all) thread.join();
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), ended);
}

TEST_F(Fork, a_child_that_records_nothing_leaves_the_parents_run_alone) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const uint64_t forks = scaled(300, 1'000);
  for (uint64_t i = 0; i < forks; ++i) {
    in_child([] { return 0; });
    EXPECT_EQ(tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL)), TR_OK);
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), forks);
}

TEST_F(Fork, a_child_that_leaves_by_exit_runs_the_exit_hook_for_its_own_run_only) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
  for (const bool records : {false, true}) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      alarm(30);
      if (records && record_spans(10) != 0) _exit(1);
      std::exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(entries_of(directory_ + "/run"), 1u) << "records " << records;
  }
  EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(Fork, a_child_may_start_with_a_configuration_of_its_own) {
  start();
  in_child([&] {
    tr_config own = config();
    own.durability = TR_DURABILITY_MEMORY;
    if (tr_init(&own, nullptr) != TR_OK) return 10;
    if (stats().mode != TR_MODE_MEMORY) return 11;
    return tr_shutdown(60'000) == TR_OK ? 0 : 12;
  });
}

// SQLite keeps the locks of a process in memory: a child made while the parent writes must not inherit them.
TEST_F(Fork, a_child_of_a_parent_that_writes_to_the_store_reaches_it_too) {
  tr_config with_store = config();
  with_store.processors = "local";
  start(with_store);
  constexpr int kChildren = 20;
  for (int i = 0; i < kChildren; ++i) {
    for (int traces = 0; traces < 200; ++traces) ASSERT_EQ(record_spans(1), 0);
    usleep(2000);
    in_child([] {
      if (const int failed = record_spans(1)) return failed;
      return tr_flush(60'000) == TR_OK && tr_shutdown(60'000) == TR_OK ? 0 : 10;
    });
  }
  expect_conserved();
  sqlite3* store = nullptr;
  ASSERT_EQ(sqlite3_open_v2((directory_ + "/traces.db").c_str(), &store, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  int traces = 0;
  const auto count = [](void* out, int, char** values, char**) {
    *static_cast<int*>(out) = std::atoi(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(store, "SELECT count(*) FROM traces", count, &traces, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_close(store), SQLITE_OK);
  EXPECT_EQ(traces, kChildren * 201);
}

TEST_F(Fork, children_of_children) {
  start();
  ASSERT_EQ(record_spans(10), 0);
  in_child([] {
    if (const int failed = record_spans(10)) return failed;
    const pid_t pid = fork();
    if (pid == 0) {
      if (const int failed = record_spans(10)) _exit(10 + failed);
      _exit(tr_shutdown(60'000) == TR_OK && open_descriptors() < 64 ? 0 : 20);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || status != 0) return 30 + WEXITSTATUS(status);
    return tr_shutdown(60'000) == TR_OK ? 0 : 21;
  });
}

TEST_F(Fork, inside_a_hook) {
  std::atomic<int> status{-1};
  counting_.on_record = [&](const tr_record& record) {
    if (record.type != TR_RECORD_SPAN_END || status >= 0) return;
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(20);
      const int failed = record_spans(10);
      _exit(failed != 0 ? failed : tr_shutdown(60'000) == TR_OK ? 0 : 50);
    }
    int ended = 0;
    waitpid(pid, &ended, 0);
    status = ended;
  };
  start();
  EXPECT_EQ(record_spans(10), 0);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_TRUE(WIFEXITED(status.load()));
  EXPECT_EQ(WEXITSTATUS(status.load()), 0);
}

TEST_F(Fork, no_descriptor_is_inherited_by_a_program) {
  start();
  EXPECT_EQ(record_spans(1000), 0);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  DIR* folder = opendir("/proc/self/fd");
  ASSERT_NE(folder, nullptr);
  int checked = 0;
  while (const dirent* entry = readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    char target[4096];
    const ssize_t size = readlink((std::string("/proc/self/fd/") + entry->d_name).c_str(), target, sizeof target);
    const std::string_view path(target, size > 0 ? static_cast<size_t>(size) : 0);
    const bool ours = path.find(directory_) == 0 || path.find("anon_inode:[event") == 0;
    if (fd <= 2 || !ours) continue;
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << path;
    ++checked;
  }
  closedir(folder);
  EXPECT_GT(checked, 3) << "the directory, the lock, the recorder and the log are open";
  // vfork and exec, as posix_spawn does it.
  const std::string command = "! ls -l /proc/$$/fd | grep -q " + directory_;
  const char* argv[] = {"sh", "-c", command.c_str(), nullptr};
  pid_t pid = 0;
  ASSERT_EQ(posix_spawn(&pid, "/bin/sh", nullptr, nullptr, const_cast<char**>(argv), environ), 0);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(record_spans(10), 0) << "a vfork wipes nothing of its parent";
}

TEST_F(Fork, a_daemon_that_forks_twice_records) {
  start();
  ASSERT_EQ(record_spans(10), 0);
  int channel[2];
  ASSERT_EQ(pipe2(channel, O_CLOEXEC), 0);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    alarm(20);
    const int failed = record_spans(10);
    const char result = static_cast<char>(failed != 0 ? failed : tr_shutdown(60'000) == TR_OK ? 0 : 50);
    static_cast<void>(!write(channel[1], &result, 1));
    _exit(0);
  }
  close(channel[1]);
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  char result = 99;
  EXPECT_EQ(read(channel[0], &result, 1), 1);
  EXPECT_EQ(result, 0);
  close(channel[0]);
}

}  // namespace
}  // namespace faults
