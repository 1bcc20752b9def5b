// The W&B sink's way to the server, against a stand-in that is one: runs that are kept alive, and what is left of one
// that is refused.
#include <fcntl.h>

#include "processors/wandb/insist.hpp"
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
  std::vector<wandb::Loss> lost_;
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

// Once it is known to be gone nothing more is asked, and it is said once. What passes does not end a heartbeat.
TEST_F(WandbServer, ARunThatIsDeletedWhileItIsOpenIsNotKeptAlive) {
  const auto asked = [this] { return test::ask(server_, "/_state")["asked"].value("file_stream", 0); };
  const auto fault = [this](const std::string& status) {
    test::ask(server_, "/_faults",
              R"([{"match": "file_stream", "times": 1, "fault": ["status", ")" + status + R"("]}])");
  };
  store_test::messages().clear();
  RunDelta first = rows(0, 1);
  first.begins = true;
  ASSERT_EQ(backend_->write(&state_, first, &lost_).code, 0);
  const int before = asked();
  fault("404");
  for (int i = 0; i < 10; ++i) pass(30);
  EXPECT_EQ(asked(), before + 1);
  ASSERT_EQ(store_test::messages().size(), 1u);
  EXPECT_EQ(store_test::messages()[0].rfind("at W&B run run1 was deleted while it was open: ", 0), 0u);
  // Its rows are refused as well, after which nothing is asked.
  ASSERT_EQ(backend_->write(&state_, rows(1, 1), &lost_).code, 0);
  fault("404");
  EXPECT_EQ(backend_->write(&state_, rows(2, 1), &lost_).code, TR_ENOENT);
  const int refused = asked();
  for (int i = 0; i < 10; ++i) pass(30);
  EXPECT_EQ(asked(), refused);
  EXPECT_EQ(store_test::messages().size(), 1u);
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

// What is wrong with a file of this machine is said at once: the server, which is well, need not be left in peace for
// it.
TEST_F(WandbServer, FilesOfThisMachineAreNothingToWaitFor) {
  net::Endpoint endpoint;
  endpoint.url = std::move(*net::parse_url(server_.url()));
  wandb::Storage storage(endpoint, 30'000, store_test::kHost, false);
  const test::TempDirectory directory;
  const std::string url = "/storage/other";
  ASSERT_FALSE(storage.put({url, {}}, "content"));
  const auto open_file = [](const std::string& path) {
    return std::make_shared<const UniqueFd>(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  };
  Error error = storage.get_file(url, 7, open_file("/dev/full"));
  EXPECT_EQ(error.code, TR_EIO);
  EXPECT_NE(error.message.find("No space left"), std::string::npos) << error.message;
  EXPECT_TRUE(storage.is_open());
  // The second has a size and cannot be read, where there is one.
  for (const std::string& file : {directory.file("missing"), std::string("/sys/class/net/lo/speed")}) {
    if (file[1] == 's' && !file_version(file)) continue;
    EXPECT_EQ(storage.put_file({"/storage/unread", {}}, {"x", file, {}, {}}).code, TR_EIO) << file;
    EXPECT_TRUE(storage.is_open());
  }
  const std::string path = directory.file("x");
  EXPECT_EQ(storage.get_file(url, 3, open_file(path)).code, TR_EINVAL);  // it is longer
  EXPECT_FALSE(storage.get_file(url, -1, open_file(path)));
  EXPECT_EQ(test::read_file(path), "content");
}

TEST_F(WandbServer, StorageWaitsForPeopleWhereOthersDo) {
  net::Endpoint endpoint;
  endpoint.url = std::move(*net::parse_url(server_.url()));
  for (const bool waits : {false, true}) {
    test::ask(server_, "/_faults", R"([{"match": "storage", "times": 1, "fault": ["garbage"]}])");
    wandb::Storage storage(endpoint, 30'000, store_test::kHost, waits);
    std::string body;
    EXPECT_EQ(storage.get("/storage/other", &body).code, waits ? TR_EAGAIN : TR_EINVAL);
    EXPECT_EQ(storage.is_open(), !waits);
  }
}

// Whoever gives up says what was wrong, and not before its time, which an attempt that got somewhere puts off.
TEST(WandbInsist, UntilTheDeadlineAndWithTheCause) {
  int64_t deadline = os::monotonic_now();
  int attempts = 0;
  const auto attempt = [&]() -> Error {
    if (++attempts == 1) {
      deadline = os::monotonic_now() + 1'000'000'000;
      return {TR_EAGAIN, "broken off"};
    }
    return wandb::not_asked_yet();
  };
  const Error error = wandb::insist(deadline, attempt);
  EXPECT_EQ(error.code, TR_ETIMEDOUT);
  EXPECT_EQ(error.message, "broken off");
  EXPECT_GT(attempts, 1);
}

}  // namespace
}  // namespace trunkline::wandb_test
