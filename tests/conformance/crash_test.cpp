// A process is killed; the next one that uses its directory takes over. What was acknowledged, and the state saved with
// it, is where the processor of equal identity goes on; what was not is delivered again under the same names.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "log/cursor_file.hpp"
#include "os/file.hpp"
#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

constexpr int kSpans = 300;
constexpr size_t kRecords = kSpans + 2;

// What a victim tells before it dies.
struct Testament {
  char run_id[64];
  uint64_t last_taken;
  uint64_t count_taken;
};

using Die = std::function<void(const Testament&)>;

// Runs `life` in a child, which is killed in the middle of it, when it calls what it is given.
Testament last_will_of(const std::function<void(const Die&)>& life) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto tell_and_die = [&](const Testament& testament) {
      static_cast<void>(!::write(ends[1], &testament, sizeof testament));
      ::kill(::getpid(), SIGKILL);
    };
    life(tell_and_die);
    ::_exit(1);
  }
  ::close(ends[1]);
  Testament testament{};
  EXPECT_EQ(::read(ends[0], &testament, sizeof testament), static_cast<ssize_t>(sizeof testament));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return testament;
}

std::string only_run_in(const std::string& directory) {
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/run")) found = entry.path().filename();
  return found;
}

class Crash : public testing::TestWithParam<Kind> {
 protected:
  TempDirectory directory_;
  const Probe::Options durable_{
      .name = "probe", .destination = "here", .flags = TR_PROCESSOR_DURABLE, .batch_size = 10, .save_state = true};
};

// Takes until there are `most` or a few more, up to the end of a batch, and then no more.
void take_about(Probe& probe, size_t most) {
  probe.decide = [&probe, most](const Seen&) { return probe.taken_count() < most ? TR_OK : TR_EAGAIN; };
}

// A life of a processor that takes about `most` records and no more.
Testament tell(const std::string& directory, Kind kind, const Probe::Options& options, size_t most) {
  return last_will_of([&](const Die& die) {
    Probe probe(kind, options);
    take_about(probe, most);
    Session session(directory);
    probe.attach();
    record_trace("t", kSpans);
    probe.wait_taken(most);
    eventually([&] {
      return stats_of(probe.id()).delivered.records == probe.taken_count() && stats().records_logged == kRecords;
    });
    Testament testament{};
    only_run_in(directory).copy(testament.run_id, sizeof testament.run_id - 1);
    testament.count_taken = probe.taken_count();
    testament.last_taken = most == 0 ? 0 : probe.taken().back().sequence;
    die(testament);
  });
}

// A log that could not be written leaves a processor's cursor beyond its end: the records were served from memory. What
// recovery then finds must not get numbers that the processor believes to have taken.
TEST_P(Crash, NumbersThatWereTakenFromMemoryStayUsed) {
  const Testament before = last_will_of([&](const Die& die) {
    Probe probe(GetParam(), durable_);
    Session session(directory_.path());
    probe.attach();
    record_trace("t", 10);
    probe.wait_taken(12);
    eventually([&] { return stats_of(probe.id()).delivered.records == 12; });
    const tr_trace trace = tr_trace_start("open", TR_NUL, nullptr);
    start_span(trace, "never ended");
    probe.wait_taken(13);
    eventually([&] { return stats_of(probe.id()).delivered.records == 13; });
    Testament testament{};
    only_run_in(directory_.path()).copy(testament.run_id, sizeof testament.run_id - 1);
    die(testament);
  });
  {
    const std::string run = directory_.file("run/") + before.run_id;
    const UniqueFd folder(::open(run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto cursors = CursorFile::list(folder.get());
    ASSERT_TRUE(cursors && cursors->size() == 1);
    auto file = CursorFile::open(folder.get(), (*cursors)[0].identity);
    ASSERT_TRUE(file);
    Cursor beyond = (*cursors)[0];
    beyond.acknowledged += 100;
    ASSERT_FALSE(file->store(beyond));
  }
  Probe successor(GetParam(), durable_);
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(2)) << "what was open is lost";
  EXPECT_GT(successor.taken()[0].sequence, 113u);
}

TEST_P(Crash, TheSuccessorGoesOnWithTheLastState) {
  const Testament before = tell(directory_.path(), GetParam(), durable_, 100);
  ASSERT_GE(before.last_taken, 100u);
  ASSERT_LT(before.last_taken, kRecords);
  const size_t left = kRecords - before.last_taken;

  Probe successor(GetParam(), durable_);
  Probe other_name(GetParam(), {.name = "other", .destination = "here", .flags = TR_PROCESSOR_DURABLE});
  Probe other_destination(GetParam(), {.name = "probe", .destination = "there", .flags = TR_PROCESSOR_DURABLE});
  Probe not_durable(GetParam(), {.name = "passing"});
  Session session(directory_.path());
  ASSERT_EQ(other_name.attach(), TR_OK);
  ASSERT_EQ(other_destination.attach(), TR_OK);
  ASSERT_EQ(not_durable.attach(), TR_OK);
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(left));
  record_trace("new", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);

  const auto restored = successor.restored();
  ASSERT_EQ(restored.size(), 1u);
  EXPECT_EQ(restored[0].run_id, before.run_id);
  EXPECT_EQ(restored[0].state, std::to_string(before.last_taken));
  EXPECT_EQ(restored[0].offered_before, 0u);
  const auto taken = successor.taken();
  ASSERT_EQ(taken.size(), left + 3);
  size_t old = 0;
  for (const Seen& seen : taken) {
    if (seen.name.starts_with("new")) continue;
    ASSERT_EQ(seen.sequence, before.last_taken + 1 + old) << "a gap, or a record delivered twice";
    if (GetParam() != Kind::kHooks) {
      EXPECT_EQ(seen.run_id, before.run_id);
    }
    if (seen.type == TR_RECORD_SPAN_END) {
      EXPECT_EQ(seen.name, "t " + std::to_string(seen.sequence - 2));
    }
    ++old;
  }
  EXPECT_EQ(old, left);
  const tr_processor_stats counts = stats_of(successor.id());
  EXPECT_EQ(counts.adopted.records, left);
  EXPECT_EQ(counts.delivered.records, 3u);
  EXPECT_TRUE(law_holds(counts));
  for (const Probe* other : {&other_name, &other_destination, &not_durable}) {
    EXPECT_EQ(other->taken_count(), 3u) << "got records of a run that is not its own";
    EXPECT_TRUE(other->restored().empty());
  }
  EXPECT_EQ(stats().runs_adopted, 1u);
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory_.path() + "/run/" + before.run_id); }))
      << "nobody needs the dead run any more";
}

// Nothing was saved: nothing is restored, and everything is delivered from the start.
TEST_P(Crash, WithoutAStateNothingIsRestored) {
  Probe::Options options = durable_;
  options.save_state = false;
  tell(directory_.path(), GetParam(), options, 0);
  Probe successor(GetParam(), options);
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(kRecords));
  EXPECT_TRUE(successor.restored().empty());
  EXPECT_EQ(successor.taken().front().sequence, 1u);
}

// The records wait for the processor of their identity, over lives in which it is not there.
TEST_P(Crash, WhatNobodyTakesWaits) {
  const Testament before = tell(directory_.path(), GetParam(), durable_, 100);
  for (int life = 0; life < 3; ++life) {
    Session session(directory_.path());
    eventually([] { return stats().runs_adopted != 0; });
  }
  Probe successor(GetParam(), durable_);
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(kRecords - before.last_taken));
  EXPECT_EQ(successor.taken().front().sequence, before.last_taken + 1);
}

// Each successor takes a part, and dies.
TEST_P(Crash, SuccessorsThatDieToo) {
  Testament testament = tell(directory_.path(), GetParam(), durable_, 50);
  for (const size_t most : {size_t{120}, size_t{200}}) {
    testament = last_will_of([&](const Die& die) {
      Probe probe(GetParam(), durable_);
      take_about(probe, most - testament.last_taken);
      Session session(directory_.path());
      probe.attach();
      probe.wait_taken(most - testament.last_taken);
      eventually([&] { return stats_of(probe.id()).adopted.records == probe.taken_count(); });
      Testament next = testament;
      next.last_taken = probe.taken().empty() ? 0 : probe.taken().back().sequence;
      next.count_taken =
          probe.restored().size() == 1 && probe.restored()[0].state == std::to_string(testament.last_taken) ? 1 : 0;
      die(next);
    });
    ASSERT_GE(testament.last_taken, most);
    EXPECT_EQ(testament.count_taken, 1u) << "restored from something else than the last state";
  }
  Probe successor(GetParam(), durable_);
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(kRecords - testament.last_taken));
  EXPECT_EQ(successor.taken().front().sequence, testament.last_taken + 1);
  EXPECT_EQ(successor.restored().at(0).state, std::to_string(testament.last_taken));
}

// A successor that cannot restore yet says so, and is asked again.
class CrashToHooks : public Crash {};
TEST_P(CrashToHooks, RestoreIsOfferedAgain) {
  const Testament before = tell(directory_.path(), GetParam(), durable_, 100);
  Probe successor(GetParam(), durable_);
  std::atomic<int> refusals{0};
  successor.on_restore = [&] { return refusals.fetch_add(1) < 3 ? TR_EAGAIN : TR_OK; };
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(kRecords - before.last_taken));
  const auto restored = successor.restored();
  ASSERT_EQ(restored.size(), 4u) << "after TR_EAGAIN from restore, records came without it";
  for (const auto& each : restored) EXPECT_EQ(each.state, std::to_string(before.last_taken));
}

// A batch that is refused at first is the delivery's first batch again: a host that polls finds its state there.
class CrashPolled : public Crash {};
TEST_P(CrashPolled, TheStateComesAgainWithTheFirstBatch) {
  const Testament before = tell(directory_.path(), GetParam(), durable_, 100);
  Probe successor(GetParam(), durable_);
  std::atomic<int> refusals{0};
  successor.decide = [&](const Seen& seen) {
    return seen.sequence == before.last_taken + 1 && refusals.fetch_add(1) < 3 ? TR_EAGAIN : TR_OK;
  };
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(kRecords - before.last_taken));
  EXPECT_EQ(successor.restored().size(), 4u);
}

// Acknowledged out of order: the cursor is the lowest record that is not acknowledged, for whoever comes next.
class CrashInBatches : public Crash {};
TEST_P(CrashInBatches, AnEarlierBatchThatWasNotAcknowledgedComesAgain) {
  const Testament before = last_will_of([&](const Die& die) {
    Probe probe(GetParam(), durable_);
    probe.keep = [](const tr_batch&) { return true; };
    Session session(directory_.path());
    probe.attach();
    record_trace("t", kSpans);
    eventually([&] { return probe.kept_records() == kRecords && stats().records_logged == kRecords; });
    Testament testament{};
    only_run_in(directory_.path()).copy(testament.run_id, sizeof testament.run_id - 1);
    testament.count_taken = probe.kept_count();
    // The first two are acknowledged, the third is not, the rest is.
    probe.acknowledge(0, TR_OK, "first");
    for (size_t left = probe.kept_count(); left > 2; --left) probe.acknowledge(left - 1, TR_OK, "later");
    probe.acknowledge(0, TR_OK, "second");
    testament.last_taken = probe.kept_firsts().at(0) - 1;
    die(testament);
  });
  Probe successor(GetParam(), durable_);
  Session session(directory_.path());
  ASSERT_EQ(successor.attach(), TR_OK);
  ASSERT_TRUE(successor.wait_taken(kRecords - before.last_taken));
  EXPECT_GT(before.last_taken, 1u);
  EXPECT_EQ(successor.taken().front().sequence, before.last_taken + 1);
  if (GetParam() == Kind::kPolled) {
    ASSERT_EQ(successor.restored().size(), 1u);
    EXPECT_EQ(successor.restored()[0].state, "second");
  }
}

std::string kind_of(const testing::TestParamInfo<Kind>& each) { return kind_name(each.param); }

INSTANTIATE_TEST_SUITE_P(Conformance, Crash, testing::Values(Kind::kOnBatch, Kind::kHooks, Kind::kPolled), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, CrashToHooks, testing::Values(Kind::kOnBatch, Kind::kHooks), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, CrashPolled, testing::Values(Kind::kPolled), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, CrashInBatches, testing::Values(Kind::kOnBatch, Kind::kPolled), kind_of);

}  // namespace
}  // namespace trunkline::conformance
