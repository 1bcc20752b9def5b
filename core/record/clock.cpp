#include "record/clock.hpp"

namespace trunkline::record {
namespace {

constexpr uint64_t kPromptCycles = 5000;      // a microsecond or two
constexpr int64_t kMostBehindNs = 1'000'000;  // more is no drift

// The closest of some: a thread may be interrupted between the two clocks.
ClockSample take_sample() {
  ClockSample best;
  for (int i = 0; i < 3; ++i) {
    ClockSample sample;
    sample.before = monotonic_now();
    sample.cycles = os::read_cycle_counter();
    sample.after = monotonic_now();
    if (i == 0 || sample.after - sample.before < best.after - best.before) best = sample;
  }
  return best;
}

}  // namespace

ClockSegment Clock::Published::get() const {
  return {cycles.load(std::memory_order_relaxed), time.load(std::memory_order_relaxed),
          rate.load(std::memory_order_relaxed), span.load(std::memory_order_relaxed)};
}

void Clock::Published::set(const ClockSegment& segment) {
  cycles.store(segment.cycles, std::memory_order_relaxed);
  time.store(segment.time, std::memory_order_relaxed);
  rate.store(segment.rate, std::memory_order_relaxed);
  span.store(segment.span, std::memory_order_relaxed);
}

Clock::Clock() : usable_(os::cycle_counter_usable()) {
  if (!usable_.load(std::memory_order_relaxed)) return;
  history_.last = take_sample();
  began_ = history_.last.after;
}

int64_t Clock::now_slowly() noexcept {
  for (;;) {
    const uint32_t version = version_.load(std::memory_order_acquire);
    const ClockSegment segment = segments_[version & 1].get();
    int64_t time;
    bool over;
    if (segment.span != 0) {
      const uint64_t cycles = os::read_cycle_counter() - segment.cycles;
      time = time_of(segment, cycles);
      over = cycles >= segment.span;
    } else {
      time = monotonic_now();
      over = usable_.load(std::memory_order_relaxed) && time - began_ >= kFirstWindowNs;
    }
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version_.load(std::memory_order_relaxed) != version) continue;
    if (!over || advancing_.exchange(1, std::memory_order_acquire) != 0) return time;
    if (version_.load(std::memory_order_relaxed) == version) advance(version);
    advancing_.store(0, std::memory_order_release);
  }
}

void Clock::advance(uint32_t version) noexcept {
  const ClockSegment current = segments_[version & 1].get();
  ClockSegment next;
  for (int attempt = 0; attempt < 4; ++attempt) {
    ClockHistory history = history_;
    const ClockSample sample = take_sample();
    if (current.span != 0) {
      next = next_segment(current, sample, &history);
    } else if (!first_segment(sample, &history, &next)) {
      usable_.store(false, std::memory_order_relaxed);
      return;
    }
    // Others read the old line until the new one is published; if that takes long, it would begin behind them.
    const uint64_t now = os::read_cycle_counter();
    const bool prompt = now - sample.cycles < kPromptCycles;
    if (!prompt && attempt < 3) continue;
    if (current.span != 0) {
      const int64_t behind = time_of(current, now - current.cycles) - time_of(next, now - next.cycles);
      if (behind > 0 && behind < kMostBehindNs) next.time += behind;
    }
    history_ = history;
    break;
  }
  segments_[(version + 1) & 1].set(next);
  version_.store(version + 1, std::memory_order_release);
}

}  // namespace trunkline::record
