// The W&B sink's way to the server, against a stand-in that is one: runs that are kept alive, and what is left of one
// that is refused.
#include "processors/wandb/online_backend.hpp"
#include "support/peer_state.hpp"
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t& clock() {
  static int64_t now = kSecond;
  return now;
}

class WandbServer : public testing::Test {
 protected:
  WandbServer() {
    net::Endpoint endpoint;
    endpoint.url = std::move(*net::parse_url(server_.url()));
    wandb::Place place;
    place.project = "proj";
    backend_ = std::make_unique<wandb::OnlineBackend>(
        std::make_unique<wandb::Rest>(std::move(endpoint), 30'000, store_test::kHost), place, store_test::kHost,
        [] { return clock(); });
    state_.id = "run1";
    state_.start_ns = kSecond;
    state_.config_known = true;
  }
  void pass(int64_t seconds) {
    clock() += seconds * kSecond;
    backend_->tick();
  }
  json run() { return test::ask(server_, "/_state")["runs"]["fake-entity/proj/run1"]; }
  static RunDelta rows(int64_t first, int64_t count) {
    RunDelta delta;
    for (int64_t i = first; i < first + count; ++i) delta.rows.push_back({i, 2 * kSecond, {{"x", std::to_string(i)}}});
    return delta;
  }

  test::Peer server_{"fake_wandb.py"};
  std::unique_ptr<wandb::OnlineBackend> backend_;
  RunState state_;
  std::vector<std::string> lost_;
};

TEST_F(WandbServer, AnOpenRunOfWhichNothingIsToldIsKeptAlive) {
  RunDelta first = rows(0, 1);
  first.begins = true;
  ASSERT_EQ(backend_->write(&state_, first, &lost_).code, 0);
  pass(29);
  EXPECT_EQ(run()["heartbeats"], 0);
  pass(1);
  EXPECT_EQ(run()["heartbeats"], 1);
  pass(29);
  EXPECT_EQ(run()["heartbeats"], 1);
  ASSERT_EQ(backend_->write(&state_, rows(1, 1), &lost_).code, 0);
  pass(29);  // rows say as much
  EXPECT_EQ(run()["heartbeats"], 1);
  for (int i = 0; i < 120; ++i) pass(1);
  EXPECT_EQ(run()["heartbeats"], 5);
  EXPECT_EQ(run()["state"], "running");
  EXPECT_EQ(run()["history"].size(), 2u);
  RunDelta last;
  last.exit_code = 0;
  ASSERT_EQ(backend_->write(&state_, last, &lost_).code, 0);
  pass(300);
  EXPECT_EQ(run()["heartbeats"], 5);
  EXPECT_EQ(run()["state"], "finished");
}

// What an earlier try has brought there counts, as does what the server has and nobody here knows of.
TEST_F(WandbServer, ARunThatIsRefusedTellsWhatIsThere) {
  RunDelta first = rows(0, 4);
  first.begins = true;
  RunState other = state_;
  ASSERT_EQ(backend_->write(&other, first, &lost_).code, 0);
  test::ask(server_, "/_faults", R"([{"match": "UpsertBucket", "times": 1, "fault": ["status", "400"]}])");
  EXPECT_EQ(backend_->write(&state_, first, &lost_).code, TR_EINVAL);
  state_.entity = other.entity;
  state_.project = other.project;
  state_.config_known = false;
  state_.config = {{"mine", "1"}};
  const auto lines = backend_->lines_there(&state_);
  ASSERT_TRUE(lines);
  EXPECT_EQ(*lines, 4);
  EXPECT_EQ(state_.config.at("mine"), "1");
  EXPECT_EQ(state_.config.count("_wandb"), 1u);  // of what is there
  pass(3600);
  EXPECT_EQ(run()["heartbeats"], 0);  // who is left alone is not kept alive
  // A server that cannot be asked now is asked later; one that never tells leaves what was heard here.
  test::ask(server_, "/_faults", R"([{"match": "RunResumeStatus", "times": 1, "fault": ["status", "400"]},
                                     {"match": "RunResumeStatus", "times": 1, "fault": ["status", "503"]}])");
  EXPECT_EQ(*backend_->lines_there(&state_), 0);
  const auto later = backend_->lines_there(&state_);
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, TR_EAGAIN);
}

}  // namespace
}  // namespace trunkline::wandb_test
