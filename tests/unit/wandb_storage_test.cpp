// Where W&B keeps files, against a stand-in: storage that is down while W&B is not, URLs that no longer hold, places
// that lead elsewhere, and what of a run does not wait for its files.
#include <chrono>
#include <thread>

#include "processors/wandb/file_upload.hpp"
#include "processors/wandb/insist.hpp"
#include "processors/wandb/offline_backend.hpp"
#include "processors/wandb/online_backend.hpp"
#include "processors/wandb/wandb_processor.hpp"
#include "processors/wandb/wandb_upload.hpp"
#include "support/peer_state.hpp"
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

using store_test::messages;
using store_test::Records;
using store_test::str;

constexpr int64_t kSecond = 1'000'000'000;

// A clock by which more than half a minute passes between two looks.
int64_t hurried_clock() {
  static int64_t now = kSecond;
  return now += 31 * kSecond;
}

net::Endpoint endpoint_of(const std::string& url) {
  net::Endpoint endpoint;
  endpoint.url = std::move(*net::parse_url(url));
  return endpoint;
}

class WandbStorage : public testing::Test {
 protected:
  WandbStorage() {
    messages().clear();
    wandb::Place place;
    place.project = "proj";
    backend_ = std::make_unique<wandb::OnlineBackend>(
        std::make_unique<wandb::Rest>(endpoint_of(server_.url()), 30'000, store_test::kHost), place, store_test::kHost,
        &hurried_clock);
    state_.id = "run1";
    state_.start_ns = kSecond;
    state_.config_known = true;
  }
  json state() { return test::ask(server_, "/_state"); }
  json run() { return state()["runs"]["fake-entity/proj/run1"]; }
  int asked(const char* name) { return state()["asked"].value(name, 0); }
  void fault(const std::string& match, int times, const json& what) {
    test::ask(server_, "/_faults", json::array({{{"match", match}, {"times", times}, {"fault", what}}}).dump());
  }
  std::vector<processors::RunFile> files(const std::vector<std::string>& names) {
    std::vector<processors::RunFile> all;
    for (const std::string& name : names) {
      const std::string path = directory_.file(name);
      test::write_file(path, "content of " + name);
      EXPECT_FALSE(processors::list_files(name, path, &all));
    }
    EXPECT_FALSE(processors::read_files(&all));
    return all;
  }
  RunDelta with_file() {
    RunDelta delta;
    delta.begins = true;
    delta.rows.push_back({0, 2 * kSecond, {{"x", "1"}}});
    delta.files = files({"f"});
    delta.exit_code = 0;
    return delta;
  }
  wandb::Artifact artifact() {
    wandb::Artifact made;
    made.name = "index";
    made.type = "dataset";
    made.client_id = "client";
    made.sequence_client_id = "sequence";
    made.files = files({"a", "b"});
    return made;
  }
  // Until it is taken, or `enough` says so.
  template <class Enough>
  int write_until(const RunDelta& delta, Enough enough) {
    const int64_t deadline = os::monotonic_now() + 60 * kSecond;
    int code = TR_EAGAIN;
    while (code == TR_EAGAIN && !enough() && os::monotonic_now() < deadline) {
      code = backend_->write(&state_, delta, &lost_).code;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return code;
  }
  int write(const RunDelta& delta) {
    return write_until(delta, [] { return false; });
  }

  test::Peer server_{"fake_wandb.py"};
  test::TempDirectory directory_;
  std::unique_ptr<wandb::OnlineBackend> backend_;
  RunState state_;
  std::vector<wandb::Loss> lost_;
};

// W&B's own answers are no word on its storage: it is asked less and less, W&B is not asked in vain, and it is said.
TEST_F(WandbStorage, ThatIsDownIsWaitedForAndSaid) {
  fault("storage", -1, {"status", "503"});
  const RunDelta delta = with_file();
  EXPECT_EQ(write_until(delta, [] { return !messages().empty(); }), TR_EAGAIN);
  ASSERT_EQ(messages().size(), 1u);
  EXPECT_NE(messages()[0].find("503"), std::string::npos) << messages()[0];
  EXPECT_EQ(asked("storage"), 2);
  EXPECT_EQ(asked("CreateRunFiles"), 2);
  EXPECT_EQ(asked("file_stream") - run()["heartbeats"].get<int>(), 2);
  test::ask(server_, "/_faults", "[]");
  EXPECT_EQ(write(delta), 0);
  EXPECT_EQ(messages().back(), "W&B's file storage answers again");
  EXPECT_EQ(run()["uploaded"], json({"f"}));
  EXPECT_EQ(run()["state"], "finished");
  EXPECT_TRUE(run()["rewritten_lines"].empty());
}

// Of the attempts that were not made there is nothing to say.
TEST_F(WandbStorage, WhoeverGivesUpSaysWhatWasWrong) {
  RunDelta begin;
  begin.begins = true;
  std::vector<wandb::Loss> lost;
  ASSERT_FALSE(backend_->write(&state_, begin, &lost));
  fault("storage", -1, {"status", "503"});
  wandb::Rest rest(endpoint_of(server_.url()), 30'000, store_test::kHost, false);
  wandb::FileUpload upload(&rest);
  const std::vector<processors::RunFile> all = files({"a"});
  const int64_t deadline = os::monotonic_now() + 200'000'000;
  int closed = 0;
  const Error error = wandb::insist(deadline, [&] {
    closed += upload.is_open() ? 0 : 1;
    std::vector<Error> each;
    return upload.put_run_files({state_.entity, state_.project, state_.id}, all, &each);
  });
  EXPECT_EQ(error.code, TR_ETIMEDOUT);
  EXPECT_GT(closed, 0);
  EXPECT_NE(error.message.find("503"), std::string::npos) << error.message;
}

// Of an artifact that is said again, what is there is not sent again: else its storage would seem well each time.
TEST_F(WandbStorage, AnArtifactGoesOnWhereItWas) {
  fault("/b", 2, {"status", "503"});
  RunDelta delta;
  delta.begins = true;
  delta.artifacts.push_back(artifact());
  EXPECT_EQ(write(delta), 0);
  EXPECT_TRUE(lost_.empty());
  EXPECT_EQ(asked("storage"), 1 + 3 + 1);  // a; b in the third try; the manifest
  EXPECT_EQ(messages().size(), 2u);
}

TEST_F(WandbStorage, RowsDoNotWaitForFilesAndTheRunIsKeptAlive) {
  fault("storage", 1, {"drip", "2"});
  EXPECT_EQ(backend_->write(&state_, with_file(), &lost_).code, TR_EAGAIN);
  EXPECT_EQ(run()["history"].size(), 1u);
  EXPECT_EQ(run()["state"], "running");
  EXPECT_GE(run()["heartbeats"], 1);
  EXPECT_EQ(write(with_file()), 0);
  EXPECT_EQ(run()["state"], "finished");
  EXPECT_EQ(run()["uploaded"], json({"f"}));
}

TEST_F(WandbStorage, AUrlThatHoldsNoMoreIsAskedForOnceMore) {
  for (const char* status : {"400", "401", "403"}) {
    fault("storage", 1, {"status", status});
    ASSERT_EQ(write(with_file()), 0);
    EXPECT_TRUE(lost_.empty()) << status;
    fault("storage", 2, {"status", status});
    RunDelta delta;
    delta.files = files({std::string("other") + status});
    ASSERT_EQ(write(delta), 0);
    ASSERT_EQ(lost_.size(), 1u) << status;
    lost_.clear();
    state_.id += "x";
  }
  EXPECT_EQ(asked("CreateRunFiles"), 3 * 4);
  fault("storage/artifact", 1, {"status", "403"});
  RunDelta delta;
  delta.begins = true;
  delta.artifacts.push_back(artifact());
  ASSERT_EQ(write(delta), 0);
  EXPECT_TRUE(lost_.empty());
  EXPECT_EQ(state()["artifacts"][0]["state"], "COMMITTED");
}

// The server may answer in an order of its own.
TEST_F(WandbStorage, FilesOfAnArtifactAreFoundByTheirNames) {
  json edges = json::array();
  for (const char* name : {"b", "a"}) {
    edges.push_back({{"node",
                      {{"name", name},
                       {"uploadUrl", server_.url() + "/storage/artifact/x/" + name},
                       {"uploadHeaders", json::array()},
                       {"artifact", {{"id", "x"}}}}}});
  }
  fault("CreateArtifactFiles", 1,
        {"body", json({{"data", {{"createArtifactFiles", {{"files", {{"edges", edges}}}}}}}}).dump()});
  RunDelta delta;
  delta.begins = true;
  delta.artifacts.push_back(artifact());
  ASSERT_EQ(write(delta), 0);
  EXPECT_TRUE(lost_.empty());
  wandb::Storage storage(endpoint_of(server_.url()), 30'000, store_test::kHost, true);
  std::string body;
  ASSERT_FALSE(storage.get("/storage/artifact/x/a", &body));
  EXPECT_EQ(body, "content of a");
}

// An alias moves: each use is of what it names then.
TEST_F(WandbStorage, AnArtifactIsUsedAsOftenAsItIsSaid) {
  RunDelta delta;
  delta.begins = true;
  delta.artifacts.push_back(artifact());
  delta.used = {{"index:latest", 1}};
  ASSERT_EQ(write(delta), 0);
  delta = {};
  delta.used = {{"index:latest", 1}};
  ASSERT_EQ(write(delta), 0);
  EXPECT_EQ(asked("UseArtifact"), 2);
  EXPECT_TRUE(lost_.empty());
}

TEST_F(WandbStorage, RedirectsAreOfThePlaceThatSaysThem) {
  const test::Peer elsewhere("fake_wandb.py");
  wandb::Storage storage(endpoint_of(server_.url()), 30'000, store_test::kHost, true);
  ASSERT_FALSE(storage.put({elsewhere.url() + "/storage/in/x", {}}, "bytes"));
  for (const std::string& to :
       {std::string("x?signature=1"), std::string("/storage/in/x?signature=1"),
        "//127.0.0.1:" + elsewhere.port() + "/storage/in/x", elsewhere.url() + "/storage/in/x"}) {
    test::ask(elsewhere, "/_faults",
              json::array({{{"match", "/from"}, {"times", 1}, {"fault", {"redirect", "302", to}}}}).dump());
    std::string body;
    const Error error = storage.get(elsewhere.url() + "/storage/in/from?signature=0", &body);
    EXPECT_EQ(error.code, 0) << to << ": " << error.message;
    EXPECT_EQ(body, "bytes") << to;
  }
  EXPECT_EQ(asked("storage"), 0);
}

// A server elsewhere does not choose what is asked of this machine.
TEST_F(WandbStorage, AServerElsewhereDoesNotLeadBackHere) {
  wandb::Storage storage(endpoint_of("https://wandb.example"), 30'000, store_test::kHost, true);
  std::string body;
  EXPECT_EQ(storage.get(server_.url() + "/storage/x", &body).code, TR_EINVAL);
  EXPECT_EQ(storage.put({server_.url() + "/storage/x", {}}, "bytes").code, TR_EINVAL);
  EXPECT_TRUE(state()["requests"].empty());
}

// What a log says of a run is added to what the server has.
TEST_F(WandbStorage, AnUploadKeepsTheTagsThatAreThere) {
  RunDelta delta;
  delta.begins = true;
  RunState there = state_;
  there.tags = {"theirs", "both"};
  ASSERT_EQ(backend_->write(&there, delta, &lost_).code, 0);
  wandb::Place place;
  place.project = "proj";
  wandb::OfflineBackend log(directory_.file("wandb"), place);
  state_.tags = {"mine", "both"};
  delta.exit_code = 0;
  ASSERT_EQ(log.write(&state_, delta, &lost_).code, 0);
  const auto folder = std::filesystem::directory_iterator(directory_.file("wandb"))->path();
  const auto done = upload_wandb_log(folder.string(),
                                     R"({"mode": "online", "api_key": ")" + std::string(40, 'k') +
                                         R"(", "project": "proj", "base_url": ")" + server_.url() + "\"}",
                                     30'000, store_test::kHost);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(run()["tags"], json({"mine", "both", "theirs"}));
}

// What waits for one server is delivered to another: what is known of a run at the first means nothing there.
TEST_F(WandbStorage, StatesAreOfTheServerThatTheyWereMadeAt) {
  for (const bool spilled : {false, true}) {
    const std::string words(spilled ? 70'000 : 7, 'x');
    const test::Peer first("fake_wandb.py", {"--entity", "first"});
    const test::Peer second("fake_wandb.py", {"--entity", "second"});
    test::TempDirectory data;
    const auto options = [](const test::Peer& server) {
      return R"({"mode": "online", "api_key": ")" + std::string(40, 'k') +
             R"(", "project": "proj", "interval_ms": 0, "base_url": ")" + server.url() + "\"}";
    };
    Records records;
    records.add(TR_RECORD_RUN_START, 0, 7).name = str("run");
    for (int64_t i = 0; i < 4; ++i) {
      records.attributes(records.add(TR_RECORD_RUN_LOG, 0, 7),
                         {{str("i"), store_test::i64(i)}, {str("text"), store_test::text(words)}});
    }
    records.add(TR_RECORD_RUN_FINISH, 0, 7);
    const auto rows = [](const test::Peer& server) {
      const json runs = test::ask(server, "/_state")["runs"];
      std::vector<int> all;
      for (const json& run : runs) {
        for (const json& row : run["history"]) all.push_back(row["i"]);
      }
      return all;
    };
    const std::string directory = data.path();
    const auto deliver = [&](const test::Peer& server, size_t begin, size_t end) {
      const store_test::Driven processor(make_wandb_processor, options(server), directory);
      ASSERT_FALSE(processor.error()) << processor.error().message;
      ASSERT_EQ(processor.restore(store_test::saved_state()), TR_OK);
      ASSERT_EQ(processor.deliver(records.pointers(begin, end)), TR_OK);
    };
    store_test::saved_state().clear();
    deliver(first, 0, 2);
    EXPECT_EQ(rows(first), std::vector<int>({0})) << spilled;
    deliver(second, 2, 4);
    deliver(second, 4, 6);  // its own state, it knows
    EXPECT_EQ(rows(second), std::vector<int>({1, 2, 3})) << spilled;
    EXPECT_EQ(rows(first), std::vector<int>({0})) << spilled;
  }
}

}  // namespace
}  // namespace trunkline::wandb_test
