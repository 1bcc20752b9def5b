// What QitOS's own MLflow processor does with the same events, as it was recorded (data/qitos_mlflow.json): where its
// behaviour is defined ours is the same; where it is a defect, a test names the defect and pins what we do instead.
#include "mlflow_support.hpp"

namespace trunkline::mlflow_test {
namespace {

using Row = std::tuple<std::string, double, int64_t>;

Stored run_scenario(const Scenario& scenario, mlflow::SinkOptions with = options()) {
  Stored stored;
  mlflow::Sink sink(std::move(with), std::make_unique<MemoryBackend>(&stored), store_test::kHost);
  tr_batch batch{};
  batch.run_id = "run-a";
  const auto records = scenario.records();
  batch.records = records.data();
  batch.count = records.size();
  EXPECT_EQ(sink.on_batch(batch), TR_OK);
  return stored;
}

std::vector<Row> rows(const StoredRun& run) {
  std::vector<Row> all;
  for (const Metric& metric : run.metrics) all.emplace_back(metric.key, metric.value, metric.step);
  return all;
}

// A call logs its metrics in no order.
std::vector<Row> sorted(std::vector<Row> all) {
  std::sort(all.begin(), all.end());
  return all;
}

// The tags that QitOS does not set: MLflow's own, ours, and the two that its documentation promises.
std::map<std::string, std::string> tags(const StoredRun& run) {
  std::map<std::string, std::string> all = run.tags;
  for (const char* name : {"env", "trunkline.key", "trunkline.trace_id", "tool/name", "action/name"}) all.erase(name);
  return all;
}

double value_of(const StoredRun& run, const std::string& key) {
  for (const Metric& metric : run.metrics) {
    if (metric.key == key) return metric.value;
  }
  return -1;
}

class Qitos : public testing::TestWithParam<const char*> {};

TEST_P(Qitos, TheSameEventsMeanTheSame) {
  const Scenario scenario(GetParam());
  const Stored stored = run_scenario(scenario);
  ASSERT_EQ(stored.runs.size(), 1u);
  const StoredRun& run = stored.runs[0];
  EXPECT_EQ(stored.experiments, std::vector<std::string>{"exp"});
  EXPECT_EQ(run.begin.name, "run-1");
  EXPECT_EQ(sorted(rows(run)), sorted(scenario.metrics()));
  EXPECT_EQ(run.params, scenario.pairs("mlflow.log_param"));
  EXPECT_EQ(tags(run), scenario.pairs("mlflow.set_tag"));
  EXPECT_EQ(run.status == RunStatus::kRunning ? 0u : 1u, scenario.count("mlflow.end_run"));
  EXPECT_EQ(run.batches, 1);  // all of it in one call
  EXPECT_GT(scenario.metrics().size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Oracle, Qitos,
                         testing::Values("all_kinds_flat", "nested_end_order", "empty_trace_no_metadata",
                                         "stop_reason_start", "stop_reason_set_before_end", "stop_reason_empty",
                                         "stop_reason_absent", "body_raises", "force_flush",
                                         "unfinished_span_at_trace_end"));

TEST(QitosDocumented, NamesOfToolsAndActionsAreTagsToo) {
  const Stored stored = run_scenario(Scenario("all_kinds_flat"));
  EXPECT_EQ(stored.runs[0].tags.at("tool/name"), "search");
  EXPECT_EQ(stored.runs[0].tags.at("action/name"), "bash");
  EXPECT_EQ(stored.runs[0].tags.at("env"), "dev");
}

TEST(QitosNames, TheOptionComesBeforeTheTraces) {
  mlflow::SinkOptions named = options();
  named.run_name = "mine";
  EXPECT_EQ(run_scenario(Scenario("empty_trace_no_metadata"), named).runs[0].begin.name, "mine");
}

// Its counters belong to the processor and are never reset: the second run goes on where the first ended.
TEST(QitosDefect, NothingIsResetBetweenTraces) {
  const Scenario scenario("reuse_two_traces");
  const Stored stored = run_scenario(scenario);
  ASSERT_EQ(stored.runs.size(), 2u);
  for (const StoredRun& run : stored.runs) {
    EXPECT_EQ(value_of(run, "total_tokens"), 15);
    EXPECT_EQ(value_of(run, "total_tool_calls"), 1);
    EXPECT_EQ(rows(run)[0], (Row{"generation/prompt_tokens", 10, 0}));
  }
  EXPECT_EQ(value_of(stored.runs[1], "critic/avg_score"), 0.2);
  const auto theirs = scenario.metrics();
  EXPECT_NE(std::find(theirs.begin(), theirs.end(), Row{"total_tokens", 30, 0}), theirs.end());
}

// The start of a second trace replaces the run of the first: its later spans go to the wrong run.
TEST(QitosDefect, InterleavedTracesAreMixed) {
  const Stored stored = run_scenario(Scenario("interleaved_traces"));
  ASSERT_EQ(stored.runs.size(), 2u);
  const std::vector<Row> a = {{"step/number", 1, 0}, {"step/number", 2, 1}, {"total_steps", 2, 0}};
  const std::vector<Row> b = {{"step/number", 10, 0}, {"step/number", 11, 1}, {"total_steps", 2, 0}};
  for (const auto& [run, steps] : {std::pair{stored.runs[0], a}, std::pair{stored.runs[1], b}}) {
    for (const Row& row : steps) {
      const auto all = rows(run);
      EXPECT_NE(std::find(all.begin(), all.end(), row), all.end()) << run.begin.name;
    }
    EXPECT_EQ(run.status, RunStatus::kFinished);
    EXPECT_EQ(rows(run).size(), 5u);
  }
}

// Without data its wrapper of a span is no span: no metric at all is logged.
TEST(QitosDefect, WithoutDataThereAreNoMetrics) {
  const Stored stored = run_scenario(Scenario("mode_without_data"));
  EXPECT_EQ(value_of(stored.runs[0], "total_steps"), 1);
  EXPECT_EQ(value_of(stored.runs[0], "total_tool_calls"), 2);
}

// A shutdown in mid-trace ends the run as finished, without a summary; and auto_end_run=false lets runs accumulate.
TEST(QitosDefect, ASecondTraceGoesIntoTheRunThatWasLeftOpen) {
  mlflow::SinkOptions open = options();
  open.auto_end_run = false;
  const Stored stored = run_scenario(Scenario("auto_finish_false_then_second_trace"), open);
  ASSERT_EQ(stored.runs.size(), 2u);
  EXPECT_EQ(value_of(stored.runs[1], "total_tokens"), 15);
  for (const StoredRun& run : stored.runs) EXPECT_EQ(run.status, RunStatus::kRunning);
}

// A step counter that is not advanced when a log fails lets steps collide.
TEST(QitosDefect, AFailedLogLetsStepsCollide) {
  const Scenario scenario("fail_log");
  const Stored stored = run_scenario(scenario);
  const auto all = rows(stored.runs[0]);
  EXPECT_NE(std::find(all.begin(), all.end(), Row{"step/number", 1, 2}), all.end());
  const auto theirs = scenario.metrics();
  EXPECT_NE(std::find(theirs.begin(), theirs.end(), Row{"step/number", 1, 1}), theirs.end());
}

}  // namespace
}  // namespace trunkline::mlflow_test
