// What each thread that records has to itself - free slots, its chunk, its random numbers, its counters - and the gate
// through which every call passes. The gate and all thread states lie in memory that the kernel wipes in a forked
// child (MADV_WIPEONFORK): there the gate is closed and every state is unusable, however the child was made. Shutdown
// closes the gate and waits until no thread is inside, so no call ever meets memory that is gone.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "os/barrier.hpp"
#include "record/layout.hpp"

namespace trunkline::record {

class Recorder;

// Written by one thread only, read by any.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct Counters {
  Counter traces_started, traces_ended, traces_sampled_out, traces_refused;
  Counter spans_started, spans_ended, spans_refused;
  Counter stale_handles, misuse;
  Counter values_truncated, values_dropped, attributes_dropped, values_redacted;
};

struct alignas(64) ThreadState {
  std::atomic<uint64_t> inverted_epoch;  // ~epoch of the recorder it is attached to; a wiped state matches none
  std::atomic<uint64_t> writing;         // handle of the slot it owns and is writing into; 0: none
  Recorder* recorder;
  uint64_t random[2];
  uint64_t next_uid;
  uint32_t free_slots;  // slot number + 1
  uint32_t free_count;
  std::atomic<uint32_t> chunk;   // page; 0: none
  std::atomic<uint32_t> inside;  // this thread is in a call
  uint32_t chunk_position;
  uint32_t prefetched;  // of the chunk: asked for
  uint32_t wanted;      // of the chunk: likely to be written next
  uint32_t extent;      // page; 0: none
  uint32_t extent_position;
  uint32_t ordinal;
  uint32_t in_callback;              // on a delivery thread, inside a hook
  std::atomic<uint32_t> owns_as;     // owner of the slots it opens: its ordinal, or 0
  std::atomic<uint32_t> taken_over;  // slots it owned that another thread came to write into
  std::atomic<uint64_t> reentrant;   // also written by signal handlers
  ThreadState* next;                 // all states ever made
  ThreadState* next_free;
  std::atomic<uint64_t> counters_epoch;  // which recorder's the counters are
  Counters counters;
};

struct Gate {
  std::atomic<uint64_t> epoch;  // 0: closed
  std::atomic<Recorder*> recorder;
  std::atomic<ThreadState*> states;
  std::atomic<uint32_t> state_count;
  std::atomic<uint32_t> asymmetric;  // the heavy barrier works
  pthread_mutex_t lifecycle;         // starting and stopping; all zero: unlocked, also after the wipe
  pthread_mutex_t instance_lock;     // the pointer to the instance
  pthread_mutex_t free_states_lock;
  ThreadState* free_states;
};

// The one thread-local word of the library, and the one pointer to the gate: nullptr before the first tr_init.
extern __thread ThreadState* this_thread __attribute__((visibility("hidden")));
extern std::atomic<Gate*> the_gate __attribute__((visibility("hidden")));

inline Gate* gate() { return the_gate.load(std::memory_order_acquire); }
// Makes the gate; nullptr without memory.
Gate* make_gate();

// Opens the gate to `recorder` under a new epoch, which it returns / closes it and waits until no thread is inside.
// Callers hold the lifecycle lock. close_gate returns false when a thread stayed inside too long: then memory must not
// be unmapped.
uint64_t open_gate(Recorder* recorder);
bool close_gate();

// Attaches this thread to the open recorder. nullptr: closed, or no memory.
ThreadState* attach_thread() noexcept;

// A call into the recorder. Contextually false: the gate is closed (`reentrant()` tells a signal handler apart). It
// consists of one pointer, whose address nobody takes, so that it lives in a register.
class Entry {
 public:
  Entry() noexcept : state_(enter()) {}
  ~Entry() {
    if (state_ != nullptr) state_->inside.store(0, std::memory_order_release);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  explicit operator bool() const { return state_ != nullptr; }
  ThreadState& thread() const { return *state_; }
  Recorder& recorder() const { return *state_->recorder; }
  // What a call that found the gate closed returns.
  static int closed_result() noexcept;
  static bool reentrant() noexcept;

 private:
  __attribute__((always_inline)) static ThreadState* enter() noexcept {
    ThreadState* const state = this_thread;
    if (__builtin_expect(state == nullptr || state->inside.load(std::memory_order_relaxed) != 0, 0)) {
      return enter_slowly(state);
    }
    const Gate* const g = gate();
    state->inside.store(1, std::memory_order_relaxed);
    os::light_barrier(g->asymmetric.load(std::memory_order_relaxed) != 0);
    if (__builtin_expect(
            state->inverted_epoch.load(std::memory_order_relaxed) != ~g->epoch.load(std::memory_order_acquire), 0)) {
      state->inside.store(0, std::memory_order_release);
      return enter_slowly(state);
    }
    return state;
  }
  static ThreadState* enter_slowly(ThreadState* state) noexcept;

  ThreadState* const state_;
};

}  // namespace trunkline::record
