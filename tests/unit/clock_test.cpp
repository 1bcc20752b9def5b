// The recorder's clock: it stays with CLOCK_MONOTONIC, never runs backwards, and orders what threads tell each other,
// across its segments and whatever happens to the counter.
#include "record/clock.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace trunkline::record {
namespace {

constexpr int64_t kCloseNs = 5'000'000;  // a clock that is being slewed may be off by this

TEST(Clock, StaysBetweenReadingsOfTheSystemsClock) {
  Clock clock;
  const int64_t end = monotonic_now() + 1'500'000'000;  // through at least four segments
  int64_t last = 0;
  while (monotonic_now() < end) {
    const int64_t before = monotonic_now();
    const int64_t now = clock.now();
    const int64_t early = clock.now_early();
    const int64_t after = monotonic_now();
    ASSERT_GE(now, last);
    ASSERT_GE(early, now);
    ASSERT_GE(now, before - kCloseNs);
    ASSERT_LE(early, after + kCloseNs);
    last = early;
  }
}

TEST(Clock, WallOffsetLeadsToUnixTime) {
  Clock clock;
  const int64_t before = unix_now();
  const int64_t wall = clock.now() + clock.measure_wall_offset();
  EXPECT_GE(wall, before - kCloseNs);
  EXPECT_LE(wall, unix_now() + kCloseNs);
}

// Threads hand a reading round; nobody's own is before the one it was handed.
TEST(Clock, OrdersWhatThreadsTellEachOther) {
  Clock clock;
  alignas(64) std::atomic<int64_t> handed{clock.now()};
  std::atomic<int> backwards{0};
  const int64_t end = monotonic_now() + 600'000'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (monotonic_now() < end) {
        int64_t seen = handed.load(std::memory_order_acquire);
        const int64_t now = clock.now();
        if (now < seen) ++backwards;
        while (now > seen && !handed.compare_exchange_weak(seen, now, std::memory_order_acq_rel)) {
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(backwards, 0);
}

// A machine whose counter runs at `hertz`, and whose CLOCK_MONOTONIC runs faster than it by `drift`.
struct Machine {
  double hertz = 2.3e9;
  double drift = 0;
  double seconds = 100;
  double set_back = 0;
  double slept = 0;  // the counter went on, CLOCK_MONOTONIC did not

  uint64_t cycles() const { return static_cast<uint64_t>((seconds + slept - set_back) * hertz); }
  int64_t monotonic() const { return static_cast<int64_t>(seconds * (1 + drift) * 1e9); }
  ClockSample sample() const { return {cycles(), monotonic() - 20, monotonic() + 20}; }
};

// The clock on that machine, read 1,000 times in each segment and advanced at its end.
class SimulatedClock {
 public:
  explicit SimulatedClock(Machine* machine) : machine_(machine) {
    history_.last = machine->sample();
    machine->seconds += 0.005;
    good_ = first_segment(machine->sample(), &history_, &segment_);
  }

  int64_t now() const { return time_of(segment_, machine_->cycles() - segment_.cycles); }
  int64_t off() const { return now() - machine_->monotonic(); }

  void live(double seconds) {
    const double end = machine_->seconds + seconds;
    while (machine_->seconds < end) {
      machine_->seconds += segment_.span / machine_->hertz / 1000;
      read();
      if (machine_->cycles() - segment_.cycles >= segment_.span) advance();
    }
  }
  void advance() {
    segment_ = next_segment(segment_, machine_->sample(), &history_);
    read();
  }
  void read() {
    const int64_t time = now();
    backwards_ += time < last_;
    last_ = time;
  }
  bool good() const { return good_; }
  int backwards() const { return backwards_; }

 private:
  Machine* machine_;
  ClockHistory history_;
  ClockSegment segment_;
  int64_t last_ = 0;
  int backwards_ = 0;
  bool good_ = false;
};

TEST(ClockSegments, FollowAClockThatDrifts) {
  for (const double drift : {0.0, 0.0001, -0.0001, 0.0005, -0.0005}) {
    Machine machine;
    machine.drift = drift;
    SimulatedClock clock(&machine);
    ASSERT_TRUE(clock.good());
    clock.live(20);
    EXPECT_EQ(clock.backwards(), 0) << drift;
    EXPECT_LT(std::abs(clock.off()), 1000) << drift;
  }
}

TEST(ClockSegments, FollowAChangeOfRate) {
  Machine machine;
  SimulatedClock clock(&machine);
  clock.live(10);
  machine.seconds *= 1 / 1.0004;  // so that CLOCK_MONOTONIC goes on where it is
  const double skipped = machine.seconds * 0.0004;
  machine.slept += skipped;
  machine.drift = 0.0004;
  clock.live(20);
  EXPECT_EQ(clock.backwards(), 0);
  EXPECT_LT(std::abs(clock.off()), 1000);
}

TEST(ClockSegments, DoNotGoBackWhenTheCounterDoes) {
  Machine machine;
  SimulatedClock clock(&machine);
  clock.live(10);
  machine.set_back = machine.seconds - 1;
  clock.read();
  clock.advance();
  clock.live(10);
  EXPECT_EQ(clock.backwards(), 0);
  EXPECT_LT(clock.off(), 2'000'000'000);
  EXPECT_GT(clock.off(), -1'000'000);
}

TEST(ClockSegments, GoOnFromWhereACounterThatDidNotSleepIs) {
  Machine machine;
  SimulatedClock clock(&machine);
  clock.live(10);
  machine.slept = 3600;
  clock.read();
  clock.advance();
  const int64_t lead = clock.off();
  clock.live(10);
  EXPECT_EQ(clock.backwards(), 0);
  EXPECT_NEAR(static_cast<double>(clock.off()), static_cast<double>(lead), 1e6);
}

TEST(ClockSegments, JumpForwardToAClockThatIsAhead) {
  Machine machine;
  SimulatedClock clock(&machine);
  clock.live(10);
  machine.seconds += 60;
  machine.slept = -60;  // the counter stood still
  clock.advance();
  EXPECT_LT(std::abs(clock.off()), 1000);
  clock.live(10);
  EXPECT_EQ(clock.backwards(), 0);
  EXPECT_LT(std::abs(clock.off()), 1000);
}

TEST(ClockSegments, RefuseACounterThatIsTooSlow) {
  Machine machine;
  machine.hertz = 24e6;
  EXPECT_FALSE(SimulatedClock(&machine).good());
  machine.hertz = 0;
  EXPECT_FALSE(SimulatedClock(&machine).good());
}

}  // namespace
}  // namespace trunkline::record
