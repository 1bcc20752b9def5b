// The sink between batches and a backend: what is asked again after failures and crashes, and what a bad item costs.
#include <chrono>

#include "mlflow_sink_fixture.hpp"
#include "processors/mlflow/mlflow_keys.hpp"
#include "processors/mlflow/run_state.hpp"

namespace trunkline::mlflow_test {
namespace {

using store_test::i64;
using store_test::messages;
using store_test::Records;
using store_test::saved_state;
using store_test::str;
using store_test::text;

TEST_F(MlflowSink, EachBatchContinuesWhereTheLastEnded) {
  make_trace(1, 10);
  const auto to = sink();
  for (size_t i = 0; i < records_.size(); i += 3) EXPECT_EQ(deliver(*to, records_.pointers(i, i + 3)), TR_OK);
  expect_whole(10);
  EXPECT_EQ(stored_.searches, 0);
  EXPECT_EQ(saved_state(), "[]");
  EXPECT_EQ(stored_.spans, 10);
}

// Whatever call fails, before or after it was carried out: the batch is said again and nothing is there twice.
TEST_F(MlflowSink, AnOutageAtAnyCallLosesAndDoublesNothing) {
  for (const char* call : {"experiment", "create_run", "log_batch", "update_run", "send_traces"}) {
    for (const bool after : {false, true}) {
      stored_ = {};
      records_ = {};
      make_trace(1, 10);
      int failures = 0;
      const auto to = sink();
      stored_.fail = [&](const std::string& name, bool now) {
        return name == call && now == after && failures < 3 && ++failures > 0 ? Error{TR_EAGAIN, "down"}
                                                                              : Error::none();
      };
      for (size_t i = 0; i < records_.size(); i += 4) {
        int result = TR_EAGAIN;
        for (int tries = 0; tries < 10 && result == TR_EAGAIN; ++tries) {
          result = deliver(*to, records_.pointers(i, i + 4));
        }
        EXPECT_EQ(result, TR_OK);
      }
      const bool can_fail = !after || (std::string(call) != "experiment" && std::string(call) != "send_traces");
      EXPECT_EQ(failures > 0, can_fail) << call;
      expect_whole(10);
    }
  }
}

// A process that dies between "the server has it" and "the state is saved": its successor hears the batch again.
TEST_F(MlflowSink, ADeathBeforeTheStateIsSavedMakesNoSecondRun) {
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
    for (size_t i = dead_at; i < records_.size(); ++i) {
      ASSERT_EQ(deliver(*second, records_.pointers(i, i + 1), TR_BATCH_ADOPTED), TR_OK);
    }
    expect_whole(10);
  }
}

// The control: without the state the steps would be counted anew, and the test above would see it.
TEST_F(MlflowSink, WithoutItsStateASuccessorCountsAnew) {
  make_trace(1, 10);
  {
    const auto first = sink();
    ASSERT_EQ(deliver(*first, records_.pointers(0, 6)), TR_OK);
  }
  const auto second = sink();
  ASSERT_EQ(deliver(*second, records_.pointers(6), TR_BATCH_ADOPTED), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 1u);  // found by its tag all the same
  double total = 0;
  for (const Metric& metric : stored_.runs[0].metrics) total = metric.key == "total_steps" ? metric.value : total;
  EXPECT_EQ(total, 5);
}

// More open traces than a saved state has room for: the rest lies in tags of the runs.
// What waited for one server was begun at another, for want of time not to its end, and goes on at either: each goes on
// with its own run.
TEST_F(MlflowSink, TheStateOfAnotherServerMeansNothing) {
  const auto at = [&](const std::string& mark, Stored* stored) {
    mlflow::SinkOptions with = options();
    with.state_mark = mark + "\n";
    return std::make_unique<mlflow::Sink>(std::move(with), std::make_unique<MemoryBackend>(stored), store_test::kHost);
  };
  Stored other;
  other.runs.resize(3);  // ids that mean others here
  make_trace(1, 9);
  ASSERT_EQ(deliver(*at("old", &stored_), records_.pointers(0, 4)), TR_OK);
  for (size_t i = 4; i < 8; ++i) {  // a process each
    const auto second = at("new", &other);
    second->restore("run-a", saved_state());
    ASSERT_EQ(deliver(*second, records_.pointers(i, i + 1), TR_BATCH_ADOPTED), TR_OK);
  }
  const auto third = at("old", &stored_);
  third->restore("run-a", saved_state());
  ASSERT_EQ(deliver(*third, records_.pointers(8), TR_BATCH_ADOPTED), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 1u);
  ASSERT_EQ(other.runs.size(), 4u);
  const auto steps = [](const StoredRun& run) {
    std::vector<double> seen;
    for (const Metric& metric : run.metrics) {
      if (metric.key == "step/number") seen.push_back(metric.value);
    }
    return seen;
  };
  EXPECT_EQ(steps(stored_.runs[0]), (std::vector<double>{0, 1, 2, 7, 8}));
  EXPECT_EQ(steps(other.runs[3]), (std::vector<double>{3, 4, 5, 6}));
  for (const StoredRun* run : {&other.runs[0], &other.runs[1], &other.runs[2]}) EXPECT_TRUE(run->metrics.empty());
  EXPECT_EQ(stored_.runs[0].status, RunStatus::kFinished);
}

TEST_F(MlflowSink, WhatDoesNotFitIntoTheStateIsFoundAtTheServer) {
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
  EXPECT_LE(saved_state().size(), 65536u);
  EXPECT_GT(saved_state().size(), 10'000u);
  const auto second = sink();
  second->restore("run-a", saved_state());
  ASSERT_EQ(deliver(*second, records_.pointers(0, middle), TR_BATCH_ADOPTED), TR_OK);  // heard again
  ASSERT_EQ(deliver(*second, records_.pointers(middle), TR_BATCH_ADOPTED), TR_OK);
  ASSERT_EQ(stored_.runs.size(), static_cast<size_t>(kTraces));
  EXPECT_GT(stored_.searches, 0);
  for (const StoredRun& run : stored_.runs) {
    EXPECT_EQ(run.metrics.size(), 5u);
    EXPECT_EQ(run.status, RunStatus::kFinished);
    for (const Metric& metric : run.metrics) {
      if (metric.key == "total_steps") {
        EXPECT_EQ(metric.value, 2);
      }
    }
  }
}

TEST_F(MlflowSink, BadItemsCostThemselvesOnly) {
  tr_record& start = records_.trace_start(1);
  records_.attributes(start, {{str("a@b"), text("1")}, {str("a/../b"), text("2")}, {str("fine"), text("3")}});
  for (const char* model : {"o3", "gpt", "o3", "claude"}) {
    tr_record& call = records_.span(1, records_.size() + 1, "chat");
    call.kind = TR_KIND_GENERATION;
    call.usage.input = 1;
    call.model = str(model);
  }
  for (const double score : {store_test::kNan, 0.5, store_test::kInfinity}) {
    tr_record& critic = records_.span(1, records_.size() + 1, "judge");
    critic.kind = TR_KIND_CRITIC;
    critic.score = score;
    critic.score_name = str("judge");
  }
  records_.span(1, 99, "x/../y");
  records_.trace_end(1);
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  const StoredRun& run = stored_.runs[0];
  EXPECT_EQ(run.params.at("a_b"), "1");
  EXPECT_EQ(run.params.at("a/__/b"), "2");
  EXPECT_EQ(run.params.at("fine"), "3");
  EXPECT_EQ(run.params.at("generation_model"), "o3");
  EXPECT_EQ(run.tags.at("generation_model"), "claude");
  EXPECT_EQ(run.tags.at("tool.x/__/y.called"), "true");
  EXPECT_EQ(run.status, RunStatus::kFinished);
  for (const Metric& metric : run.metrics) {
    if (metric.key == "critic/avg_score") {
      EXPECT_EQ(metric.value, 0.5);
    }
  }
  EXPECT_EQ(messages().size(), 1u);  // of the param, once
}

TEST_F(MlflowSink, HowATraceEndsIsHowItsRunEnds) {
  records_.trace_start(1);
  records_.trace_end(1, "trace", TR_RECORD_FAILED);
  records_.trace_start(2);
  records_.trace_end(2, "trace", TR_RECORD_INCOMPLETE);
  records_.trace_start(3);
  records_.add(TR_RECORD_RUN_START, 3, 7);
  records_.add(TR_RECORD_RUN_FINISH, 3, 7).run_status = TR_RUN_KILLED;
  records_.trace_end(3);
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 3u);
  EXPECT_EQ(stored_.runs[0].status, RunStatus::kFailed);
  EXPECT_EQ(stored_.runs[1].status, RunStatus::kKilled);
  EXPECT_EQ(stored_.runs[2].status, RunStatus::kKilled);
  EXPECT_EQ(stored_.runs[0].end_ms, records_.pointers()[1]->end_ns / 1'000'000);
}

// Stored as it was when it was logged, or not at all; what is wrong with one costs no other.
TEST_F(MlflowSink, ArtifactsAreWhatTheyWereWhenTheyWereLogged) {
  records_.add(TR_RECORD_RUN_START, 0, 7).name = str("training");
  std::filesystem::remove(log_artifact("gone"));
  std::ofstream(log_artifact("longer"), std::ios::app) << "!";
  const auto later = std::filesystem::file_time_type::clock::now() + std::chrono::seconds(1);
  std::filesystem::last_write_time(log_artifact("as long"), later);
  log_artifact("same");
  const std::string torn = log_artifact("torn");
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  stored_.fail = [&](const std::string& name, bool after) {
    const bool of_torn = name == "log_artifact" && after && stored_.runs[0].artifacts.count("a/torn") != 0;
    if (of_torn) std::ofstream(torn, std::ios::app) << "!";
    return Error::none();
  };
  {
    const auto to = sink();
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
    ASSERT_EQ(stored_.runs.size(), 1u);
    const std::map<std::string, std::string> expected = {{"a/same", "same"}, {"a/torn", "torn"}};
    EXPECT_EQ(stored_.runs[0].artifacts, expected);
    EXPECT_EQ(stored_.runs[0].status, RunStatus::kFinished);
  }
  const auto is_said = [](const std::string& words) {
    return std::count_if(messages().begin(), messages().end(),
                         [&](const std::string& each) { return each.find(words) != std::string::npos; });
  };
  EXPECT_EQ(is_said("the artifact a/gone is not stored: "), 1);
  EXPECT_EQ(is_said("/longer has changed since it was logged"), 1);
  EXPECT_EQ(is_said("/as long has changed since it was logged"), 1);
  EXPECT_EQ(is_said("/torn changed while it was read"), 1);
  EXPECT_EQ(is_said("MLflow refused 4 items in all"), 1);
  EXPECT_EQ(messages().size(), 5u);
}

// A file that is there is not sent again because what follows it failed; one of which nothing is heard is.
TEST_F(MlflowSink, AnArtifactIsSentOnce) {
  records_.add(TR_RECORD_RUN_START, 0, 7);
  log_artifact("list");
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  for (const std::string call : {"log_artifact", "update_run"}) {
    stored_ = {};
    int failures = 0;
    stored_.fail = [&](const std::string& name, bool after) {
      return name == call && after && failures++ == 0 ? Error{TR_EAGAIN, "down"} : Error::none();
    };
    const auto to = sink();
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_EAGAIN);
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
    const auto sent = std::count(stored_.calls.begin(), stored_.calls.end(), "log_artifact");
    EXPECT_EQ(sent, call == "update_run" ? 1 : 2);
    EXPECT_EQ(stored_.runs[0].artifacts.at("a/list"), "list");
  }
}

// The files of an artifact go into a folder of its name, media by their key and step: each once.
TEST_F(MlflowSink, FilesOfAnArtifactAndMediaAreArtifacts) {
  records_.add(TR_RECORD_RUN_START, 0, 7);
  std::vector<processors::RunFile> files;
  for (const char* name : {"one", "two"}) {
    const std::string file = folder_.file(name);
    store_test::write_file(file, name);
    ASSERT_FALSE(processors::list_files("in/" + std::string(name), file, &files));
  }
  ASSERT_FALSE(processors::read_files(&files));
  const std::string list = processors::files_json(files);
  tr_record& made = records_.add(TR_RECORD_RUN_ADD_ARTIFACT, 0, 7);
  made.name = str("index");
  records_.attributes(made, {{str("files"), text(TR_TYPE_JSON, list)}});
  const auto media = processors::read_media(TR_MEDIA_HTML, folder_.file("one"));
  ASSERT_TRUE(media);
  tr_record& page = records_.add(TR_RECORD_RUN_MEDIA, 0, 7);
  page.name = str("page");
  page.step = 3;
  records_.attributes(page, {{str("media"), text("html")},
                             {str("file"), text(media->file.file)},
                             {str("size"), i64(media->file.version.size)},
                             {str("modified_ns"), i64(media->file.version.modified_ns)},
                             {str("sha256"), text(media->file.digest)}});
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  ASSERT_EQ(deliver(*sink(), records_.pointers()), TR_OK);
  const std::map<std::string, std::string> expected = {
      {"index/in/one", "one"},
      {"index/in/two", "two"},
      {"media/html/page_3_" + media->file.digest.substr(0, 20) + ".html", "one"}};
  EXPECT_EQ(stored_.runs[0].artifacts, expected);
  EXPECT_TRUE(messages().empty());
}

// With content off there is only the name: that is said, and nothing else is hurt.
TEST_F(MlflowSink, AnArtifactWhoseFileWasNotRecorded) {
  records_.add(TR_RECORD_RUN_START, 0, 7);
  records_.add(TR_RECORD_RUN_ARTIFACT, 0, 7).name = str("list");
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  ASSERT_EQ(deliver(*sink(), records_.pointers()), TR_OK);
  EXPECT_TRUE(stored_.runs[0].artifacts.empty());
  ASSERT_EQ(messages().size(), 1u);
  EXPECT_EQ(messages()[0], "the artifact list is not stored: its file was not recorded");
}

// Wherever the batch ends: a run inside a trace is in the experiment of that trace's run.
TEST_F(MlflowSink, ARunInsideATraceDoesNotMoveIt) {
  records_.add(TR_RECORD_TRACE_START, 1, 1).name = str("trace");
  tr_record& start = records_.add(TR_RECORD_RUN_START, 1, 7);
  start.project = str("other");
  records_.add(TR_RECORD_RUN_FINISH, 1, 7);
  records_.add(TR_RECORD_TRACE_END, 1, 1);
  ASSERT_EQ(deliver(*sink(), records_.pointers()), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 1u);
  EXPECT_EQ(std::count(stored_.experiments.begin(), stored_.experiments.end(), "other"), 0);
}

TEST_F(MlflowSink, RunsOfTheHost) {
  tr_record& start = records_.add(TR_RECORD_RUN_START, 0, 7);
  start.name = str("training");
  start.project = str("other");
  records_.attributes(start, {{str("lr"), store_test::f64(0.1)}});
  for (const int64_t number : {-1, -1, 10}) {
    tr_record& log = records_.add(TR_RECORD_RUN_LOG, 0, 7);
    log.step = number;
    records_.attributes(log, {{str("loss"), store_test::f64(0.5)}, {str("phase"), text("warm")}});
  }
  records_.attributes(records_.add(TR_RECORD_RUN_SUMMARY, 0, 7), {{str("best"), store_test::i64(3)}});
  tr_record& tag = records_.add(TR_RECORD_RUN_TAG, 0, 7);
  tag.name = str("team");
  records_.attributes(tag, {{str("value"), text("a")}});
  records_.add(TR_RECORD_RUN_FINISH, 0, 7).run_status = TR_RUN_FAILED;
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 1u);
  const StoredRun& run = stored_.runs[0];
  EXPECT_EQ(stored_.experiments, std::vector<std::string>{"other"});
  EXPECT_EQ(run.begin.name, "training");
  EXPECT_EQ(run.params.at("lr"), "0.1");
  std::vector<int64_t> steps;
  for (const Metric& metric : run.metrics) {
    if (metric.key == "loss") steps.push_back(metric.step);
  }
  EXPECT_EQ(steps, (std::vector<int64_t>{0, 1, 10}));
  EXPECT_EQ(run.tags.at("phase"), "warm");
  EXPECT_EQ(run.tags.at("team"), "a");
  EXPECT_EQ(run.status, RunStatus::kFailed);
}

TEST_F(MlflowSink, ARunThatIsJoinedIsNeitherMadeNorEnded) {
  stored_.runs.emplace_back();
  stored_.runs[0].begin.experiment_id = "0";
  make_trace(1, 2);
  make_trace(2, 2);
  mlflow::SinkOptions joined = options();
  joined.run_id = "0";
  const auto to = sink(joined);
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  ASSERT_EQ(stored_.runs.size(), 1u);
  EXPECT_EQ(stored_.runs[0].status, RunStatus::kRunning);
  double total = 0;
  for (const Metric& metric : stored_.runs[0].metrics) total = metric.key == "total_steps" ? metric.value : total;
  EXPECT_EQ(total, 4);
}

TEST_F(MlflowSink, ARunThatSomebodyDeletedIsLeftAlone) {
  make_trace(1, 3);
  make_trace(2, 3);
  stored_.fail = [&](const std::string& call, bool after) {
    return call == "log_batch" && !after && stored_.calls.size() < 5 ? Error{TR_ENOENT, "deleted"} : Error::none();
  };
  const auto to = sink();
  ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  EXPECT_EQ(stored_.runs[1].status, RunStatus::kFinished);
  EXPECT_EQ(messages().size(), 1u);
}

TEST(MlflowKeys, AreChangedOnlyWhereTheyMust) {
  for (const char* key : {"a", "a/b", "tool.x.called", "mlflow.user", "ключ/数", "a b:c-d_e", "1"}) {
    EXPECT_EQ(mlflow::legal_key(key), key);
  }
  EXPECT_EQ(mlflow::legal_key(""), "_");
  EXPECT_EQ(mlflow::legal_key("/a//b/"), "_/a/_/b/_");
  EXPECT_EQ(mlflow::legal_key("../a/."), "__/a/_");
  EXPECT_EQ(mlflow::legal_key("a@#,\\()%\n\x01\xF0\x9F\x98\x80"), "a__________");
  const std::string one = mlflow::legal_key(std::string(300, 'a') + "1");
  const std::string two = mlflow::legal_key(std::string(300, 'a') + "2");
  EXPECT_EQ(one.size(), 250u);
  EXPECT_NE(one, two);
  EXPECT_EQ(mlflow::cut_text("ключ", 2), "кл");
}

TEST(MlflowState, ComesBackAndDamageDoesNot) {
  mlflow::RunStates states;
  mlflow::RunState& state = states["trace-1"];
  state.run_id = "r";
  state.name = "n\"\n";
  state.step = 7;
  state.sequence = 9;
  for (const char* name : {"n\"\n", "", "other"}) {
    mlflow::TraceState& trace = state.traces.emplace_back();
    trace.trace_id = "t";
    trace.name = name;
    trace.open = true;
  }
  state.count_score(0.1);
  state.count_score(-2);
  const std::string saved = mlflow::run_states_text(states);
  const mlflow::RunStates back = mlflow::parse_run_states(saved);
  EXPECT_EQ(mlflow::run_states_text(back), saved);
  EXPECT_EQ(back.at("trace-1").score_min, -2);
  EXPECT_EQ(back.at("trace-1").traces.at(0).name, state.name);
  EXPECT_EQ(back.at("trace-1").traces.at(1).name, "");
  for (size_t cut = 0; cut < saved.size(); ++cut) (void)mlflow::parse_run_states(saved.substr(0, cut));
  EXPECT_TRUE(mlflow::parse_run_states("[1,{},{\"key\":3},{\"key\":\"\"}]").empty());
  EXPECT_TRUE(
      mlflow::parse_run_states(R"([{"key":"k","traces":[1,null]},{"key":"l","traces":{}}])").at("k").traces.empty());
}

}  // namespace
}  // namespace trunkline::mlflow_test
