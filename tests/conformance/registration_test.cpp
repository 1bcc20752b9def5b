// Coming and going: what a processor sees depends on when it was there, what it did not take is counted, and its
// release is called exactly once however it ends.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <memory>
#include <random>

#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

class Registration : public testing::TestWithParam<Kind> {
 protected:
  TempDirectory directory_;
};

std::vector<std::string> names(const std::vector<Seen>& seen) {
  std::vector<std::string> names;
  for (const Seen& each : seen) names.push_back(each.name);
  return names;
}

TEST_P(Registration, SeesTheTracesStartedWhileItWasThere) {
  Session session(directory_.path());
  Probe witness(Kind::kOnBatch, {.name = "witness"});
  ASSERT_EQ(witness.attach(), TR_OK);
  const tr_trace before = tr_trace_start("before", TR_NUL, nullptr);
  add_span(before, "in before, early");
  Probe probe(GetParam());
  ASSERT_EQ(probe.attach(), TR_OK);
  add_span(before, "in before, late");
  const tr_trace during = tr_trace_start("during", TR_NUL, nullptr);
  add_span(during, "in during, early");
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  ASSERT_EQ(tr_remove_processor(probe.id()), TR_OK);
  add_span(during, "in during, late");
  tr_trace_end(during);
  tr_trace_end(before);
  record_trace("after", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(names(probe.taken()), (std::vector<std::string>{"during", "in during, early"}));
  EXPECT_EQ(witness.taken_count(), 11u);
  const tr_processor_stats counts = stats_of(probe.id());
  EXPECT_EQ(counts.offered.records, 2u);
  EXPECT_TRUE(law_holds(counts));
}

// A trace that goes on belongs to those who saw it start, for as long as they are there.
TEST_P(Registration, SetReplacesInTheMiddleOfATrace) {
  Session session(directory_.path());
  Probe old_one(GetParam(), {.name = "old"});
  Probe stranger(GetParam(), {.name = "stranger"});
  ASSERT_EQ(old_one.attach(), TR_OK);
  ASSERT_EQ(stranger.attach(), TR_OK);
  const tr_trace first = tr_trace_start("first", TR_NUL, nullptr);
  add_span(first, "one");
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  Probe fresh(Kind::kOnBatch, {.name = "fresh"});
  const tr_processor table = fresh.table();
  ASSERT_EQ(tr_set_processors(&table, 1), TR_OK);
  ASSERT_TRUE(eventually([&] { return old_one.released() == 1 && stranger.released() == 1; }));
  add_span(first, "two");
  tr_trace_end(first);
  record_trace("second", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(names(old_one.taken()), (std::vector<std::string>{"first", "one"}));
  EXPECT_EQ(names(fresh.taken()), (std::vector<std::string>{"second", "second 0", "second"}));
  ASSERT_EQ(tr_set_processors(nullptr, 0), TR_OK);
  ASSERT_TRUE(eventually([&] { return fresh.released() == 1; }));
  record_trace("third", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(fresh.taken_count(), 3u);
}

TEST_P(Registration, WhatItHadNotTakenIsCountedRemoved) {
  Session session(directory_.path());
  Probe probe(GetParam(), {.batch_size = 10});
  probe.decide = [&](const Seen&) { return probe.taken_count() < 20 ? TR_OK : TR_EAGAIN; };
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 98);
  ASSERT_TRUE(eventually([&] { return probe.taken_count() >= 20 && stats_of(probe.id()).offered.records == 100; }));
  ASSERT_EQ(tr_remove_processor(probe.id()), TR_OK);
  ASSERT_TRUE(eventually([&] { return probe.released() == 1; }));
  const tr_processor_stats counts = stats_of(probe.id());
  EXPECT_EQ(counts.delivered.records, probe.taken_count());
  EXPECT_EQ(counts.removed.records, 100 - probe.taken_count());
  EXPECT_EQ(counts.pending.records, 0u);
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(tr_remove_processor(probe.id()), TR_ENOENT);
  EXPECT_EQ(tr_remove_processor(0), TR_ENOENT);
  EXPECT_EQ(tr_remove_processor(999999), TR_ENOENT);
}

// Removal returns at once; release comes when the hook that just runs has returned.
TEST_P(Registration, ReleasedAfterTheLastHook) {
  if (GetParam() == Kind::kPolled) return;  // a host that polls has no hook that could run
  Session session(directory_.path());
  Probe probe(GetParam());
  std::atomic<bool> inside{false};
  std::atomic<bool> go{false};
  probe.decide = [&](const Seen&) {
    inside = true;
    while (!go) std::this_thread::sleep_for(1ms);
    return TR_OK;
  };
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 1);
  ASSERT_TRUE(eventually([&] { return inside.load(); }));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(tr_remove_processor(probe.id()), TR_OK);
  EXPECT_LT(seconds_since(start), 20.0);
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(probe.released(), 0);
  go = true;
  ASSERT_TRUE(eventually([&] { return probe.released() == 1; }));
}

// The end of the library waits for it, too: whoever shut down may take away what the hooks use.
TEST_P(Registration, AShutdownWaitsForTheRemovedOnes) {
  if (GetParam() == Kind::kPolled) return;
  Session session(directory_.path());
  Probe probe(GetParam());
  std::atomic<bool> inside{false};
  std::atomic<bool> go{false};
  probe.decide = [&](const Seen&) {
    inside = true;
    while (!go) std::this_thread::sleep_for(1ms);
    return TR_OK;
  };
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 1);
  ASSERT_TRUE(eventually([&] { return inside.load(); }));
  ASSERT_EQ(tr_remove_processor(probe.id()), TR_OK);
  EXPECT_EQ(probe.released(), 0);
  std::thread later([&] {
    std::this_thread::sleep_for(100ms);
    go = true;
  });
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_EQ(probe.released(), 1);
  later.join();
}

// The end of a processor by its removal is the end of its cursor: a successor after a crash has nothing to take over.
TEST_P(Registration, ARemovedOneLeavesNoCursor) {
  const Probe::Options durable{.name = "probe", .flags = TR_PROCESSOR_DURABLE, .save_state = true};
  for (const bool by_set : {false, true}) {
    TempDirectory directory;
    const pid_t victim = ::fork();
    if (victim == 0) {
      Probe probe(GetParam(), durable);
      probe.decide = [](const Seen& seen) { return seen.sequence == 1 ? TR_OK : TR_EAGAIN; };
      Session session(directory.path());
      probe.attach();
      record_trace("t", 10);
      eventually([] { return stats().records_logged == 12; });
      by_set ? tr_set_processors(nullptr, 0) : tr_remove_processor(probe.id());
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(victim, nullptr, 0);
    Probe successor(GetParam(), durable);
    Session session(directory.path());
    ASSERT_EQ(successor.attach(), TR_OK);
    ASSERT_TRUE(eventually([] { return stats().runs_adopted == 1; }));
    std::this_thread::sleep_for(100ms);
    ASSERT_EQ(tr_flush(60'000), TR_OK);
    EXPECT_EQ(successor.taken_count(), 0u) << (by_set ? "after tr_set_processors" : "after tr_remove_processor");
  }
}

std::string kind_of(const testing::TestParamInfo<Kind>& each) { return kind_name(each.param); }

INSTANTIATE_TEST_SUITE_P(Conformance, Registration, testing::Values(Kind::kOnBatch, Kind::kHooks, Kind::kPolled),
                         kind_of);

// A table whose releases are counted.
struct Counted {
  std::atomic<int> released{0};

  tr_processor table(const char* name = "counted") {
    tr_processor table{};
    table.struct_size = sizeof table;
    table.user_data = this;
    table.name = name;
    table.on_batch = [](void*, const tr_batch*) { return TR_OK; };
    table.release = [](void* user) { static_cast<Counted*>(user)->released.fetch_add(1); };
    return table;
  }
};

int refused(const std::function<void(tr_processor&)>& spoil, Counted* counted) {
  tr_processor table = counted->table();
  spoil(table);
  tr_processor_id id = 77;
  const int result = tr_add_processor(&table, &id);
  EXPECT_EQ(id, 0u);
  return result;
}

TEST(Refusal, ReleasesOnceToo) {
  TempDirectory directory;
  Session session(directory.path());
  const std::string long_name(65, 'n');
  const std::string long_destination(5000, 'd');
  struct Case {
    const char* what;
    int result;
    std::function<void(tr_processor&)> spoil;
  };
  const Case cases[] = {
      {"no name", TR_EINVAL, [](tr_processor& t) { t.name = nullptr; }},
      {"an empty name", TR_EINVAL, [](tr_processor& t) { t.name = ""; }},
      {"a long name", TR_EINVAL, [&](tr_processor& t) { t.name = long_name.c_str(); }},
      {"a long destination", TR_EINVAL, [&](tr_processor& t) { t.destination = long_destination.c_str(); }},
      {"no hook", TR_EINVAL, [](tr_processor& t) { t.on_batch = nullptr; }},
      {"an unknown flag", TR_EUNSUPPORTED, [](tr_processor& t) { t.flags = 1u << 30; }},
  };
  for (const Case& each : cases) {
    Counted counted;
    EXPECT_EQ(refused(each.spoil, &counted), each.result) << each.what;
    EXPECT_EQ(counted.released, 1) << each.what;
  }
  EXPECT_EQ(tr_add_processor(nullptr, nullptr), TR_EINVAL);
}

// A table of another version: smaller, larger with nothing more, larger with more.
TEST(Refusal, OfAnotherVersion) {
  TempDirectory directory;
  Session session(directory.path());
  struct Larger {
    tr_processor known;
    uint64_t more;
  };
  Counted counted;
  Larger larger{counted.table(), 1};
  larger.known.struct_size = sizeof larger;
  EXPECT_EQ(tr_add_processor(&larger.known, nullptr), TR_EUNSUPPORTED);
  EXPECT_EQ(counted.released, 1);
  larger.more = 0;
  tr_processor_id id = 0;
  EXPECT_EQ(tr_add_processor(&larger.known, &id), TR_OK);
  EXPECT_EQ(counted.released, 1);
  EXPECT_EQ(tr_remove_processor(id), TR_OK);
  EXPECT_TRUE(eventually([&] { return counted.released == 2; }));

  // Too small for a release to be in it: refused, and nothing in it is believed.
  for (const uint32_t size : {0u, 4u, 16u, 100u}) {
    tr_processor small = counted.table();
    small.struct_size = size;
    char rubbish[4096];
    std::memset(rubbish, 0x5A, sizeof rubbish);  // what a careless reader finds on its stack
    asm volatile("" ::"r"(rubbish) : "memory");
    EXPECT_EQ(tr_add_processor(&small, nullptr), TR_EINVAL) << size;
    EXPECT_EQ(tr_set_processors(&small, 1), TR_EINVAL) << size;
  }
  EXPECT_EQ(counted.released, 2);
}

TEST(Refusal, BeforeTheStartAndAfterTheEnd) {
  Counted counted;
  tr_processor table = counted.table();
  EXPECT_EQ(tr_add_processor(&table, nullptr), TR_ESTATE);
  EXPECT_EQ(counted.released, 1);
  EXPECT_EQ(tr_set_processors(&table, 1), TR_ESTATE);
  EXPECT_EQ(counted.released, 2);
  EXPECT_EQ(tr_remove_processor(1), TR_ESTATE);
  TempDirectory directory;
  { Session session(directory.path()); }
  EXPECT_EQ(tr_add_processor(&table, nullptr), TR_ESTATE);
  EXPECT_EQ(counted.released, 3);
  Session disabled(directory.path(), [](tr_config& config) { config.flags |= TR_CONFIG_DISABLED; });
  const int result = tr_add_processor(&table, nullptr);
  EXPECT_TRUE(result == TR_OK || result == TR_ESTATE) << result;
  disabled.stop();
  EXPECT_EQ(counted.released, 4);
}

TEST(Refusal, OfOneInASetRefusesAll) {
  TempDirectory directory;
  Probe old_one(Kind::kOnBatch);  // outlives the session, which releases it
  Session session(directory.path());
  ASSERT_EQ(old_one.attach(), TR_OK);
  Counted good;
  Counted bad;
  Counted other;
  tr_processor tables[] = {good.table("good"), bad.table("bad"), other.table("other")};
  tables[1].name = nullptr;
  EXPECT_EQ(tr_set_processors(tables, 3), TR_EINVAL);
  EXPECT_EQ(good.released, 1);
  EXPECT_EQ(bad.released, 1);
  EXPECT_EQ(other.released, 1);
  record_trace("t", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(old_one.taken_count(), 3u) << "the old ones stay";
  EXPECT_EQ(old_one.released(), 0);
}

// Many short lives in which threads add, remove, replace and record at random until the library stops under them. Every
// table that was ever passed is released once, and no shutdown has to wait for its deadline.
TEST(Schedules, EveryTableIsReleasedOnce) {
  TempDirectory directory;
  constexpr int kSchedules = 1000;
  std::minstd_rand seeds(20260822);
  for (int schedule = 0; schedule < kSchedules; ++schedule) {
    const auto seed = static_cast<uint32_t>(seeds());
    std::mutex mutex;
    std::deque<Counted> tables;
    std::atomic<tr_processor_id> newest{0};
    std::atomic<bool> stop{false};
    const auto new_table = [&](std::mt19937& random) {
      const std::lock_guard lock(mutex);
      tr_processor table = tables.emplace_back().table(random() % 2 != 0 ? "one" : "two");
      if (random() % 3 == 0) {
        table.on_span_end = [](void*, const tr_record*) { return TR_OK; };
        table.on_batch = nullptr;
      }
      if (random() % 4 == 0) table.flags |= TR_PROCESSOR_DURABLE;
      if (random() % 4 == 0) table.flags |= TR_PROCESSOR_SHARED;
      if (random() % 20 == 0) table.flags = TR_PROCESSOR_POLL;  // and nobody polls: only ever removed
      return table;
    };
    const auto change_processors = [&](uint32_t own_seed) {
      std::mt19937 random(own_seed);
      for (int i = 0; i < 3 || !stop; ++i) {
        tr_processor table[2] = {new_table(random), new_table(random)};
        switch (random() % 4) {
          case 0:
            tr_set_processors(table, 2);
            break;
          case 1:
            tr_set_processors(nullptr, 0);
            [[fallthrough]];
          default:
            for (auto& each : table) {
              tr_processor_id id = 0;
              if (tr_add_processor(&each, &id) == TR_OK) newest = id;
            }
            tr_remove_processor(newest - random() % 3);
        }
        if (stop) return;
      }
    };
    const auto config = [&](tr_config& c) {
      c.max_memory = 4u << 20;
      if (schedule % 8 != 0) c.durability = TR_DURABILITY_MEMORY;
    };
    Session session(directory.path(), config);
    std::vector<std::thread> threads;
    for (uint32_t t = 0; t < 2; ++t) threads.emplace_back(change_processors, seed + t);
    threads.emplace_back([&] {
      while (!stop) record_trace("busy", 20);
    });
    std::this_thread::sleep_for(std::chrono::microseconds(seed % 3000));
    // Polled processors have nobody who polls: they hold up the end, for a short while.
    const auto start = std::chrono::steady_clock::now();
    const int result = tr_shutdown(20);
    EXPECT_TRUE(result == TR_OK || result == TR_ETIMEDOUT) << result;
    EXPECT_LT(seconds_since(start), 20.0) << "schedule " << schedule;  // the disk may be busy with others
    stop = true;
    for (auto& thread : threads) thread.join();
    const auto all_released = [&] {
      for (const Counted& each : tables) {
        if (each.released != 1) return false;
      }
      return true;
    };
    if (!eventually(all_released)) {
      for (size_t i = 0; i < tables.size(); ++i) {
        EXPECT_EQ(tables[i].released, 1) << "table " << i << " of schedule " << schedule << ", seed " << seed;
      }
      return;
    }
  }
}

}  // namespace
}  // namespace trunkline::conformance
