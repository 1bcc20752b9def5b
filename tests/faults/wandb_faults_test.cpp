// The W&B sink against a server that fails: what is recorded meanwhile arrives once it works again, whatever died when;
// nobody waits for it, and nothing that is said holds a secret.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "../conformance/session.hpp"
#include "support/peer_state.hpp"

namespace trunkline::conformance {
namespace {

using nlohmann::json;

constexpr const char* kKey = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kSecret = "s3cret-canary-42-s3cret-canary-42-s3cret";

class WandbFaults : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_RUN_ID"}) ::unsetenv(name);
  }
  tr_processor_id attach(const std::string& key = kKey, const std::string& more = R"(, "interval_ms": 0)") {
    const std::string options = R"({"mode": "online", "base_url": ")" + server().url() + R"(", "api_key": ")" + key +
                                R"(", "project": "proj", "dir": ")" + directory_.path() + "\"" + more + "}";
    tr_processor table{};
    table.struct_size = sizeof table;
    tr_error error{sizeof error, 0, {}};
    EXPECT_EQ(tr_wandb_processor(options.data(), options.size(), &table, &error), TR_OK) << error.message;
    tr_processor_id id = 0;
    EXPECT_EQ(tr_add_processor(&table, &id), TR_OK);
    return id;
  }
  test::Peer& server() {
    if (!server_) server_.emplace("fake_wandb.py", arguments_);
    return *server_;
  }
  json state() { return test::ask(server(), "/_state"); }
  void fail(const std::string& faults) { test::ask(server(), "/_faults", faults); }
  size_t finished() {
    const json all = state();
    size_t count = 0;
    for (const json& run : all["runs"]) count += run["state"] == "finished" ? 1 : 0;
    return count;
  }

  // Each trace has one run, with its rows once and in order.
  void expect_whole(size_t traces, size_t spans) {
    const json found = state();
    EXPECT_EQ(found["runs"].size(), traces);
    for (const json& run : found["runs"]) {
      EXPECT_EQ(run["state"], "finished");
      EXPECT_TRUE(run["gaps"].empty());
      EXPECT_TRUE(run["rewritten_lines"].empty());
      ASSERT_EQ(run["history"].size(), spans) << run["display_name"];
      for (size_t i = 0; i < spans; ++i) {
        EXPECT_EQ(run["history"][i]["_step"], i);
        EXPECT_EQ(run["history"][i]["step/number"], i);
      }
      EXPECT_EQ(run["summary"]["total_steps"], spans);
      EXPECT_EQ(run["config"]["color"], "red");
    }
  }
  static void record(const std::string& name, int spans) {
    const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
    for (int i = 0; i < spans; ++i) add_span(trace, "step");
    tr_trace_set_str(trace, "color", TR_NUL, "red", TR_NUL);
    tr_trace_end(trace);
  }

  TempDirectory directory_;
  std::vector<std::string> arguments_ = {"--key", kKey};
  std::optional<test::Peer> server_;
};

// Every way to fail, at every call, before and after it was carried out, some times in a row.
TEST_F(WandbFaults, WhatFailsIsSaidAgainAndNothingIsThereTwice) {
  fail(R"([{"match": "UpsertBucket", "times": 1, "fault": ["status", "503"]},
           {"match": "UpsertBucket", "times": 1, "fault": ["reset"], "after": true},
           {"match": "UpsertBucket", "times": 1, "fault": ["status", "409"]},
           {"match": "file_stream", "times": 1, "fault": ["close-in-body"], "after": true},
           {"match": "file_stream", "times": 1, "fault": ["retry-after", "1"]},
           {"match": "file_stream", "times": 1, "fault": ["status", "500"], "after": true},
           {"match": "file_stream", "times": 1, "fault": ["status", "418"]},
           {"match": "file_stream", "times": 1, "fault": ["close"], "after": true},
           {"match": "file_stream", "times": 1, "fault": ["reset-in-body"], "after": true}])");
  Session session(directory_.path());
  const tr_processor_id id = attach();
  record("first", 20);
  record("second", 20);
  EXPECT_EQ(tr_flush(120'000), TR_OK);
  EXPECT_TRUE(law_holds(stats_of(id)));
  EXPECT_GT(stats_of(id).retries, 0u);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(2, 20);
}

struct Death {
  const char* name;
  const char* match;
  int skip;
};

// The server has done what it was asked, and whoever asked is gone before he knows: at each kind of request.
class WandbDeaths : public WandbFaults, public testing::WithParamInterface<Death> {};

TEST_P(WandbDeaths, BetweenTheServerAndTheStateCostNothing) {
  for (const bool after : {true, false}) {
    server_.reset();
    std::filesystem::remove_all(directory_.file("d"));
    fail(std::string(R"([{"match": ")") + GetParam().match + R"(", "skip": )" + std::to_string(GetParam().skip) +
         R"(, "times": -1, "fault": ["hang", "600"], "after": )" + (after ? "true" : "false") + "}]");
    {
      Session session(directory_.file("d"));
      attach();
      const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
      for (int i = 0; i < 6; ++i) {
        add_span(trace, "step");
        (void)tr_flush(100);  // a request each, as long as the server answers
      }
      tr_trace_set_str(trace, "color", TR_NUL, "red", TR_NUL);
      tr_trace_end(trace);
      EXPECT_EQ(session.stop(300), TR_ETIMEDOUT);
    }
    fail("[]");
    Session session(directory_.file("d"));
    attach();
    EXPECT_TRUE(eventually([&] { return finished() == 1; }, 60s));
    EXPECT_EQ(session.stop(), TR_OK);
    expect_whole(1, 6);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, WandbDeaths,
                         testing::Values(Death{"Begin", "UpsertBucket", 0}, Death{"FirstRows", "file_stream", 0},
                                         Death{"MoreRows", "file_stream", 2}, Death{"Config", "UpsertBucket", 1},
                                         Death{"End", "file_stream", 6}),
                         [](const auto& tested) { return tested.param.name; });

// The same of files and artifacts: whoever says them again means the same, so that there is one version, whole.
class WandbFileDeaths : public WandbFaults, public testing::WithParamInterface<Death> {
 protected:
  void record_files() {
    const std::string folder = directory_.file("given");
    std::filesystem::create_directories(folder + "/sub");
    test::write_file(folder + "/one", "one");
    test::write_file(folder + "/sub/two", "two");
    test::write_file(folder + "/page.html", "<p>three</p>");
    const tr_run run = tr_run_start(nullptr);
    const std::string file = folder + "/one";
    const std::string page = folder + "/page.html";
    EXPECT_EQ(tr_run_log_artifact(run, "note", TR_NUL, file.data(), file.size()), TR_OK);
    EXPECT_EQ(tr_run_log_media(run, 0, "page", TR_NUL, TR_MEDIA_HTML, page.data(), page.size()), TR_OK);
    const tr_artifact_file files[] = {{{"", 0}, {folder.data(), folder.size()}}};
    tr_artifact artifact{};
    artifact.struct_size = sizeof artifact;
    artifact.name = {"index", 5};
    artifact.type = {"dataset", 7};
    artifact.files = files;
    artifact.file_count = 1;
    EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_OK);
    EXPECT_EQ(tr_run_use_artifact(run, "index:latest", TR_NUL), TR_OK);
    tr_run_finish(run, TR_RUN_FINISHED, 0);
  }
  void expect_files() {
    const json found = state();
    ASSERT_EQ(found["runs"].size(), 1u);
    const json run = *found["runs"].begin();
    EXPECT_EQ(run["uploaded"].size(), 2u);
    EXPECT_EQ(run["history"].size(), 1u);
    ASSERT_EQ(found["artifacts"].size(), 1u);
    const json artifact = found["artifacts"][0];
    EXPECT_EQ(artifact["state"], "COMMITTED");
    EXPECT_EQ(artifact["used_by"].size(), 1u);
    ASSERT_EQ(artifact["files"].size(), 3u);
    for (const json& file : artifact["files"]) EXPECT_EQ(file["md5_ok"], true);
  }
};

TEST_P(WandbFileDeaths, BetweenTheServerAndTheStateCostNothing) {
  for (const bool after : {true, false}) {
    server_.reset();
    std::filesystem::remove_all(directory_.file("d"));
    fail(std::string(R"([{"match": ")") + GetParam().match + R"(", "skip": )" + std::to_string(GetParam().skip) +
         R"(, "times": -1, "fault": ["hang", "600"], "after": )" + (after ? "true" : "false") + "}]");
    {
      Session session(directory_.file("d"));
      attach();
      record_files();
      EXPECT_TRUE(eventually([&] { return state()["faulted"] > 0; }, 60s));
      EXPECT_EQ(session.stop(300), TR_ETIMEDOUT);
    }
    fail("[]");
    Session session(directory_.file("d"));
    attach();
    EXPECT_TRUE(eventually([&] { return finished() == 1; }, 60s));
    EXPECT_EQ(session.stop(), TR_OK);
    EXPECT_TRUE(session.messages().empty()) << session.messages()[0];
    expect_files();
  }
}

INSTANTIATE_TEST_SUITE_P(Each, WandbFileDeaths,
                         testing::Values(Death{"Files", "CreateRunFiles", 0}, Death{"File", "/storage/run", 0},
                                         Death{"Media", "/storage/run", 1}, Death{"Artifact", "createArtifact", 0},
                                         Death{"Manifest", "createArtifactManifest", 0},
                                         Death{"ArtifactFiles", "createArtifactFiles", 0},
                                         Death{"ArtifactFile", "/storage/artifact", 1},
                                         Death{"ManifestAgain", "createArtifactManifest", 1},
                                         Death{"ManifestFile", "/storage/manifest", 0},
                                         Death{"Commit", "commitArtifact", 0}, Death{"Find", "ArtifactByName", 0},
                                         Death{"Use", "useArtifact", 0}, Death{"Rows", "file_stream", 0}),
                         [](const auto& tested) { return tested.param.name; });

// Each request fails at first, in some way; the last of them, for good, costs the artifact alone.
TEST_F(WandbFaults, FilesThatFailAreSaidAgainOrCostThemselvesAlone) {
  const std::string file = directory_.file("one");
  test::write_file(file, "one");
  fail(R"([{"match": "CreateRunFiles", "times": 1, "fault": ["status", "500"]},
           {"match": "/storage/run", "times": 1, "fault": ["reset-in-body"], "after": true},
           {"match": "/storage/run", "times": 1, "fault": ["retry-after", "1"]},
           {"match": "createArtifactFiles", "times": 1, "fault": ["status", "503"], "after": true},
           {"match": "commitArtifact", "times": 1, "fault": ["graphql-error", "no room"]}])");
  Session session(directory_.file("d"));
  attach();
  const tr_run run = tr_run_start(nullptr);
  const tr_artifact_file files[] = {{{"x", 1}, {file.data(), file.size()}}};
  tr_artifact artifact{};
  artifact.struct_size = sizeof artifact;
  artifact.name = {"index", 5};
  artifact.type = {"dataset", 7};
  artifact.files = files;
  artifact.file_count = 1;
  EXPECT_EQ(tr_run_log_artifact(run, "note", TR_NUL, file.data(), file.size()), TR_OK);
  EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_OK);
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  EXPECT_EQ(session.stop(), TR_OK);
  const json found = state();
  EXPECT_EQ(finished(), 1u);
  EXPECT_EQ((*found["runs"].begin())["uploaded"], json({"note"}));
  EXPECT_EQ(found["artifacts"][0]["state"], "PENDING");
  size_t said = 0;
  for (const std::string& message : session.messages()) said += message.find("no room") != std::string::npos ? 1 : 0;
  EXPECT_EQ(said, 1u);
}

// While the server is down recording is not held up, a shutdown keeps its deadline, and the next life delivers.
TEST_F(WandbFaults, AnOutageUnderLoad) {
  fail(R"([{"match": "", "times": -1, "fault": ["hang", "600"]}])");
  {
    Session session(directory_.path());
    attach();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) record("trace", 20);
    EXPECT_LT(seconds_since(start), 60.0);
    const auto end = std::chrono::steady_clock::now();
    EXPECT_EQ(session.stop(500), TR_ETIMEDOUT);
    EXPECT_LT(seconds_since(end), 60.0);
  }
  fail("[]");
  Session session(directory_.path());
  attach();
  EXPECT_TRUE(eventually([&] { return finished() == 50; }, 60s));
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(50, 20);
}

// Who is not let in keeps his records, says so once, and says no more than he may.
TEST_F(WandbFaults, AWrongKeyKeepsWhatIsRecorded) {
  {
    Session session(directory_.path());
    const tr_processor_id id = attach(kSecret);
    record("trace", 5);
    EXPECT_TRUE(eventually([&] { return stats_of(id).retries > 3; }, 30s));
    EXPECT_EQ(session.stop(300), TR_ETIMEDOUT);
    size_t complaints = 0;
    for (const std::string& message : session.messages()) {
      complaints += message.find("401") != std::string::npos ? 1 : 0;
      EXPECT_EQ(message.find(kSecret), std::string::npos);
    }
    EXPECT_EQ(complaints, 1u);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(bytes.find(kSecret), std::string::npos) << entry.path();
  }
  EXPECT_LT(state()["requests"].size(), 3u);  // it does not try each call
  Session session(directory_.path());
  attach();
  EXPECT_TRUE(eventually([&] { return finished() == 1; }, 60s));
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(1, 5);
}

// A login page, or somebody else's server: not taken for an answer.
TEST_F(WandbFaults, AnAnswerThatIsNoneIsNotTakenForOne) {
  for (const char* fault : {R"(["html"])", R"(["empty"])", R"(["redirect", "302", "http://127.0.0.1:1/"])"}) {
    server_.reset();
    std::filesystem::remove_all(directory_.file("d"));
    fail(std::string(R"([{"match": "file_stream", "times": -1, "fault": )") + fault + "}]");
    {
      Session session(directory_.file("d"));
      attach();
      record("trace", 5);
      EXPECT_EQ(session.stop(1500), TR_ETIMEDOUT) << fault;
    }
    fail("[]");
    Session session(directory_.file("d"));
    attach();
    EXPECT_TRUE(eventually([&] { return finished() == 1; }, 60s));
    EXPECT_EQ(session.stop(), TR_OK);
    expect_whole(1, 5);
  }
}

// One answer that is final does not lose the run: what is left of it goes to a file, and the other runs go on.
TEST_F(WandbFaults, WhatIsRefusedForGoodGoesToAFile) {
  for (const char* fault :
       {R"("UpsertBucket", "fault": ["graphql-error"])", R"("UpsertBucket", "fault": ["status", "400"])",
        R"("file_stream", "fault": ["status", "422"])"}) {
    server_.reset();
    std::filesystem::remove_all(directory_.file("wandb"));
    fail(std::string(R"([{"times": 1, "match": )") + fault + "}]");
    Session session(directory_.file("d"));
    attach();
    record("refused", 5);
    EXPECT_EQ(tr_flush(60'000), TR_OK);
    record("taken", 5);
    EXPECT_EQ(session.stop(), TR_OK);
    EXPECT_EQ(finished(), 1u) << fault;
    size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.file("wandb"))) {
      files += entry.path().extension() == ".wandb" ? 1 : 0;
    }
    EXPECT_EQ(files, 1u) << fault;
    size_t said = 0;
    for (const std::string& message : session.messages())
      said += message.find("wandb sync") != std::string::npos ? 1 : 0;
    EXPECT_EQ(said, 1u) << fault;
  }
}

// A server, or a proxy on the way, that takes little at once gets little at once.
TEST_F(WandbFaults, RequestsThatAreTooLargeAreSplit) {
  arguments_.insert(arguments_.end(), {"--max-body", "4000"});
  Session session(directory_.path());
  attach();
  record("trace", 200);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(1, 200);
}

// What goes on is told of now and then; whoever flushes or leaves need not wait for it.
TEST_F(WandbFaults, RequestsAreSpacedUnlessSomebodyWaits) {
  Session session(directory_.path());
  attach(kKey, R"(, "interval_ms": 3600000)");
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  add_span(trace, "step");
  EXPECT_TRUE(eventually([&] { return state()["runs"].size() == 1; }, 30s));  // the first at once
  for (int i = 0; i < 5; ++i) {
    add_span(trace, "step");
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_LE(state()["asked"]["file_stream"], 2);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ((*state()["runs"].begin())["history"].size(), 6u);
  tr_trace_set_str(trace, "color", TR_NUL, "red", TR_NUL);
  tr_trace_end(trace);
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_LT(seconds_since(start), 120.0);
  expect_whole(1, 6);
}

}  // namespace
}  // namespace trunkline::conformance
