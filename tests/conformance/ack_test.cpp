// Batches that a processor keeps: acknowledged later, from any thread, in any order, and also after the processor or
// the library has gone.
#include <algorithm>
#include <random>
#include <set>

#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

class Keeping : public testing::TestWithParam<Kind> {
 protected:
  void keep_everything() {
    probe_.keep = [](const tr_batch&) { return true; };
  }

  TempDirectory directory_;
  Probe probe_{GetParam(), {.batch_size = 10}};
};

TEST_P(Keeping, AcknowledgedInAnyOrder) {
  keep_everything();
  Session session(directory_.path());
  ASSERT_EQ(probe_.attach(), TR_OK);
  record_trace("t", 298);
  ASSERT_TRUE(eventually([&] { return probe_.kept_records() == 300; }));
  EXPECT_EQ(stats_of(probe_.id()).delivered.records, 0u);
  EXPECT_EQ(stats_of(probe_.id()).pending.records, 300u);
  EXPECT_EQ(tr_flush(50), TR_ETIMEDOUT) << "kept is not delivered";
  std::mt19937 random(7);
  while (probe_.kept_count() > 0) EXPECT_EQ(probe_.acknowledge(random() % probe_.kept_count(), TR_OK), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(probe_.offered().size(), 300u);
  EXPECT_EQ(stats_of(probe_.id()).delivered.records, 300u);
  EXPECT_EQ(session.stop(), TR_OK);
}

TEST_P(Keeping, AgainOffersANewBatch) {
  keep_everything();
  Session session(directory_.path());
  ASSERT_EQ(probe_.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_TRUE(eventually([&] { return probe_.kept_records() == 100; }));
  // Every other batch is refused once.
  std::vector<uint64_t> refused;
  for (size_t i = probe_.kept_count(); i-- > 0;) {
    if (i % 2 == 0) refused.insert(refused.begin(), probe_.kept_firsts()[i]);
    EXPECT_EQ(probe_.acknowledge(i, i % 2 == 0 ? TR_EAGAIN : TR_OK), TR_OK);
  }
  ASSERT_TRUE(eventually([&] { return probe_.kept_count() >= refused.size(); }));
  auto again = probe_.kept_firsts();
  std::sort(again.begin(), again.end());
  EXPECT_EQ(again, refused);
  while (probe_.kept_count() > 0) probe_.acknowledge(0, TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  std::multiset<uint64_t> taken;
  for (const Seen& seen : probe_.taken()) taken.insert(seen.sequence);
  for (uint64_t sequence = 1; sequence <= 100; ++sequence) EXPECT_EQ(taken.count(sequence), 1u) << sequence;
  EXPECT_TRUE(law_holds(stats_of(probe_.id())));
  EXPECT_EQ(stats_of(probe_.id()).delivered.records, 100u);
}

TEST_P(Keeping, AnErrorDropsTheBatch) {
  keep_everything();
  Session session(directory_.path());
  ASSERT_EQ(probe_.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_TRUE(eventually([&] { return probe_.kept_records() == 100; }));
  const size_t before = probe_.kept_records();
  EXPECT_EQ(probe_.acknowledge(1, TR_EIO), TR_OK);
  const size_t dropped = before - probe_.kept_records();
  while (probe_.kept_count() > 0) probe_.acknowledge(0, TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = stats_of(probe_.id());
  EXPECT_EQ(counts.rejected.records, dropped);
  EXPECT_EQ(counts.delivered.records, 100 - dropped);
  EXPECT_EQ(probe_.offered().size(), 100u);
}

// What is kept stays readable, and acknowledging it is harmless, after the removal of its processor...
TEST_P(Keeping, AcrossRemoval) {
  keep_everything();
  Session session(directory_.path());
  ASSERT_EQ(probe_.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_TRUE(eventually([&] { return probe_.kept_records() == 100; }));
  ASSERT_EQ(tr_remove_processor(probe_.id()), TR_OK);
  ASSERT_TRUE(eventually([&] { return probe_.released() == 1; }));
  record_trace("later", 1000);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  while (probe_.kept_count() > 0) EXPECT_EQ(probe_.acknowledge(0, TR_OK), TR_OK);
  EXPECT_EQ(probe_.taken().size(), 100u);
  EXPECT_EQ(probe_.taken().back().name, "t");
  const tr_processor_stats counts = stats_of(probe_.id());
  EXPECT_EQ(counts.removed.records, 100u);
  EXPECT_EQ(counts.delivered.records, 0u) << "counted twice";
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(probe_.released(), 1);
}

// ... and after the end of the library, and the start of the next.
TEST_P(Keeping, AcrossShutdown) {
  keep_everything();
  Session session(directory_.path());
  ASSERT_EQ(probe_.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_TRUE(eventually([&] { return probe_.kept_records() == 100; }));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(session.stop(200), TR_ETIMEDOUT);
  EXPECT_LT(seconds_since(start), 20.0);
  ASSERT_TRUE(eventually([&] { return probe_.released() == 1; }));
  EXPECT_EQ(probe_.acknowledge(0, TR_OK), TR_OK);
  Session next(directory_.path());
  EXPECT_EQ(probe_.acknowledge(0, TR_EAGAIN), TR_OK);
  while (probe_.kept_count() > 0) EXPECT_EQ(probe_.acknowledge(0, TR_OK), TR_OK);
  EXPECT_EQ(probe_.taken().back().name, "t");
  EXPECT_EQ(probe_.released(), 1);
}

// A shutdown waits for what is out, within its time.
TEST_P(Keeping, ShutdownWaitsForAcknowledgements) {
  keep_everything();
  Session session(directory_.path());
  ASSERT_EQ(probe_.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_TRUE(eventually([&] { return probe_.kept_records() == 100; }));
  std::thread late([&] {
    std::this_thread::sleep_for(100ms);
    while (probe_.kept_count() > 0) probe_.acknowledge(0, TR_OK);
  });
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_EQ(probe_.kept_count(), 0u);
  late.join();
}

std::string kind_of(const testing::TestParamInfo<Kind>& each) { return kind_name(each.param); }

INSTANTIATE_TEST_SUITE_P(Conformance, Keeping, testing::Values(Kind::kOnBatch, Kind::kPolled), kind_of);

// A table of on_batch alone, for what only it can do.
struct BatchHook {
  std::function<int(const tr_batch*)> call;
  tr_processor_id id = 0;

  int attach(uint32_t flags = 0, uint32_t batch_size = 10) {
    tr_processor table{};
    table.struct_size = sizeof table;
    table.flags = flags;
    table.user_data = this;
    table.name = "hook";
    table.batch_size = batch_size;
    table.on_batch = [](void* user, const tr_batch* batch) { return static_cast<BatchHook*>(user)->call(batch); };
    return tr_add_processor(&table, &id);
  }
};

TEST(Retaining, AcknowledgedByAnotherThreadWhileTheHookRuns) {
  TempDirectory directory;
  Session session(directory.path());
  std::atomic<int> kept{0};
  std::atomic<int> saved_afterwards{0};
  BatchHook hook;
  hook.call = [&](const tr_batch* batch) {
    tr_batch* mine = tr_batch_retain(batch);
    if (mine == nullptr) return TR_EINTERNAL;
    std::thread([mine] { tr_batch_ack(mine, TR_OK); }).join();
    ++kept;
    // The batch is gone: there is nothing to save a state for.
    if (tr_processor_save("state", 5) == TR_OK) ++saved_afterwards;
    return TR_OK;
  };
  ASSERT_EQ(hook.attach(), TR_OK);
  for (int i = 0; i < 20; ++i) record_trace("t", 98);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_GE(kept, 200);
  EXPECT_EQ(saved_afterwards, 0);
  EXPECT_EQ(stats_of(hook.id).delivered.records, 2000u);
  EXPECT_EQ(session.stop(), TR_OK);
}

TEST(Retaining, AcknowledgedByTheHookItself) {
  TempDirectory directory;
  Session session(directory.path());
  BatchHook hook;
  hook.call = [&](const tr_batch* batch) { return tr_batch_ack(tr_batch_retain(batch), TR_OK); };
  ASSERT_EQ(hook.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats_of(hook.id).delivered.records, 100u);
}

// A batch is valid during the hook, whoever acknowledges it meanwhile, however, and whatever else comes and goes.
TEST(Retaining, ValidDuringTheHookAlsoWhenAcknowledged) {
  TempDirectory directory;
  Session session(directory.path());
  std::atomic<int> batches{0};
  std::vector<std::string> names;
  BatchHook hook;
  hook.call = [&](const tr_batch* batch) {
    tr_batch* mine = tr_batch_retain(batch);
    const int way = batches++ % 3;
    if (way == 0) {
      tr_batch_ack(mine, TR_OK);
    } else if (way == 1) {
      tr_poll_ack_part(mine, batch->count - 1, TR_EAGAIN, nullptr, 0);
    } else {
      std::thread([mine] { tr_batch_ack(mine, TR_EAGAIN); }).join();
    }
    for (size_t i = 0; i < batch->count; ++i) {
      names.emplace_back(batch->records[i]->name.data, batch->records[i]->name.size);
    }
    return tr_processor_save("state", 5) == TR_ESTATE ? TR_OK : TR_EINTERNAL;
  };
  ASSERT_EQ(hook.attach(), TR_OK);
  for (int i = 0; i < 5; ++i) record_trace("t", 98);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats_of(hook.id).delivered.records, 500u);
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_GE(names.size(), 500u);
  for (const std::string& name : names) EXPECT_EQ(name.substr(0, 1), "t");
}

TEST(Retaining, OnlyInsideTheHookAndOnce) {
  TempDirectory directory;
  Session session(directory.path());
  std::atomic<tr_batch*> kept{nullptr};
  std::atomic<int> twice{0};
  BatchHook hook;
  hook.call = [&](const tr_batch* batch) {
    if (kept != nullptr) return TR_OK;
    kept = tr_batch_retain(batch);
    if (tr_batch_retain(batch) != nullptr) ++twice;
    tr_batch other = *batch;
    if (tr_batch_retain(&other) != nullptr) ++twice;
    return TR_OK;
  };
  ASSERT_EQ(hook.attach(), TR_OK);
  record_trace("t", 1);
  ASSERT_TRUE(eventually([&] { return kept != nullptr; }));
  EXPECT_EQ(twice, 0);
  EXPECT_EQ(tr_batch_retain(kept), nullptr) << "not inside a hook";
  EXPECT_EQ(tr_batch_retain(nullptr), nullptr);
  EXPECT_EQ(tr_batch_ack(nullptr, TR_OK), TR_EINVAL);
  EXPECT_EQ(tr_batch_ack(kept, 1), TR_EINVAL) << "and changes nothing";
  EXPECT_EQ(tr_batch_ack(kept, TR_OK), TR_OK);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
}

TEST(Saving, WithinItsLimits) {
  TempDirectory directory;
  Session session(directory.path());
  EXPECT_EQ(tr_processor_save("x", 1), TR_ESTATE) << "outside of a hook";
  std::vector<int> results;
  BatchHook hook;
  hook.call = [&](const tr_batch*) {
    const std::string most(65536, 's');
    if (!results.empty()) return TR_OK;
    results = {tr_processor_save(most.data(), most.size()), tr_processor_save(most.data(), most.size() + 1),
               tr_processor_save(nullptr, 1), tr_processor_save(nullptr, 0)};
    return TR_OK;
  };
  ASSERT_EQ(hook.attach(TR_PROCESSOR_DURABLE), TR_OK);
  record_trace("t", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(results, (std::vector<int>{TR_OK, TR_ELIMIT, TR_EINVAL, TR_OK}));
}

}  // namespace
}  // namespace trunkline::conformance
