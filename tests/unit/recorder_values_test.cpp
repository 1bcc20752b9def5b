// Values of every size, wherever they come to lie: in the slot, in blocks of overflow, or in extents over many pages.
#include <algorithm>
#include <random>

#include "recorder_support.hpp"

namespace trunkline::record_test {
namespace {

constexpr size_t kPage = record::kPageDataBytes;

class RecorderValues : public testing::TestWithParam<size_t> {};

// Sizes around the one given, alone in a span and after others, so that they begin at changing places of a page.
TEST_P(RecorderValues, ComeBackAsTheyWere) {
  RecorderLife life(16u << 20);
  const uint64_t trace = life.trace();
  const size_t base = life.pool().used();
  const size_t around = GetParam();
  size_t checked = 0;
  for (size_t size = around - std::min<size_t>(around, 12); size <= around + 12; ++size) {
    for (const size_t before : {size_t{0}, size_t{1}, size_t{1500}, size_t{5000}}) {
      const uint64_t span = life.span(trace);
      ASSERT_NE(span, 0u);
      if (before != 0) {
        ASSERT_EQ(life.set(span, "before", text_of(before, size)), TR_OK);
      }
      ASSERT_EQ(life.set(span, "value", text_of(size, before)), TR_OK) << size;
      ASSERT_EQ(life.set(span, "after", text_of(77, size + before)), TR_OK);
      ASSERT_EQ(life.end(span), TR_OK);
      for (const Collected& record : life.collect()) {
        if (record.header.type != TR_RECORD_SPAN_END) continue;
        ASSERT_TRUE(record.whole);
        if (before != 0) {
          ASSERT_EQ(record.attribute("before"), text_of(before, size)) << size;
        }
        ASSERT_EQ(record.attribute("value"), text_of(size, before)) << size << " after " << before;
        ASSERT_EQ(record.attribute("after"), text_of(77, size + before)) << size;
        ++checked;
      }
    }
  }
  EXPECT_GE(checked, 4u * 13u);
  EXPECT_LE(life.pool().used(), base + 3) << "pages that nobody gave back";
}

INSTANTIATE_TEST_SUITE_P(Sizes, RecorderValues,
                         testing::Values(0, 1000, record::kSlotDataBytes, 2048, 4096, kPage / 4, kPage - 2048, kPage,
                                         2 * kPage, 5 * kPage, 500'000),
                         [](const auto& each) { return std::to_string(each.param); });

// More than a slot holds: blocks of overflow, one after the other.
TEST(RecorderOverflow, ManyAttributesComeBackInOrder) {
  RecorderLife life(16u << 20);
  const uint64_t trace = life.trace();
  const size_t base = life.pool().used();
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    const uint64_t span = life.span(trace);
    std::vector<std::pair<std::string, std::string>> expected;
    const int count = 1 + static_cast<int>(random() % 1000);
    for (int i = 0; i < count; ++i) {
      const size_t size = random() % 50 == 0 ? random() % 70000 : random() % 100;
      expected.emplace_back("key" + std::to_string(i), text_of(size, random()));
      ASSERT_EQ(life.set(span, expected.back().first, expected.back().second), TR_OK) << i;
    }
    ASSERT_EQ(life.end(span), TR_OK);
    const auto records = life.collect();
    ASSERT_FALSE(records.empty());
    EXPECT_TRUE(records.back().whole);
    ASSERT_EQ(records.back().attributes, expected) << "round " << round;
  }
  EXPECT_LE(life.pool().used(), base + 3);
}

TEST(RecorderOverflow, TheLimitOnAttributesIsCounted) {
  record::Policy policy;
  policy.max_attributes = 10;
  RecorderLife life(kLeastMemory, policy);
  const uint64_t span = life.span(life.trace());
  for (int i = 0; i < 25; ++i) EXPECT_EQ(life.set(span, "k" + std::to_string(i), "v"), i < 10 ? TR_OK : TR_ELIMIT);
  ASSERT_EQ(life.end(span), TR_OK);
  const auto records = life.collect();
  EXPECT_EQ(records.back().attributes.size(), 10u);
  EXPECT_EQ(records.back().dropped, 15u);
}

TEST(RecorderOverflow, ALongValueIsCutAtACharacter) {
  record::Policy policy;
  policy.max_value_bytes = 100;
  RecorderLife life(kLeastMemory, policy);
  const uint64_t span = life.span(life.trace());
  EXPECT_EQ(life.set(span, "exact", std::string(100, 'x')), TR_OK);
  EXPECT_EQ(life.set(span, "long", std::string(101, 'x')), TR_ELIMIT);
  EXPECT_EQ(life.set(span, "utf8", std::string(98, 'x') + "\xE2\x82\xAC more"), TR_ELIMIT);
  ASSERT_EQ(life.end(span), TR_OK);
  const auto record = life.collect().back();
  EXPECT_EQ(record.attribute("exact"), std::string(100, 'x'));
  EXPECT_EQ(record.attribute("long"), std::string(100, 'x'));
  EXPECT_EQ(record.attribute("utf8"), std::string(98, 'x'));
}

// Spans whose values interleave in the pages of one thread.
TEST(RecorderOverflow, SpansThatGrowTogether) {
  RecorderLife life(32u << 20);
  const uint64_t trace = life.trace();
  life.collect();
  const size_t base = life.pool().used();
  std::mt19937 random(9);
  for (int round = 0; round < 20; ++round) {
    std::vector<uint64_t> spans(20);
    std::map<std::string, std::vector<std::pair<std::string, std::string>>> expected;
    for (size_t s = 0; s < spans.size(); ++s) spans[s] = life.span(trace, "s" + std::to_string(s));
    for (uint64_t i = 0; i < 400; ++i) {
      const size_t s = random() % spans.size();
      auto& of_span = expected["s" + std::to_string(s)];
      of_span.emplace_back("k" + std::to_string(i),
                           text_of(random() % 20 == 0 ? random() % 200'000 : random() % 3000, i));
      ASSERT_EQ(life.set(spans[s], of_span.back().first, of_span.back().second), TR_OK);
    }
    std::shuffle(spans.begin(), spans.end(), random);
    for (const uint64_t span : spans) ASSERT_EQ(life.end(span), TR_OK);
    const auto records = life.collect();
    ASSERT_EQ(records.size(), spans.size());
    for (const Collected& record : records) {
      EXPECT_TRUE(record.whole);
      ASSERT_EQ(record.attributes, expected[record.name]) << record.name;
    }
  }
  EXPECT_LE(life.pool().used(), base + 3);
}

}  // namespace
}  // namespace trunkline::record_test
