// The order of the log: what happened before a record in the program, on whichever thread, is before it in the log.
#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "causal_check.hpp"
#include "probe.hpp"
#include "session.hpp"

namespace trunkline::conformance {
namespace {

constexpr int kThreads = 8;

// A baton that goes from thread to thread.
class Baton {
 public:
  explicit Baton(bool spinning) : spinning_(spinning) {}

  // False: the race is over.
  bool take(int me) {
    if (!spinning_) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return holder_ == me || holder_ == kNobody; });
    } else {
      while (holder_ != me && holder_ != kNobody) std::this_thread::yield();
    }
    return holder_ == me;
  }
  void hand_to(int next) {
    const std::lock_guard lock(mutex_);
    holder_ = next;
    if (!spinning_) changed_.notify_all();
  }
  static constexpr int kNobody = -1;

 private:
  const bool spinning_;
  std::atomic<int> holder_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
};

// Every hand-off records a span, named by its place in the program's order; each trace goes through many threads and is
// ended on any of them.
void relay(Baton& baton, int chain, int handoffs) {
  struct Race {
    std::atomic<int64_t> place{0};
    tr_trace trace = 0;
    tr_span open = 0;
  } race;
  std::vector<std::thread> threads;
  for (int me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] {
      std::minstd_rand random(static_cast<uint32_t>(me + 1));
      while (baton.take(me)) {
        const int64_t place = race.place++;
        if (place >= handoffs) {
          tr_span_end(race.open);
          tr_trace_end(race.trace);
          baton.hand_to(Baton::kNobody);
          return;
        }
        if (race.trace == 0) race.trace = tr_trace_start("relay", TR_NUL, nullptr);
        const std::string name = std::to_string(chain) + ":" + std::to_string(place);
        // The span of the last hand-off is ended here, after another thread has started it.
        tr_span_end(race.open);
        race.open = tr_span_start(race.trace, 0, TR_KIND_STEP, name.data(), name.size());
        if (place % 100 == 99) {
          tr_span_end(race.open);
          tr_trace_end(race.trace);
          race.trace = 0;
          race.open = 0;
        }
        baton.hand_to(static_cast<int>(random() % kThreads));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

std::vector<Logged> logged(const Probe& probe) {
  std::vector<Logged> log;
  for (const Seen& seen : probe.taken()) {
    Logged record{seen.sequence, seen.trace_id, seen.type == TR_RECORD_TRACE_END, -1, 0};
    if (seen.type == TR_RECORD_SPAN_END) {
      record.chain = std::stoi(seen.name);
      record.place = std::stoll(seen.name.substr(seen.name.find(':') + 1));
    }
    log.push_back(std::move(record));
  }
  return log;
}

TEST(order, causal) {
  TempDirectory directory;
  Probe probe(Kind::kOnBatch);
  Session session(directory.path());
  ASSERT_EQ(probe.attach(), TR_OK);
  constexpr int kHandoffs = 50'000;
  Baton spinning(true);
  Baton waiting(false);
  std::thread other([&] { relay(waiting, 1, kHandoffs); });
  relay(spinning, 0, kHandoffs);
  other.join();
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const auto log = logged(probe);
  const auto places = std::count_if(log.begin(), log.end(), [](const Logged& each) { return each.place >= 0; });
  EXPECT_EQ(places, 2 * kHandoffs);
  EXPECT_EQ(stats().spans_refused, 0u);
  EXPECT_EQ(stats().spans_incomplete, 0u);
  EXPECT_EQ(why_not_causal(log), "");

  // The same log with a few neighbours exchanged is not one that can have happened.
  std::minstd_rand random(11);
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto wrong = log;
    std::vector<size_t> of_chain;
    for (size_t i = 0; i < wrong.size(); ++i) {
      if (wrong[i].place >= 0 && wrong[i].chain == attempt % 2) of_chain.push_back(i);
    }
    const size_t at = random() % (of_chain.size() - 1);
    std::swap(wrong[of_chain[at]].place, wrong[of_chain[at + 1]].place);
    EXPECT_NE(why_not_causal(wrong), "") << "exchanged at " << at;
  }
}

// A trace is ended while other threads give it spans timed elsewhere and events: whatever it takes is before its end.
TEST(order, nothing_follows_the_end_of_a_trace) {
  TempDirectory directory;
  Probe probe(Kind::kOnBatch);
  Session session(directory.path(), [](tr_config& config) {
    config.max_memory = 512u << 20;
    config.max_value_bytes = 32u << 20;
  });
  ASSERT_EQ(probe.attach(), TR_OK);
  constexpr int kTraces = 60;
  std::atomic<tr_trace> trace{0};
  std::atomic<bool> done{false};
  std::atomic<uint64_t> taken{0};
  const std::string large(16u << 20, 'x');  // takes so long to copy that the end often comes meanwhile
  tr_attribute attribute{{"large", 5}, {TR_TYPE_STR, 0, 0, 0, large.data(), large.size()}};
  const auto add_until_ended = [&](bool spans) {
    while (!done) {
      tr_span_data data{};
      data.struct_size = sizeof data;
      data.trace = trace;
      data.name = {"0:0", 3};
      data.start_ns = data.end_ns = 1;
      data.attributes = &attribute;
      data.attribute_count = 1;
      if (data.trace == 0) continue;
      const int result = spans ? tr_span_record(&data) : tr_trace_event(data.trace, "e", 1, &attribute, 1);
      taken += result == TR_OK;
      EXPECT_TRUE(result == TR_OK || result == TR_ESTALE || result == TR_ENOMEM) << result;
    }
  };
  size_t started = 0;
  std::thread spans(add_until_ended, true);
  std::thread events(add_until_ended, false);
  for (int i = 0; i < kTraces; ++i) {
    const tr_trace mine = tr_trace_start("t", TR_NUL, nullptr);
    if (mine == 0) continue;  // for lack of memory
    ++started;
    trace = mine;
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + i % 5));
    if (i % 10 == 0) eventually([&, before = taken.load()] { return taken > before; });  // however slow copying is
    EXPECT_EQ(tr_trace_end(mine), TR_OK);
  }
  done = true;
  spans.join();
  events.join();
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  std::set<std::string> ended;
  uint64_t delivered = 0;
  for (const Seen& seen : probe.taken()) {
    EXPECT_FALSE(ended.contains(seen.trace_id)) << seen.name << " follows the end of its trace";
    if (seen.type == TR_RECORD_TRACE_END) ended.insert(seen.trace_id);
    delivered += seen.type == TR_RECORD_SPAN_END || seen.type == TR_RECORD_EVENT;
  }
  EXPECT_EQ(ended.size(), started);
  EXPECT_GT(started, size_t{kTraces} / 10);
  EXPECT_EQ(delivered, taken);
  EXPECT_GT(delivered, 0u);
}

TEST(order, the_check_sees_what_is_wrong) {
  const std::vector<Logged> good{{1, "a", false, -1, 0}, {2, "a", false, 0, 0}, {3, "b", false, 0, 1},
                                 {4, "a", false, 1, 0},  {5, "a", true, -1, 0}, {6, "b", false, 1, 1}};
  EXPECT_EQ(why_not_causal(good), "");
  auto wrong = good;
  std::swap(wrong[1].place, wrong[3].place);
  EXPECT_NE(why_not_causal(wrong).find("place"), std::string::npos);
  wrong = good;
  wrong[3].sequence = 2;
  EXPECT_NE(why_not_causal(wrong).find("increase"), std::string::npos);
  wrong = good;
  wrong[5].trace = "a";
  EXPECT_NE(why_not_causal(wrong).find("after the end"), std::string::npos);
}

}  // namespace
}  // namespace trunkline::conformance
