// The memory of blocks: what is used again shows nothing of what it held before, and only so much is kept.
#include "pipeline/block.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "model/item.hpp"
#include "pipeline/block_pool.hpp"
#include "pipeline/known_keys.hpp"

namespace trunkline::pipeline {
namespace {

void add_span(Block* block, uint64_t sequence, const std::vector<std::string>& attributes,
              const char* event = nullptr) {
  RecordHeader header{};
  header.type = TR_RECORD_SPAN_END;
  std::string payload(reinterpret_cast<const char*>(&header), sizeof header);
  for (const std::string& each : attributes) append_item(&payload, Field::kAttribute, TR_TYPE_STR, each, 0, each);
  if (event != nullptr) {
    const std::string time(8, '\0');
    const uint32_t size = static_cast<uint32_t>(std::string_view(event).size());
    append_item(&payload, Field::kEvent, TR_TYPE_STR, {}, 0,
                time + std::string(reinterpret_cast<const char*>(&size), sizeof size) + event);
  }
  block->add(sequence, payload);
}

std::string text(const tr_string& s) { return {s.data, s.size}; }

TEST(Block, DecodesEachRecordByItself) {
  Block block;
  add_span(&block, 7, {"a", "b", "c"}, "said");
  add_span(&block, 8, {});
  add_span(&block, 9, {"d"});
  const auto records = block.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].attribute_count, 3u);
  EXPECT_EQ(records[0].event_count, 1u);
  EXPECT_EQ(records[1].attribute_count, 0u);
  EXPECT_EQ(records[1].event_count, 0u);
  ASSERT_EQ(records[2].attribute_count, 1u);
  EXPECT_EQ(text(records[2].attributes[0].key), "d");
  EXPECT_EQ(records[2].sequence, 9u);
}

TEST(Block, DecodesOnceForAllThreads) {
  Block block;
  for (uint64_t i = 1; i <= 200; ++i) add_span(&block, i, {"a", "b"});
  std::vector<const tr_record*> seen(4);
  std::vector<std::thread> threads;
  for (auto& place : seen) threads.emplace_back([&block, &place] { place = block.records().data(); });
  for (std::thread& thread : threads) thread.join();
  for (const tr_record* each : seen) EXPECT_EQ(each, seen[0]);
}

TEST(BlockPool, FillsTheSameMemoryAgain) {
  const auto pool = BlockPool::create();
  auto first = pool->take();
  const Block* const memory = first.get();
  for (uint64_t i = 1; i <= 100; ++i) add_span(first.get(), i, {"a", "b", "c"}, "said");
  first->set_flags(TR_RECORD_RECOVERED);
  ASSERT_EQ(first->records().size(), 100u);
  const size_t held = first->capacity();
  first.reset();
  EXPECT_EQ(pool->spare_bytes(), held);

  const auto again = pool->take();
  ASSERT_EQ(again.get(), memory);
  EXPECT_TRUE(again->empty());
  EXPECT_EQ(again->bytes(), 0u);
  EXPECT_EQ(pool->spare_bytes(), 0u);
  add_span(again.get(), 500, {"d"});
  ASSERT_EQ(again->records().size(), 1u);
  const tr_record& record = again->records()[0];
  EXPECT_EQ(record.sequence, 500u);
  EXPECT_EQ(record.flags, 0u);
  EXPECT_EQ(record.attribute_count, 1u);
  EXPECT_EQ(record.event_count, 0u);
  EXPECT_EQ(again->capacity(), held);
}

TEST(BlockPool, KeepsOnlySoMuchAndNothingWhenIdle) {
  const auto pool = BlockPool::create();
  std::vector<std::shared_ptr<Block>> taken(100);
  for (auto& block : taken) {
    block = pool->take();
    block->reserve(0, 1u << 19);
  }
  taken.clear();
  EXPECT_GE(pool->spare_bytes(), 1u << 19);
  EXPECT_LE(pool->spare_bytes(), 4u << 20);
  pool->trim();
  EXPECT_EQ(pool->spare_bytes(), 0u);
}

TEST(BlockPool, ABlockMayEndAfterAllElse) {
  auto pool = BlockPool::create();
  auto block = pool->take();
  pool.reset();
  add_span(block.get(), 1, {"a"});
  EXPECT_EQ(block->records().size(), 1u);
  block.reset();
}

TEST(KnownKeys, KnowsOnlyWhatItWasTold) {
  KnownKeys known;
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back("gen_ai.request.attribute_" + std::to_string(i));
  for (const std::string& key : keys) {
    EXPECT_FALSE(known.contains(key));
    known.add(key);
    EXPECT_TRUE(known.contains(key));
    EXPECT_FALSE(known.contains(key + "x"));
  }
  known.add({});
  EXPECT_FALSE(known.contains({}));
  const std::string huge(1000, 'k');
  known.add(huge);
  EXPECT_FALSE(known.contains(huge));
}

}  // namespace
}  // namespace trunkline::pipeline
