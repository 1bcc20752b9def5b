// Polled batches that are answered record by record, and the ids that a host needs to poll what it has set.
#include <vector>

#include "session.hpp"

namespace trunkline::conformance {
namespace {

class PollPart : public testing::Test {
 protected:
  static tr_processor table(const char* name, std::atomic<int>* released = nullptr) {
    tr_processor table{};
    table.struct_size = sizeof table;
    table.flags = TR_PROCESSOR_POLL;
    table.name = name;
    table.user_data = released;
    if (released != nullptr) {
      table.release = [](void* user) { static_cast<std::atomic<int>*>(user)->fetch_add(1); };
    }
    return table;
  }

  tr_batch* next(uint32_t most = 512) const {
    tr_batch* batch = nullptr;
    EXPECT_EQ(tr_poll(id_, most, 5000, &batch), 1);
    return batch;
  }

  TempDirectory directory_;
  Session session_{directory_.path()};
  tr_processor_id id_ = 0;
};

TEST_F(PollPart, OneRefusedRecordIsDroppedAlone) {
  const tr_processor polled = table("polled");
  ASSERT_EQ(tr_add_processor(&polled, &id_), TR_OK);
  record_trace("t", 8);
  std::vector<uint64_t> seen;
  while (seen.empty() || seen.back() != 10) {
    tr_batch* batch = next();
    size_t at = 0;
    for (; at < batch->count && batch->records[at]->sequence != 5; ++at) seen.push_back(batch->records[at]->sequence);
    if (at == batch->count) {
      EXPECT_EQ(tr_poll_ack(batch, TR_OK, nullptr, 0), TR_OK);
    } else {
      EXPECT_EQ(tr_poll_ack_part(batch, at, TR_EIO, nullptr, 0), TR_OK);
    }
  }
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 2, 3, 4, 6, 7, 8, 9, 10}));
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = stats_of(id_);
  EXPECT_EQ(counts.delivered.records, 9u);
  EXPECT_EQ(counts.rejected.records, 1u);
  EXPECT_EQ(counts.retries, 0u);
  EXPECT_TRUE(law_holds(counts));
}

TEST_F(PollPart, AgainBeginsWithTheRecordThatAskedForIt) {
  const tr_processor polled = table("polled");
  ASSERT_EQ(tr_add_processor(&polled, &id_), TR_OK);
  record_trace("t", 8);
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) {
    tr_batch* batch = next();
    ASSERT_EQ(batch->records[0]->sequence, sequence);
    ASSERT_EQ(tr_poll_ack_part(batch, 0, TR_EAGAIN, nullptr, 0), TR_OK);
    batch = next();
    ASSERT_EQ(batch->records[0]->sequence, sequence);
    if (batch->count > 1) {
      ASSERT_EQ(tr_poll_ack_part(batch, 1, TR_EAGAIN, nullptr, 0), TR_OK);
    } else {
      ASSERT_EQ(tr_poll_ack(batch, TR_OK, nullptr, 0), TR_OK);
    }
  }
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats_of(id_).delivered.records, 10u);
  EXPECT_GE(stats_of(id_).retries, 10u);
}

TEST_F(PollPart, OutOfOrder) {
  const tr_processor polled = table("polled");
  ASSERT_EQ(tr_add_processor(&polled, &id_), TR_OK);
  const tr_trace trace = tr_trace_start("t", TR_NUL, nullptr);
  for (int i = 0; i < 3; ++i) add_span(trace, "s");
  tr_batch* first = next(1);
  std::vector<tr_batch*> late;  // until a batch has two records: spans that one pass of the worker took together
  tr_batch* second = nullptr;
  for (;;) {
    for (int i = 0; i < 3; ++i) add_span(trace, "s");
    second = next(3);
    if (second->count > 1) break;
    late.push_back(second);
  }
  const uint64_t refused = second->records[0]->sequence;
  EXPECT_EQ(tr_poll_ack_part(second, 0, TR_EIO, nullptr, 0), TR_OK);
  tr_batch* rest = next();
  EXPECT_EQ(rest->records[0]->sequence, refused + 1);
  EXPECT_EQ(tr_poll_ack(rest, TR_OK, nullptr, 0), TR_OK);
  for (tr_batch* batch : late) EXPECT_EQ(tr_poll_ack(batch, TR_OK, nullptr, 0), TR_OK);
  EXPECT_EQ(tr_flush(50), TR_ETIMEDOUT) << "the first is still out";
  EXPECT_EQ(tr_poll_ack(first, TR_OK, nullptr, 0), TR_OK);
  tr_trace_end(trace);
  tr_batch* batch = nullptr;
  while (tr_flush(50) != TR_OK) {
    if (tr_poll(id_, 512, 0, &batch) == 1) tr_poll_ack(batch, TR_OK, nullptr, 0);
  }
  const tr_processor_stats counts = stats_of(id_);
  EXPECT_EQ(counts.rejected.records, 1u);
  EXPECT_EQ(counts.delivered.records + 1, stats().records_logged);
}

TEST_F(PollPart, WrongArgumentsChangeNothing) {
  const tr_processor polled = table("polled");
  ASSERT_EQ(tr_add_processor(&polled, &id_), TR_OK);
  const tr_trace trace = tr_trace_start("t", TR_NUL, nullptr);
  tr_batch* batch = next();
  EXPECT_EQ(tr_poll_ack_part(nullptr, 0, TR_EIO, nullptr, 0), TR_EINVAL);
  EXPECT_EQ(tr_poll_ack_part(batch, batch->count, TR_EIO, nullptr, 0), TR_EINVAL);
  EXPECT_EQ(tr_poll_ack_part(batch, 0, TR_OK, nullptr, 0), TR_EINVAL);
  EXPECT_EQ(tr_poll_ack_part(batch, 0, TR_EIO, nullptr, 1), TR_EINVAL);
  const std::string large(65537, 's');
  EXPECT_EQ(tr_poll_ack_part(batch, 0, TR_EIO, large.data(), large.size()), TR_ELIMIT);
  EXPECT_EQ(tr_poll_ack(batch, TR_OK, nullptr, 0), TR_OK);
  EXPECT_EQ(stats_of(id_).delivered.records, 1u);
  EXPECT_EQ(stats_of(id_).rejected.records, 0u);
  tr_remove_processor(id_);
  tr_trace_end(trace);
}

TEST_F(PollPart, ReplacingTellsTheIds) {
  std::atomic<int> released{0};
  const tr_processor tables[] = {table("one", &released), table("two", &released)};
  tr_processor_id ids[] = {77, 77};
  ASSERT_EQ(tr_replace_processors(tables, 2, ids), TR_OK);
  record_trace("t", 1);
  for (const tr_processor_id id : ids) {
    id_ = id;
    uint64_t last = 0;
    while (last != 3) {
      tr_batch* batch = next();
      EXPECT_EQ(batch->processor, id);
      last = batch->records[batch->count - 1]->sequence;
      EXPECT_EQ(tr_poll_ack(batch, TR_OK, nullptr, 0), TR_OK);
    }
  }
  tr_processor spoilt[] = {table("three", &released), table("", &released)};
  tr_processor_id refused[] = {77, 77};
  EXPECT_EQ(tr_replace_processors(spoilt, 2, refused), TR_EINVAL);
  EXPECT_EQ(refused[0], 0u);
  EXPECT_EQ(refused[1], 0u);
  EXPECT_EQ(released, 2) << "the refused ones";
  EXPECT_EQ(tr_replace_processors(nullptr, 0, nullptr), TR_OK);
  EXPECT_EQ(released, 4);
}

}  // namespace
}  // namespace trunkline::conformance
