#include "record/clock_segment.hpp"

#include <algorithm>

namespace trunkline::record {
namespace {

constexpr int64_t kLongestWindowNs = 1'000'000'000;
constexpr int64_t kWindowGrowth = 8;       // the rate is known better after each
constexpr int64_t kJumpNs = 1'000'000;     // a larger error is no drift: the machine slept, or was set
constexpr uint64_t kSetBack = 1ull << 60;  // more cycles than a machine lives: the counter was set back
constexpr double kOne = 4294967296.0;      // of a rate
constexpr double kLargestCorrection = 0.001;

// The span of a segment whose rate is known. At 1 GHz and more a window of one second fits into 32 bits.
uint32_t span_of(int64_t window, double rate) {
  return static_cast<uint32_t>(std::min(static_cast<double>(window) / rate, kOne - 1));
}

// Nanoseconds per cycle between two samples; 0: none.
double rate_between(const ClockSample& from, const ClockSample& to) {
  const uint64_t cycles = to.cycles - from.cycles;
  const int64_t time = to.middle() - from.middle();
  if (cycles == 0 || cycles >= kSetBack || time <= 0) return 0;
  return static_cast<double>(time) / static_cast<double>(cycles);
}

}  // namespace

int64_t time_of(const ClockSegment& segment, uint64_t cycles) {
  if (cycles >= kSetBack) cycles = segment.span;  // nothing tells where it was; no reading of the span is later
  // In two parts, because the product of 64 and 32 bits needs 96.
  const uint64_t high = (cycles >> 32) * segment.rate;
  const uint64_t low = (cycles & UINT32_MAX) * segment.rate >> 32;
  return segment.time + static_cast<int64_t>(high + low);
}

bool first_segment(const ClockSample& sample, ClockHistory* history, ClockSegment* out) {
  const double rate = rate_between(history->last, sample);
  if (rate <= 0 || rate >= 1) return false;
  history->last = sample;
  history->window = kFirstWindowNs * kWindowGrowth;
  // `after`: not earlier than any reading of CLOCK_MONOTONIC that was handed out.
  *out = {sample.cycles, sample.after, static_cast<uint32_t>(rate * kOne), span_of(history->window, rate)};
  return true;
}

ClockSegment next_segment(const ClockSegment& current, const ClockSample& sample, ClockHistory* history) {
  const uint64_t cycles = sample.cycles - current.cycles;
  const int64_t expected = time_of(current, cycles);
  ClockSegment next{sample.cycles, expected, current.rate, current.span};
  double rate = rate_between(history->last, sample);
  const int64_t error = sample.middle() + history->lead - expected;
  history->window = std::min(history->window * kWindowGrowth, kLongestWindowNs);
  if (cycles >= kSetBack) {
    next.time = std::max(sample.after + history->lead, expected);
    history->lead = next.time - sample.after;
    rate = 0;
  } else if (error > kJumpNs) {
    next.time += error;
    rate = 0;
  } else if (error < -kJumpNs) {
    history->lead -= error;
    rate = 0;
  }
  if (rate <= 0 || rate >= 1) {
    rate = current.rate / kOne;  // what lies between the samples says nothing about it
  } else {
    const double correction = static_cast<double>(error) / static_cast<double>(history->window);
    rate *= 1 + std::clamp(correction, -kLargestCorrection, kLargestCorrection);
  }
  next.rate = static_cast<uint32_t>(std::min(rate * kOne, kOne - 1));
  next.span = span_of(history->window, rate);
  history->last = sample;
  return next;
}

}  // namespace trunkline::record
