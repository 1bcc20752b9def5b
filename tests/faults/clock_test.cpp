// The wall clock steps, by a day or by decades, while traces are recorded: durations, deadlines and retries do not
// notice, and nobody's records are taken for old.
#include <dlfcn.h>
#include <sys/wait.h>
#include <time.h>

#include <fstream>
#include <iterator>
#include <vector>

#include "faults/fault_fixture.hpp"

namespace {

std::atomic<int64_t> step_seconds{0};

using GetTime = int (*)(clockid_t, timespec*);
GetTime real_clock_gettime() {
  static const auto next = reinterpret_cast<GetTime>(dlsym(RTLD_NEXT, "clock_gettime"));
  return next;
}

}  // namespace

// In place of the C library's: its wall clock is wrong by as much as the test wants.
extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  const int result = real_clock_gettime()(id, time);
  if (result == 0 && id == CLOCK_REALTIME) time->tv_sec += step_seconds.load();
  return result;
}

namespace faults {
namespace {

constexpr int64_t kDay = 24 * 3600;
constexpr int64_t kYear = 365 * kDay;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kSteps[] = {kDay, -kDay, -50 * kYear, 3600, 100 * kYear, 0};

class ClockSteps : public FaultTest {
 protected:
  void TearDown() override {
    FaultTest::TearDown();
    step_seconds = 0;
  }
};

void one_span(int milliseconds) {
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(ClockSteps, durations_and_order_do_not_notice) {
  std::vector<int64_t> durations;
  std::vector<int64_t> starts;
  counting_.on_record = [&](const tr_record& record) {
    if (record.type != TR_RECORD_SPAN_END) return;
    durations.push_back(record.end_ns - record.start_ns);
    starts.push_back(record.start_ns);
  };
  start();
  const auto begin = std::chrono::steady_clock::now();
  for (const int64_t step : kSteps) {
    // The step falls into the span.
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
    step_seconds = step;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(tr_span_end(span), TR_OK);
    EXPECT_EQ(tr_trace_end(trace), TR_OK);
    ASSERT_EQ(tr_flush(60'000), TR_OK);
  }
  const auto whole = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin);
  ASSERT_EQ(durations.size(), std::size(kSteps));
  for (const int64_t duration : durations) {
    EXPECT_GE(duration, 20'000'000);
    EXPECT_LE(duration, whole.count());
  }
}

TEST_F(ClockSteps, times_of_records_follow_the_new_time) {
  std::atomic<int64_t> last_start{0};
  counting_.on_record = [&](const tr_record& record) {
    if (record.type == TR_RECORD_SPAN_END) last_start = record.start_ns;
  };
  start();
  for (const int64_t step : kSteps) {
    step_seconds = step;
    const auto near_now = [&] {
      one_span(1);
      EXPECT_EQ(tr_flush(60'000), TR_OK);
      timespec now{};
      clock_gettime(CLOCK_REALTIME, &now);
      return std::abs(last_start / kSecondNs - now.tv_sec) < 60;
    };
    // The worker looks at the clock once a second.
    bool follows = false;
    for (int i = 0; i < 200 && !(follows = near_now()); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(follows) << "a step of " << step << " s: " << last_start;
  }
}

TEST_F(ClockSteps, retries_neither_stop_nor_burst) {
  start();
  std::atomic<int> offered{0};
  tr_processor table{};
  table.struct_size = sizeof table;
  table.name = "busy";
  table.user_data = &offered;
  table.on_batch = [](void* count, const tr_batch*) {
    return ++*static_cast<std::atomic<int>*>(count) < 12 ? TR_EAGAIN : TR_OK;
  };
  tr_processor_id id = 0;
  ASSERT_EQ(tr_add_processor(&table, &id), TR_OK);
  const auto begin = std::chrono::steady_clock::now();
  one_span(0);
  for (const int64_t step : kSteps) {
    step_seconds = step;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats_of(id).delivered.spans, 1u);
  // Eleven delays that double from a millisecond, up to a second: together about two seconds, whatever the clock says.
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(took, std::chrono::milliseconds(1500)) << "a step of the clock made it hurry";
  EXPECT_LT(took, std::chrono::seconds(25)) << "a step of the clock held it up";
}

TEST_F(ClockSteps, deadlines_hold) {
  std::atomic<bool> hold{true};
  counting_.on_record = [&](const tr_record&) {
    while (hold) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  start();
  one_span(0);
  for (const int64_t step : kSteps) {
    const auto begin = std::chrono::steady_clock::now();
    std::thread stepping([step] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      step_seconds = step;
    });
    EXPECT_EQ(tr_flush(100), TR_ETIMEDOUT);
    const auto took = std::chrono::steady_clock::now() - begin;
    stepping.join();
    EXPECT_GE(took, std::chrono::milliseconds(100));
    EXPECT_LT(took, std::chrono::seconds(20));
  }
  hold = false;
}

TEST_F(ClockSteps, what_a_dead_run_left_does_not_expire_by_a_step_back) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer ends a process that makes threads after a fork";
  int round = 0;
  for (const int64_t step : {-kDay, -50 * kYear, kDay}) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    tr_config with = config();
    with.processors = "jsonl";
    if (pid == 0) {
      alarm(30);
      if (tr_init(&with, nullptr) != TR_OK) _exit(1);
      one_span(0);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    ASSERT_EQ(status, 0);
    step_seconds = step;
    // A run that nobody here is identical to must stay: no processor at all first.
    with.processors = "none";
    EXPECT_EQ(tr_init(&with, nullptr), TR_OK);
    EXPECT_EQ(tr_shutdown(60'000), TR_OK);
    EXPECT_EQ(entries_of(directory_ + "/run"), 1u) << step;
    with.processors = "jsonl";
    EXPECT_EQ(tr_init(&with, nullptr), TR_OK);
    EXPECT_EQ(tr_shutdown(60'000), TR_OK);
    std::ifstream lines(directory_ + "/traces.jsonl");
    EXPECT_EQ(std::count(std::istreambuf_iterator<char>(lines), {}, '\n'), 3 * ++round) << step;
    std::filesystem::remove_all(directory_ + "/run");
    step_seconds = 0;
  }
  // The control: time that has really passed lets it expire.
  const pid_t pid = fork();
  tr_config with = config();
  with.processors = "jsonl";
  if (pid == 0) {
    if (tr_init(&with, nullptr) != TR_OK) _exit(1);
    one_span(0);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  step_seconds = 8 * kDay;
  with.processors = "none";
  EXPECT_EQ(tr_init(&with, nullptr), TR_OK);
  EXPECT_EQ(tr_shutdown(60'000), TR_OK);
  EXPECT_EQ(entries_of(directory_ + "/run"), 0u);
}

}  // namespace
}  // namespace faults
