#include "record/thread_state.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

#include "record/clock.hpp"
#include "record/recorder.hpp"

namespace trunkline::record {

__thread ThreadState* this_thread = nullptr;
std::atomic<Gate*> the_gate{nullptr};

namespace {

std::atomic<uint64_t> last_epoch{0};
std::atomic<uint32_t> exit_key_made{0};
pthread_key_t exit_key;

constexpr size_t kStateBlockBytes = 65536;

void* map_wiped_on_fork(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (madvise(memory, bytes, MADV_WIPEONFORK) != 0) {
    munmap(memory, bytes);
    return nullptr;
  }
  return memory;
}

// A handler that records, on a thread that is just being made known, would wait for this thread or leave a state
// behind.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

class MutexLock {
 public:
  explicit MutexLock(pthread_mutex_t* mutex) : mutex_(mutex) { pthread_mutex_lock(mutex_); }
  ~MutexLock() { pthread_mutex_unlock(mutex_); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  pthread_mutex_t* mutex_;
};

ThreadState* take_state(Gate* g) {
  const MutexLock lock(&g->free_states_lock);
  if (g->free_states == nullptr) {
    auto* block = static_cast<uint8_t*>(map_wiped_on_fork(kStateBlockBytes));
    if (block == nullptr) return nullptr;
    for (size_t offset = 0; offset + sizeof(ThreadState) <= kStateBlockBytes; offset += sizeof(ThreadState)) {
      auto* state = new (block + offset) ThreadState{};
      state->ordinal = g->state_count.fetch_add(1, std::memory_order_relaxed) + 1;
      state->next_free = g->free_states;
      g->free_states = state;
      state->next = g->states.load(std::memory_order_relaxed);
      g->states.store(state, std::memory_order_release);
    }
  }
  ThreadState* state = g->free_states;
  g->free_states = state->next_free;
  return state;
}

void give_state_back(Gate* g, ThreadState* state) {
  const MutexLock lock(&g->free_states_lock);
  state->next_free = g->free_states;
  g->free_states = state;
}

bool belongs_to(const ThreadState* state, const Gate* g) {
  return state->inverted_epoch.load(std::memory_order_relaxed) == ~g->epoch.load(std::memory_order_acquire);
}

// Runs when a thread ends: hands over its chunk and slots.
void thread_exits(void* value) {
  const SignalsBlocked no_signals;
  auto* state = static_cast<ThreadState*>(value);
  this_thread = nullptr;
  Gate* g = gate();
  // A wiped state has no ordinal: it is a forked child's, whose parent's states are not ours to reuse.
  if (g == nullptr || state->ordinal == 0) return;
  state->inside.store(1, std::memory_order_relaxed);
  os::light_barrier(g->asymmetric.load(std::memory_order_relaxed) != 0);
  // While the gate is closed the worker still needs to find this thread's last chunk by its state.
  if (belongs_to(state, g)) {
    state->recorder->detach(*state);
    state->inverted_epoch.store(0, std::memory_order_release);
  }
  state->inside.store(0, std::memory_order_release);
  give_state_back(g, state);
}

bool make_exit_key() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, [] { exit_key_made = pthread_key_create(&exit_key, thread_exits) == 0 ? 1 : 0; });
  return exit_key_made.load(std::memory_order_acquire) != 0;
}

void attach(ThreadState* state, Gate* g, uint64_t epoch) {
  Recorder* recorder = g->recorder.load(std::memory_order_acquire);
  state->recorder = recorder;
  state->free_slots = state->free_count = 0;
  state->chunk.store(0, std::memory_order_relaxed);
  state->chunk_position = state->prefetched = state->wanted = state->extent = state->extent_position = 0;
  state->in_callback = 0;
  state->owns_as.store(0, std::memory_order_relaxed);
  // Not getrandom: that is a cancellation point, and a thread must not be unwound through here.
  if (syscall(SYS_getrandom, state->random, sizeof state->random, GRND_NONBLOCK) != sizeof state->random) {
    state->random[0] = static_cast<uint64_t>(monotonic_now()) * 0x9E3779B97F4A7C15u;
    state->random[1] = reinterpret_cast<uintptr_t>(state) ^ static_cast<uint64_t>(unix_now());
  }
  state->random[0] |= 1;  // xorshift128+ must not start at zero
  if (state->counters_epoch.load(std::memory_order_relaxed) != epoch) {
    new (&state->counters) Counters{};
    state->reentrant.store(0, std::memory_order_relaxed);
    state->counters_epoch.store(epoch, std::memory_order_release);
  }
  state->inverted_epoch.store(~epoch, std::memory_order_release);
}

}  // namespace

Gate* make_gate() {
  if (Gate* g = gate()) return g;
  void* memory = map_wiped_on_fork(4096);
  if (memory == nullptr || !make_exit_key()) return nullptr;
  static_assert(sizeof(Gate) <= 4096);
  auto* made = new (memory) Gate{};
  Gate* expected = nullptr;
  if (!the_gate.compare_exchange_strong(expected, made)) {
    munmap(memory, 4096);
    return expected;
  }
  return made;
}

uint64_t open_gate(Recorder* recorder) {
  Gate* g = gate();
  g->asymmetric.store(os::enable_heavy_barrier() ? 1 : 0, std::memory_order_relaxed);
  g->recorder.store(recorder, std::memory_order_release);
  const uint64_t epoch = last_epoch.fetch_add(1) + 1;
  g->epoch.store(epoch, std::memory_order_release);
  return epoch;
}

bool close_gate() {
  Gate* g = gate();
  g->epoch.store(0, std::memory_order_seq_cst);
  os::heavy_barrier();
  const ThreadState* own = this_thread;
  const int64_t deadline = monotonic_now() + 1'000'000'000;
  for (ThreadState* s = g->states.load(std::memory_order_acquire); s != nullptr; s = s->next) {
    while (s != own && s->inside.load(std::memory_order_acquire) != 0) {
      if (monotonic_now() > deadline) return false;
      sched_yield();
    }
  }
  g->recorder.store(nullptr, std::memory_order_release);
  return true;
}

ThreadState* attach_thread() noexcept {
  Gate* g = gate();
  if (g == nullptr || g->epoch.load(std::memory_order_acquire) == 0) return nullptr;
  ThreadState* state = this_thread;
  if (state == nullptr || state->ordinal == 0) {
    const SignalsBlocked no_signals;
    state = take_state(g);
    if (state == nullptr) return nullptr;
    this_thread = state;
    if (pthread_setspecific(exit_key, state) != 0) {
      this_thread = nullptr;
      give_state_back(g, state);
      return nullptr;
    }
  }
  // Publish "inside" before looking at the gate again, so that it cannot be closed under our hands.
  state->inside.store(1, std::memory_order_relaxed);
  os::light_barrier(g->asymmetric.load(std::memory_order_relaxed) != 0);
  const uint64_t epoch = g->epoch.load(std::memory_order_acquire);
  if (epoch == 0) {
    state->inside.store(0, std::memory_order_release);
    return nullptr;
  }
  if (state->inverted_epoch.load(std::memory_order_relaxed) != ~epoch) attach(state, g, epoch);
  return state;
}

ThreadState* Entry::enter_slowly(ThreadState* state) noexcept {
  if (state != nullptr && state->inside.load(std::memory_order_relaxed) != 0) {
    state->reentrant.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  return attach_thread();
}

// A thread that is inside and was not let in again has been interrupted in a call.
bool Entry::reentrant() noexcept {
  const ThreadState* const state = this_thread;
  return state != nullptr && state->inside.load(std::memory_order_relaxed) != 0;
}

int Entry::closed_result() noexcept { return reentrant() ? TR_EREENTRANT : TR_ESTALE; }

}  // namespace trunkline::record
