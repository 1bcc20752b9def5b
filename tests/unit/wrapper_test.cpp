// The C++ wrapper's processor table, called as the library calls it.
#include "trunkline.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace {

class Probe : public trunkline::Processor {
 public:
  Probe(Options options, std::vector<std::string>* calls) : Processor(std::move(options)), calls_(calls) {}
  ~Probe() override { calls_->push_back("deleted"); }

  int on_span_end(const tr_record& record) override {
    calls_->push_back("span " + std::string(trunkline::view(record.name)));
    if (trunkline::view(record.name) == "throws") throw std::runtime_error("contained");
    if (trunkline::view(record.name) == "throws an int") throw 7;
    return trunkline::view(record.name) == "again" ? TR_EAGAIN : TR_OK;
  }
  int on_batch(const tr_batch& batch) override { return static_cast<int>(batch.count); }
  int restore(const char* run_id, std::string_view state) override {
    calls_->push_back(run_id + std::string(state));
    return 5;
  }
  int shutdown(uint32_t) override { throw std::bad_alloc(); }

 private:
  std::vector<std::string>* calls_;
};

tr_record named(const char* name) {
  tr_record record{};
  record.name = trunkline::borrow(name);
  return record;
}

TEST(Wrapper, TheTableCallsTheHooksAndContainsExceptions) {
  std::vector<std::string> calls;
  const tr_processor table =
      trunkline::Processor::table(std::make_unique<Probe>(Probe::Options{"probe", "there"}, &calls));
  EXPECT_EQ(table.struct_size, sizeof table);
  EXPECT_STREQ(table.name, "probe");
  EXPECT_STREQ(table.destination, "there");
  const tr_record fine = named("fine"), again = named("again"), throws = named("throws"), odd = named("throws an int");
  EXPECT_EQ(table.on_span_end(table.user_data, &fine), TR_OK);
  EXPECT_EQ(table.on_span_end(table.user_data, &again), TR_EAGAIN);
  EXPECT_EQ(table.on_span_end(table.user_data, &throws), TR_EINTERNAL);
  EXPECT_EQ(table.on_span_end(table.user_data, &odd), TR_EINTERNAL);
  EXPECT_EQ(table.on_trace_start(table.user_data, &fine), TR_OK);
  EXPECT_EQ(table.restore(table.user_data, "run", "state", 5), 5);
  EXPECT_EQ(table.force_flush(table.user_data, 1), TR_OK);
  EXPECT_EQ(table.shutdown(table.user_data, 1), TR_EINTERNAL);
  table.release(table.user_data);
  EXPECT_EQ(calls, (std::vector<std::string>{"span fine", "span again", "span throws", "span throws an int", "runstate",
                                             "deleted"}));
}

TEST(Wrapper, OnlyWhatWasAskedForIsInTheTable) {
  std::vector<std::string> calls;
  Probe::Options options;
  options.name = "probe";
  tr_processor table = trunkline::Processor::table(std::make_unique<Probe>(options, &calls));
  EXPECT_EQ(table.on_batch, nullptr);
  EXPECT_EQ(table.on_span_start, nullptr);
  EXPECT_EQ(table.on_tick, nullptr);
  EXPECT_EQ(table.destination, nullptr);
  table.release(table.user_data);

  options.flags = TR_PROCESSOR_SPAN_STARTS;
  options.tick_ms = 10;
  table = trunkline::Processor::table(std::make_unique<Probe>(options, &calls));
  EXPECT_NE(table.on_span_start, nullptr);
  EXPECT_NE(table.on_tick, nullptr);
  table.release(table.user_data);

  options.batches = true;
  table = trunkline::Processor::table(std::make_unique<Probe>(options, &calls));
  EXPECT_EQ(table.on_span_end, nullptr);
  tr_batch batch{};
  batch.count = 3;
  EXPECT_EQ(table.on_batch(table.user_data, &batch), 3);
  table.release(table.user_data);
  EXPECT_EQ(trunkline::Processor::add(nullptr), TR_EINVAL);
}

TEST(Wrapper, ValuesTakeTheTypeOfTheirArgument) {
  EXPECT_EQ(trunkline::make_value(true).type, TR_TYPE_BOOL);
  EXPECT_EQ(trunkline::make_value(7u).type, TR_TYPE_I64);
  EXPECT_EQ(trunkline::make_value(1.5f).f64, 1.5);
  EXPECT_EQ(trunkline::view(trunkline::make_value("literal")), "literal");
  EXPECT_EQ(trunkline::view(trunkline::make_value(std::string("text"))), "text");
  EXPECT_EQ(trunkline::make_json("{}").type, TR_TYPE_JSON);
  EXPECT_EQ(trunkline::view(trunkline::make_value(3)), "");
}

TEST(Wrapper, WhatNoInt64HoldsAndWhatIsNoTextAreNotMadeUp) {
  EXPECT_EQ(trunkline::make_value(static_cast<const char*>(nullptr)).type, TR_TYPE_NULL);
  EXPECT_EQ(trunkline::make_value(UINT64_MAX).type, TR_TYPE_F64);
  EXPECT_EQ(trunkline::make_value(UINT64_MAX).f64, 18446744073709551615.0);
  EXPECT_EQ(trunkline::make_value(uint64_t{INT64_MAX}).i64, INT64_MAX);
  EXPECT_FALSE(trunkline::extract("no traceparent"));
  EXPECT_TRUE(trunkline::extract("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
}

}  // namespace
