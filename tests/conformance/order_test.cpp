// The order of the log: what happened before a record in the program, on whichever thread, is before it in the log.
#include <algorithm>
#include <array>
#include <random>

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
  ASSERT_EQ(tr_flush(20000), TR_OK);
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
