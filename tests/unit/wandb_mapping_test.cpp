// What QitOS's own W&B processor does with the same events, as it was recorded (data/qitos_wandb.json): where its
// behaviour is defined ours is the same; where it is a defect, a test names the defect and pins what we do instead.
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

Stored run_scenario(const Scenario& scenario, wandb::SinkOptions with = options()) {
  Stored stored;
  wandb::Sink sink(std::move(with), std::make_unique<MemoryBackend>(&stored), nullptr, store_test::kHost);
  EXPECT_EQ(deliver(sink, scenario.records()), TR_OK);
  return stored;
}

// The runs in the order of their names.
std::vector<StoredRun> by_name(const Stored& stored) {
  std::vector<StoredRun> all;
  for (const auto& [id, run] : stored.runs) all.push_back(run);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

// Without the times that W&B adds as well.
std::vector<json> rows_of(const StoredRun& run) {
  std::vector<json> all = run.rows();
  for (json& row : all) {
    EXPECT_EQ(row.erase("_timestamp") + row.erase("_runtime"), 2u);
  }
  return all;
}

json parsed(const Values& values) {
  json all = json::object();
  for (const auto& [key, text] : values) all[key] = json::parse(text);
  return all;
}

// Of the summary, what QitOS sets itself: W&B adds the last value of each key of the history.
json totals(const StoredRun& run) {
  json all = parsed(run.summary);
  for (const char* key : {"step/number", "tool/name", "action/name", "critic/score", "critic/name", "generation/model",
                          "generation/prompt_tokens", "generation/completion_tokens", "generation/total_tokens"}) {
    all.erase(key);
  }
  return all;
}

class QitosAtWandb : public testing::TestWithParam<const char*> {};

TEST_P(QitosAtWandb, TheSameEventsMeanTheSame) {
  const Scenario scenario(GetParam());
  Stored stored = run_scenario(scenario);
  const StoredRun& run = stored.only();
  EXPECT_EQ(run.name, "run-1");
  EXPECT_EQ(run.tags, std::vector<std::string>{"t"});
  EXPECT_EQ(rows_of(run), scenario.rows());
  EXPECT_EQ(totals(run), scenario.pairs("run.summary.update"));
  json config = scenario.pairs("wandb.config.update");
  config["model"] = "gpt-4o";
  EXPECT_EQ(parsed(run.config), config);
  EXPECT_EQ(run.exit_code.has_value() ? 1u : 0u, scenario.count("run.finish"));
  EXPECT_EQ(stored.writes, 1);
  EXPECT_GT(scenario.pairs("run.summary.update").size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Oracle, QitosAtWandb,
                         testing::Values("all_kinds_flat", "nested_end_order", "empty_trace_no_metadata",
                                         "stop_reason_start", "stop_reason_set_before_end", "stop_reason_empty",
                                         "stop_reason_absent", "body_raises", "unfinished_span_at_trace_end"));

TEST(QitosAtWandbNames, TheOptionComesBeforeTheTraces) {
  wandb::SinkOptions named = options();
  named.terms.name = "mine";
  EXPECT_EQ(run_scenario(Scenario("empty_trace_no_metadata"), named).only().name, "mine");
}

// A flush logs an empty record at the step to come, which W&B shows as a row without anything.
TEST(QitosAtWandbDefect, AFlushLogsAnEmptyRow) {
  const Scenario scenario("force_flush");
  std::vector<json> theirs = scenario.rows();
  const size_t before = theirs.size();
  theirs.erase(std::remove_if(theirs.begin(), theirs.end(), [](const json& row) { return row.size() == 1; }),
               theirs.end());
  EXPECT_LT(theirs.size(), before);
  EXPECT_EQ(rows_of(run_scenario(scenario).only()), theirs);
}

// Its counters belong to the processor and are never reset: the second run goes on where the first ended.
TEST(QitosAtWandbDefect, NothingIsResetBetweenTraces) {
  const Scenario scenario("reuse_two_traces");
  const auto runs = by_name(run_scenario(scenario));
  ASSERT_EQ(runs.size(), 2u);
  for (const StoredRun& run : runs) {
    EXPECT_EQ(totals(run)["total_tokens"], 15);
    EXPECT_EQ(totals(run)["total_tool_calls"], 1);
    EXPECT_EQ(rows_of(run)[0]["_step"], 0);
    EXPECT_EQ(run.exit_code, 0);
  }
  EXPECT_EQ(totals(runs[1])["critic/avg_score"], 0.2);
  EXPECT_EQ(scenario.pairs("run.summary.update")["total_tokens"], 30);
  EXPECT_EQ(scenario.rows()[3]["_step"], 3);
}

// The start of a second trace replaces the run of the first: its later spans go to the wrong run.
TEST(QitosAtWandbDefect, InterleavedTracesAreMixed) {
  const Scenario scenario("interleaved_traces");
  const auto runs = by_name(run_scenario(scenario));
  ASSERT_EQ(runs.size(), 2u);
  const json rows = {{{{"step/number", 1}, {"_step", 0}}, {{"step/number", 2}, {"_step", 1}}},
                     {{{"step/number", 10}, {"_step", 0}}, {{"step/number", 11}, {"_step", 1}}}};
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(json(rows_of(runs[i])), rows[i]);
    EXPECT_EQ(totals(runs[i])["total_steps"], 2);
    EXPECT_EQ(runs[i].exit_code, 0);
  }
  EXPECT_EQ(scenario.pairs("run.summary.update")["total_steps"], 3);
  EXPECT_EQ(scenario.count("run.finish"), 1u);
}

// Without data its wrapper of a span is no span: no metric at all is logged.
TEST(QitosAtWandbDefect, WithoutDataThereAreNoMetrics) {
  const Scenario scenario("mode_without_data");
  Stored stored = run_scenario(scenario);
  EXPECT_EQ(totals(stored.only())["total_steps"], 1);
  EXPECT_EQ(totals(stored.only())["total_tool_calls"], 2);
  EXPECT_EQ(scenario.pairs("run.summary.update")["total_steps"], 0);
}

// With auto_finish off the runs accumulate in one another; ours stay open, each with its own.
TEST(QitosAtWandbDefect, RunsThatStayOpenAccumulate) {
  wandb::SinkOptions open = options();
  open.terms.auto_finish = false;
  const Scenario scenario("auto_finish_false_then_second_trace");
  const auto runs = by_name(run_scenario(scenario, open));
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(totals(runs[1])["total_tokens"], 15);
  for (const StoredRun& run : runs) EXPECT_FALSE(run.exit_code.has_value());
  EXPECT_EQ(scenario.pairs("run.summary.update")["total_tokens"], 30);
}

// A step counter that is not advanced when a log fails lets steps collide.
TEST(QitosAtWandbDefect, AFailedLogLetsStepsCollide) {
  const Scenario scenario("fail_log");
  Stored stored = run_scenario(scenario);
  std::vector<int64_t> ours;
  std::vector<int64_t> theirs;
  for (const json& row : rows_of(stored.only())) ours.push_back(row["_step"]);
  for (const json& row : scenario.rows()) theirs.push_back(row["_step"]);
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_EQ(ours[i], static_cast<int64_t>(i));
  EXPECT_NE(std::adjacent_find(theirs.begin(), theirs.end()), theirs.end());
}

}  // namespace
}  // namespace trunkline::wandb_test
