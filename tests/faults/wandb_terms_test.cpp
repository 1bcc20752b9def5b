// The terms under which the W&B sink speaks to a server: whom it trusts with its key, how fast it goes, and that what
// is refused, or answered with something else, is there once.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "../conformance/session.hpp"
#include "processors/wandb/wandb_upload.hpp"
#include "support/peer_state.hpp"

namespace trunkline::conformance {
namespace {

using nlohmann::json;

constexpr const char* kKey = "c4nary0123456789abcdef0123456789abcdef012";

class WandbTerms : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"WANDB_MODE", "WANDB_PROJECT", "WANDB_ENTITY", "WANDB_RUN_ID", "https_proxy"}) {
      ::unsetenv(name);
    }
  }
  // The key is on no disk, whatever was tried.
  void TearDown() override {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(in)), {});
      EXPECT_EQ(bytes.find(kKey), std::string::npos) << entry.path();
    }
  }
  std::string options(const std::string& url, const std::string& more = "") const {
    return R"({"mode": "online", "base_url": ")" + url + R"(", "api_key": ")" + kKey +
           R"(", "project": "proj", "interval_ms": 0, "dir": ")" + directory_.path() + "\"" + more + "}";
  }
  static tr_processor_id attach(const std::string& options) {
    tr_processor table{};
    table.struct_size = sizeof table;
    tr_error error{sizeof error, 0, {}};
    EXPECT_EQ(tr_wandb_processor(options.data(), options.size(), &table, &error), TR_OK) << error.message;
    tr_processor_id id = 0;
    EXPECT_EQ(tr_add_processor(&table, &id), TR_OK);
    return id;
  }
  static void record(const std::string& name, int spans) {
    const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
    for (int i = 0; i < spans; ++i) add_span(trace, "step");
    tr_trace_end(trace);
  }
  // One life in which a trace is recorded and cannot be delivered; what was said, none of it the key.
  std::string said_in_vain(const std::string& options) {
    Session session(directory_.file("d"));
    const tr_processor_id id = attach(options);
    record("trace", 5);
    EXPECT_TRUE(eventually([&] { return stats_of(id).retries > 1; }, 30s));
    EXPECT_EQ(session.stop(300), TR_ETIMEDOUT);
    std::string all;
    for (const std::string& message : session.messages()) all += message + "\n";
    EXPECT_EQ(all.find(kKey), std::string::npos);
    return all;
  }
  // One life that delivers what others left.
  void deliver(const std::string& options) {
    Session session(directory_.file("d"));
    attach(options);
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(directory_.file("d/run")) || left() == 1; }, 60s));
    EXPECT_EQ(session.stop(), TR_OK);
  }
  // Run directories that are there.
  size_t left() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.file("d/run"))) {
      count += entry.path().filename().native().front() != '.' ? 1 : 0;
    }
    return count;
  }
  // The one run, whole.
  static void expect_run(const json& state, size_t spans) {
    ASSERT_EQ(state["runs"].size(), 1u);
    const json& run = *state["runs"].begin();
    EXPECT_EQ(run["state"], "finished");
    EXPECT_TRUE(run["gaps"].empty());
    EXPECT_TRUE(run["rewritten_lines"].empty());
    ASSERT_EQ(run["history"].size(), spans);
    for (size_t i = 0; i < spans; ++i) EXPECT_EQ(run["history"][i]["step/number"], i);
  }
  std::vector<std::string> logs() {
    std::vector<std::string> paths;
    if (!std::filesystem::exists(directory_.file("wandb"))) return paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.file("wandb"))) {
      if (entry.path().extension() == ".wandb") paths.push_back(entry.path().string());
    }
    return paths;
  }

  TempDirectory directory_;
};

json ask_over_tls(const test::Peer& server, const std::string& ca) {
  net::Endpoint endpoint;
  endpoint.url = std::move(*net::parse_url(server.url("https")));
  endpoint.ca = ca;
  net::Request request;
  request.path = "/_state";
  return json::parse(net::Client(std::move(endpoint)).perform(std::move(request)).body, nullptr, false);
}

// A server that cannot prove who it is hears nothing; what is recorded waits until somebody says whom to trust.
TEST_F(WandbTerms, AServerThatCannotProveWhoItIsHearsNothing) {
  const std::string folder = directory_.file("certificates");
  std::filesystem::create_directories(folder);
  test::make_certificates(folder);
  const test::Peer server("fake_wandb.py", {"--key", kKey, "--tls", folder + "/good.crt", folder + "/good.key"});
  const std::string ca = folder + "/ca.pem";
  const std::string said = said_in_vain(options(server.url("https")));
  EXPECT_NE(said.find("CA"), std::string::npos) << said;
  EXPECT_TRUE(ask_over_tls(server, ca)["requests"].empty());
  deliver(options(server.url("https"), R"(, "tls_ca": ")" + ca + "\""));
  expect_run(ask_over_tls(server, ca), 5);
}

// Who is sent on to another server does not go there, least of all with the key.
TEST_F(WandbTerms, RedirectsLeadNowhere) {
  const test::Peer elsewhere("fault_server.py");
  const test::Peer server("fake_wandb.py", {"--key", kKey});
  for (const char* status : {"301", "302", "303", "307", "308"}) {
    test::ask(server, "/_faults",
              R"([{"match": "", "times": -1, "fault": ["redirect", ")" + std::string(status) + R"(", ")" +
                  elsewhere.url() + R"(/echo"]}])");
    std::filesystem::remove_all(directory_.file("d"));
    const std::string said = said_in_vain(options(server.url()));
    EXPECT_NE(said.find(status), std::string::npos) << said;
  }
  EXPECT_TRUE(test::ask(elsewhere, "/recorded").empty());
  test::ask(server, "/_faults", "[]");
  deliver(options(server.url()));
  expect_run(test::ask(server, "/_state"), 5);
}

// The proxy of the environment is asked to lead to the server, hears no key of it, and its own password is not said.
TEST_F(WandbTerms, AProxyHearsNoKey) {
  const test::Peer proxy("fault_server.py");
  const std::string address = "http://ada:pr0xy-canary@127.0.0.1:" + proxy.port();
  ::setenv("https_proxy", address.c_str(), 1);
  const std::string said = said_in_vain(options("https://wandb.invalid"));
  ::unsetenv("https_proxy");
  EXPECT_NE(said.find("proxy"), std::string::npos) << said;
  EXPECT_EQ(said.find("canary"), std::string::npos) << said;
  const json recorded = test::ask(proxy, "/recorded");
  ASSERT_FALSE(recorded.empty());
  for (const json& request : recorded) {
    EXPECT_EQ(request["method"], "CONNECT");
    EXPECT_EQ(request["path"], "wandb.invalid:443");
    EXPECT_FALSE(request["headers"].contains("Authorization"));
  }
}

TEST_F(WandbTerms, AServerThatIsNotFoundIsWaitedFor) {
  const std::string said = said_in_vain(options("https://wandb.invalid"));
  EXPECT_NE(said.find("wandb.invalid"), std::string::npos) << said;
}

// What would be a header of its own, or leave in the clear, is refused before anything is recorded, and is not quoted.
TEST_F(WandbTerms, WhatMayNotBeSentIsRefusedWhenItIsConfigured) {
  const std::string key = kKey;
  const std::string refused[] = {
      R"({"api_key": ")" + key + R"(\r\nX-Other: 1"})",
      R"({"api_key": ")" + key + R"(\u0000"})",
      R"({"api_key": ")" + key + R"( "})",
      R"({"api_key": ")" + key + R"(", "base_url": "http://wandb.example"})",
      R"({"api_key": ")" + key + R"(", "base_url": "ftp://127.0.0.1"})",
      R"({"api_key": ")" + key + R"(", "base_url": "http://127.0.0.1/\r\nX-Other: 1"})",
      R"({"api_key": ")" + key + R"(", "project": "a\r\nX-Other: 1"})",
  };
  for (const std::string& options : refused) {
    tr_processor table{};
    table.struct_size = sizeof table;
    tr_error error{sizeof error, 0, {}};
    EXPECT_EQ(tr_wandb_processor(options.data(), options.size(), &table, &error), TR_EINVAL) << options;
    EXPECT_EQ(std::string(error.message).find("c4nary"), std::string::npos) << error.message;
  }
  // Names that are only escaped: of an entity, a group, a run.
  const test::Peer server("fake_wandb.py", {"--key", kKey});
  Session session(directory_.file("d"));
  attach(options(server.url(), R"(, "entity": "e\r\nX-Other: 1", "group": "g\r\nh", "name": "n\r\n")"));
  record("trace", 5);
  EXPECT_EQ(session.stop(), TR_OK);
  const json state = test::ask(server, "/_state");
  expect_run(state, 5);
  EXPECT_EQ(state["runs"].begin().key().find("e\r\nX-Other: 1/proj/"), 0u);
}

// Answers of every kind: what is no HTTP, or goes on for ever, or comes in odd forms.
TEST_F(WandbTerms, OddAnswersCostNothing) {
  const test::Peer server("fake_wandb.py", {"--key", kKey});
  size_t runs = 0;
  for (const bool after : {false, true}) {
    for (const char* fault :
         {R"("garbage")", R"("endless-1xx")", R"("endless-head")", R"("huge")", R"("http10")", R"("chunked")",
          R"("trailing")", R"("no-content")", R"("drip", "60")", R"("hang", "60")"}) {
      const std::string name = std::string(fault) + (after ? " after" : "");
      const bool fine = name.find("http10") == 1 || name.find("chunked") == 1 || name.find("trailing") == 1;
      if (fine && !after) continue;  // an answer as good as any, to what was not done
      std::filesystem::remove_all(directory_.file("d"));
      test::ask(server, "/_faults",
                R"([{"match": "file_stream", "times": 1, "after": )" + std::string(after ? "true" : "false") +
                    R"(, "fault": [)" + fault + "]}]");
      for (int life = 0; life < 2; ++life) {
        Session session(directory_.file("d"));
        attach(options(server.url(), R"(, "timeout_ms": 1000)"));
        if (life == 0) record(name, 5);
        if (life == 1) {
          EXPECT_TRUE(eventually([&] { return left() == 1; }, 60s)) << name;
        }
        session.stop(life == 0 ? 2'000 : 30'000);
      }
      ++runs;
      for (const std::string& log : logs()) {  // what is refused for good, for its answer never ends
        const auto done = upload_wandb_log(log, options(server.url()), 30'000);
        EXPECT_TRUE(done) << name << ": " << done.error().message;
        std::filesystem::remove_all(std::filesystem::path(log).parent_path());
      }
      const json found = test::ask(server, "/_state")["runs"];
      ASSERT_EQ(found.size(), runs) << name;
      for (const json& run : found) {
        if (run["display_name"] != name) continue;
        EXPECT_EQ(run["history"].size(), 5u) << name;
        EXPECT_EQ(run["state"], "finished") << name;
        EXPECT_TRUE(run["rewritten_lines"].empty()) << name;
      }
    }
  }
}

// JSON of any shape and depth is taken for an answer only where it says what was asked.
TEST_F(WandbTerms, AnswersOfAnyShape) {
  const test::Peer server("fake_wandb.py", {"--key", kKey});
  const std::string joined = options(server.url(), R"(, "id": "one", "resume": "allow")");
  size_t traces = 0;
  const auto meets = [&](const char* shape, const char* call, bool after) {
    std::filesystem::remove_all(directory_.file("d"));
    test::ask(server, "/_faults",
              json::array({{{"match", call}, {"times", 1}, {"fault", {"json", shape}}, {"after", after}}}).dump());
    {
      Session session(directory_.file("d"));
      attach(joined);
      record("trace", 5);
      session.stop(1'000);
    }
    test::ask(server, "/_faults", "[]");
    deliver(joined);
    const json run = *test::ask(server, "/_state")["runs"].begin();
    EXPECT_EQ(run["history"].size(), 5 * ++traces) << shape << " for " << call;
    EXPECT_TRUE(run["gaps"].empty() && run["rewritten_lines"].empty()) << shape << " for " << call;
  };
  meets("null", "RunResumeStatus", false);
  for (const char* shape : {"deep", "array", "null", "number", "unfinished", "nul"}) meets(shape, "file_stream", false);
  for (const char* shape : {"deep", "unfinished"}) meets(shape, "UpsertBucket", true);
  for (const char* shape : {"deep-object", "keys", "types"}) {  // objects, which is all that W&B says
    for (const char* call : {"UpsertBucket", "file_stream"}) meets(shape, call, true);
  }
}

// The server tells how much more it takes and for how long: the requests keep to that.
TEST_F(WandbTerms, RequestsAreNoFasterThanTheServerSays) {
  const test::Peer server("fake_wandb.py", {"--key", kKey});
  test::ask(server, "/_faults",
            R"([{"match": "file_stream", "times": -1, "after": true, "fault": ["rate-limit", "2", "1"]}])");
  Session session(directory_.file("d"));
  attach(options(server.url()));
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  for (int i = 0; i < 5; ++i) {
    add_span(trace, "step");
    EXPECT_EQ(tr_flush(60'000), TR_OK);
  }
  tr_trace_end(trace);
  EXPECT_EQ(session.stop(), TR_OK);
  const json state = test::ask(server, "/_state");
  expect_run(state, 5);
  const json times = (*state["runs"].begin())["stream_post_times"];
  EXPECT_GT(times.size(), 4u);
  for (size_t i = 1; i < times.size(); ++i) {
    EXPECT_GE(times[i].get<double>() - times[i - 1].get<double>(), 0.49) << times.dump();
  }
}

// Nor does a shutdown hurry what may not be sent yet: it is for the next process.
TEST_F(WandbTerms, WhatMayNotBeSentYetIsLeftAtTheEnd) {
  const test::Peer server("fake_wandb.py", {"--key", kKey});
  test::ask(server, "/_faults",
            R"([{"match": "file_stream", "times": 1, "after": true, "fault": ["rate-limit", "0", "3600"]}])");
  {
    Session session(directory_.file("d"));
    attach(options(server.url()));
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    add_span(trace, "step");
    EXPECT_EQ(tr_flush(60'000), TR_OK);
    for (int i = 1; i < 5; ++i) add_span(trace, "step");
    tr_trace_end(trace);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(session.stop(500), TR_ETIMEDOUT);
    EXPECT_LT(seconds_since(start), 20.0);
  }
  EXPECT_EQ((*test::ask(server, "/_state")["runs"].begin())["history"].size(), 1u);
  deliver(options(server.url()));
  expect_run(test::ask(server, "/_state"), 5);
}

// Of what is sent in parts, one is refused for good: the rows before it are at the server, the others in the file, and
// together they are the run.
TEST_F(WandbTerms, WhatIsRefusedBetweenItsPartsIsThereOnce) {
  for (const int parts : {0, 1, 3}) {
    for (const bool after : {false, true}) {
      std::filesystem::remove_all(directory_.file("d"));
      std::filesystem::remove_all(directory_.file("wandb"));
      const test::Peer server("fake_wandb.py", {"--key", kKey, "--max-body", "4000"});
      test::ask(server, "/_faults",
                R"([{"match": "file_stream", "skip": )" + std::to_string(parts + 3) +
                    R"(, "times": 1, "fault": ["status", "422"], "after": )" + (after ? "true" : "false") + "}]");
      Session session(directory_.file("d"));
      attach(options(server.url()));
      record("trace", 200);
      EXPECT_EQ(tr_flush(60'000), TR_OK);
      EXPECT_EQ(session.stop(), TR_OK);
      const size_t there = (*test::ask(server, "/_state")["runs"].begin())["history"].size();
      ASSERT_EQ(logs().size(), 1u);
      const auto done = upload_wandb_log(logs().front(), options(server.url()), 30'000);
      ASSERT_TRUE(done) << done.error().message;
      EXPECT_EQ(there + done->rows, 200u);
      expect_run(test::ask(server, "/_state"), 200);
    }
  }
}

}  // namespace
}  // namespace trunkline::conformance
