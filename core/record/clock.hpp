// The recorder's clock: CLOCK_MONOTONIC, read by the cycle counter where the kernel trusts it. Every reading is one
// function of the counter, in segments, so readings of all threads are in one order. A segment lasts a second; who
// comes after it makes the next, while others go on with the old one: nobody waits. Wall time is a reading plus an
// offset that the worker keeps fresh, so that a stepping wall clock never makes a duration wrong.
#pragma once

#include <atomic>

#include "os/cycle_counter.hpp"
#include "os/time.hpp"
#include "record/clock_segment.hpp"

namespace trunkline::record {

using os::monotonic_now;
using os::unix_now;

class alignas(64) Clock {
 public:
  Clock();
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  // Not earlier than any reading that this thread knows of by messages from others: what makes stamps an order.
  int64_t now() noexcept { return read<os::read_cycle_counter>(); }

  // For a time that nothing is ordered by. Waits for nothing, so it may be some nanoseconds early, but not before the
  // last reading of this thread.
  int64_t now_early() noexcept { return read<os::read_cycle_counter_early>(); }

  // A reading before which nothing is looked at that follows in the program: what had happened before it, is seen.
  int64_t now_then_look() noexcept {
    const int64_t time = now();
    os::after_cycle_counter();
    return time;
  }

  // Unix time minus a reading.
  int64_t measure_wall_offset() noexcept {
    const int64_t before = now();
    const int64_t wall = unix_now();
    const int64_t after = now();
    return wall - (before + (after - before) / 2);
  }

 private:
  struct Published {
    std::atomic<uint64_t> cycles{0};
    std::atomic<int64_t> time{0};
    std::atomic<uint32_t> rate{0};
    std::atomic<uint32_t> span{0};

    ClockSegment get() const;
    void set(const ClockSegment& segment);
  };

  template <uint64_t (*kCounter)()>
  int64_t read() noexcept {
    const uint32_t version = version_.load(std::memory_order_acquire);
    const Published& segment = segments_[version & 1];
    const uint64_t span = segment.span.load(std::memory_order_relaxed);
    if (__builtin_expect(span == 0, 0)) return now_slowly();
    const uint64_t cycles = kCounter() - segment.cycles.load(std::memory_order_relaxed);
    const uint64_t passed = cycles * segment.rate.load(std::memory_order_relaxed) >> 32;
    const int64_t time = segment.time.load(std::memory_order_relaxed) + static_cast<int64_t>(passed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (__builtin_expect(cycles >= span || version_.load(std::memory_order_relaxed) != version, 0)) return now_slowly();
    return time;
  }
  int64_t now_slowly() noexcept;
  void advance(uint32_t version) noexcept;

  // One cache line, which is rarely written.
  std::atomic<uint32_t> version_{0};
  std::atomic<uint32_t> advancing_{0};
  Published segments_[2];
  std::atomic<bool> usable_;
  int64_t began_ = 0;
  ClockHistory history_;  // of the thread that advances
};

}  // namespace trunkline::record
