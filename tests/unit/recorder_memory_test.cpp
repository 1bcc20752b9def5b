// Memory: whole spans are refused when it is short, ends always succeed, and all of it comes back.
#include <algorithm>
#include <thread>

#include "os/time.hpp"
#include "recorder_support.hpp"

namespace trunkline::record_test {
namespace {

// Spans until one is refused.
std::vector<uint64_t> fill_with_spans(RecorderLife& life, uint64_t trace, size_t text_size) {
  std::vector<uint64_t> spans;
  while (const uint64_t span = life.span(trace, "span " + std::to_string(spans.size()))) {
    spans.push_back(span);
    if (text_size != 0) life.set(span, "text", text_of(text_size, spans.size()));
    if (spans.size() > 100'000) break;
  }
  return spans;
}

TEST(RecorderMemory, WholeSpansAreRefusedAndTheOthersEnd) {
  for (const size_t text_size : {size_t{0}, size_t{1500}, size_t{3000}, size_t{100'000}}) {
    RecorderLife life;
    const uint64_t trace = life.trace();
    const auto spans = fill_with_spans(life, trace, text_size);
    EXPECT_GT(spans.size(), 10u);
    EXPECT_LT(spans.size(), 100'000u);
    for (const uint64_t span : spans) ASSERT_EQ(life.end(span), TR_OK);
    size_t found = 0;
    for (int pass = 0; pass < 10; ++pass) {
      for (const Collected& record : life.collect()) {
        if (record.header.type != TR_RECORD_SPAN_END) continue;
        EXPECT_TRUE(record.whole);
        EXPECT_EQ(record.name.substr(0, 5), "span ");
        const size_t number = std::stoul(record.name.substr(5)) + 1;
        // A value that found no memory is missing as a whole.
        const std::string text = record.attribute("text");
        EXPECT_TRUE(text == "<missing>" || text == text_of(text_size, number)) << record.name;
        ++found;
      }
    }
    EXPECT_EQ(found, spans.size()) << "with texts of " << text_size;
    // And it goes on.
    const uint64_t next = life.span(trace);
    EXPECT_NE(next, 0u);
    EXPECT_EQ(life.end(next), TR_OK);
    EXPECT_EQ(life.end(trace, HandleKind::kTrace), TR_OK);
  }
}

// Not one page is left for a chunk: the records wait in their slots.
TEST(RecorderMemory, EndsSucceedWithoutAPageForAChunk) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  life.collect();
  std::vector<uint64_t> spans;
  for (int i = 0; i < 200; ++i) spans.push_back(life.span(trace, "span " + std::to_string(i)));
  // A thread of its own, which has no chunk yet, so that every end needs one.
  std::vector<uint32_t> eaten;
  while (const uint32_t page = life.pool().allocate(record::PageType::kExtent)) eaten.push_back(page);
  std::thread([&] {
    for (const uint64_t span : spans) ASSERT_EQ(life.end(span), TR_OK);
    for (const uint64_t span : spans) ASSERT_EQ(life.end(span), TR_ESTALE);
    EXPECT_EQ(life.set(spans[0], "key", "value"), TR_ESTALE);
  }).join();
  const auto records = life.collect();
  ASSERT_EQ(records.size(), spans.size());
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i].name, "span " + std::to_string(i));
  // With memory again, their slots are free.
  for (const uint32_t page : eaten) life.pool().release(page, 0);
  life.collect(false);
  std::vector<uint64_t> again;
  for (int i = 0; i < 200; ++i) again.push_back(life.span(trace));
  EXPECT_EQ(std::count(again.begin(), again.end(), 0u), 0);
}

TEST(RecorderMemory, StaysFlatOverAMillionSpans) {
  RecorderLife life(16u << 20);
  const uint64_t trace = life.trace();
  const std::string large = text_of(100'000, 1);
  const auto record_some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const uint64_t span = life.span(trace);
      ASSERT_NE(span, 0u);
      life.set(span, "key", "value");
      if (i % 500 == 0) life.set(span, "large", large);
      ASSERT_EQ(life.end(span), TR_OK);
      if (i % 2000 == 1999) life.collect(false);
    }
  };
  record_some(10'000);
  life.collect(false);
  const uint32_t used = life.pool().used();
  const uint32_t mapped = life.pool().mapped();
  record_some(1'000'000);
  life.collect(false);
  EXPECT_LE(life.pool().used(), used + 2);
  EXPECT_EQ(life.pool().mapped(), mapped);
  EXPECT_EQ(life.collected(), 1'010'001u);
}

// Started on one thread, ended on another: slots migrate back, and no new pages are needed for ever.
TEST(RecorderMemory, SlotsMigrateBetweenThreads) {
  RecorderLife life(16u << 20);
  const uint64_t trace = life.trace();
  constexpr int kRounds = 300;
  constexpr int kSpans = 1000;
  uint32_t used_early = 0;
  std::vector<uint64_t> spans;
  std::atomic<int> step{0};
  std::thread ender([&] {
    for (int round = 0; round < kRounds; ++round) {
      while (step != 2 * round + 1) std::this_thread::yield();
      for (const uint64_t span : spans) EXPECT_EQ(life.end(span), TR_OK);
      step = 2 * round + 2;
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    spans.clear();
    for (int i = 0; i < kSpans; ++i) spans.push_back(life.span(trace));
    ASSERT_EQ(std::count(spans.begin(), spans.end(), 0u), 0) << "round " << round;
    step = 2 * round + 1;
    while (step != 2 * round + 2) std::this_thread::yield();
    life.collect(false);
    if (round == 10) used_early = life.pool().used();
  }
  ender.join();
  life.collect(false);
  EXPECT_EQ(life.collected(), size_t{kRounds * kSpans + 1});
  EXPECT_LE(life.pool().used(), used_early + 3);
}

// A thread's slots, chunk and extent page come back when it ends.
TEST(RecorderMemory, ThreadsLeaveNothingBehind) {
  RecorderLife life(16u << 20);
  const uint64_t trace = life.trace();
  life.collect(false);
  const auto one_thread = [&] {
    std::thread([&] {
      const uint64_t span = life.span(trace);
      life.set(span, "large", text_of(5000, 1));
      EXPECT_EQ(life.end(span), TR_OK);
    }).join();
    life.collect(false);
  };
  for (int i = 0; i < 20; ++i) one_thread();
  const uint32_t used = life.pool().used();
  for (int i = 0; i < 2000; ++i) one_thread();
  EXPECT_LE(life.pool().used(), used + 1);
}

TEST(RecorderMemory, BlockingWaitsForRoom) {
  record::Policy policy;
  policy.block_timeout_ms = 5000;
  RecorderLife life(kLeastMemory, policy);
  const uint64_t trace = life.trace();
  const std::string text = text_of(30'000, 1);
  std::atomic<bool> done{false};
  int refused = 0;
  std::thread caller([&] {
    for (int i = 0; i < 2000; ++i) {
      const uint64_t span = life.span(trace);
      if (span == 0) ++refused;
      life.set(span, "text", text);
      life.end(span);
    }
    done = true;
  });
  while (!done) {
    life.collect(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  caller.join();
  life.collect(false);
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(life.collected(), 2001u);
}

TEST(RecorderMemory, BlockingEndsAtItsLimit) {
  record::Policy policy;
  policy.block_timeout_ms = 50;
  RecorderLife life(kLeastMemory, policy);
  const uint64_t trace = life.trace();
  const std::string text = text_of(30'000, 1);
  int64_t longest = 0;
  uint64_t span = 1;
  for (int i = 0; i < 1000 && span != 0; ++i) {
    const int64_t start = os::monotonic_now();
    span = life.span(trace);
    longest = std::max(longest, os::monotonic_now() - start);
    life.set(span, "text", text);
    life.end(span);
  }
  EXPECT_EQ(span, 0u);
  EXPECT_GE(longest, 45'000'000);
  EXPECT_LE(longest, 20'000'000'000);
  // Without room the next one waits as well.
  EXPECT_EQ(life.span(trace), 0u);
  life.collect(false);
  EXPECT_NE(life.span(trace), 0u);
}

// A thread that was interrupted between handing its chunk over and forgetting it still names a page that is free, and
// soon somebody else's.
TEST(RecorderMemory, APageNamedByAnInterruptedThread) {
  RecorderLife life;
  const uint64_t trace = life.trace();
  record::ThreadState* thread;
  {
    const Entry entry;
    thread = &entry.thread();
    const uint32_t chunk = thread->chunk.load();
    entry.recorder().detach(*thread);
    thread->chunk.store(chunk);  // as if that had not been forgotten yet
  }
  ASSERT_EQ(life.collect().size(), 1u);
  const uint32_t named = thread->chunk.load();
  std::thread([&] {
    const uint64_t span = life.span(trace, "other");
    EXPECT_EQ(life.set(span, "text", text_of(60'000, 7)), TR_OK);
    EXPECT_EQ(life.set(span, "text", text_of(60'000, 8)), TR_OK);
    const auto records = life.collect();
    EXPECT_TRUE(records.empty());
    EXPECT_EQ(life.end(span), TR_OK);
  }).join();
  const auto records = life.collect();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].attribute("text"), text_of(60'000, 7));
  EXPECT_NE(life.pool().page(named).header.type.load(), static_cast<uint32_t>(record::PageType::kSlots));
  thread->chunk.store(0);
}

}  // namespace
}  // namespace trunkline::record_test
