// What every processor of the host may rely on, whatever its shape: order, exactly once without faults, and what
// becomes of records it refuses.
#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <stdexcept>

#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

class Delivery : public testing::TestWithParam<Kind> {
 protected:
  TempDirectory directory_;
};

class DeliveryInBatches : public Delivery {};  // a batch is taken or refused as a whole
class DeliveryOneByOne : public Delivery {};   // a record is taken or refused
class DeliveryToHooks : public Delivery {};    // on a thread of the library

// Sequences from `first` on without a gap, each once.
void expect_contiguous(const std::vector<Seen>& seen, uint64_t first) {
  for (size_t i = 0; i < seen.size(); ++i) {
    ASSERT_EQ(seen[i].sequence, first + i) << "at " << i << ": " << seen[i].name;
  }
}

TEST_P(Delivery, InOrderAndExactlyOnceWithoutFaults) {
  Probe probe(GetParam());
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  constexpr int kThreads = 4;
  constexpr int kTraces = 25;
  constexpr int kSpans = 100;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < kTraces; ++i) record_trace("t" + std::to_string(t) + "." + std::to_string(i), kSpans);
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(tr_flush(60'000), TR_OK);

  const auto taken = probe.taken();
  ASSERT_EQ(taken.size(), size_t{kThreads * kTraces * (kSpans + 2)});
  expect_contiguous(taken, 1);
  std::map<std::string, std::vector<Seen>> traces;
  for (const Seen& seen : taken) traces[seen.trace_id].push_back(seen);
  ASSERT_EQ(traces.size(), size_t{kThreads * kTraces});
  for (const auto& [id, records] : traces) {
    ASSERT_EQ(records.size(), size_t{kSpans + 2});
    EXPECT_EQ(records.front().type, TR_RECORD_TRACE_START);
    EXPECT_EQ(records.back().type, TR_RECORD_TRACE_END);
    for (int i = 0; i < kSpans; ++i) {
      const Seen& span = records[static_cast<size_t>(i) + 1];
      ASSERT_EQ(span.name, records.front().name + " " + std::to_string(i));
      ASSERT_EQ(span.flags, 0u);
    }
  }
  const tr_processor_stats counts = stats_of(probe.id());
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.delivered.spans, uint64_t{kThreads * kTraces * kSpans});
  EXPECT_EQ(counts.offered.spans, stats().spans_ended);
  EXPECT_EQ(counts.pending.records, 0u);
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_EQ(probe.released(), 1);
}

TEST_P(Delivery, SpanStartsOnlyWhenAskedFor) {
  Probe without(GetParam(), {.name = "without"});
  Probe with(GetParam(), {.name = "with", .span_starts = true});
  Session session(directory_.path());
  ASSERT_EQ(without.attach(), TR_OK);
  record_trace("nobody asks", 3);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats().records_logged, 5u) << "start records are made though nobody asked";
  ASSERT_EQ(with.attach(), TR_OK);
  record_trace("somebody asks", 3);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const auto count = [](const std::vector<Seen>& seen, tr_record_type type) {
    return std::count_if(seen.begin(), seen.end(), [type](const Seen& s) { return s.type == type; });
  };
  EXPECT_EQ(count(without.taken(), TR_RECORD_SPAN_START), 0);
  EXPECT_EQ(count(without.taken(), TR_RECORD_SPAN_END), 6);
  EXPECT_EQ(count(with.taken(), TR_RECORD_SPAN_START), 3);
  EXPECT_EQ(count(with.taken(), TR_RECORD_SPAN_END), 3);
  const auto taken = with.taken();
  std::set<std::string> started;
  for (const Seen& seen : taken) {
    if (seen.type == TR_RECORD_SPAN_START) started.insert(seen.name);
    if (seen.type == TR_RECORD_SPAN_END) {
      EXPECT_EQ(started.count(seen.name), 1u) << seen.name;
    }
  }
  EXPECT_TRUE(law_holds(stats_of(without.id())));
  EXPECT_TRUE(law_holds(stats_of(with.id())));
}

TEST_P(DeliveryInBatches, AreNoLargerThanAskedFor) {
  Probe probe(GetParam(), {.batch_size = 7});
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 500);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(probe.taken_count(), 502u);
  const auto sizes = probe.batch_sizes();
  EXPECT_LE(*std::max_element(sizes.begin(), sizes.end()), 7u);
  EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 7u);
}

TEST_P(Delivery, AgainIsOfferedAgainInOrderAndWithBackoff) {
  Probe probe(GetParam(), {.batch_size = 10});
  std::map<uint64_t, int> refusals;
  probe.decide = [&](const Seen& seen) {
    return seen.name.ends_with("7") && refusals[seen.sequence]++ < 4 ? TR_EAGAIN : TR_OK;
  };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 50);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const auto taken = probe.taken();
  ASSERT_EQ(taken.size(), 52u);
  expect_contiguous(taken, 1);
  const tr_processor_stats counts = stats_of(probe.id());
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.delivered.records, 52u);
  EXPECT_GE(counts.retries, 4u * 5u);
  // The pauses between the offers of a record that is refused grow.
  std::map<uint64_t, std::vector<int64_t>> offers;
  for (const Seen& seen : probe.offered()) {
    if (seen.name.ends_with("7")) offers[seen.sequence].push_back(seen.at_ns);
  }
  ASSERT_EQ(offers.size(), 5u);
  for (const auto& [sequence, times] : offers) {
    ASSERT_EQ(times.size(), 5u) << sequence;
    EXPECT_GE(times[4] - times[0], 10'000'000) << "no backoff to speak of";
  }
}

TEST_P(Delivery, BackoffBeginsAnewAfterProgress) {
  Probe probe(GetParam(), {.batch_size = 1});
  std::set<uint64_t> refused;
  probe.decide = [&](const Seen& seen) { return refused.insert(seen.sequence).second ? TR_EAGAIN : TR_OK; };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  const auto start = std::chrono::steady_clock::now();
  record_trace("t", 50);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  // 52 pauses of the shortest kind, not of one kind twice the other.
  EXPECT_LT(seconds_since(start), 3.0);
  expect_contiguous(probe.taken(), 1);
}

// As above, with the records refused inside of one large batch.
TEST_P(DeliveryOneByOne, BackoffBeginsAnewInsideABatch) {
  Probe probe(GetParam());
  std::set<uint64_t> refused;
  probe.decide = [&](const Seen& seen) { return refused.insert(seen.sequence).second ? TR_EAGAIN : TR_OK; };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 50);
  EXPECT_EQ(tr_flush(3000), TR_OK) << "52 pauses take longer than 3 s: " << probe.taken_count() << " records taken";
}

// Every tenth span is refused: it is counted and not offered again, and the others arrive.
void expect_refusals_dropped(const std::string& directory, Probe& probe) {
  probe.decide = [](const Seen& seen) { return seen.name.ends_with("5") ? TR_EINVAL : TR_OK; };
  Session session(directory);
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  std::map<uint64_t, int> offers;
  for (const Seen& seen : probe.offered()) ++offers[seen.sequence];
  ASSERT_EQ(offers.size(), 102u);
  for (const auto& [sequence, count] : offers) EXPECT_EQ(count, 1) << sequence;
  const tr_processor_stats counts = stats_of(probe.id());
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.rejected.spans, 10u);
  EXPECT_EQ(counts.delivered.spans, 90u);
  EXPECT_EQ(counts.poisoned_now, 0u);
}

TEST_P(Delivery, AnErrorDropsAndCounts) {
  Probe probe(GetParam(), {.batch_size = 1});
  expect_refusals_dropped(directory_.path(), probe);
}

// A single-record hook refuses one record in the middle of a batch: those before it were taken, those after it follow.
TEST_P(DeliveryOneByOne, AnErrorInTheMiddleOfABatchDropsOneRecord) {
  Probe probe(GetParam());
  expect_refusals_dropped(directory_.path(), probe);
}

TEST_P(DeliveryToHooks, AnExceptionIsAnError) {
  Probe probe(GetParam(), {.batch_size = 1});
  probe.decide = [](const Seen& seen) -> int {
    if (seen.name.ends_with("5")) throw std::runtime_error("of the host");
    if (seen.name.ends_with("6")) throw 42;
    return TR_OK;
  };
  probe.on_flush = [](uint32_t) { throw std::runtime_error("in force_flush"); };
  probe.on_shutdown = [](uint32_t) { throw std::runtime_error("in shutdown"); };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = stats_of(probe.id());
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(counts.rejected.spans, 20u);
  EXPECT_EQ(counts.delivered.spans, 80u);
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_EQ(probe.released(), 1);
}

TEST_P(Delivery, FailuresInARowPoisonThatProcessorAlone) {
  Probe bad(GetParam(), {.name = "bad", .batch_size = 1});
  bad.decide = [](const Seen&) { return TR_EIO; };
  Probe good(GetParam(), {.name = "good"});
  Session session(directory_.path());
  ASSERT_EQ(bad.attach(), TR_OK);
  ASSERT_EQ(good.attach(), TR_OK);
  record_trace("t", 100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(bad.offered().size(), size_t{TR_POISON_LIMIT});
  const tr_processor_stats counts = stats_of(bad.id());
  EXPECT_EQ(counts.poisoned_now, 1u);
  EXPECT_EQ(counts.rejected.records, uint64_t{TR_POISON_LIMIT});
  EXPECT_EQ(counts.poisoned.records, 102u - TR_POISON_LIMIT);
  EXPECT_TRUE(law_holds(counts));
  expect_contiguous(good.taken(), 1);
  EXPECT_EQ(good.taken_count(), 102u);
  EXPECT_TRUE(law_holds(stats_of(good.id())));
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_EQ(bad.released(), 1);
}

// Records that no hook is there for are nobody's success.
TEST(DeliveryToOneHook, WhatNoHookIsForDoesNotEndARowOfFailures) {
  const TempDirectory directory;
  Session session(directory.path());
  tr_processor failing{};
  failing.struct_size = sizeof failing;
  failing.name = "failing";
  failing.on_span_end = [](void*, const tr_record*) { return TR_EIO; };
  tr_processor_id id = 0;
  ASSERT_EQ(tr_add_processor(&failing, &id), TR_OK);
  for (int i = 0; i < 40; ++i) record_trace("t", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = stats_of(id);
  EXPECT_EQ(counts.rejected.spans, uint64_t{TR_POISON_LIMIT});
  EXPECT_EQ(counts.poisoned.spans, 40u - TR_POISON_LIMIT);
  EXPECT_TRUE(law_holds(counts));
  const auto messages = session.messages();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_NE(messages[0].find("failing refuses"), std::string::npos) << messages[0];
  EXPECT_NE(messages[1].find("gets nothing more"), std::string::npos) << messages[1];
}

// One success in between, and the count of failures begins anew.
TEST_P(Delivery, FailuresThatAreNotInARowDoNotPoison) {
  Probe probe(GetParam(), {.batch_size = 1});
  probe.decide = [](const Seen& seen) { return seen.sequence % TR_POISON_LIMIT != 0 ? TR_EIO : TR_OK; };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 200);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(probe.offered().size(), 202u);
  EXPECT_EQ(stats_of(probe.id()).poisoned_now, 0u);
}

TEST_P(Delivery, WithoutALogOnDisk) {
  Probe probe(GetParam(), {.flags = TR_PROCESSOR_DURABLE});
  Session session(directory_.path(), [](tr_config& config) { config.durability = TR_DURABILITY_MEMORY; });
  EXPECT_EQ(stats().mode, TR_MODE_MEMORY);
  ASSERT_EQ(probe.attach(), TR_OK);
  for (int i = 0; i < 20; ++i) record_trace("t" + std::to_string(i), 100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(probe.taken_count(), 2040u);
  expect_contiguous(probe.taken(), 1);
  EXPECT_EQ(session.stop(), TR_OK);
}

double cpu_seconds() {
  timespec used;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

// Nothing to do means doing nothing: whatever happened before, no thread may spin.
TEST_P(Delivery, AnIdleProcessorCostsNothing) {
  Probe probe(GetParam(), {.batch_size = 1, .tick_ms = 10});  // ticks without a hook for them
  std::set<uint64_t> refused;
  probe.decide = [&](const Seen& seen) {
    if (seen.type != TR_RECORD_TRACE_END) return TR_OK;
    return refused.insert(seen.sequence).second ? TR_EAGAIN : TR_EINVAL;
  };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 10);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  std::this_thread::sleep_for(300ms);
  const double before = cpu_seconds();
  std::this_thread::sleep_for(1s);
  EXPECT_LT(cpu_seconds() - before, 0.2) << "CPU seconds used in a second of rest";
}

std::string kind_of(const testing::TestParamInfo<Kind>& each) { return kind_name(each.param); }

INSTANTIATE_TEST_SUITE_P(Conformance, Delivery, testing::Values(Kind::kOnBatch, Kind::kHooks, Kind::kPolled), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, DeliveryInBatches, testing::Values(Kind::kOnBatch, Kind::kPolled), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, DeliveryOneByOne, testing::Values(Kind::kHooks), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, DeliveryToHooks, testing::Values(Kind::kOnBatch, Kind::kHooks), kind_of);

}  // namespace
}  // namespace trunkline::conformance
