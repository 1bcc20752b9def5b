// The processor's own counter of time: the TSC of x86-64. It may be read only where cycle_counter_usable() says so:
// where the kernel itself keeps time by it, it runs at one rate and in step on all processors.
#pragma once

#include <cstdint>

namespace trunkline::os {

// Asks the kernel and the processor; reads files.
bool cycle_counter_usable();

#if defined(__x86_64__)

// Not before what precedes it in the program has happened: the fence waits for earlier loads, so a reading that follows
// a message from another thread is not earlier than what that thread read before it sent the message.
inline uint64_t read_cycle_counter() {
  uint32_t low;
  uint32_t high;
  asm volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
  return uint64_t{high} << 32 | low;
}

// May be earlier by what the processor has begun and not finished.
inline uint64_t read_cycle_counter_early() {
  uint32_t low;
  uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  return uint64_t{high} << 32 | low;
}

// What follows in the program begins after the reading.
inline void after_cycle_counter() { asm volatile("lfence" : : : "memory"); }

#else

// cycle_counter_usable() is false: on arm64 CLOCK_MONOTONIC reads its counter at the same price.
inline uint64_t read_cycle_counter() {
  uint64_t value;
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value) : : "memory");
  return value;
}

inline uint64_t read_cycle_counter_early() { return read_cycle_counter(); }

inline void after_cycle_counter() { asm volatile("isb" : : : "memory"); }

#endif

}  // namespace trunkline::os
