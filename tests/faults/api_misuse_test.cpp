// Misuse of the API: an error code or a count each time, never a crash, and never a change of what was rightly
// recorded.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "faults/fault_fixture.hpp"

namespace faults {
namespace {

using ApiMisuse = FaultTest;

constexpr uint64_t kHandleBits = 53;

TEST_F(ApiMisuse, random_handles_are_stale_and_change_nothing) {
  std::atomic<uint64_t> attributes{0};
  counting_.on_record = [&](const tr_record& record) {
    if (record.type == TR_RECORD_SPAN_END) attributes += record.attribute_count + record.event_count;
  };
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  std::vector<tr_span> live;
  for (int i = 0; i < 200; ++i) live.push_back(tr_span_start(trace, 0, TR_KIND_TOOL, "live", TR_NUL));
  const std::set<uint64_t> known(live.begin(), live.end());
  std::mt19937_64 random(7);
  uint64_t tried = 0;
  const uint64_t tries = scaled(1'000'000, 10'000'000);
  for (uint64_t i = 0; i < tries; ++i) {
    uint64_t handle = random();
    // Half of them in the form of a handle, some of these a small change of a live one.
    if (i % 2 == 0) handle >>= 64 - kHandleBits;
    if (i % 8 == 0) handle = live[i / 8 % live.size()] ^ uint64_t { 1 } << random() % kHandleBits;
    if (handle == 0 || handle == trace || known.count(handle) != 0) continue;
    int result = TR_OK;
    switch (random() % 6) {
      case 0:
        result = tr_span_set_i64(handle, "key", 3, 1);
        break;
      case 1:
        result = tr_span_end(handle);
        break;
      case 2:
        result = tr_trace_end(handle);
        break;
      case 3:
        result = tr_span_event(handle, "event", 5, nullptr, 0);
        break;
      case 4:
        result = tr_trace_set_str(handle, "key", 3, "value", 5);
        break;
      default:
        result = tr_run_finish(handle, TR_RUN_FINISHED, 0);
        break;
    }
    ASSERT_EQ(result, TR_ESTALE) << std::hex << handle;
    ++tried;
  }
  EXPECT_EQ(tr_span_start(random() >> 11 | 1, 0, TR_KIND_TOOL, "orphan", TR_NUL), 0u);
  EXPECT_EQ(stats().stale_handles, tried + 1);
  for (const tr_span span : live) EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), live.size());
  EXPECT_EQ(attributes, 0u);
}

TEST_F(ApiMisuse, a_handle_is_good_for_its_own_kind_only) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
  const tr_run run = tr_run_start(nullptr);
  for (const uint64_t wrong : {trace, run}) {
    EXPECT_EQ(tr_span_set_i64(wrong, "k", 1, 1), TR_ESTALE);
    EXPECT_EQ(tr_span_end(wrong), TR_ESTALE);
    EXPECT_EQ(tr_span_get_ids(wrong, nullptr, nullptr), TR_ESTALE);
  }
  for (const uint64_t wrong : {span, run}) {
    EXPECT_EQ(tr_trace_set_i64(wrong, "k", 1, 1), TR_ESTALE);
    EXPECT_EQ(tr_trace_end(wrong), TR_ESTALE);
    EXPECT_EQ(tr_span_start(wrong, 0, TR_KIND_TOOL, "span", TR_NUL), 0u);
  }
  EXPECT_EQ(tr_run_finish(trace, TR_RUN_FINISHED, 0), TR_ESTALE);
  EXPECT_EQ(tr_run_finish(span, TR_RUN_FINISHED, 0), TR_ESTALE);
  EXPECT_EQ(tr_run_finish(run, TR_RUN_FINISHED, 0), TR_OK);
  EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(ApiMisuse, of_two_ends_at_once_exactly_one_succeeds) {
  start();
  constexpr int kSpans = 10'000;
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  std::atomic<tr_span> span{0};
  std::atomic<int> round{0};
  std::atomic<int> finished{0};
  std::atomic<uint64_t> succeeded{0};
  std::atomic<uint64_t> stale{0};
  const auto end_each = [&] {
    for (int i = 1; i <= kSpans; ++i) {
      while (round.load(std::memory_order_acquire) < i) std::this_thread::yield();
      const int result = tr_span_end(span.load(std::memory_order_relaxed));
      ++(result == TR_OK ? succeeded : stale);
      EXPECT_TRUE(result == TR_OK || result == TR_ESTALE) << result;
      ++finished;
    }
  };
  std::thread first(end_each);
  std::thread second(end_each);
  for (int i = 1; i <= kSpans; ++i) {
    tr_span fresh = 0;
    while ((fresh = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL)) == 0) std::this_thread::yield();
    span.store(fresh, std::memory_order_relaxed);
    round.store(i, std::memory_order_release);
    while (finished.load() < 2 * i) std::this_thread::yield();
  }
  first.join();
  second.join();
  EXPECT_EQ(succeeded, static_cast<uint64_t>(kSpans));
  EXPECT_EQ(stale, static_cast<uint64_t>(kSpans));
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(ApiMisuse, nothing_can_be_set_after_the_end) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
  EXPECT_EQ(tr_span_end(span), TR_OK);
  const tr_usage usage{1, 1, -1, -1, -1, -1};
  EXPECT_EQ(tr_span_set_str(span, "k", 1, "v", 1), TR_ESTALE);
  EXPECT_EQ(tr_span_set_usage(span, &usage), TR_ESTALE);
  EXPECT_EQ(tr_span_set_error(span, "t", 1, "m", 1), TR_ESTALE);
  EXPECT_EQ(tr_span_event(span, "e", 1, nullptr, 0), TR_ESTALE);
  EXPECT_EQ(tr_span_end(span), TR_ESTALE);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_trace_set_i64(trace, "k", 1, 1), TR_ESTALE);
  EXPECT_EQ(tr_trace_event(trace, "e", 1, nullptr, 0), TR_ESTALE);
  EXPECT_EQ(tr_trace_end(trace), TR_ESTALE);
  EXPECT_EQ(tr_span_start(trace, 0, TR_KIND_TOOL, "late", TR_NUL), 0u);
}

TEST_F(ApiMisuse, spans_open_at_the_end_of_their_trace_may_still_end_and_else_are_incomplete) {
  std::vector<std::pair<uint32_t, std::string>> seen;
  counting_.on_record = [&](const tr_record& record) { seen.emplace_back(record.type, view(record.name)); };
  tr_config with = config();
  with.end_grace_ms = 300;
  start(with);
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span parent = tr_span_start(trace, 0, TR_KIND_AGENT, "parent", TR_NUL);
  const tr_span child = tr_span_start(trace, parent, TR_KIND_TOOL, "child", TR_NUL);
  const tr_span forgotten = tr_span_start(trace, parent, TR_KIND_TOOL, "forgotten", TR_NUL);
  EXPECT_EQ(tr_span_end(parent), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_span_set_i64(child, "late", 4, 1), TR_OK);
  EXPECT_EQ(tr_span_end(child), TR_OK);
  EXPECT_TRUE(comes_true([&] { return counting_.incomplete_spans() == 1; }));
  EXPECT_EQ(tr_span_end(forgotten), TR_ESTALE);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen.back().first, TR_RECORD_TRACE_END);
  EXPECT_EQ(seen[3].second, "forgotten");
  EXPECT_EQ(counting_.spans(), 3u);
}

TEST_F(ApiMisuse, a_parent_of_another_trace_is_counted_and_passed_over) {
  std::vector<uint64_t> parents;
  counting_.on_record = [&](const tr_record& record) {
    uint64_t parent = 0;
    std::memcpy(&parent, record.parent_id, sizeof parent);
    if (record.type == TR_RECORD_SPAN_END && view(record.name) == "child") parents.push_back(parent);
  };
  start();
  const tr_trace one = tr_trace_start("one", TR_NUL, nullptr);
  const tr_trace other = tr_trace_start("other", TR_NUL, nullptr);
  const tr_span foreign = tr_span_start(other, 0, TR_KIND_TOOL, "foreign", TR_NUL);
  const tr_span child = tr_span_start(one, foreign, TR_KIND_TOOL, "child", TR_NUL);
  EXPECT_NE(child, 0u);
  EXPECT_EQ(stats().misuse, 1u);
  EXPECT_EQ(tr_span_end(foreign), TR_OK);
  const tr_span orphan = tr_span_start(other, foreign, TR_KIND_TOOL, "child", TR_NUL);
  EXPECT_NE(orphan, 0u);
  EXPECT_EQ(stats().stale_handles, 1u);
  EXPECT_EQ(tr_span_end(child), TR_OK);
  EXPECT_EQ(tr_span_end(orphan), TR_OK);
  EXPECT_EQ(tr_trace_end(one), TR_OK);
  EXPECT_EQ(tr_trace_end(other), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(parents, (std::vector<uint64_t>{0, 0}));
}

// Every call while nothing runs.
void expect_all_refused() {
  EXPECT_EQ(tr_trace_start("trace", TR_NUL, nullptr), 0u);
  EXPECT_EQ(tr_span_start(1, 0, TR_KIND_TOOL, "span", TR_NUL), 0u);
  EXPECT_EQ(tr_run_start(nullptr), 0u);
  for (const uint64_t handle : {uint64_t{1}, uint64_t{0x1FFFFFFFFFFFFF}, UINT64_MAX}) {
    const auto refused = [](int result) { return result == TR_ESTALE || result == TR_ESTATE; };
    EXPECT_TRUE(refused(tr_span_set_i64(handle, "k", 1, 1)));
    EXPECT_TRUE(refused(tr_span_end(handle)));
    EXPECT_TRUE(refused(tr_trace_end(handle)));
    EXPECT_TRUE(refused(tr_run_finish(handle, TR_RUN_FINISHED, 0)));
  }
  EXPECT_EQ(tr_span_end(0), TR_OK);
  EXPECT_EQ(tr_flush(0), TR_ESTATE);
  EXPECT_EQ(tr_remove_processor(1), TR_ESTATE);
  EXPECT_EQ(tr_shutdown(0), TR_OK);
  int released = 0;
  tr_processor table{};
  table.struct_size = sizeof table;
  table.name = "none";
  table.user_data = &released;
  table.on_batch = [](void*, const tr_batch*) { return 0; };
  table.release = [](void* count) { ++*static_cast<int*>(count); };
  EXPECT_EQ(tr_add_processor(&table, nullptr), TR_ESTATE);
  EXPECT_EQ(tr_set_processors(&table, 1), TR_ESTATE);
  EXPECT_EQ(released, 2);
}

TEST_F(ApiMisuse, calls_before_the_start_and_after_the_end_are_refused) {
  expect_all_refused();
  start();
  const tr_config again = config();
  EXPECT_EQ(tr_init(&again, nullptr), TR_ESTATE);
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL);
  expect_conserved();
  EXPECT_TRUE(tr_span_end(span) == TR_ESTALE);
  expect_all_refused();
  start();
  EXPECT_EQ(tr_span_end(span), TR_ESTALE) << "a handle of the instance before";
  EXPECT_EQ(tr_trace_end(trace), TR_ESTALE);
}

TEST_F(ApiMisuse, struct_sizes) {
  tr_error error{sizeof error, 0, {}};
  struct {
    tr_config config;
    uint64_t tail;
  } wide{config(), 0};
  for (const uint32_t size : {0u, 3u, 4u, 16u}) {
    wide.config.struct_size = size;
    EXPECT_EQ(tr_init(&wide.config, &error), TR_EINVAL) << size;
    EXPECT_EQ(error.code, TR_EINVAL);
    EXPECT_NE(std::string(error.message).find("tr_config_init"), std::string::npos) << error.message;
  }
  wide.config.struct_size = sizeof wide;
  wide.tail = 1;
  EXPECT_EQ(tr_init(&wide.config, &error), TR_EUNSUPPORTED);
  wide.tail = 0;
  start(wide.config);

  struct {
    tr_stats stats;
    uint64_t guard;
  } filled{{}, 0x1234};
  filled.stats.struct_size = sizeof filled;
  EXPECT_EQ(tr_stats_get(&filled.stats), TR_OK);
  EXPECT_EQ(filled.guard, 0x1234u) << "written beyond what the library knows";
  for (const uint32_t size : {0u, 3u}) {
    filled.stats.struct_size = size;
    EXPECT_EQ(tr_stats_get(&filled.stats), TR_EINVAL) << size;
  }
  filled.stats.struct_size = offsetof(tr_stats, traces_ended);
  filled.stats.traces_ended = 77;
  EXPECT_EQ(tr_stats_get(&filled.stats), TR_OK);
  EXPECT_EQ(filled.stats.traces_ended, 77u) << "written beyond the caller's struct";

  tr_trace_options options{};
  EXPECT_NE(tr_trace_start("size 0", TR_NUL, &options), 0u);
  EXPECT_EQ(stats().misuse, 1u);
  tr_span_data data{};
  EXPECT_EQ(tr_span_record(&data), TR_EINVAL);
  tr_processor table{};
  EXPECT_EQ(tr_add_processor(&table, nullptr), TR_EINVAL);
}

TEST_F(ApiMisuse, values_that_do_not_exist_are_refused) {
  tr_error error{sizeof error, 0, {}};
  const auto refused = [&](auto change) {
    tr_config wrong = config();
    change(wrong);
    const int result = tr_init(&wrong, &error);
    if (result == TR_OK) tr_shutdown(1000);
    return result;
  };
  EXPECT_EQ(refused([](tr_config& c) { c.durability = 9; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.recorder = 9; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.overflow = 9; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.content = 9; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.log_level = 9; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.flags = 1u << 31; }), TR_EUNSUPPORTED);
  EXPECT_EQ(refused([](tr_config& c) { c.max_memory = 1; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.max_memory = UINT64_MAX; }), TR_EINVAL);
  EXPECT_EQ(refused([](tr_config& c) { c.max_value_bytes = UINT64_MAX; }), TR_EINVAL);
  for (const double ratio : {-0.1, 1.1, std::nan(""), HUGE_VAL}) {
    EXPECT_EQ(refused([ratio](tr_config& c) { c.sample_ratio = ratio; }), TR_EINVAL) << ratio;
  }
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  const tr_span span = tr_span_start(trace, 0, UINT32_MAX, "odd kind", TR_NUL);
  EXPECT_NE(span, 0u) << "unknown kinds pass through";
  tr_value value{99, 0, 0, 0, nullptr, 0};
  EXPECT_EQ(tr_span_set_value(span, "k", 1, &value), TR_EINVAL);
  for (tr_type type : {TR_TYPE_STR, TR_TYPE_BYTES, TR_TYPE_JSON, TR_TYPE_I64_ARRAY, TR_TYPE_STR_ARRAY}) {
    value = {type, 0, 0, 0, nullptr, 5};
    EXPECT_EQ(tr_span_set_value(span, "k", 1, &value), TR_EINVAL) << "NULL with a size, type " << type;
    value = {type, 0, 0, 0, "x", SIZE_MAX - 1};
    EXPECT_EQ(tr_span_set_value(span, "k", 1, &value), TR_EINVAL) << "a size that cannot be, type " << type;
  }
  EXPECT_EQ(tr_span_set_str(span, "k", 1, "x", SIZE_MAX - 1), TR_EINVAL);
  EXPECT_EQ(tr_span_set_input(span, TR_TYPE_I64, "x", 1), TR_EINVAL);
  EXPECT_EQ(tr_run_finish(tr_run_start(nullptr), 9, 0), TR_EINVAL);
  EXPECT_EQ(tr_span_end(span), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(ApiMisuse, the_longest_timeouts_return_when_the_work_is_done) {
  start();
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  EXPECT_EQ(tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL)), TR_OK);
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
  EXPECT_EQ(tr_flush(UINT32_MAX), TR_OK);
  EXPECT_EQ(counting_.spans(), 1u);
  running_ = false;
  EXPECT_EQ(tr_shutdown(UINT32_MAX), TR_OK);
}

}  // namespace
}  // namespace faults
