// The caller's side allocates nothing and makes no system call: malloc and its kin are replaced by counting ones, and
// the kernel hands every system call of the measured thread to a handler that counts it.
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "session.hpp"

// Sanitizers have a malloc of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRUNKLINE_SANITIZED 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TRUNKLINE_SANITIZED 1
#endif
#endif

#if !defined(TRUNKLINE_SANITIZED) && defined(__x86_64__) && defined(__GLIBC__)

namespace {

thread_local bool counting = false;
thread_local uint64_t allocations = 0;

void count_allocation() {
  if (counting) ++allocations;
}

}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) {
  count_allocation();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  count_allocation();
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  count_allocation();
  return __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  count_allocation();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  count_allocation();
  *out = __libc_memalign(alignment, size);
  return *out != nullptr ? 0 : ENOMEM;
}
void free(void* memory) {
  if (memory != nullptr) count_allocation();
  __libc_free(memory);
}
}

void* operator new(size_t size) {
  void* memory = malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

namespace trunkline::conformance {
namespace {

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
constexpr char kAllow = 0;
constexpr char kTrap = 1;

volatile char selector = kAllow;
volatile uint64_t trapped = 0;
volatile long last_trapped = -1;

// The call itself is not made: the handler lets the thread go on as if it had failed.
void count_system_call(int, siginfo_t* info, void* context) {
  selector = kAllow;
  trapped = trapped + 1;
  last_trapped = info->si_syscall;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
}

// Between its construction and stop(), this thread is watched.
class Region {
 public:
  Region() {
    struct sigaction action {};
    action.sa_sigaction = count_system_call;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGSYS, &action, nullptr);
    works_ = ::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
    allocations = 0;
    trapped = 0;
  }
  ~Region() { ::prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, nullptr); }
  bool works() const { return works_; }

  void enter() {
    counting = true;
    if (works_) selector = kTrap;
  }
  void leave() {
    selector = kAllow;
    counting = false;
  }
  bool clean() const { return allocations == 0 && trapped == 0; }

 private:
  bool works_ = false;
};

// One span as an agent records it: a name, five attributes, a kilobyte of text.
void record_span(tr_trace trace, const char* text) {
  const tr_span span = tr_span_start(trace, 0, TR_KIND_GENERATION, "chat", 4);
  tr_span_set_str(span, "gen_ai.operation.name", 21, "chat", 4);
  tr_span_set_model(span, "some-model", 10);
  tr_span_set_i64(span, "prompt_tokens", 13, 1200);
  tr_span_set_i64(span, "completion_tokens", 17, 340);
  tr_span_set_f64(span, "temperature", 11, 0.7);
  tr_span_set_output(span, TR_TYPE_STR, text, 1024);
  tr_span_end(span);
}

long preemptions() {
  struct rusage usage {};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

TEST(hotpath, alloc_syscall) {
  TempDirectory directory;
  Session session(directory.path());
  char text[1024];
  std::memset(text, 'x', sizeof text);
  const tr_trace trace = tr_trace_start("hot", TR_NUL, nullptr);
  constexpr int kSpans = 1'000'000;
  constexpr int kBurst = 2000;
  for (int burst = 0; burst < 3; ++burst) {  // the thread's state, slots, and the pool's growth
    for (int i = 0; i < 4 * kBurst; ++i) record_span(trace, text);
    tr_flush(10000);
  }
  Region region;
  if (!region.works()) GTEST_SKIP() << "this kernel cannot hand system calls to their caller";
  uint64_t wakes = 0;
  for (int done = 0; done < kSpans; done += kBurst) {
    record_span(trace, text);  // wakes the worker, should it have run dry
    const long preempted = preemptions();
    const uint64_t before = trapped;
    region.enter();
    for (int i = 0; i < kBurst; ++i) record_span(trace, text);
    region.leave();
    // Or while this thread was kept from running in the middle of it: that one wake is due.
    if (trapped == before + 1 && last_trapped == SYS_futex && preemptions() != preempted) {
      trapped = before;
      ++wakes;
    }
    // So that the worker keeps up: a caller that outruns it meets the growth of the pool.
    while (stats().memory_used > stats().memory_mapped / 2) ::usleep(500);
  }
  std::printf("spans %d mallocs %llu syscalls %llu\n", kSpans, static_cast<unsigned long long>(allocations),
              static_cast<unsigned long long>(trapped));
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(trapped, 0u) << "the last of them: " << last_trapped;
  EXPECT_LT(wakes, 50u) << "in 500 bursts";
  tr_trace_end(trace);
  EXPECT_GE(stats().spans_ended, uint64_t{kSpans});
  EXPECT_EQ(stats().spans_refused, 0u);
}

TEST(hotpath, the_check_sees_an_allocation) {
  Region region;
  region.enter();
  void* volatile memory = std::malloc(10);
  std::free(memory);
  region.leave();
  EXPECT_EQ(allocations, 2u);
  region.enter();
  int* volatile one = new int(1);
  delete one;
  region.leave();
  EXPECT_EQ(allocations, 4u);
  EXPECT_FALSE(region.clean());
}

TEST(hotpath, the_check_sees_a_system_call) {
  Region region;
  if (!region.works()) GTEST_SKIP() << "this kernel cannot hand system calls to their caller";
  region.enter();
  ::syscall(SYS_getppid);
  region.leave();
  EXPECT_EQ(trapped, 1u);
  EXPECT_EQ(last_trapped, SYS_getppid);
  EXPECT_FALSE(region.clean());
}

}  // namespace
}  // namespace trunkline::conformance

#endif
