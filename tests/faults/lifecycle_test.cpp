// Starting and stopping, again and again, and at once from everywhere.
#include <fstream>
#include <vector>

#include "faults/fault_fixture.hpp"

namespace faults {
namespace {

class Lifecycle : public FaultTest {
 protected:
  std::atomic<bool> hold_{true};  // outlives the body of a test: the hook may still look at it
};

using std::chrono::steady_clock;

void record_spans(int count) {
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  for (int i = 0; i < count; ++i) tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL));
  tr_trace_end(trace);
}

uint64_t resident_pages() {
  uint64_t size = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident;
}

TEST_F(Lifecycle, two_hundred_starts_and_stops_leave_no_growth) {
  size_t descriptors = 0;
  uint64_t resident = 0;
  const uint64_t rounds = scaled(200, 1'000);
  for (uint64_t i = 0; i < rounds; ++i) {
    start();
    record_spans(100);
    expect_conserved();
    ASSERT_TRUE(comes_true([this] { return threads() <= threads_before_; }));
    if (i == 50) {
      descriptors = open_descriptors();
      resident = resident_pages();
    }
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LE(kSanitized ? 0 : resident_pages(), resident + 512) << "more than 2 MiB";
  EXPECT_EQ(counting_.spans(), rounds * 100);
}

TEST_F(Lifecycle, shutdown_twice_and_without_a_start) {
  EXPECT_EQ(tr_shutdown(60'000), TR_OK);
  start();
  record_spans(10);
  expect_conserved();
  EXPECT_EQ(tr_shutdown(60'000), TR_OK);
}

TEST_F(Lifecycle, flush_from_ten_threads_at_once) {
  start();
  std::atomic<bool> stop{false};
  std::thread recording([&] {
    while (!stop) {  // busy, but not faster than anybody could deliver
      record_spans(100);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::vector<std::thread> all;
  for (int t = 0; t < 10; ++t) {
    all.emplace_back([] {
      for (int i = 0; i < 8; ++i) EXPECT_EQ(tr_flush(60'000), TR_OK);
    });
  }
  for (std::thread& thread : all) thread.join();
  stop = true;
  recording.join();
}

TEST_F(Lifecycle, a_flush_makes_visible_what_its_own_thread_recorded_before) {
  start();
  std::vector<std::thread> all;
  std::atomic<uint64_t> recorded{0};
  for (int t = 0; t < 4; ++t) {
    all.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        record_spans(10);
        const uint64_t before = recorded += 10;
        ASSERT_EQ(tr_flush(60'000), TR_OK);
        EXPECT_GE(counting_.spans() + 30, before) << "three others may have counted and not yet flushed";
      }
    });
  }
  for (std::thread& thread : all) thread.join();
}

TEST_F(Lifecycle, a_flush_ends_at_its_deadline_when_a_processor_does_not_come_back) {
  counting_.on_record = [this](const tr_record&) {
    while (hold_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  start();
  record_spans(10);
  for (const uint32_t timeout : {0u, 50u}) {
    const auto before = steady_clock::now();
    EXPECT_EQ(tr_flush(timeout), TR_ETIMEDOUT);
    EXPECT_LT(steady_clock::now() - before, std::chrono::milliseconds(timeout + 20'000));
  }
  hold_ = false;
}

TEST_F(Lifecycle, a_shutdown_without_time_returns_at_once_and_says_that_something_is_left) {
  counting_.on_record = [this](const tr_record&) {
    while (hold_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  start();
  record_spans(10);
  ASSERT_TRUE(comes_true([] { return stats().records_logged > 0; }));
  running_ = false;
  const auto before = steady_clock::now();
  EXPECT_EQ(tr_shutdown(0), TR_ETIMEDOUT);
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(20));
  hold_ = false;
  EXPECT_TRUE(comes_true([&] { return counting_.released() == 1; })) << "once its hook has returned";
}

TEST_F(Lifecycle, flushes_and_recording_while_it_shuts_down) {
  for (int round = 0; round < 30; ++round) {
    start();
    std::atomic<bool> stop{false};
    std::vector<std::thread> all;
    for (int t = 0; t < 3; ++t) {
      all.emplace_back([&] {
        while (!stop) {
          const int result = tr_flush(5000);
          EXPECT_TRUE(result == TR_OK || result == TR_ESTATE || result == TR_ETIMEDOUT) << result;
          std::this_thread::yield();
        }
      });
      all.emplace_back([&] {
        while (!stop) record_spans(10);
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    running_ = false;
    const auto before = steady_clock::now();
    EXPECT_EQ(tr_shutdown(60'000), TR_OK);
    EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(15));
    stop = true;
    for (std::thread& thread : all) thread.join();
    EXPECT_EQ(counting_.released(), round + 1);
  }
}

TEST_F(Lifecycle, starts_and_stops_from_several_threads_at_once) {
  std::vector<std::thread> all;
  std::atomic<int> started{0};
  const tr_config with = config();
  for (int t = 0; t < 4; ++t) {
    all.emplace_back([&] {
      for (int i = 0; i < 25; ++i) {
        const int result = tr_init(&with, nullptr);
        EXPECT_TRUE(result == TR_OK || result == TR_ESTATE) << result;
        started += result == TR_OK;
        record_spans(5);
        EXPECT_EQ(tr_shutdown(60'000), TR_OK);
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_GT(started, 0);
  EXPECT_EQ(tr_flush(0), TR_ESTATE);
  EXPECT_EQ(entries_of(directory_ + "/run"), 0u);
}

}  // namespace
}  // namespace faults
