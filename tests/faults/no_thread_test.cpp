// Threads that cannot be made: the first, the second, ... and none at all. What needs one returns an error and leaves
// nothing behind; what does not goes on.
#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>
#include <vector>

#include "faults/fault_fixture.hpp"

namespace {

std::atomic<int> threads_to_allow{1'000'000};

}  // namespace

// In place of the C library's.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto next = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (threads_to_allow.fetch_sub(1) <= 0) return EAGAIN;
  return next(thread, attributes, run, argument);
}

namespace faults {
namespace {

class NoThread : public FaultTest {
 protected:
  void SetUp() override {
    FaultTest::SetUp();
    if (kSanitized) GTEST_SKIP() << "sanitizers make threads, and watch them, by the same function";
  }
  void TearDown() override {
    threads_to_allow = 1'000'000;
    FaultTest::TearDown();
  }
  void record_span() {
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    EXPECT_EQ(tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL)), TR_OK);
    EXPECT_EQ(tr_trace_end(trace), TR_OK);
  }
};

TEST_F(NoThread, whichever_is_the_first_that_cannot_be_made) {
  bool started = false;
  for (int allowed = 0; allowed < 6; ++allowed) {
    SCOPED_TRACE(allowed);
    tr_config with = config();
    with.processors = "local,jsonl";
    with.log_level = TR_LEVEL_OFF;
    tr_error error{sizeof error, 0, {}};
    threads_to_allow = allowed;
    const int result = tr_init(&with, &error);
    started = result == TR_OK;
    if (!started) {
      EXPECT_EQ(result, TR_ENOMEM);
      EXPECT_NE(error.message[0], '\0');
      EXPECT_EQ(tr_trace_start("trace", TR_NUL, nullptr), 0u);
      EXPECT_EQ(tr_flush(0), TR_ESTATE);
    } else {
      record_span();
      threads_to_allow = 0;
      const tr_processor table = counting_.table();
      const int before = counting_.released();
      EXPECT_EQ(tr_add_processor(&table, nullptr), TR_ENOMEM);
      EXPECT_EQ(counting_.released(), before + 1);
      EXPECT_EQ(tr_flush(60'000), TR_OK);
      EXPECT_EQ(tr_shutdown(60'000), TR_OK);
    }
    EXPECT_EQ(entries_of(directory_ + "/run"), 0u);
    expect_nothing_left();
  }
  EXPECT_TRUE(started) << "with enough threads it starts";
}

TEST_F(NoThread, a_set_that_cannot_be_started_leaves_the_old_ones) {
  start();
  CountingProcessor one;
  CountingProcessor other;
  const tr_processor tables[] = {one.table("one"), other.table("other")};
  for (int allowed = 0; allowed < 2; ++allowed) {
    threads_to_allow = allowed;
    EXPECT_EQ(tr_set_processors(tables, 2), TR_ENOMEM);
    EXPECT_EQ(one.released(), allowed + 1);
    EXPECT_EQ(other.released(), allowed + 1);
  }
  threads_to_allow = 1'000'000;
  record_span();
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), 1u) << "the old one is still there";
}

// The kernel refuses to make threads, as in a sandbox.
int refuse_clone() {
  const sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{static_cast<unsigned short>(std::size(filter)), const_cast<sock_filter*>(filter)};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST_F(NoThread, in_a_sandbox_without_clone) {
  constexpr int kNoSandbox = 77;
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    alarm(30);
    if (refuse_clone() != 0) _exit(kNoSandbox);
    tr_config with = config();
    with.log_level = TR_LEVEL_OFF;
    tr_error error{sizeof error, 0, {}};
    if (tr_init(&with, &error) != TR_ENOMEM || error.message[0] == '\0') _exit(1);
    if (tr_trace_start("trace", TR_NUL, nullptr) != 0 || tr_flush(100) != TR_ESTATE) _exit(2);
    _exit(tr_shutdown(100) == TR_OK ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == kNoSandbox) GTEST_SKIP() << "this kernel has no seccomp";
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(entries_of(directory_ + "/run"), 0u);
}

}  // namespace
}  // namespace faults
