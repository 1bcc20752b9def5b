// The recorder's clock by the cycle counter is a line, in segments: time = segment.time + cycles * rate. The functions
// here make the next segment from what CLOCK_MONOTONIC says, so that time never runs backwards and stays with it. They
// know no clock themselves.
#pragma once

#include <cstdint>

namespace trunkline::record {

// The counter and CLOCK_MONOTONIC at one moment.
struct ClockSample {
  uint64_t cycles = 0;
  int64_t before = 0;  // CLOCK_MONOTONIC just before the counter was read, and just after
  int64_t after = 0;
  int64_t middle() const { return before + (after - before) / 2; }
};

struct ClockSegment {
  uint64_t cycles = 0;  // where it begins
  int64_t time = 0;
  uint32_t rate = 0;  // nanoseconds per cycle, times 2^32; 0: time is CLOCK_MONOTONIC itself
  uint32_t span = 0;  // cycles for which it is meant
};

// What making segments needs to remember.
struct ClockHistory {
  ClockSample last;    // where the current segment begins
  int64_t lead = 0;    // of the clock over CLOCK_MONOTONIC: what it went on in a suspend
  int64_t window = 0;  // nanoseconds the current segment is meant for
};

inline constexpr int64_t kFirstWindowNs =
    5'000'000;  // of CLOCK_MONOTONIC, then the counter's rate is known well enough

// The segment's time `cycles` after its beginning, also beyond its span. A counter that was set back (a suspend) does
// not set the time back.
int64_t time_of(const ClockSegment& segment, uint64_t cycles);

// The first segment by the counter, from the history's sample and one at least kFirstWindowNs later. False: the counter
// is not one to keep time by.
bool first_segment(const ClockSample& sample, ClockHistory* history, ClockSegment* out);

// What follows `current` from the moment of the sample on.
ClockSegment next_segment(const ClockSegment& current, const ClockSample& sample, ClockHistory* history);

}  // namespace trunkline::record
