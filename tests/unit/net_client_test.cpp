// The client against a server that misbehaves, row by row of the fault table. Each fault has its control beside it: the
// same client, against the same server, gets a right answer.
#include "net/client.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "os/time.hpp"
#include "support/files.hpp"
#include "support/peer.hpp"

namespace trunkline::net {
namespace {

using nlohmann::json;
using test::Peer;

Endpoint endpoint_of(const std::string& url) {
  Endpoint endpoint;
  endpoint.url = std::move(*parse_url(url));
  return endpoint;
}

Request get(const std::string& path) {
  Request request;
  request.path = path;
  return request;
}

Request post(const std::string& path, std::string body) {
  Request request = get(path);
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

size_t threads_named(const std::string& name) {
  size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (FILE* file = std::fopen((task.path() / "comm").c_str(), "r")) {
      char line[32] = {};
      if (std::fgets(line, sizeof line, file) != nullptr && name + "\n" == line) ++count;
      std::fclose(file);
    }
  }
  return count;
}

class NetClient : public testing::Test {
 protected:
  Response perform(Request request) { return client_.perform(std::move(request)); }
  json recorded() { return json::parse(perform(get("/recorded")).body); }

  Peer server_{"fault_server.py"};
  Client client_{endpoint_of(server_.url())};
};

TEST_F(NetClient, NothingRunsBeforeTheFirstRequestNorAfterTheLastClient) {
  EXPECT_EQ(threads_named("trunkline-net"), 0u);
  {
    Client one(endpoint_of(server_.url()));
    Client two(endpoint_of(server_.url()));
    EXPECT_EQ(threads_named("trunkline-net"), 0u);
    EXPECT_TRUE(one.perform(get("/echo")).ok());
    EXPECT_TRUE(two.perform(get("/echo")).ok());
    EXPECT_EQ(threads_named("trunkline-net"), 1u);
  }
  EXPECT_EQ(threads_named("trunkline-net"), 0u);
}

TEST_F(NetClient, SendsWhatItIsGivenAndKeepsTheConnection) {
  Request request = post("/echo?x=1", std::string("a\0b", 3));
  request.headers = {{"Content-Type", "application/json"}, {"X-Mine", "yes"}};
  const Response first = perform(std::move(request));
  ASSERT_TRUE(first.ok()) << first.error;
  EXPECT_EQ(first.content_type, "application/json");
  const json seen = json::parse(first.body);
  EXPECT_EQ(seen["method"], "POST");
  EXPECT_EQ(seen["path"], "/echo?x=1");
  EXPECT_EQ(seen["size"], 3);
  EXPECT_EQ(seen["headers"]["X-Mine"], "yes");
  EXPECT_EQ(seen["headers"]["User-Agent"], "trunkline/" + std::string(tr_version()));
  EXPECT_FALSE(seen["headers"].contains("Expect"));
  const json again = json::parse(perform(get("/echo")).body);
  EXPECT_EQ(again["peer"], seen["peer"]);  // the same connection
}

TEST_F(NetClient, SeveralRequestsAreUnderWayAtOnce) {
  const int64_t start = os::monotonic_now();
  std::vector<Ticket> tickets;
  for (int i = 0; i < 8; ++i) tickets.push_back(client_.submit(get("/slow/1")));
  for (Ticket& ticket : tickets) EXPECT_TRUE(client_.wait(&ticket).ok());
  EXPECT_LT(os::monotonic_now() - start, 6'000'000'000);  // one after the other it would be eight
}

TEST_F(NetClient, SendsAFile) {
  const test::TempDirectory folder;
  const std::string path = folder.file("file");
  FILE* file = std::fopen(path.c_str(), "w");
  for (int i = 0; i < 300'000; ++i) std::fputs("0123456789", file);
  std::fclose(file);
  Request request = get("/echo");
  request.method = "PUT";
  request.file = path;
  const Response response = perform(std::move(request));
  ASSERT_TRUE(response.ok()) << response.error;
  EXPECT_EQ(json::parse(response.body)["size"], 3'000'000);
  EXPECT_EQ(json::parse(response.body)["method"], "PUT");
  std::filesystem::remove(path);
  Request missing = get("/echo");
  missing.method = "PUT";
  missing.file = path;
  EXPECT_EQ(perform(std::move(missing)).failure, Failure::kFile);
}

struct Fault {
  const char* path;
  Failure failure;
  int status;
};

TEST_F(NetClient, EveryFaultIsToldApart) {
  const Fault faults[] = {
      {"/status/200", Failure::kNone, 200},   {"/status/400", Failure::kNone, 400},
      {"/status/500", Failure::kNone, 500},   {"/html", Failure::kNone, 200},
      {"/empty", Failure::kNone, 200},        {"/no-content", Failure::kNone, 204},
      {"/http10", Failure::kNone, 200},       {"/chunked", Failure::kNone, 200},
      {"/trailing", Failure::kNone, 200},     {"/garbage", Failure::kProtocol, 0},
      {"/close", Failure::kUnreachable, 0},   {"/close-in-body", Failure::kUnreachable, 0},
      {"/reset", Failure::kUnreachable, 0},   {"/reset-in-body", Failure::kUnreachable, 0},
      {"/huge", Failure::kTooLong, 200},      {"/endless-1xx", Failure::kTooLong, 102},
      {"/unauthorized", Failure::kNone, 401},
  };
  for (const Fault& fault : faults) {
    const Response response = perform(post(fault.path, "{}"));
    EXPECT_EQ(static_cast<int>(response.failure), static_cast<int>(fault.failure)) << fault.path << response.error;
    EXPECT_EQ(response.status, fault.status) << fault.path << " " << response.error;
    EXPECT_EQ(response.error.empty(), fault.failure == Failure::kNone) << fault.path;
    EXPECT_TRUE(perform(get("/echo")).ok()) << "after " << fault.path;
  }
  const Response endless = perform(get("/endless-head"));
  EXPECT_NE(endless.failure, Failure::kNone);
  EXPECT_EQ(perform(get("/unauthorized")).www_authenticate, "Basic realm=\"x\"");
  EXPECT_EQ(perform(get("/retry-after/7")).retry_after, "7");
}

TEST_F(NetClient, AConnectionThatTheServerClosedIsReplaced) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(perform(post("/goodbye", "{}")).ok());
}

// On a connection that was kept libcurl says a request again when it breaks; the control shows it.
TEST_F(NetClient, WhatMustNotBeDoneTwiceIsSaidOnce) {
  for (const bool once : {false, true}) {
    ASSERT_TRUE(perform(get("/echo")).ok());
    const size_t before = recorded().size();
    Request request = post("/reset", "{}");
    request.once = once;
    EXPECT_EQ(perform(std::move(request)).failure, Failure::kUnreachable);
    EXPECT_EQ(recorded().size() - before, once ? 1u : 2u);
    Request fine = post("/echo", "body");
    fine.once = once;
    EXPECT_EQ(json::parse(perform(std::move(fine)).body)["body"], "body");
  }
}

TEST_F(NetClient, DeadlinesHold) {
  for (const char* path : {"/hang/30", "/drip/30"}) {
    Request request = get(path);
    request.timeout_ms = 500;
    const int64_t start = os::monotonic_now();
    const Response response = perform(std::move(request));
    EXPECT_EQ(response.failure, Failure::kTimeout) << path;
    EXPECT_LT(os::monotonic_now() - start, 10'000'000'000) << path;
  }
  Request stalled = get("/hang/30");
  stalled.stall_timeout_ms = 1000;
  EXPECT_EQ(perform(std::move(stalled)).failure, Failure::kTimeout);
  Request patient = get("/slow/0.3");
  patient.timeout_ms = 20'000;
  EXPECT_TRUE(perform(std::move(patient)).ok());
}

TEST_F(NetClient, IsGivenUpWhenNoTimeIsLeft) {
  std::atomic<uint32_t> left{UINT32_MAX};
  Client client(endpoint_of(server_.url()), [&] { return left.load(); });
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    left = 0;
  });
  const int64_t start = os::monotonic_now();
  EXPECT_EQ(client.perform(get("/hang/60")).failure, Failure::kAborted);
  EXPECT_LT(os::monotonic_now() - start, 20'000'000'000);
  later.join();
}

TEST_F(NetClient, AnUnreachableServerIsSaidToBeOne) {
  const std::string url = server_.url();
  server_.stop();
  Client client(endpoint_of(url));
  const Response response = client.perform(get("/echo"));
  EXPECT_EQ(response.failure, Failure::kUnreachable);
  EXPECT_FALSE(response.error.empty());
  Client nowhere(endpoint_of("http://nowhere.invalid"));
  EXPECT_EQ(nowhere.perform(get("/")).failure, Failure::kUnreachable);
}

TEST_F(NetClient, RedirectsAreNotFollowed) {
  const Peer other("fault_server.py");
  for (const char* code : {"301", "302", "307", "308"}) {
    Endpoint endpoint = endpoint_of(server_.url());
    endpoint.authorization = Secret("Bearer s3cret");
    Client client(std::move(endpoint));
    const std::string target = escape_url(other.url() + "/echo?token=s3cret");
    const Response response = client.perform(get("/redirect/" + std::string(code) + "/" + target));
    EXPECT_EQ(response.status, std::stoi(code));
    EXPECT_NE(response.error.find("redirects are not followed"), std::string::npos);
    EXPECT_EQ(response.error.find("s3cret"), std::string::npos) << response.error;
  }
  Client witness(endpoint_of(other.url()));
  EXPECT_EQ(witness.perform(get("/recorded")).body, "[]");
}

TEST_F(NetClient, SecretsDoNotLeaveInTheClear) {
  Endpoint there = endpoint_of("http://elsewhere.example");
  EXPECT_FALSE(there.check());
  there.authorization = Secret("Bearer s3cret");
  EXPECT_EQ(there.check().code, TR_EINVAL);
  EXPECT_EQ(there.check().message.find("s3cret"), std::string::npos);
  Endpoint here = endpoint_of(server_.url());
  here.authorization = Secret("Bearer s3cret");
  EXPECT_FALSE(here.check());
  Client client(std::move(here));
  EXPECT_EQ(json::parse(client.perform(get("/echo")).body)["headers"]["Authorization"], "Bearer s3cret");
  Client refused(std::move(there));
  EXPECT_EQ(refused.perform(get("/")).failure, Failure::kRefused);
}

TEST_F(NetClient, HeadersCannotSmuggle) {
  Request request = get("/echo");
  request.headers = {{"X-Mine", "a\r\nX-Evil: 1"}};
  EXPECT_EQ(perform(std::move(request)).failure, Failure::kRefused);
  Endpoint endpoint = endpoint_of(server_.url());
  endpoint.authorization = Secret("Bearer a\nb");
  EXPECT_EQ(endpoint.check().code, TR_EINVAL);
  for (const json& seen : recorded()) EXPECT_FALSE(seen["headers"].contains("X-Evil"));
}

TEST_F(NetClient, ProxiesOfTheEnvironment) {
  Endpoint endpoint = endpoint_of("http://elsewhere.example");
  endpoint.proxies.http = server_.url();
  Client client(std::move(endpoint));
  const Response response = client.perform(get("/echo"));
  ASSERT_TRUE(response.ok()) << response.error;
  EXPECT_EQ(json::parse(response.body)["path"], "http://elsewhere.example/echo");

  Endpoint excepted = endpoint_of("http://nowhere.invalid");
  excepted.proxies.http = server_.url();
  excepted.proxies.except = "nowhere.invalid";
  EXPECT_EQ(Client(std::move(excepted)).perform(get("/echo")).failure, Failure::kUnreachable);

  Endpoint through = endpoint_of("https://elsewhere.example");
  through.authorization = Secret("Bearer s3cret");
  through.proxies.https = "http://user:hidden@127.0.0.1:" + server_.port();
  const Response refused = Client(std::move(through)).perform(get("/echo"));
  EXPECT_EQ(refused.failure, Failure::kProxy);
  EXPECT_EQ(refused.error.find("hidden"), std::string::npos);
  for (const json& seen : recorded()) {
    EXPECT_FALSE(seen["method"] == "CONNECT" && seen["headers"].contains("Authorization"));
  }
}

TEST_F(NetClient, AForkedChildHasANetworkOfItsOwn) {
  ASSERT_TRUE(perform(get("/echo")).ok());
  const pid_t child = fork();
  if (child == 0) {
    const bool ok = client_.perform(get("/echo")).ok() && threads_named("trunkline-net") == 1;
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(perform(get("/echo")).ok());
}

// Loopback acknowledges late only after some exchanges; with 40 ms each it would be 4 s.
TEST_F(NetClient, AcknowledgesAtOnceWhatComesInTwoSegments) {
  ASSERT_TRUE(perform(get("/split")).ok());
  int64_t shortest = INT64_MAX;
  for (int i = 0; i < 100; ++i) {
    const int64_t start = os::monotonic_now();
    ASSERT_TRUE(perform(post("/split", "{}")).ok());
    if (i >= 50) shortest = std::min(shortest, os::monotonic_now() - start);
  }
  EXPECT_LT(shortest, 30'000'000);
}

class NetTls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder() = testing::TempDir() + "net_tls_certificates_" + std::to_string(getpid());
    std::filesystem::create_directories(folder());
    test::make_certificates(folder());
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder()); }
  static std::string& folder() {
    static auto* const path = new std::string;
    return *path;
  }
  static std::string file(const std::string& name) { return folder() + "/" + name; }
  static std::vector<std::string> certificate(const std::string& name) {
    return {"--tls", file(name + ".crt"), file(name + ".key")};
  }
  static Response ask(const Peer& server, const std::string& ca, bool insecure = false,
                      const std::string& client_certificate = "") {
    Endpoint endpoint = endpoint_of(server.url("https"));
    endpoint.ca = ca;
    endpoint.insecure = insecure;
    endpoint.client_certificate = client_certificate;
    return Client(std::move(endpoint)).perform(get("/echo"));
  }
};

TEST_F(NetTls, WhoeverCannotProveWhoHeIsGetsNothing) {
  const Peer good("fault_server.py", certificate("good"));
  const Response fine = ask(good, file("ca.pem"));
  EXPECT_TRUE(fine.ok()) << fine.error;
  const Response unknown = ask(good, "");
  EXPECT_EQ(unknown.failure, Failure::kTls);
  EXPECT_NE(unknown.error.find("option for the CA"), std::string::npos) << unknown.error;
  EXPECT_EQ(ask(good, file("missing.pem")).failure, Failure::kTls);
  EXPECT_TRUE(ask(good, "", true).ok());
  for (const char* name : {"elsewhere", "old", "alone"}) {
    const Peer server("fault_server.py", certificate(name));
    EXPECT_EQ(ask(server, file("ca.pem")).failure, Failure::kTls) << name;
  }
  std::vector<std::string> old_protocol = certificate("good");
  old_protocol.emplace_back("--old-tls");
  const Peer old("fault_server.py", old_protocol);
  EXPECT_EQ(ask(old, file("ca.pem")).failure, Failure::kTls);
}

TEST_F(NetTls, AClientCanProveWhoItIs) {
  std::vector<std::string> options = certificate("good");
  options.insert(options.end(), {"--client-ca", file("ca.pem")});
  const Peer server("fault_server.py", options);
  EXPECT_TRUE(ask(server, file("ca.pem"), false, file("client.pem")).ok());
  EXPECT_FALSE(ask(server, file("ca.pem")).ok());
}

}  // namespace
}  // namespace trunkline::net
