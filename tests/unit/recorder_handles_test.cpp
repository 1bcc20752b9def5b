// Handles: exactly those that were given out, and are not ended yet, reach a slot.
#include <random>
#include <set>
#include <thread>

#include "recorder_support.hpp"

namespace trunkline::record_test {
namespace {

TEST(RecorderHandles, AreBelow53BitsAndDistinct) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  std::set<uint64_t> seen{trace};
  for (int i = 0; i < 500; ++i) {
    const uint64_t span = life.span(trace);
    ASSERT_NE(span, 0u);
    ASSERT_LT(span, 1ull << 53);
    EXPECT_TRUE(seen.insert(span).second);
    ASSERT_EQ(life.end(span), TR_OK);
    life.collect(false);
  }
}

TEST(RecorderHandles, AStaleOneTouchesNothing) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  const uint64_t first = life.span(trace, "first");
  ASSERT_EQ(life.end(first), TR_OK);
  EXPECT_EQ(life.end(first), TR_ESTALE);
  EXPECT_EQ(life.set(first, "key", "value"), TR_ESTALE);
  const uint64_t second = life.span(trace, "second");  // the same slot
  ASSERT_EQ(record::slot_of(first), record::slot_of(second));
  EXPECT_EQ(life.set(first, "key", "of the first"), TR_ESTALE);
  EXPECT_EQ(life.end(first), TR_ESTALE);
  TraceId trace_id;
  uint64_t span_id;
  EXPECT_EQ(life.recorder().ids(first, HandleKind::kSpan, &trace_id, &span_id), TR_ESTALE);
  EXPECT_EQ(life.set(second, "key", "of the second"), TR_OK);
  EXPECT_EQ(life.end(second), TR_OK);
  const auto records = life.collect();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].name, "first");
  EXPECT_TRUE(records[1].attributes.empty());
  EXPECT_EQ(records[2].attribute("key"), "of the second");
}

TEST(RecorderHandles, OfAnotherKindAreRefused) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  const uint64_t span = life.span(trace);
  EXPECT_EQ(life.end(trace, HandleKind::kSpan), TR_ESTALE);
  EXPECT_EQ(life.end(span, HandleKind::kTrace), TR_ESTALE);
  EXPECT_EQ(life.set(span, "key", "value", HandleKind::kRun), TR_ESTALE);
  EXPECT_EQ(life.span(span), 0u) << "a span is no trace";
  EXPECT_EQ(life.end(span), TR_OK);
  EXPECT_EQ(life.end(trace, HandleKind::kTrace), TR_OK);
  EXPECT_EQ(life.span(trace), 0u) << "the trace has ended";
}

TEST(RecorderHandles, InventedOnesAreRefused) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  std::set<uint64_t> real{trace};
  for (int i = 0; i < 200; ++i) real.insert(life.span(trace));
  std::mt19937_64 random(5);
  for (int i = 0; i < 200'000; ++i) {
    uint64_t invented = random();
    if (i % 2 == 0) invented &= (1ull << 53) - 1;
    if (i % 3 == 0) invented = (invented & ~record::kSlotMask) | record::slot_of(trace);  // a slot in use
    if (real.count(invented) != 0) continue;
    ASSERT_EQ(life.end(invented, HandleKind::kSpan), TR_ESTALE) << invented;
    ASSERT_EQ(life.end(invented, HandleKind::kTrace), TR_ESTALE) << invented;
  }
  for (const uint64_t handle : real) {
    EXPECT_EQ(life.end(handle, handle == trace ? HandleKind::kTrace : HandleKind::kSpan), TR_OK);
  }
}

// Of many threads that end one span, one succeeds.
TEST(RecorderHandles, OneEndSucceeds) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  constexpr int kSpans = 3000;
  constexpr int kThreads = 4;
  std::vector<uint64_t> spans;
  for (int i = 0; i < 1000; ++i) spans.push_back(life.span(trace));
  std::atomic<int> ended{0};
  std::atomic<int> round{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < kSpans / 1000; ++turn) {
        for (const uint64_t span : spans) {
          if (life.end(span) == TR_OK) ++ended;
        }
        ++round;
        while (round < (turn + 1) * kThreads) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ended, 1000);
  life.collect(false);
  EXPECT_EQ(life.collected(), 1001u);
}

// The handles of one life of the library mean nothing in the next.
TEST(RecorderHandles, OfAnotherLifeAreStale) {
  uint64_t trace;
  uint64_t span;
  {
    RecorderLife life;
    trace = life.trace();
    span = life.span(trace);
    const Entry entry;
    EXPECT_TRUE(entry);
  }
  const Entry closed;
  EXPECT_FALSE(closed);
  RecorderLife life;
  EXPECT_NE(life.trace(), trace);
  EXPECT_EQ(life.end(span), TR_ESTALE);
  EXPECT_EQ(life.span(trace), 0u);
}

}  // namespace
}  // namespace trunkline::record_test
