// Writes into a file store of MLflow, for a test that reads it with MLflow itself:
//     mlflow_file_store write ROOT           runs of every sort and a trace; prints their ids as JSON
//     mlflow_file_store log ROOT EXPERIMENT  one metric in a new run; prints the ids of experiment and run
//     mlflow_file_store append ROOT RUN      a metric, a param, a tag and the end, in a run that is there
#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>

#include "processors/mlflow/file_store.hpp"

namespace {

using namespace trunkline;
using namespace trunkline::mlflow;

constexpr int64_t kStartMs = 1'700'000'000'000;
constexpr int64_t kStartNs = kStartMs * 1'000'000;

tr_string str(const char* text) { return {text, std::strlen(text)}; }
tr_value value(tr_type type, const char* text) { return {type, 0, 0, 0, text, std::strlen(text)}; }

class Writer {
 public:
  explicit Writer(const std::string& root) : store_(root) {}

  std::string run(const std::string& experiment, const std::string& name, int64_t start) {
    return take(store_.create_run({experiment, name, "ada", start, {{"env", "dev"}, {"tool/name", "search"}}}));
  }

  // Four runs, one for each way to end, with keys and values that are hard to keep.
  void write() {
    const std::string experiment = take(store_.find_or_create_experiment("experiment: #1 \"q\" \xC3\xA9\xE4\xB8\xAD"));
    nlohmann::json out = {{"experiment", experiment}, {"runs", nlohmann::json::array()}};
    int64_t start = kStartMs;
    for (const RunStatus status : {RunStatus::kFinished, RunStatus::kFailed, RunStatus::kKilled, RunStatus::kRunning}) {
      const std::string id =
          run(experiment, "run: #" + std::to_string(static_cast<int>(status)) + " 'q' \xC3\xA9", start);
      RunItems items;
      for (int i = 0; i < 20; ++i) items.metrics.push_back({"generation/prompt_tokens", 10.5 * i, start + i, i});
      items.metrics.push_back({"nan", std::numeric_limits<double>::quiet_NaN(), start, 0});
      items.metrics.push_back({"inf", std::numeric_limits<double>::infinity(), start, 0});
      items.metrics.push_back({"ninf", -std::numeric_limits<double>::infinity(), start, 0});
      items.metrics.push_back({"tiny", 5e-324, start, 0});
      items.metrics.push_back({"third", 1.0 / 3, start, -3});
      items.metrics.push_back({"a b:c", 1, start, 0});
      items.params = {{"model", "gpt-4o"}, {"multi", "line1\nline2 \xC3\xA9"}, {"empty", ""}, {"deep/er", "x: 'y'"}};
      items.tags = {{"note", "several\nlines"}, {"trunkline.trace_id", id}};
      std::vector<Refusal> refused;
      take(store_.log_batch(id, items, &refused));
      take(store_.log_batch(id, items, &refused));  // as after a crash
      if (!refused.empty()) fail("refused: " + refused[0].what + ": " + refused[0].why);
      if (status != RunStatus::kRunning) take(store_.update_run(id, status, start + 5'000));
      out["runs"].push_back(id);
      start += 10'000;
    }
    const std::string first = out["runs"][0];
    take(store_.log_artifact(first, "sub/program", "/proc/self/comm"));
    trace(experiment, first);
    std::puts(out.dump().c_str());
  }

  void log(const std::string& name) {
    const std::string experiment = take(store_.find_or_create_experiment(name));
    const std::string id = run(experiment, "logged", kStartMs);
    std::vector<Refusal> refused;
    take(store_.log_batch(id, {{{"loss", 0.5, kStartMs, 1}}, {}, {}}, &refused));
    std::puts(nlohmann::json{{"experiment", experiment}, {"run", id}}.dump().c_str());
  }

  void append(const std::string& id) {
    std::vector<Refusal> refused;
    take(store_.log_batch(id, {{{"from us", 2.5, kStartMs, 7}}, {{"ours", "1"}}, {{"us", "too"}}}, &refused));
    take(store_.update_run(id, RunStatus::kFinished, kStartMs + 1));
    std::puts("{}");
  }

 private:
  [[noreturn]] static void fail(const std::string& why) {
    std::fprintf(stderr, "%s\n", why.c_str());
    std::exit(1);
  }
  static void take(const Error& error) {
    if (error) fail(error.message + " (" + std::to_string(error.code) + ")");
  }
  static std::string take(const Expected<std::string>& text) {
    if (!text) take(text.error());
    return *text;
  }

  tr_record& record(tr_record_type type, uint8_t span, uint8_t parent, const char* name, int64_t from, int64_t to) {
    tr_record& added = records_.emplace_back();
    added.struct_size = sizeof added;
    added.type = type;
    std::memset(added.trace_id, 0x5A, sizeof added.trace_id);
    added.span_id[7] = span;
    added.parent_id[7] = parent;
    added.name = str(name);
    added.start_ns = kStartNs + from * 1'000'000;
    added.end_ns = to == 0 ? 0 : kStartNs + to * 1'000'000;
    added.usage = {-1, -1, -1, -1, -1, -1};
    added.score = std::numeric_limits<double>::quiet_NaN();
    added.step = -1;
    return added;
  }

  // In two parts, as it goes on.
  void trace(const std::string& experiment, const std::string& run_id) {
    tr_record& start = record(TR_RECORD_TRACE_START, 1, 0, "answer", 0, 0);
    start.group_id = str("conv-7");
    const tr_attribute user{str("user.id"), value(TR_TYPE_STR, "ada")};
    start.attributes = &user;
    start.attribute_count = 1;
    tr_record& agent = record(TR_RECORD_SPAN_END, 2, 0, "agent", 10, 2'000);
    agent.kind = TR_KIND_AGENT;
    agent.input = value(TR_TYPE_JSON, R"({"task": "weather \u00e9", "n": [1, 2.5, null, true]})");
    agent.output = value(TR_TYPE_STR, "21 C");
    tr_record& chat = record(TR_RECORD_SPAN_END, 3, 2, "chat", 20, 900);
    chat.kind = TR_KIND_GENERATION;
    chat.model = str("gpt-4o");
    chat.usage = {120, 30, 150, 20, -1, 5};
    chat.input = value(TR_TYPE_JSON, R"([{"role": "user", "content": "hi"}])");
    chat.output = value(TR_TYPE_JSON, R"({"role": "assistant", "content": "yo"})");
    const tr_attribute attributes[] = {{str("gen_ai.provider.name"), value(TR_TYPE_STR, "openai")},
                                       {str("ratio"), {TR_TYPE_F64, 0, 0, 0.5, nullptr, 0}},
                                       {str("odd"), {TR_TYPE_F64, 0, 0, std::nan(""), nullptr, 0}}};
    chat.attributes = attributes;
    chat.attribute_count = 3;
    tr_record& tool = record(TR_RECORD_SPAN_END, 4, 2, "weather", 910, 1'500);
    tool.kind = TR_KIND_TOOL;
    tool.flags = TR_RECORD_FAILED;
    tool.error_type = str("Timeout");
    tool.error_message = str("boom");
    const tr_attribute noted{str("odd"), {TR_TYPE_F64, 0, 0, std::nan(""), nullptr, 0}};
    const tr_event event{str("noted"), tool.start_ns, &noted, 1};
    tool.events = &event;
    tool.event_count = 1;
    tr_record& end = record(TR_RECORD_TRACE_END, 1, 0, "answer", 0, 2'500);
    end.group_id = start.group_id;
    const tr_attribute reason{str("stop_reason"), value(TR_TYPE_STR, "final")};
    end.attributes = &reason;
    end.attribute_count = 1;
    TracePart first;
    first.experiment_id = experiment;
    first.run_id = run_id;
    TracePart last = first;
    first.start = &start;
    first.spans = {&chat, &tool};
    last.spans = {&agent};
    last.end = &end;
    last.tags = {{"release", "r1"}};
    std::vector<Refusal> refused;
    take(store_.send_traces({first}, &refused));
    take(store_.send_traces({last}, &refused));
    if (!refused.empty()) fail("refused: " + refused[0].what + ": " + refused[0].why);
  }

  FileStore store_;
  std::deque<tr_record> records_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Writer writer(argv[2]);
  const std::string what = argv[1];
  if (what == "write") {
    writer.write();
  } else if (what == "log" && argc == 4) {
    writer.log(argv[3]);
  } else if (what == "append" && argc == 4) {
    writer.append(argv[3]);
  } else {
    return 2;
  }
  return 0;
}
