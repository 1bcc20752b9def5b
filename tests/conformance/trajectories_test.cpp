// Recordings of real coding agents, replayed through the C API: a trace each, with steps, generations whose input is
// the growing history, and tool calls. What the store and a processor have afterwards must equal what was fed - also
// when the process was killed half-way.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "store/store_reader.hpp"
#include "trunkline.h"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using trunkline::store::Access;
using trunkline::store::Store;

// Beside the project's folder, where they are kept; not part of it.
fs::path recordings() {
  const char* source = std::getenv("TRUNKLINE_TEST_SOURCE");
  return fs::path(source != nullptr ? source : ".") / "../shared/data/trajectories";
}

// A span as it is fed, and as it is read back.
struct Fed {
  std::string name;
  uint32_t kind;
  std::string input;
  std::string output;
  int64_t step;
  bool operator<(const Fed& other) const { return key() < other.key(); }
  bool operator==(const Fed& other) const { return key() == other.key(); }
  std::tuple<std::string, uint32_t, std::string, std::string, int64_t> key() const {
    return {name, kind, input, output, step};
  }
};

struct Recording {
  std::string name;
  std::vector<Fed> spans;  // in the order of their ends
};

std::string text_of(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::vector<Recording> load() {
  std::vector<Recording> recordings_found;
  for (const auto& entry : fs::directory_iterator(recordings())) {
    if (entry.path().extension() != ".traj") continue;
    const json file = json::parse(std::ifstream(entry.path()));
    Recording recording{entry.path().stem().string(), {}};
    json history = json::array();
    const json steps = file.value("trajectory", json::array());
    int64_t number = 0;
    for (const json& step : steps) {
      history.push_back({{"role", "user"}, {"content", text_of(step.value("state", json("")))}});
      recording.spans.push_back({"chat", TR_KIND_GENERATION, history.dump(), text_of(step.at("response")), number});
      history.push_back({{"role", "assistant"}, {"content", step.at("response")}});
      recording.spans.push_back(
          {"shell", TR_KIND_TOOL, text_of(step.at("action")), text_of(step.at("observation")), number});
      history.push_back({{"role", "tool"}, {"content", step.at("observation")}});
      recording.spans.push_back({"step", TR_KIND_STEP, "", text_of(step.value("thought", json(""))), number++});
    }
    if (steps.empty()) {  // a recording of messages alone
      for (const json& message : file.at("history")) {
        history.push_back(message);
        recording.spans.push_back(
            {"message", TR_KIND_MESSAGE, history.dump(), text_of(message.value("content", json(""))), number++});
      }
    }
    recordings_found.push_back(std::move(recording));
  }
  return recordings_found;
}

void set_content(tr_span span, const Fed& fed) {
  if (!fed.input.empty()) {
    const tr_type type = fed.kind == TR_KIND_TOOL ? TR_TYPE_STR : TR_TYPE_JSON;
    ASSERT_EQ(tr_span_set_input(span, type, fed.input.data(), fed.input.size()), TR_OK);
  }
  ASSERT_EQ(tr_span_set_output(span, TR_TYPE_STR, fed.output.data(), fed.output.size()), TR_OK);
  ASSERT_EQ(tr_span_set_step(span, fed.step), TR_OK);
}

// Feeds the first `limit` spans; with a limit the next one stays open, and so does the trace.
void replay(const Recording& recording, size_t limit) {
  const tr_trace trace = tr_trace_start(recording.name.data(), recording.name.size(), nullptr);
  ASSERT_NE(trace, 0u);
  tr_span step = 0;
  for (size_t i = 0; i < recording.spans.size(); ++i) {
    const Fed& fed = recording.spans[i];
    if (step == 0 && fed.kind == TR_KIND_GENERATION) step = tr_span_start(trace, 0, TR_KIND_STEP, "step", TR_NUL);
    const tr_span span =
        fed.kind == TR_KIND_STEP ? step : tr_span_start(trace, step, fed.kind, fed.name.data(), fed.name.size());
    ASSERT_NE(span, 0u);
    if (i == limit) return;
    set_content(span, fed);
    ASSERT_EQ(tr_span_end(span), TR_OK);
    if (fed.kind == TR_KIND_STEP) step = 0;
  }
  ASSERT_EQ(tr_trace_end(trace), TR_OK);
}

void start(const std::string& directory) {
  tr_config config;
  ASSERT_EQ(tr_config_init(&config, sizeof config), TR_OK);
  config.directory = directory.c_str();
  config.processors = "local";
  config.flags |= TR_CONFIG_NO_DEFAULT_REDACTION;  // what was fed must come back as it is
  tr_error error{sizeof error, 0, {}};
  ASSERT_EQ(tr_init(&config, &error), TR_OK) << error.message;
}

std::vector<Fed> stored_spans(Store& store, const std::string& trace_id, int* incomplete) {
  std::vector<Fed> spans;
  auto rows = store.spans_of(trace_id);
  EXPECT_TRUE(rows) << rows.error().message;
  for (const auto& row : *rows) {
    if (row.status == "incomplete") {
      ++*incomplete;
      continue;
    }
    const std::string input = row.input_type == "json" ? json::parse(row.input).dump() : row.input;
    spans.push_back({row.name, row.kind, input, row.output, row.step.value_or(-1)});
  }
  std::sort(spans.begin(), spans.end());
  return spans;
}

std::map<std::string, std::string> trace_ids(Store& store) {
  std::map<std::string, std::string> ids;
  auto traces = store.list_traces({});
  EXPECT_TRUE(traces) << traces.error().message;
  for (const auto& trace : *traces) ids[trace.name] = trace.id;
  return ids;
}

class Trajectories : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::is_directory(recordings())) GTEST_SKIP() << "no recordings at " << recordings();
    recordings_ = load();
    ASSERT_GE(recordings_.size(), 3u);
    std::string pattern = (fs::temp_directory_path() / "trunkline-replay-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  void TearDown() override {
    tr_shutdown(60'000);
    if (!directory_.empty()) fs::remove_all(directory_);
  }
  Store store() {
    auto opened = Store::open(directory_ + "/traces.db", Access::kRead);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  std::vector<Recording> recordings_;
  std::string directory_;
};

TEST_F(Trajectories, ReadBackEqualToWhatWasFed) {
  start(directory_);
  for (const Recording& recording : recordings_) replay(recording, SIZE_MAX);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  Store opened = store();
  auto ids = trace_ids(opened);
  for (const Recording& recording : recordings_) {
    std::vector<Fed> fed = recording.spans;
    std::sort(fed.begin(), fed.end());
    int incomplete = 0;
    EXPECT_EQ(stored_spans(opened, ids.at(recording.name), &incomplete), fed) << recording.name;
    EXPECT_EQ(incomplete, 0);
  }
}

TEST_F(Trajectories, KilledHalfWayEveryEndedSpanIsReadBack) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    start(directory_);
    for (const Recording& recording : recordings_) replay(recording, recording.spans.size() / 2);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  start(directory_);
  tr_stats stats{};
  stats.struct_size = sizeof stats;
  for (int i = 0; i < 1000 && stats.runs_adopted == 0; ++i) {
    usleep(10000);
    ASSERT_EQ(tr_stats_get(&stats), TR_OK);
  }
  ASSERT_EQ(stats.runs_adopted, 1u);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  Store opened = store();
  auto ids = trace_ids(opened);
  for (const Recording& recording : recordings_) {
    std::vector<Fed> fed(recording.spans.begin(),
                         recording.spans.begin() + static_cast<ptrdiff_t>(recording.spans.size() / 2));
    std::sort(fed.begin(), fed.end());
    int incomplete = 0;
    EXPECT_EQ(stored_spans(opened, ids.at(recording.name), &incomplete), fed) << recording.name;
    EXPECT_GE(incomplete, 1) << recording.name;
  }
}

}  // namespace
