// What the MLflow processor tells a server of whoever recorded.
#include <unistd.h>

#include <filesystem>

#include "session.hpp"
#include "support/peer.hpp"
#include "support/peer_state.hpp"

namespace trunkline::conformance {
namespace {

using nlohmann::json;

class Mlflow : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"MLFLOW_TRACKING_URI", "TRUNKLINE_SERVICE_NAME", "OTEL_SERVICE_NAME"}) ::unsetenv(name);
  }
  void attach(const std::string& more = "") const {
    const std::string options = R"({"tracking_uri": ")" + server_.url() + "\"" + more + "}";
    tr_processor table{};
    table.struct_size = sizeof table;
    tr_error error{sizeof error, 0, {}};
    EXPECT_EQ(tr_mlflow_processor(options.data(), options.size(), &table, &error), TR_OK) << error.message;
    EXPECT_EQ(tr_add_processor(&table, nullptr), TR_OK);
  }
  json state() const { return test::ask(server_, "/_state"); }

  const TempDirectory directory_;
  const test::Peer server_{"fake_mlflow.py"};
};

TEST_F(Mlflow, SpansNameTheServiceThatTheHostNamed) {
  Session session(directory_.path(), [](tr_config& config) { config.service_name = "billing-agent"; });
  attach();
  record_trace("trace", 3);
  EXPECT_EQ(session.stop(20'000), TR_OK);
  const json resources = state()["resources"];
  EXPECT_TRUE(resources.contains("service.name=billing-agent")) << resources;
  EXPECT_FALSE(resources.contains("service.name=unknown_service")) << resources;
}

TEST_F(Mlflow, WithoutANameTheProgramHasIts) {
  Session session(directory_.path());
  attach();
  record_trace("trace", 3);
  EXPECT_EQ(session.stop(20'000), TR_OK);
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").filename();
  EXPECT_TRUE(state()["resources"].contains("service.name=" + program)) << state()["resources"];
}

// A trace may say for which service it was recorded, and keeps it for the spans that come later.
TEST_F(Mlflow, ATraceMayBeAnotherServices) {
  Session session(directory_.path(), [](tr_config& config) { config.service_name = "gateway"; });
  attach();
  const std::string name = "tenant-7";
  const tr_attribute metadata[] = {{{"service.name", TR_NUL}, {TR_TYPE_STR, 0, 0, 0, name.data(), name.size()}}};
  tr_trace_options options{};
  options.struct_size = sizeof options;
  options.metadata = metadata;
  options.metadata_count = 1;
  const tr_trace trace = tr_trace_start("theirs", TR_NUL, &options);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  add_span(trace, "later");
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  const json resources = state()["resources"];
  EXPECT_TRUE(resources.contains("service.name=tenant-7")) << resources;
  EXPECT_FALSE(resources.contains("service.name=gateway")) << resources;
  tr_trace_end(trace);
  record_trace("ours", 1);
  EXPECT_EQ(session.stop(20'000), TR_OK);
  EXPECT_TRUE(state()["resources"].contains("service.name=gateway")) << state()["resources"];
}

}  // namespace
}  // namespace trunkline::conformance
