// Processors that are slow, blocked or curious: time limits, ticks, what a hook may call, and the descriptor to wait
// on.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

class Manners : public testing::TestWithParam<Kind> {
 protected:
  TempDirectory directory_;
};
class MannersOfHooks : public Manners {};

// Lets hooks through one day.
class Barrier {
 public:
  ~Barrier() { open(); }
  void open() { open_ = true; }
  void wait() {
    ++waiting_;
    while (!open_) std::this_thread::sleep_for(1ms);
  }
  int waiting() const { return waiting_; }

 private:
  std::atomic<bool> open_{false};
  std::atomic<int> waiting_{0};
};

TEST_P(Manners, ABlockedOneDelaysNobody) {
  Barrier barrier;
  Probe blocked(GetParam(), {.name = "blocked", .flags = TR_PROCESSOR_DURABLE});
  blocked.decide = [&](const Seen&) {
    barrier.wait();
    return TR_OK;
  };
  Probe other(Kind::kOnBatch, {.name = "other"});
  Session session(directory_.path());
  ASSERT_EQ(blocked.attach(), TR_OK);
  ASSERT_EQ(other.attach(), TR_OK);
  for (int i = 0; i < 50; ++i) record_trace("t", 98);
  EXPECT_TRUE(other.wait_taken(5000));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tr_flush(100), TR_ETIMEDOUT);
  EXPECT_EQ(session.stop(300), TR_ETIMEDOUT);
  EXPECT_LT(seconds_since(start), 20.0);  // and not for as long as it is blocked
  EXPECT_EQ(other.released(), 1);
  if (GetParam() != Kind::kPolled) {
    EXPECT_EQ(blocked.released(), 0) << "its hook still runs";
  }
  barrier.open();
  EXPECT_TRUE(eventually([&] { return blocked.released() == 1; }));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(blocked.released(), 1);
}

// At its deadline a shutdown is over: a slow processor is not called again, and what it left waits for the next life.
TEST_P(Manners, AShutdownEndsASlowOneAtItsDeadline) {
  std::atomic<int> calls{0};
  {
    Probe slow(GetParam(), {.name = "slow", .flags = TR_PROCESSOR_DURABLE, .batch_size = 1});
    slow.decide = [&](const Seen&) {
      ++calls;
      std::this_thread::sleep_for(10ms);
      return TR_OK;
    };
    Session session(directory_.path());
    ASSERT_EQ(slow.attach(), TR_OK);
    record_trace("t", 298);
    EXPECT_EQ(session.stop(300), TR_ETIMEDOUT);
    EXPECT_TRUE(eventually([&] { return slow.released() == 1; })) << "goes on after the shutdown";
    const int so_far = calls;
    std::this_thread::sleep_for(200ms);
    EXPECT_LE(calls, so_far + 1);
    EXPECT_LT(calls, 100);
  }
  Probe next(GetParam(), {.name = "slow", .flags = TR_PROCESSOR_DURABLE});
  Session session(directory_.path());
  ASSERT_EQ(next.attach(), TR_OK);
  EXPECT_TRUE(eventually([&] { return calls + static_cast<int>(next.taken_count()) >= 300; })) << next.taken_count();
}

TEST_P(MannersOfHooks, FlushAndShutdownAreAskedWithSaneTimeouts) {
  Probe probe(GetParam());
  std::vector<uint32_t> flushes;
  std::vector<uint32_t> shutdowns;
  probe.on_flush = [&](uint32_t timeout_ms) { flushes.push_back(timeout_ms); };
  probe.on_shutdown = [&](uint32_t timeout_ms) { shutdowns.push_back(timeout_ms); };
  size_t taken_at_shutdown = 0;
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  ASSERT_EQ(flushes.size(), 1u);
  EXPECT_GT(flushes[0], 1000u);
  EXPECT_LE(flushes[0], 60'000u);
  record_trace("t", 100);
  EXPECT_EQ(session.stop(60'000), TR_OK);
  taken_at_shutdown = probe.taken_count();
  EXPECT_EQ(taken_at_shutdown, 204u);
  ASSERT_EQ(shutdowns.size(), 1u);
  EXPECT_GT(shutdowns[0], 1000u);
  EXPECT_LE(shutdowns[0], 60'000u);
  EXPECT_EQ(flushes.size(), 1u);
}

TEST_P(MannersOfHooks, TicksWithoutRecords) {
  Probe probe(GetParam(), {.tick_ms = 20});
  std::atomic<int> ticks{0};
  probe.on_tick = [&] { ++ticks; };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  const auto start = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(1s);
  EXPECT_TRUE(eventually([&] { return ticks >= 15; }));
  const int so_far = ticks;
  EXPECT_LE(so_far, seconds_since(start) / 0.02 + 1);
}

// However much there is to deliver, a clock is a clock.
TEST_P(MannersOfHooks, TicksUnderLoad) {
  Probe probe(GetParam(), {.batch_size = 4, .tick_ms = 20});
  std::atomic<int> ticks{0};
  probe.on_tick = [&] { ++ticks; };
  probe.decide = [](const Seen&) {
    std::this_thread::sleep_for(1ms);
    return TR_OK;
  };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 998);
  ASSERT_TRUE(probe.wait_taken(1000));
  EXPECT_GE(ticks, 15) << "in a second of records without pause";
}

// A tick that comes late or fails changes nothing.
TEST_P(MannersOfHooks, ATickMayThrow) {
  Probe probe(GetParam(), {.tick_ms = 5});
  probe.on_tick = [] { throw 1; };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  std::this_thread::sleep_for(50ms);
  record_trace("t", 10);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(probe.taken_count(), 12u);
}

// What would wait for the hook itself is refused in every hook.
TEST_P(MannersOfHooks, NoHookMayWaitForItself) {
  std::mutex mutex;
  std::map<std::string, std::vector<int>> results;
  const auto try_all = [&](const char* where) {
    const std::vector<int> codes{tr_flush(60'000), tr_shutdown(60'000), tr_init(nullptr, nullptr)};
    const std::lock_guard lock(mutex);
    results.try_emplace(where, codes);
  };
  Probe probe(GetParam(), {.tick_ms = 20});
  probe.decide = [&](const Seen&) {
    try_all("record");
    return TR_OK;
  };
  probe.on_tick = [&] { try_all("tick"); };
  probe.on_flush = [&](uint32_t) { try_all("flush"); };
  probe.on_shutdown = [&](uint32_t) { try_all("shutdown"); };
  probe.on_release = [&] { try_all("release"); };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  const auto start = std::chrono::steady_clock::now();
  record_trace("t", 1);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ(session.stop(60'000), TR_OK);
  EXPECT_LT(seconds_since(start), 30.0);
  const std::vector<int> refused{TR_EREENTRANT, TR_EREENTRANT, TR_EREENTRANT};
  for (const char* where : {"record", "tick", "flush", "shutdown", "release"}) {
    EXPECT_EQ(results[where], refused) << "in " << where;
  }
}

// What a hook records is not recorded: it would come back to it.
TEST_P(MannersOfHooks, WhatAHookRecordsIsNotRecorded) {
  Probe probe(GetParam());
  tr_trace outer = 0;
  std::atomic<int> recorded{0};
  probe.decide = [&](const Seen&) {
    const tr_trace trace = tr_trace_start("inner", TR_NUL, nullptr);
    if (trace != 0) ++recorded;
    if (tr_span_start(outer, 0, 0, "inner span", TR_NUL) != 0) ++recorded;
    const tr_run_options run{sizeof(tr_run_options), 0, 0, {"r", 1}, {}, {}, nullptr, 0};
    if (tr_run_start(&run) != 0) ++recorded;
    return TR_OK;
  };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  outer = tr_trace_start("outer", TR_NUL, nullptr);
  for (int i = 0; i < 20; ++i) {
    add_span(outer, "span");
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_EQ(tr_trace_end(outer), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(recorded, 0);
  EXPECT_EQ(probe.taken_count(), 22u);
  EXPECT_EQ(stats().records_logged, 22u);
}

TEST_P(MannersOfHooks, AHookAddsAndRemovesProcessors) {
  Probe probe(GetParam(), {.name = "outer", .batch_size = 1});
  Probe added(Kind::kOnBatch, {.name = "added"});
  std::vector<int> results;
  probe.decide = [&](const Seen& seen) {
    if (seen.name == "t 0") results.push_back(added.attach());
    if (seen.name == "t 1") results.push_back(tr_remove_processor(probe.id()));
    return TR_OK;
  };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 10);
  ASSERT_TRUE(eventually([&] { return probe.released() == 1; }));
  EXPECT_EQ(results, (std::vector<int>{TR_OK, TR_OK}));
  EXPECT_LE(probe.offered().size(), 4u);
  record_trace("u", 10);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_GE(added.taken_count(), 12u);
  EXPECT_TRUE(law_holds(stats_of(probe.id())));
}

TEST_P(MannersOfHooks, AHookReplacesAllProcessors) {
  Probe probe(GetParam(), {.name = "outer"});
  Probe fresh(Kind::kOnBatch, {.name = "fresh"});
  probe.decide = [&](const Seen&) {
    const tr_processor table = fresh.table();
    return tr_set_processors(&table, 1);
  };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  record_trace("t", 1);
  ASSERT_TRUE(eventually([&] { return probe.released() == 1; }));
  record_trace("u", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(fresh.taken_count(), 3u);
}

// The release of one may add another: a host that replaces what it loses.
TEST_P(Manners, AReleaseAddsAProcessor) {
  Probe probe(GetParam(), {.name = "lost"});
  Probe replacement(Kind::kOnBatch, {.name = "replacement"});
  std::atomic<int> result{1};
  probe.on_release = [&] { result = replacement.attach(); };
  Session session(directory_.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  std::atomic<bool> returned{false};
  std::thread remover([&] {
    tr_remove_processor(probe.id());
    returned = true;
  });
  if (!eventually([&] { return returned && result == TR_OK; })) {
    ADD_FAILURE() << "tr_remove_processor hangs";
    std::_Exit(1);
  }
  remover.join();
  record_trace("t", 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(replacement.taken_count(), 3u);
}

std::string kind_of(const testing::TestParamInfo<Kind>& each) { return kind_name(each.param); }

INSTANTIATE_TEST_SUITE_P(Conformance, Manners, testing::Values(Kind::kOnBatch, Kind::kHooks, Kind::kPolled), kind_of);
INSTANTIATE_TEST_SUITE_P(Conformance, MannersOfHooks, testing::Values(Kind::kOnBatch, Kind::kHooks), kind_of);

// At exit without tr_shutdown a host's runtime may be gone: its processors are left alone, those flagged shared are
// not.
TEST(Exit, LeavesTheHooksOfTheHostAlone) {
  static std::atomic<bool> leaving;
  static int pipe_ends[2];
  TempDirectory directory;
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    static const auto tell = [](char what) {
      if (leaving) static_cast<void>(!::write(pipe_ends[1], &what, 1));
    };
    tr_config config;
    tr_config_init(&config, sizeof config);
    config.directory = directory.path().c_str();
    config.processors = "none";
    tr_init(&config, nullptr);
    std::atexit([] { leaving = true; });  // runs before the library's
    tr_processor table{};
    table.struct_size = sizeof table;
    table.name = "host";
    table.on_batch = [](void*, const tr_batch*) { return tell('h'), TR_OK; };
    table.shutdown = [](void*, uint32_t) { return tell('h'), TR_OK; };
    table.release = [](void*) { tell('h'); };
    tr_add_processor(&table, nullptr);
    table.name = "shared";
    table.flags = TR_PROCESSOR_SHARED;
    table.on_batch = [](void*, const tr_batch*) { return tell('s'), TR_OK; };
    table.shutdown = [](void*, uint32_t) { return TR_OK; };
    table.release = nullptr;
    tr_add_processor(&table, nullptr);
    const tr_trace trace = tr_trace_start("t", TR_NUL, nullptr);
    tr_flush(5000);
    tr_span_start(trace, 0, 0, "left open", TR_NUL);
    std::exit(0);
  }
  ::close(pipe_ends[1]);
  std::string calls;
  for (char c; ::read(pipe_ends[0], &c, 1) == 1;) calls += c;
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(calls.find('h'), std::string::npos) << calls;
  EXPECT_NE(calls.find('s'), std::string::npos) << "the open span was not delivered to the shared one";
}

bool readable(int fd, int timeout_ms) {
  pollfd waited{fd, POLLIN, 0};
  return ::poll(&waited, 1, timeout_ms) == 1 && (waited.revents & POLLIN) != 0;
}

class Polling : public testing::Test {
 protected:
  int attach() {
    tr_processor table{};
    table.struct_size = sizeof table;
    table.flags = TR_PROCESSOR_POLL;
    table.name = "polled";
    const int result = tr_add_processor(&table, &id_);
    fd_ = tr_poll_fd(id_);
    return result;
  }
  // Polls until there is nothing; the descriptor is then quiet.
  void drain() {
    tr_batch* batch = nullptr;
    while (tr_poll(id_, 512, 0, &batch) == 1) tr_poll_ack(batch, TR_OK, nullptr, 0);
  }

  TempDirectory directory_;
  tr_processor_id id_ = 0;
  int fd_ = -1;
};

TEST_F(Polling, TheDescriptorIsReadableWhileThereIsSomething) {
  Session session(directory_.path());
  ASSERT_EQ(attach(), TR_OK);
  ASSERT_GE(fd_, 0);
  std::this_thread::sleep_for(100ms);
  drain();
  EXPECT_FALSE(readable(fd_, 100)) << "with nothing there";
  record_trace("t", 98);
  ASSERT_TRUE(readable(fd_, 60'000));
  ASSERT_TRUE(eventually([&] { return stats_of(id_).offered.records == 100; }));
  tr_batch* batch = nullptr;
  ASSERT_EQ(tr_poll(id_, 10, 1000, &batch), 1);
  EXPECT_LE(batch->count, 10u);
  EXPECT_TRUE(readable(fd_, 0)) << "though there is more";
  tr_batch* second = nullptr;
  ASSERT_EQ(tr_poll(id_, 1000, 0, &second), 1) << "several batches may be out at once";
  EXPECT_EQ(second->records[0]->sequence, batch->count + 1);
  EXPECT_EQ(tr_poll_ack(second, TR_OK, nullptr, 0), TR_OK);
  EXPECT_EQ(tr_poll_ack(batch, TR_OK, nullptr, 0), TR_OK);
  drain();
  EXPECT_FALSE(readable(fd_, 50));
  EXPECT_EQ(tr_flush(60'000), TR_OK);
}

// A host that only ever waits for the descriptor gets everything, whatever it answers.
TEST_F(Polling, WaitingForTheDescriptorIsEnough) {
  Session session(directory_.path());
  ASSERT_EQ(attach(), TR_OK);
  record_trace("t", 98);
  size_t taken = 0;
  int refusals = 0;
  while (taken < 100) {
    ASSERT_TRUE(readable(fd_, 60'000)) << "with " << 100 - taken << " records left, after " << refusals << " refusals";
    tr_batch* batch = nullptr;
    if (tr_poll(id_, 10, 0, &batch) != 1) continue;
    const bool refuse = ++refusals % 2 == 0 && refusals < 10;
    if (!refuse) taken += batch->count;
    tr_poll_ack(batch, refuse ? TR_EAGAIN : TR_OK, nullptr, 0);
  }
  EXPECT_EQ(tr_flush(60'000), TR_OK);
}

TEST_F(Polling, EndsWithRemovalAndShutdown) {
  Session session(directory_.path());
  ASSERT_EQ(attach(), TR_OK);
  tr_batch* batch = nullptr;
  EXPECT_EQ(tr_poll(id_, 0, 0, &batch), TR_EINVAL);
  EXPECT_EQ(tr_poll(id_, 1, 0, nullptr), TR_EINVAL);
  EXPECT_EQ(tr_poll(id_ + 1000, 1, 0, &batch), TR_ENOENT);
  EXPECT_EQ(tr_poll_fd(id_ + 1000), TR_ENOENT);
  EXPECT_EQ(tr_poll(id_, 1, 50, &batch), 0);
  EXPECT_EQ(batch, nullptr);
  std::atomic<int> result{1};
  std::thread waiting([&] {
    tr_batch* never = nullptr;
    result = tr_poll(id_, 1, 60'000, &never);
  });
  std::this_thread::sleep_for(50ms);
  drain();
  EXPECT_FALSE(readable(fd_, 0));
  ASSERT_EQ(tr_remove_processor(id_), TR_OK);
  EXPECT_TRUE(readable(fd_, 60'000)) << "there is an end to be told";
  EXPECT_TRUE(eventually([&] { return result == TR_ECLOSED; }));
  waiting.join();
  EXPECT_EQ(tr_poll(id_, 1, 0, &batch), TR_ECLOSED);

  ASSERT_EQ(attach(), TR_OK);
  record_trace("t", 8);
  std::atomic<size_t> taken{0};
  std::thread host([&] {
    for (tr_batch* each = nullptr;;) {
      const int polled = tr_poll(id_, 3, 1000, &each);
      if (polled == TR_ECLOSED) return;
      if (polled != 1) continue;
      taken += each->count;
      tr_poll_ack(each, TR_OK, nullptr, 0);
    }
  });
  EXPECT_EQ(session.stop(), TR_OK);
  host.join();
  EXPECT_EQ(taken, 10u) << "everything is polled before the end";
  EXPECT_EQ(tr_poll(id_, 1, 0, &batch), TR_ECLOSED);
  EXPECT_EQ(tr_poll_ack(nullptr, 0, nullptr, 0), TR_EINVAL);
}

// Inside of hooks polling does not wait, whatever is asked.
TEST_F(Polling, DoesNotWaitInsideAHook) {
  Probe hook(Kind::kOnBatch, {.name = "hook"});
  std::atomic<double> waited{-1};
  hook.decide = [&](const Seen&) {
    const auto start = std::chrono::steady_clock::now();
    tr_batch* batch = nullptr;
    const int polled = tr_poll(id_, 1, 60'000, &batch);
    if (polled == 1) tr_poll_ack(batch, TR_OK, nullptr, 0);
    waited = std::max(waited.load(), seconds_since(start));
    return TR_OK;
  };
  Session session(directory_.path());
  ASSERT_EQ(hook.attach(), TR_OK);
  record_trace("before", 0);
  ASSERT_EQ(attach(), TR_OK);
  ASSERT_TRUE(hook.wait_taken(2));
  EXPECT_LT(waited, 20.0);
}

}  // namespace
}  // namespace trunkline::conformance
