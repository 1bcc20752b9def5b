// An agent for tests against trackers: it does what its arguments say through the public API, with the processors that
// the environment configures, or W&B's with the options in AGENT_WANDB_OPTIONS.
//   tracker_agent replay FILE SCENARIO   the events of a scenario of tests/unit/data/qitos_*.json
//   tracker_agent threads COUNT SPANS    one trace, tools called on several threads
//   tracker_agent endless                traces of ten steps until it is killed; says each that has ended
//   tracker_agent run                    a run that belongs to no trace
//   tracker_agent long SPANS EACH        one trace, delivered after each so many spans
//   tracker_agent joined                 three traces, of which two overlap
//   tracker_agent answer                 the agent of mlflow_sdk_agent.py
//   tracker_agent artifacts FILES...     a run with files, of which the last is changed too early
//   tracker_agent artifact FOLDER FILE   a run that makes an artifact of a folder, and has a file
//   tracker_agent use NAME               a run that uses an artifact
//   tracker_agent media IMAGE PAGE       a run with both in its history, between numbers
//   tracker_agent download NAME FOLDER   an artifact
//   tracker_agent recover                nothing but deliver what dead ones left
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "trunkline.h"

namespace {

using nlohmann::json;

constexpr uint32_t kPatienceMs = 60'000;

int start() {
  tr_config config;
  tr_config_init(&config, sizeof config);
  const char* wandb = std::getenv("AGENT_WANDB_OPTIONS");
  if (wandb != nullptr) config.processors = "none";
  tr_error error{sizeof error, 0, {}};
  int result = tr_init(&config, &error);
  if (result == TR_OK && wandb != nullptr) {
    tr_processor table{};
    table.struct_size = sizeof table;
    result = tr_wandb_processor(wandb, TR_NUL, &table, &error);
    if (result == TR_OK) result = tr_add_processor(&table, nullptr);
  }
  if (result != TR_OK) std::fprintf(stderr, "%s\n", error.message);
  return result;
}

void end_span(tr_trace trace, const json& data) {
  static const std::map<std::string, tr_kind> kKinds = {
      {"agent", TR_KIND_AGENT},   {"step", TR_KIND_STEP},       {"generation", TR_KIND_GENERATION},
      {"tool", TR_KIND_TOOL},     {"act", TR_KIND_ACT},         {"critic", TR_KIND_CRITIC},
      {"reduce", TR_KIND_REDUCE}, {"handoff", TR_KIND_HANDOFF}, {"mcp", TR_KIND_MCP},
      {"decide", TR_KIND_DECIDE}, {"custom", TR_KIND_CUSTOM}};
  std::string name;
  for (const char* member : {"name", "tool_name", "action_name", "critic_name"}) {
    if (data.contains(member) && data[member].is_string()) name = data[member];
  }
  const tr_span span = tr_span_start(trace, 0, kKinds.at(data["type"]), name.data(), name.size());
  if (data.contains("model") && data["model"].is_string()) {
    tr_span_set_model(span, data["model"].get<std::string>().c_str(), TR_NUL);
  }
  if (data.contains("step_number")) tr_span_set_step(span, data["step_number"]);
  if (data.contains("score") && data["score"].is_number()) tr_span_set_score(span, "", 0, data["score"]);
  const json usage = data.value("token_usage", json());
  if (usage.is_object() && !usage.empty()) {
    const tr_usage counts{usage.value("prompt_tokens", -1), usage.value("completion_tokens", -1), -1, -1, -1, -1};
    tr_span_set_usage(span, &counts);
  }
  tr_span_end(span);
}

void set_metadata(tr_trace trace, const json& metadata) {
  for (const auto& [key, value] : metadata.items()) {
    if (value.is_number_integer()) tr_trace_set_i64(trace, key.data(), key.size(), value);
    if (!value.is_string()) continue;
    const std::string text = value;
    tr_trace_set_str(trace, key.data(), key.size(), text.data(), text.size());
  }
}

int replay(const char* file, const char* scenario) {
  std::ifstream in(file);
  std::map<std::string, tr_trace> traces;
  const json all = json::parse(in);
  for (const json& entry : all.at(scenario).at("timeline")) {
    if (entry[0] != "IN") continue;
    const json& given = entry[2];
    const std::string id = given.value("trace_id", "");
    if (entry[1] == "on_trace_start") {
      traces[id] = tr_trace_start(given["name"].get<std::string>().c_str(), TR_NUL, nullptr);
    }
    if (entry[1] == "on_trace_start" || entry[1] == "on_trace_end") set_metadata(traces[id], given["metadata"]);
    if (entry[1] == "on_span_end") end_span(traces[id], given["data"]);
    if (entry[1] == "on_trace_end") tr_trace_end(traces[id]);
  }
  return tr_shutdown(kPatienceMs);
}

int on_threads(int count, int spans) {
  const tr_trace trace = tr_trace_start("threads", TR_NUL, nullptr);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([=] {
      for (int j = 0; j < spans; ++j) {
        const tr_span call = tr_span_start(trace, 0, TR_KIND_GENERATION, "chat", TR_NUL);
        const tr_usage usage{2, 1, -1, -1, -1, -1};
        tr_span_set_usage(call, &usage);
        tr_span_end(call);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  tr_trace_end(trace);
  return tr_shutdown(kPatienceMs);
}

int endless() {
  for (int number = 0;; ++number) {
    const std::string name = "trace-" + std::to_string(number);
    const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
    for (int i = 0; i < 10; ++i) {
      const tr_span step = tr_span_start(trace, 0, TR_KIND_STEP, "step", TR_NUL);
      tr_span_set_step(step, i);
      tr_span_end(step);
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
    tr_trace_end(trace);
    std::printf("%d\n", number);
    std::fflush(stdout);
  }
}

tr_trace begin_named(const std::string& name) {
  const std::string group = "group of " + name;
  tr_trace_options options{};
  options.struct_size = sizeof options;
  options.group_id = {group.data(), group.size()};
  return tr_trace_start(name.data(), name.size(), &options);
}

void add_named(tr_trace trace, const std::string& name, int number) {
  const std::string own = name + " " + std::to_string(number);
  const std::string input = "asked of " + name;
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, own.data(), own.size());
  tr_span_set_input(span, TR_TYPE_STR, input.data(), input.size());
  tr_span_end(span);
}

int long_trace(int spans, int each) {
  const tr_trace trace = begin_named("long");
  for (int i = 0; i < spans; ++i) {
    add_named(trace, "long", i);
    if (i % each == each - 1 && tr_flush(kPatienceMs) != TR_OK) return TR_ETIMEDOUT;
  }
  tr_trace_end(trace);
  return tr_shutdown(kPatienceMs);
}

int joined() {
  const tr_trace a = begin_named("a");
  const tr_trace b = begin_named("b");
  for (int i = 0; i < 3; ++i) {
    add_named(a, "a", i);
    add_named(b, "b", i);
  }
  tr_trace_end(a);
  tr_trace_end(b);
  const tr_trace c = begin_named("c");
  for (int i = 0; i < 3; ++i) add_named(c, "c", i);
  tr_trace_end(c);
  return tr_shutdown(kPatienceMs);
}

// The files are logged, then the last of them is changed.
int artifacts(int count, char** files) {
  const tr_run run = tr_run_start(nullptr);
  for (int i = 0; i < count; ++i) {
    const std::string path = "given/ä " + std::to_string(i);
    if (tr_run_log_artifact(run, path.data(), path.size(), files[i], TR_NUL) != TR_OK) return 1;
  }
  std::ofstream(files[count - 1], std::ios::app) << "too late";
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  return tr_shutdown(kPatienceMs);
}

tr_string text(const char* words) { return {words, std::strlen(words)}; }

tr_run begin_run(const char* name) {
  tr_run_options options{};
  options.struct_size = sizeof options;
  options.name = text(name);
  return tr_run_start(&options);
}

// AGENT_CHANGES and AGENT_REMOVES name files that are not left as they were when they were named.
int make_artifact(const char* folder, const char* file) {
  const tr_run run = begin_run("maker");
  const tr_artifact_file files[] = {{text(""), text(folder)}, {text("more/copy"), text(file)}};
  const tr_string aliases[] = {text("best")};
  tr_attribute facts[2] = {};
  facts[0].key = text("k");
  facts[0].value.type = TR_TYPE_I64;
  facts[0].value.i64 = 1;
  facts[1].key = text("api_key");
  facts[1].value = {TR_TYPE_STR, 0, 0, 0, "canary", 6};
  tr_artifact artifact{};
  artifact.struct_size = sizeof artifact;
  artifact.name = text("index");
  artifact.type = text("storage_context");
  artifact.description = text("what \"it\" is");
  artifact.aliases = aliases;
  artifact.alias_count = 1;
  artifact.metadata = facts;
  artifact.metadata_count = 2;
  artifact.files = files;
  artifact.file_count = 2;
  if (tr_run_add_artifact(run, &artifact) != TR_OK) return 1;
  if (tr_run_log_artifact(run, "notes/a file", TR_NUL, file, TR_NUL) != TR_OK) return 1;
  if (const char* changed = std::getenv("AGENT_CHANGES")) std::ofstream(changed, std::ios::app) << "too late";
  if (const char* removed = std::getenv("AGENT_REMOVES")) std::remove(removed);
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  return tr_shutdown(kPatienceMs);
}

int use_artifact(const char* name) {
  const tr_run run = begin_run("user");
  if (tr_run_use_artifact(run, name, TR_NUL) != TR_OK) return 1;
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  return tr_shutdown(kPatienceMs);
}

int log_media(const char* image, const char* page) {
  const tr_run run = begin_run("media");
  tr_attribute loss{};
  loss.key = text("loss");
  loss.value.type = TR_TYPE_F64;
  loss.value.f64 = 0.5;
  tr_run_log(run, 3, &loss, 1);
  if (tr_run_log_media(run, 3, "plots/loss", TR_NUL, TR_MEDIA_IMAGE, image, TR_NUL) != TR_OK) return 1;
  if (tr_run_log_media(run, -1, "page", TR_NUL, TR_MEDIA_HTML, page, TR_NUL) != TR_OK) return 1;
  if (tr_run_log_media(run, -1, "page", TR_NUL, TR_MEDIA_IMAGE, page, TR_NUL) != TR_EINVAL) return 1;
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  return tr_shutdown(kPatienceMs);
}

int download(const char* name, const char* folder) {
  tr_error error{sizeof error, 0, {}};
  const int result =
      tr_wandb_download_artifact(std::getenv("AGENT_WANDB_OPTIONS"), TR_NUL, name, TR_NUL, folder, TR_NUL, &error);
  if (result != TR_OK) std::fprintf(stderr, "%d: %s\n", result, error.message);
  return result;
}

int run_of_the_host() {
  tr_run_options options{};
  options.struct_size = sizeof options;
  options.name = {"training", 8};
  const tr_run run = tr_run_start(&options);
  for (int i = 0; i < 3; ++i) {
    tr_attribute loss{};
    loss.key = {"loss", 4};
    loss.value.type = TR_TYPE_F64;
    loss.value.f64 = 1.0 / (i + 1);
    tr_run_log(run, -1, &loss, 1);
  }
  tr_run_set_tag(run, "team", TR_NUL, "a", TR_NUL);
  tr_run_finish(run, TR_RUN_FAILED, 3);
  return tr_shutdown(kPatienceMs);
}

void call_tool(tr_trace trace, tr_span parent, const char* name, const char* output) {
  const tr_span call = tr_span_start(trace, parent, TR_KIND_TOOL, name, TR_NUL);
  tr_span_set_input(call, TR_TYPE_JSON, R"({"a": 6, "b": [7, 0.5, null]})", TR_NUL);
  if (output != nullptr) tr_span_set_output(call, TR_TYPE_JSON, output, TR_NUL);
  if (output == nullptr) tr_span_set_error(call, "", 0, "division by zero", TR_NUL);
  tr_span_end(call);
}

void think_and_act(tr_trace trace) {
  const tr_span plan = tr_span_start(trace, 0, TR_KIND_STEP, "plan", TR_NUL);
  tr_span_set_step(plan, 0);
  const tr_span chat = tr_span_start(trace, plan, TR_KIND_GENERATION, "chat", TR_NUL);
  const tr_usage usage{12, 3, -1, -1, -1, -1};
  tr_span_set_input(chat, TR_TYPE_JSON, R"({"messages": [{"role": "user", "content": "what is 6 times 7?"}]})", TR_NUL);
  tr_span_set_model(chat, "claude-sonnet-4", TR_NUL);
  tr_span_set_usage(chat, &usage);
  tr_span_set_output(chat, TR_TYPE_STR, "let me see \u2713", TR_NUL);
  tr_span_end(chat);
  call_tool(trace, plan, "multiply", R"({"product": 42})");
  call_tool(trace, plan, "divide", nullptr);
  tr_span_end(plan);
}

tr_attribute number(const char* key, double value) {
  tr_attribute item{};
  item.key = {key, std::strlen(key)};
  item.value.type = TR_TYPE_F64;
  item.value.f64 = value;
  return item;
}

int answer() {
  const tr_trace trace = tr_trace_start("answer", TR_NUL, nullptr);
  tr_run_options options{};
  options.struct_size = sizeof options;
  options.trace = trace;
  const tr_run run = tr_run_start(&options);
  const tr_attribute rate = number("learning_rate", 0.125);
  tr_run_set_config(run, &rate, 1);
  tr_run_set_tag(run, "team", TR_NUL, "a b", TR_NUL);
  constexpr double kLosses[] = {1.0, 0.5, 0.25};
  for (int64_t step = 0; step < 3; ++step) {
    const tr_attribute items[] = {number("loss", kLosses[step]), number("accuracy", static_cast<double>(step) / 2)};
    tr_run_log(run, step, items, 2);
  }
  think_and_act(trace);
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  tr_trace_set_str(trace, "stop_reason", TR_NUL, "final_answer", TR_NUL);
  tr_trace_end(trace);
  return tr_shutdown(kPatienceMs);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  if (what == "download" && count == 4) return download(arguments[2], arguments[3]) == TR_OK ? 0 : 1;
  if (start() != TR_OK) return 1;
  if (what == "replay" && count == 4) return replay(arguments[2], arguments[3]) == TR_OK ? 0 : 1;
  if (what == "threads" && count == 4) return on_threads(std::atoi(arguments[2]), std::atoi(arguments[3])) ? 1 : 0;
  if (what == "endless") return endless();
  if (what == "run") return run_of_the_host() == TR_OK ? 0 : 1;
  if (what == "long" && count == 4) {
    return long_trace(std::atoi(arguments[2]), std::atoi(arguments[3])) == TR_OK ? 0 : 1;
  }
  if (what == "joined") return joined() == TR_OK ? 0 : 1;
  if (what == "answer") return answer() == TR_OK ? 0 : 1;
  if (what == "artifacts" && count > 2) return artifacts(count - 2, arguments + 2) == TR_OK ? 0 : 1;
  if (what == "artifact" && count == 4) return make_artifact(arguments[2], arguments[3]) == TR_OK ? 0 : 1;
  if (what == "use" && count == 3) return use_artifact(arguments[2]) == TR_OK ? 0 : 1;
  if (what == "media" && count == 4) return log_media(arguments[2], arguments[3]) == TR_OK ? 0 : 1;
  if (what == "recover") return tr_flush(kPatienceMs) == TR_OK && tr_shutdown(kPatienceMs) == TR_OK ? 0 : 1;
  return 2;
}
