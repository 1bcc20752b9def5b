// The sink between batches and a backend: what is asked again after failures and crashes, what a host logs itself, and
// values that are hard to write.
#include <set>

#include "processors/wandb/offline_backend.hpp"
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

using store_test::f64;
using store_test::i64;
using store_test::messages;
using store_test::Records;
using store_test::saved_state;
using store_test::str;
using store_test::text;

class WandbSink : public testing::Test {
 protected:
  void SetUp() override {
    saved_state().clear();
    messages().clear();
  }
  std::unique_ptr<wandb::Sink> sink(wandb::SinkOptions with = options()) {
    with.state_folder = directory_.file("states");
    return std::make_unique<wandb::Sink>(std::move(with), std::make_unique<MemoryBackend>(&stored_), nullptr,
                                         store_test::kHost);
  }
  void step(uint8_t trace, int64_t number) {
    tr_record& record = records_.span(trace, records_.size() + 1, "step");
    record.kind = TR_KIND_STEP;
    record.step = number;
  }
  void make_trace(uint8_t trace, int64_t steps) {
    records_.trace_start(trace);
    for (int64_t i = 0; i < steps; ++i) step(trace, i);
    records_.trace_end(trace);
  }
  tr_record& of_run(tr_record_type type, std::vector<tr_attribute> attributes = {}, uint8_t trace = 0) {
    tr_record& record = records_.add(type, trace, 7);
    records_.attributes(record, std::move(attributes));
    return record;
  }
  static void expect_whole(const StoredRun& run, int64_t steps) {
    EXPECT_TRUE(run.whole());
    EXPECT_EQ(run.rewritten, 0);
    ASSERT_EQ(run.lines.size(), static_cast<size_t>(steps));
    for (int64_t i = 0; i < steps; ++i) {
      EXPECT_EQ(run.row(i)["step/number"], i);
      EXPECT_EQ(run.row(i)["_step"], i);
    }
    EXPECT_EQ(run.summary.at("total_steps"), std::to_string(steps));
    EXPECT_EQ(run.exit_code, 0);
    EXPECT_EQ(run.begins, 1);
  }

  Stored stored_;
  Records records_;
  test::TempDirectory directory_;
};

TEST_F(WandbSink, EachBatchContinuesWhereTheLastEnded) {
  make_trace(1, 10);
  const auto to = sink();
  for (size_t i = 0; i < records_.size(); i += 3) EXPECT_EQ(deliver(*to, records_.pointers(i, i + 3)), TR_OK);
  expect_whole(stored_.only(), 10);
  EXPECT_EQ(stored_.runs.begin()->first.size(), 32u);  // the trace's own id
  EXPECT_EQ(stored_.resumes, 0);
  EXPECT_EQ(saved_state(), "[]");
}

TEST_F(WandbSink, AnOutageBeforeOrAfterAWriteLosesAndDoublesNothing) {
  for (const bool after : {false, true}) {
    stored_ = {};
    records_ = {};
    make_trace(1, 10);
    int failures = 0;
    stored_.fail = [&](bool now) { return now == after && ++failures % 4 != 0 ? Error{TR_EAGAIN, ""} : Error::none(); };
    const auto to = sink();
    for (size_t i = 0; i < records_.size(); i += 4) {
      int result = TR_EAGAIN;
      for (int tries = 0; tries < 10 && result == TR_EAGAIN; ++tries) {
        result = deliver(*to, records_.pointers(i, i + 4));
      }
      EXPECT_EQ(result, TR_OK);
    }
    EXPECT_GT(failures, 6);
    StoredRun run = stored_.only();
    if (after) run.begins = 1;  // said again until it is heard
    expect_whole(run, 10);
  }
}

// A process that dies between "the server has it" and "the state is saved": its successor hears the batch again, and
// may be given more of it at once.
TEST_F(WandbSink, ADeathBeforeTheStateIsSavedLeavesNoGapAndNoDouble) {
  for (size_t dead_at = 0; dead_at < 12; ++dead_at) {
    stored_ = {};
    records_ = {};
    saved_state().clear();
    make_trace(1, 10);
    std::string state;
    {
      const auto first = sink();
      for (size_t i = 0; i <= dead_at; ++i) {
        state = saved_state();
        ASSERT_EQ(deliver(*first, records_.pointers(i, i + 1)), TR_OK);
      }
    }
    const auto second = sink();
    if (!state.empty()) second->restore("run-a", state);
    ASSERT_EQ(deliver(*second, records_.pointers(dead_at, dead_at + 3), TR_BATCH_ADOPTED), TR_OK);
    if (dead_at + 3 < records_.size()) {
      ASSERT_EQ(deliver(*second, records_.pointers(dead_at + 3), TR_BATCH_ADOPTED), TR_OK);
    }
    StoredRun run = stored_.only();
    if (dead_at == 0) run.begins = 1;  // the start itself was said twice
    expect_whole(run, 10);
  }
}

// The control: without the state, rows go on where the server's end, and those that were said twice are there twice.
TEST_F(WandbSink, WithoutItsStateASuccessorDoublesRows) {
  make_trace(1, 10);
  {
    const auto first = sink();
    ASSERT_EQ(deliver(*first, records_.pointers(0, 6)), TR_OK);
  }
  const auto second = sink();
  ASSERT_EQ(deliver(*second, records_.pointers(4), TR_BATCH_ADOPTED), TR_OK);
  EXPECT_EQ(stored_.resumes, 1);
  EXPECT_EQ(stored_.only().lines.size(), 12u);
  EXPECT_TRUE(stored_.only().whole());
}

// More open traces than a saved state has room for: the rest lies in files, and goes on after a crash all the same.
TEST_F(WandbSink, WhatDoesNotFitIntoTheStateLiesInFiles) {
  constexpr int kTraces = 250;
  for (int i = 1; i <= kTraces; ++i) {
    records_.trace_start(static_cast<uint8_t>(i), "a name of some length for a trace, as people like to give them");
    step(static_cast<uint8_t>(i), 0);
  }
  const size_t middle = records_.size();
  for (int i = 1; i <= kTraces; ++i) {
    step(static_cast<uint8_t>(i), 1);
    records_.trace_end(static_cast<uint8_t>(i));
  }
  {
    const auto first = sink();
    ASSERT_EQ(deliver(*first, records_.pointers(0, middle)), TR_OK);
  }
  EXPECT_LT(saved_state().size(), 65'536u);
  EXPECT_FALSE(std::filesystem::is_empty(directory_.file("states")));
  {
    const auto second = sink();
    second->restore("run-a", saved_state());
    ASSERT_EQ(deliver(*second, records_.pointers(middle), TR_BATCH_ADOPTED), TR_OK);
  }
  ASSERT_EQ(stored_.runs.size(), static_cast<size_t>(kTraces));
  for (const auto& [id, run] : stored_.runs) expect_whole(run, 2);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.file("states")));
}

TEST_F(WandbSink, ValuesThatAreHardToWrite) {
  tr_record& start = records_.trace_start(1, "\xF0\x9F\x98\x80");
  records_.attributes(start, {{str("nested"), text(TR_TYPE_JSON, R"({"a":[1,2.5,null]})")},
                              {str("nan"), f64(store_test::kNan)},
                              {str("big"), i64(std::numeric_limits<int64_t>::max())}});
  for (const double score : {store_test::kNan, 0.5, store_test::kInfinity, -store_test::kInfinity}) {
    tr_record& critic = records_.span(1, records_.size() + 1, "judge");
    critic.kind = TR_KIND_CRITIC;
    critic.score = score;
    critic.score_name = str("a \"judge\"\n");
  }
  records_.trace_end(1);
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  const StoredRun& run = stored_.only();
  const std::string name = R"("critic/name":"a \"judge\"\n","critic/score":)";
  ASSERT_EQ(run.lines.size(), 4u);
  EXPECT_EQ(run.lines.at(0).find("{" + name + "NaN,"), 0u) << run.lines.at(0);
  EXPECT_EQ(run.lines.at(2).find("{" + name + "Infinity,"), 0u) << run.lines.at(2);
  EXPECT_EQ(run.lines.at(3).find("{" + name + "-Infinity,"), 0u) << run.lines.at(3);
  EXPECT_EQ(run.summary.at("critic/score"), "-Infinity");
  EXPECT_EQ(run.summary.at("critic/avg_score"), "0.5");
  EXPECT_EQ(run.config.at("nested"), R"({"a":[1,2.5,null]})");
  EXPECT_EQ(run.config.at("nan"), "null");
  EXPECT_EQ(run.config.at("big"), "9223372036854775807");
}

TEST_F(WandbSink, HowATraceEndsIsHowItsRunEnds) {
  const std::pair<uint32_t, int64_t> ends[] = {{0, 0}, {TR_RECORD_FAILED, 1}, {TR_RECORD_INCOMPLETE, 255}};
  for (uint8_t trace = 1; trace <= 3; ++trace) {
    records_.trace_start(trace);
    records_.trace_end(trace, "trace", ends[trace - 1].first);
  }
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  size_t number = 0;
  for (const auto& [id, run] : stored_.runs) EXPECT_EQ(run.exit_code, ends[number++].second);
}

TEST_F(WandbSink, RunsOfTheHost) {
  tr_record& start = of_run(TR_RECORD_RUN_START, {{str("lr"), f64(0.1)}});
  start.name = str("training");
  of_run(TR_RECORD_RUN_LOG, {{str("loss"), f64(1)}});
  of_run(TR_RECORD_RUN_LOG, {{str("loss"), f64(0.5)}}).step = 10;
  of_run(TR_RECORD_RUN_LOG, {{str("acc"), f64(0.9)}, {str("_step"), i64(3)}}).step = 10;  // the same row
  of_run(TR_RECORD_RUN_LOG, {{str("loss"), f64(0.4)}}).step = 5;                          // a step that is over
  of_run(TR_RECORD_RUN_LOG, {{str("loss"), f64(0.3)}});
  of_run(TR_RECORD_RUN_SUMMARY, {{str("best"), i64(3)}});
  of_run(TR_RECORD_RUN_CONFIG, {{str("lr"), f64(0.2)}});
  tr_record& tag = of_run(TR_RECORD_RUN_TAG, {{str("value"), text("a")}});
  tag.name = str("team");
  of_run(TR_RECORD_RUN_TAG).name = str("plain");
  of_run(TR_RECORD_RUN_FINISH).exit_code = 3;
  const auto to = sink();
  for (size_t i = 0; i < records_.size(); ++i) ASSERT_EQ(deliver(*to, records_.pointers(i, i + 1)), TR_OK);
  const StoredRun& run = stored_.only();
  EXPECT_EQ(run.name, "training");
  EXPECT_EQ(run.config.at("lr"), "0.2");
  EXPECT_EQ(run.tags, (std::vector<std::string>{"t", "team:a", "plain"}));
  std::vector<json> rows = run.rows();
  for (json& row : rows) row.erase("_timestamp"), row.erase("_runtime");
  EXPECT_EQ(json(rows), json::parse(R"([{"loss": 1.0, "_step": 0}, {"loss": 0.5, "acc": 0.9, "_step": 10},
                                        {"loss": 0.4, "step": 5, "_step": 11}, {"loss": 0.3, "_step": 12}])"));
  EXPECT_EQ(run.summary.at("best"), "3");
  EXPECT_EQ(run.summary.at("loss"), "0.3");
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_EQ(messages().size(), 1u);  // of the step that is over
}

// A run of the host in a trace is the trace's, and outlives it until the host finishes it.
TEST_F(WandbSink, ARunInATraceIsItsRun) {
  records_.trace_start(1);
  of_run(TR_RECORD_RUN_START, {}, 1);
  records_.trace_end(1);
  of_run(TR_RECORD_RUN_LOG, {{str("late"), i64(1)}}, 1);
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  EXPECT_FALSE(stored_.only().exit_code.has_value());
  const size_t middle = records_.size();
  of_run(TR_RECORD_RUN_FINISH, {}, 1).run_status = TR_RUN_FAILED;
  ASSERT_EQ(deliver(*to, records_.pointers(middle)), TR_OK);
  EXPECT_EQ(stored_.only().exit_code, 1);
  EXPECT_EQ(stored_.only().row(0)["late"], 1);
  EXPECT_EQ(saved_state(), "[]");
}

// With auto_finish off only the host ends a run.
TEST_F(WandbSink, WithoutAutoFinishTheHostEndsTheRun) {
  wandb::SinkOptions open = options();
  open.terms.auto_finish = false;
  for (uint8_t trace = 1; trace <= 2; ++trace) {
    records_.trace_start(trace);
    if (trace == 1) of_run(TR_RECORD_RUN_START, {}, trace);
    if (trace == 1) of_run(TR_RECORD_RUN_FINISH, {}, trace).exit_code = 4;
    records_.trace_end(trace);
  }
  const auto to = sink(open);
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 2u);
  EXPECT_EQ(stored_.runs.begin()->second.exit_code, 4);
  EXPECT_FALSE(stored_.runs.rbegin()->second.exit_code.has_value());
}

// All traces of a given id are one run, which goes on where it ended: in this process, and in the next by asking.
TEST_F(WandbSink, ARunOfAGivenIdGoesOn) {
  wandb::SinkOptions joined = options();
  joined.terms.id = "mine";
  make_trace(1, 2);
  make_trace(2, 2);
  {
    const auto to = sink(joined);
    for (size_t i = 0; i < records_.size(); ++i) ASSERT_EQ(deliver(*to, records_.pointers(i, i + 1)), TR_OK);
  }
  EXPECT_EQ(stored_.runs.count("mine"), 1u);
  EXPECT_EQ(stored_.only().lines.size(), 4u);
  EXPECT_EQ(stored_.only().begins, 2);
  records_ = {};
  make_trace(3, 1);
  for (const tr_record* each : records_.pointers()) {  // a day later
    const_cast<tr_record*>(each)->start_ns += 86'400'000'000'000;
    const_cast<tr_record*>(each)->end_ns += 86'400'000'000'000;
  }
  const auto to = sink(joined);
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  EXPECT_EQ(stored_.resumes, 2);
  const StoredRun& run = stored_.only();
  const double before = run.row(3)["_runtime"];
  EXPECT_GE(run.row(2)["_runtime"], run.row(1)["_runtime"]);
  EXPECT_GT(before, 0.0);
  EXPECT_NEAR(run.row(4)["_runtime"].get<double>(), before + 1.5e-6, 1e-9);  // as long after its trace's start
  EXPECT_GT(run.row(4)["_timestamp"], 86'400.0);
  EXPECT_TRUE(run.whole());
  ASSERT_EQ(run.lines.size(), 5u);
  EXPECT_EQ(run.row(4)["_step"], 4);
  EXPECT_EQ(run.exit_code, 0);
}

// One run that can never be written costs the others nothing.
TEST_F(WandbSink, ARunThatIsRefusedForGoodIsWrittenToAFile) {
  make_trace(1, 3);
  make_trace(2, 3);
  int calls = 0;
  stored_.fail = [&](bool after) { return !after && ++calls == 1 ? Error{TR_EINVAL, "a bad name"} : Error::none(); };
  wandb::Place place;
  place.project = "proj";
  wandb::Sink to(options(), std::make_unique<MemoryBackend>(&stored_),
                 std::make_unique<wandb::OfflineBackend>(directory_.file("wandb"), place), store_test::kHost);
  ASSERT_EQ(deliver(to, records_.pointers()), TR_OK);
  expect_whole(stored_.only(), 3);
  EXPECT_EQ(messages().size(), 1u);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.file("wandb"))) {
    if (entry.path().extension() != ".wandb") continue;
    ++files;
    EXPECT_EQ(read_logged_run(test::read_file(entry.path().string())).rows.size(), 3u);
  }
  EXPECT_EQ(files, 1);
}

// The id of a run, by that of its trace.
std::string id_of(int trace) {
  std::string id;
  for (int i = 0; i < 16; ++i) id += "0" + std::to_string(trace);
  return id;
}

// The steps of the rows in all files of a folder.
std::multiset<int64_t> steps_in_files(const std::string& folder) {
  std::multiset<int64_t> steps;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".wandb") continue;
    for (const json& row : read_logged_run(test::read_file(entry.path().string())).rows)
      steps.insert(row["step/number"].get<int64_t>());
  }
  return steps;
}

// A run that is refused after some of its rows were taken: those are at the server, the others in the file, each once;
// also if the batch must be offered again because of another run, to this process or to the next, and the server takes
// the run by then.
TEST_F(WandbSink, WhatIsRefusedBetweenItsPartsIsNeitherDoubledNorLost) {
  for (const bool dies : {false, true}) {
    for (const size_t taken : {size_t{0}, size_t{2}, size_t{7}}) {
      stored_ = {};
      records_ = {};
      messages().clear();
      const std::string folder = directory_.file(std::to_string(taken) + (dies ? "d" : "l"));
      make_trace(1, 7);
      make_trace(2, 3);
      stored_.refused[id_of(1)] = taken;
      int writes = 0;
      stored_.fail = [&](bool after) { return !after && ++writes == 2 ? Error{TR_EAGAIN, "later"} : Error::none(); };
      const auto make = [&] {
        wandb::SinkOptions with = options();
        with.state_folder = folder + "-states";
        return std::make_unique<wandb::Sink>(with, std::make_unique<MemoryBackend>(&stored_),
                                             std::make_unique<wandb::OfflineBackend>(folder, wandb::Place{}),
                                             store_test::kHost);
      };
      auto to = make();
      const size_t part = records_.size() - 8;  // in the middle of the first trace, whose rest comes later
      ASSERT_EQ(deliver(*to, records_.pointers()), TR_EAGAIN);
      stored_.refused.clear();
      if (dies) to = make();
      ASSERT_EQ(deliver(*to, records_.pointers(0, part)), TR_OK);
      ASSERT_EQ(deliver(*to, records_.pointers(part)), TR_OK);
      std::multiset<int64_t> steps = steps_in_files(folder);
      for (const json& row : stored_.runs[id_of(1)].rows()) steps.insert(row["step/number"].get<int64_t>());
      EXPECT_EQ(steps, (std::multiset<int64_t>{0, 1, 2, 3, 4, 5, 6})) << taken << dies;
      EXPECT_EQ(stored_.runs[id_of(1)].lines.size(), taken);
      expect_whole(stored_.runs[id_of(2)], 3);
    }
  }
}

// While what goes on waits to be told of, runs are kept alive all the same. The first rows do not wait.
TEST_F(WandbSink, RunsAreKeptAliveBetweenBatches) {
  processors::ProcessorHost host = store_test::kHost;
  host.awaited = [] {
    static int asked = 0;
    return ++asked % 4 == 0;
  };
  wandb::SinkOptions with = options();
  with.interval_ms = 3'600'000;
  wandb::Sink to(with, std::make_unique<MemoryBackend>(&stored_), nullptr, host);
  make_trace(1, 2);
  ASSERT_EQ(deliver(to, records_.pointers(0, 1)), TR_OK);
  ASSERT_EQ(deliver(to, records_.pointers(1, 2)), TR_OK);
  EXPECT_EQ(stored_.ticks, 0);
  ASSERT_EQ(deliver(to, records_.pointers(2)), TR_OK);
  EXPECT_EQ(stored_.ticks, 3);
}

// The spans of a trace in one another, in the last row, wherever the batches and the processes end.
TEST_F(WandbSink, ATraceTreeIsTheLastRow) {
  wandb::SinkOptions with = options();
  with.terms.trace_tree = true;
  records_.trace_start(1);
  tr_record& agent = records_.span(1, 10, "agent");
  agent.kind = TR_KIND_AGENT;
  tr_record& call = records_.add(TR_RECORD_SPAN_END, 1, 11, 10);
  call.kind = TR_KIND_GENERATION;
  call.name = str("chat");
  call.model = str("o3");
  call.usage = {3, 4, 7, -1, -1, -1};
  call.input = text("a \"question\"");
  call.output = text(TR_TYPE_JSON, R"({"answer":[1]})");
  tr_record& orphan = records_.add(TR_RECORD_SPAN_END, 1, 12, 99);
  orphan.kind = TR_KIND_TOOL;
  orphan.name = str("search");
  orphan.flags = TR_RECORD_FAILED;
  orphan.error_message = str("boom");
  records_.trace_end(1);
  for (size_t dead_at = 0; dead_at < records_.size(); ++dead_at) {
    stored_ = {};
    saved_state().clear();
    std::string state;
    std::filesystem::create_directories(directory_.file("states"));
    {
      const auto first = sink(with);
      for (size_t i = 0; i <= dead_at; ++i) {
        state = saved_state();
        ASSERT_EQ(deliver(*first, records_.pointers(i, i + 1)), TR_OK);
      }
      std::filesystem::rename(directory_.file("states"), directory_.file("kept"));  // who dies tidies nothing
    }
    std::filesystem::remove_all(directory_.file("states"));
    std::filesystem::rename(directory_.file("kept"), directory_.file("states"));
    const auto second = sink(with);
    if (!state.empty()) second->restore("run-a", state);
    ASSERT_EQ(deliver(*second, records_.pointers(dead_at), TR_BATCH_ADOPTED), TR_OK);
    const StoredRun& run = stored_.only();
    ASSERT_EQ(run.lines.size(), 3u);
    const json value = run.row(2)["trace"];
    EXPECT_EQ(value["_type"], "wb_trace_tree");
    const json root = json::parse(value["root_span_dumps"].get<std::string>());
    ASSERT_EQ(root["child_spans"].size(), 2u);
    EXPECT_EQ(root["name"], "trace");
    const json& chat = root["child_spans"][0]["child_spans"][0];
    EXPECT_EQ(chat["span_kind"], "LLM");
    EXPECT_EQ(chat["results"], json::parse(R"([{"inputs": {"input": "a \"question\""},
                                                "outputs": {"output": {"answer": [1]}}}])"));
    EXPECT_EQ(chat["attributes"]["prompt_tokens"], 3);
    EXPECT_EQ(root["child_spans"][1]["status_code"], "ERROR");
    EXPECT_EQ(root["child_spans"][1]["status_message"], "boom");
    EXPECT_EQ(run.summary.count("trace"), 1u);
    EXPECT_EQ(run.exit_code, 0);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory_.file("states")));
}

// Deep traces, and such as lie in a circle, end somewhere; what is too large for a row is refused with a reason.
TEST_F(WandbSink, ATraceTreeOfAnyShape) {
  wandb::SinkOptions with = options();
  with.terms.trace_tree = true;
  records_.trace_start(1);
  for (uint64_t i = 1; i <= 3'000; ++i) records_.add(TR_RECORD_SPAN_END, 1, i, i - 1).kind = TR_KIND_CUSTOM;
  records_.add(TR_RECORD_SPAN_END, 1, 5'000, 5'001).kind = TR_KIND_CUSTOM;
  records_.add(TR_RECORD_SPAN_END, 1, 5'001, 5'000).kind = TR_KIND_CUSTOM;
  records_.trace_end(1);
  {
    const auto to = sink(with);
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
    const std::string dumps = stored_.only().row(0)["trace"]["root_span_dumps"];
    size_t spans = 0;
    for (size_t at = 0; (at = dumps.find("\"span_id\"", at)) != std::string::npos; ++at) ++spans;
    EXPECT_EQ(spans, 3'001u);
  }
  stored_ = {};
  const std::string large(6'000'000, '"');
  records_ = {};
  records_.trace_start(1);
  records_.span(1, 2).input = text(large);
  records_.trace_end(1);
  const auto to = sink(with);
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  EXPECT_EQ(stored_.only().lines.size(), 1u);
  EXPECT_EQ(messages().size(), 1u);
  EXPECT_EQ(stored_.only().exit_code, 0);
}

TEST(WandbState, ComesBackAndDamageDoesNot) {
  wandb::RunStates states;
  RunState& state = states["trace-1"];
  state.id = "r";
  state.name = "n\"\n";
  state.step = 7;
  state.sequence = 9;
  state.of_trace = true;
  state.summary = {{"a", "NaN"}, {"b", "[1]"}};
  state.tags = {"x", "y"};
  state.pending = wandb::Row{3, 4, {{"k", "1"}}};
  state.exit_code = 2;
  state.count_score(-2);
  const std::string saved = wandb::run_states_text(states);
  const wandb::RunStates back = wandb::parse_run_states(saved);
  EXPECT_EQ(wandb::run_states_text(back), saved);
  EXPECT_EQ(back.at("trace-1").summary, state.summary);
  EXPECT_EQ(back.at("trace-1").exit_code, 2);
  EXPECT_EQ(back.at("trace-1").pending->values.at("k"), "1");
  for (size_t cut = 0; cut < saved.size(); ++cut) (void)wandb::parse_run_states(saved.substr(0, cut));
  EXPECT_TRUE(wandb::parse_run_states("[1,{},{\"key\":3}]").empty());
}

}  // namespace
}  // namespace trunkline::wandb_test
