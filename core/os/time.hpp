// Readings of the system's clocks in nanoseconds.
#pragma once

#include <ctime>

#include <cstdint>

namespace trunkline::os {

inline int64_t read_clock(clockid_t id) {
  timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

inline int64_t monotonic_now() { return read_clock(CLOCK_MONOTONIC); }
inline int64_t unix_now() { return read_clock(CLOCK_REALTIME); }

}  // namespace trunkline::os
