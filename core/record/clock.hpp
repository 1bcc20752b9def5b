// The recorder's clock: CLOCK_MONOTONIC through the vDSO. Wall time is a reading plus an offset that the worker keeps
// fresh, so that a stepping wall clock never makes a duration wrong.
#pragma once

#include "os/time.hpp"

namespace trunkline::record {

using os::monotonic_now;
using os::unix_now;

// Unix time minus monotonic reading.
inline int64_t measure_wall_offset() {
  const int64_t before = monotonic_now();
  const int64_t wall = unix_now();
  const int64_t after = monotonic_now();
  return wall - (before + (after - before) / 2);
}

}  // namespace trunkline::record
