// The MLflow sink against a server that fails: what is recorded meanwhile arrives once it works again, nobody waits for
// it, and nothing that is said holds a secret.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "../conformance/session.hpp"
#include "support/peer_state.hpp"

namespace trunkline::conformance {
namespace {

using nlohmann::json;

constexpr const char* kSecret = "s3cret-canary-42";

class MlflowFaults : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("MLFLOW_TRACKING_URI"); }

  tr_processor_id attach(const std::string& more = "") {
    const std::string options = R"({"tracking_uri": ")" + server().url() + "\"" + more + "}";
    tr_processor table{};
    table.struct_size = sizeof table;
    tr_error error{sizeof error, 0, {}};
    EXPECT_EQ(tr_mlflow_processor(options.data(), options.size(), &table, &error), TR_OK) << error.message;
    tr_processor_id id = 0;
    EXPECT_EQ(tr_add_processor(&table, &id), TR_OK);
    return id;
  }
  test::Peer& server() {
    if (!server_) server_.emplace("fake_mlflow.py", arguments_);
    return *server_;
  }
  json state() { return test::ask(server(), "/_state"); }
  void fail(const std::string& faults) { test::ask(server(), "/_faults", faults); }

  // Each trace has one run, with its steps once and in order.
  void expect_whole(size_t traces, int spans) {
    const json found = state();
    EXPECT_EQ(found["runs"].size(), traces);
    for (const json& run : found["runs"]) {
      EXPECT_EQ(run["status"], "FINISHED");
      EXPECT_EQ(run["metrics"].size(), static_cast<size_t>(spans + 3)) << run["name"];
    }
    EXPECT_EQ(found["traces"].size(), traces);
  }

  TempDirectory directory_;
  std::vector<std::string> arguments_;
  std::optional<test::Peer> server_;
};

// Every way to fail, at every call, some times in a row.
TEST_F(MlflowFaults, WhatFailsIsSaidAgainAndNothingIsThereTwice) {
  fail(R"([{"match": "experiments", "times": 1, "fault": ["status", "503"]},
           {"match": "runs/create", "times": 1, "fault": ["reset"], "after": true},
           {"match": "log-batch", "times": 1, "fault": ["close-in-body"], "after": true},
           {"match": "log-batch", "times": 1, "fault": ["retry-after", "1"]},
           {"match": "log-batch", "times": 1, "fault": ["status", "500"]},
           {"match": "runs/update", "times": 1, "fault": ["status", "408"], "after": true},
           {"match": "v1/traces", "times": 1, "fault": ["close"], "after": true},
           {"match": "3.0/mlflow/traces", "times": 1, "fault": ["reset"], "after": true}])");
  Session session(directory_.path());
  const tr_processor_id id = attach();
  record_trace("first", 20);
  record_trace("second", 20);
  EXPECT_EQ(tr_flush(120'000), TR_OK);
  EXPECT_TRUE(law_holds(stats_of(id)));
  EXPECT_GT(stats_of(id).retries, 0u);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(2, 20);
}

class MlflowManyRuns : public MlflowFaults {
 protected:
  static constexpr size_t kTraces = 24;

  // In one batch, mostly: with its traces each run has its order.
  void record_many() {
    for (size_t i = 0; i < kTraces; ++i) record_trace("trace " + std::to_string(i), 3);
  }
  // A run's numbers come before its end, which is told once unless it failed.
  void expect_order(const json& run) {
    const json& calls = run["calls"];
    ASSERT_GE(calls.size(), 2u);
    EXPECT_EQ(calls.back(), "update");
    EXPECT_EQ(calls.front(), "log-batch");
  }
};

// Different runs are told at once, and no run two things at once.
TEST_F(MlflowManyRuns, AreToldAtOnceAndEachInItsOrder) {
  arguments_ = {"--delay", "0.05"};
  Session session(directory_.path());
  attach();
  record_many();
  EXPECT_EQ(tr_flush(120'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(kTraces, 3);
  const json found = state();
  for (const json& run : found["runs"]) expect_order(run);
  EXPECT_GT(found["at_once"], 1);
  EXPECT_LE(found["at_once"], 4);
  EXPECT_EQ(found["asked"]["/api/2.0/mlflow/runs/create"], kTraces);
  EXPECT_EQ(found["asked"]["/api/2.0/mlflow/runs/update"], kTraces);
}

// What the others were told meanwhile is kept; what failed, and only what nobody knows of, is said again.
TEST_F(MlflowManyRuns, OfWhichSomeFailInTheMiddle) {
  arguments_ = {"--delay", "0.02"};
  fail(R"([{"match": "runs/create", "times": 1, "fault": ["status", "503"], "after": true},
           {"match": "runs/create", "times": 1, "fault": ["status", "503"]},
           {"match": "log-batch", "times": 2, "fault": ["status", "503"], "after": true},
           {"match": "runs/update", "times": 2, "fault": ["reset"], "after": true},
           {"match": "v1/traces", "times": 2, "fault": ["status", "503"], "after": true},
           {"match": "3.0/mlflow/traces", "times": 2, "fault": ["status", "503"], "after": true}])");
  Session session(directory_.path());
  attach();
  record_many();
  EXPECT_EQ(tr_flush(120'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(kTraces, 3);
  const json found = state();
  for (const json& run : found["runs"]) expect_order(run);
  EXPECT_LE(found["asked"]["/api/2.0/mlflow/runs/create"], kTraces + 2);
  for (const auto& [name, count] : found["spans"].items()) EXPECT_EQ(count, 1) << name;
  EXPECT_EQ(found["spans"].size(), kTraces * 4);
}

// What a server will never take costs its own run.
TEST_F(MlflowManyRuns, OfWhichOneIsRefused) {
  fail(R"([{"match": "log-batch", "times": 1, "fault": ["status", "404"]}])");
  Session session(directory_.path());
  attach();
  record_many();
  EXPECT_EQ(tr_flush(120'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  const json found = state();
  size_t finished = 0;
  for (const json& run : found["runs"]) finished += run["status"] == "FINISHED" ? 1 : 0;
  EXPECT_EQ(found["runs"].size(), kTraces);
  EXPECT_EQ(finished, kTraces - 1);
  EXPECT_EQ(found["traces"].size(), kTraces);
}

// While the server is down recording is not held up, a shutdown keeps its deadline, and the next life delivers.
TEST_F(MlflowFaults, AnOutageUnderLoad) {
  fail(R"([{"match": "/", "times": -1, "fault": ["hang", "600"]}])");
  {
    Session session(directory_.path());
    attach();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 50; ++i) record_trace("trace", 20);
    EXPECT_LT(seconds_since(start), 60.0);
    const auto end = std::chrono::steady_clock::now();
    EXPECT_EQ(session.stop(500), TR_ETIMEDOUT);
    EXPECT_LT(seconds_since(end), 60.0);
  }
  fail("[]");
  Session session(directory_.path());
  attach();
  EXPECT_TRUE(eventually([&] { return state()["traces"].size() == 50; }, 60s));
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(50, 20);
}

// JSON of any shape and depth is taken for an answer only where it says what was asked.
TEST_F(MlflowFaults, AnswersOfAnyShape) {
  size_t traces = 0;
  const auto meets = [&](const char* shape, const char* call) {
    fail(json::array({{{"match", call}, {"times", 1}, {"fault", {"json", shape}}}}).dump());
    Session session(directory_.path());  // a life for each: who has met such a server waits long
    const tr_processor_id id = attach();
    record_trace(shape, 5);
    ++traces;
    EXPECT_TRUE(eventually([&] { return stats_of(id).retries > 0; })) << shape << " for " << call;
    session.stop(5'000);
  };
  for (const char* shape : {"deep", "array", "null", "number", "unfinished", "nul"}) {
    for (const char* call : {"experiments", "runs/create", "log-batch", "3.0/mlflow/traces"}) meets(shape, call);
  }
  for (const char* shape : {"deep-object", "keys", "types", "empty-texts"}) {  // objects, which is all the others say
    for (const char* call : {"experiments", "runs/create"}) meets(shape, call);
  }
  Session session(directory_.path());
  attach();
  EXPECT_TRUE(eventually([&] { return state()["traces"].size() == traces; }, 60s));
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(traces, 5);
}

// Who is not let in keeps his records, says so once, and says no more than he may.
TEST_F(MlflowFaults, WrongCredentialsKeepWhatIsRecorded) {
  arguments_ = {"--user", "ada:right"};
  const std::string wrong = std::string(R"(, "username": "ada", "password": ")") + kSecret + "\"";
  {
    Session session(directory_.path());
    const tr_processor_id id = attach(wrong);
    record_trace("trace", 5);
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
  EXPECT_LT(state()["asked"].size(), 3u);  // it does not try each call
  Session session(directory_.path());
  attach(R"(, "username": "ada", "password": "right")");
  EXPECT_TRUE(eventually([&] { return state()["traces"].size() == 1; }, 60s));
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(1, 5);
}

// A login page, or somebody else's server: not taken for an answer.
TEST_F(MlflowFaults, AnAnswerThatIsNoneIsNotTakenForOne) {
  fail(R"([{"match": "log-batch", "times": -1, "fault": ["html"]}])");
  {
    Session session(directory_.path());
    attach();
    record_trace("trace", 5);
    EXPECT_EQ(session.stop(2000), TR_ETIMEDOUT);
  }
  fail("[]");
  Session session(directory_.path());
  attach();
  EXPECT_TRUE(eventually([&] { return state()["traces"].size() == 1; }, 60s));
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(1, 5);
}

class MlflowWithoutOtlp : public MlflowFaults, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    MlflowFaults::SetUp();
    arguments_ = {GetParam()};
  }

  // Each trace has a file with its steps and itself, each once.
  void expect_files(size_t traces, size_t spans) {
    const json found = state();
    EXPECT_TRUE(found["spans"].empty());
    EXPECT_EQ(found["artifacts"].size(), traces);
    for (const auto& [path, names] : found["artifacts"].items()) {
      EXPECT_EQ(path.rfind("0/traces/tr-", 0), 0u) << path;
      EXPECT_EQ(names.size(), spans + 1);
      EXPECT_EQ((std::set<std::string>(names.begin(), names.end()).size()), spans + 1);
    }
    for (const auto& [id, info] : found["traces"].items()) {
      EXPECT_EQ(found["artifacts"].count("0/traces/" + id + "/artifacts/traces.json"), 1u);
      EXPECT_EQ(info["trace_metadata"]["mlflow.trace_schema.version"], "3");
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Servers, MlflowWithoutOtlp, testing::Values("--no-spans", "--old"));

// A server that takes no spans over OTLP gets them as files, in as many parts as they come.
TEST_P(MlflowWithoutOtlp, TracesAreFiles) {
  Session session(directory_.path());
  attach();
  record_trace("short", 5);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  expect_whole(1, 5);
  expect_files(1, 5);
  const tr_trace trace = tr_trace_start("long", TR_NUL, nullptr);
  for (int i = 0; i < 50; ++i) {
    add_span(trace, "step " + std::to_string(i));
    const int flushed = i % 10 == 0 ? tr_flush(60'000) : TR_OK;
    EXPECT_EQ(flushed, TR_OK);
  }
  tr_trace_end(trace);
  EXPECT_EQ(session.stop(60'000), TR_OK);
  const json found = state();
  EXPECT_EQ(found["traces"].size(), 2u);
  std::multiset<size_t> sizes;
  for (const auto& [path, names] : found["artifacts"].items()) sizes.insert(names.size());
  EXPECT_EQ(sizes, (std::multiset<size_t>{6, 51}));
  EXPECT_LE(found["asked"]["/v1/traces"], 2);
}

// What is not known to be there is looked for before it is said again: a store of files takes a trace once only.
TEST_P(MlflowWithoutOtlp, WhatFailsIsSaidAgain) {
  fail(R"([{"match": "v1/traces", "times": 1, "fault": ["status", "503"]},
           {"match": "traces.json", "method": "PUT", "times": 1, "fault": ["close"], "after": true},
           {"match": "3.0/mlflow/traces", "method": "POST", "times": 1, "fault": ["reset"], "after": true}])");
  Session session(directory_.path());
  attach();
  record_trace("first", 20);
  record_trace("second", 20);
  EXPECT_EQ(tr_flush(120'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  expect_whole(2, 20);
  expect_files(2, 20);
}

// That something of one trace is not there does not mean that the server takes no spans.
TEST_F(MlflowFaults, ATraceThatIsRefusedCostsNoOther) {
  fail(R"([{"match": "v1/traces", "times": 1, "fault": ["status", "404"]}])");
  Session session(directory_.path());
  attach();
  record_trace("refused", 5);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  record_trace("taken", 5);
  EXPECT_EQ(session.stop(20'000), TR_OK);
  expect_whole(2, 5);
  const json found = state();
  size_t taken = 0;
  for (const auto& [name, count] : found["spans"].items()) taken += name.rfind("taken", 0) == 0 ? 1 : 0;
  EXPECT_EQ(taken, 6u);
  EXPECT_LT(found["spans"].size(), 12u);
  EXPECT_TRUE(found["artifacts"].empty());
  const auto messages = session.messages();
  EXPECT_EQ(std::count_if(messages.begin(), messages.end(),
                          [](const std::string& each) { return each.find("answers 404") != std::string::npos; }),
            1);
}

// Whether the server takes spans is asked; when no answer comes, nothing is known and all is said again.
TEST_F(MlflowFaults, WhatIsNotAnsweredDecidesNothing) {
  fail(R"([{"match": "v1/traces", "times": 1, "fault": ["status", "404"]},
           {"match": "v1/traces", "times": 1, "fault": ["status", "503"]}])");
  Session session(directory_.path());
  attach();
  record_trace("trace", 5);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(session.stop(20'000), TR_OK);
  expect_whole(1, 5);
  EXPECT_EQ(state()["spans"].size(), 6u);
  EXPECT_TRUE(state()["artifacts"].empty());
}

}  // namespace
}  // namespace trunkline::conformance
