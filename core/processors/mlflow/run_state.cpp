#include "processors/mlflow/run_state.hpp"

#include <nlohmann/json.hpp>

#include "encode/json_writer.hpp"

namespace trunkline::mlflow {
namespace {

using encode::JsonObject;
using nlohmann::json;

template <class Object>
struct TextField {
  const char* name;
  std::string Object::*field;
};
// Of which the last are not those of a trace.
constexpr size_t kMostTagBytes = 7'500;
constexpr size_t kMostStatesBytes = 62'000;

struct NumberField {
  const char* name;
  int64_t RunState::*field;
};

constexpr TextField<RunState> kTexts[] = {{"run", &RunState::run_id},
                                          {"exp", &RunState::experiment_id},
                                          {"name", &RunState::name},
                                          {"group", &RunState::group_id}};
constexpr TextField<TraceState> kTraceTexts[] = {{"id", &TraceState::trace_id},
                                                 {"root", &TraceState::root_id},
                                                 {"remote", &TraceState::remote_parent},
                                                 {"service", &TraceState::service_name}};
constexpr NumberField kNumbers[] = {
    {"start", &RunState::start_ns}, {"open", &RunState::open}, {"log", &RunState::log_step}};

// Mostly a trace has the name and the group of its run.
void append_trace(std::string* out, const TraceState& trace, const RunState& run) {
  JsonObject object(out);
  for (const auto& each : kTraceTexts) object.string_unless_empty(each.name, trace.*each.field);
  if (trace.name != run.name) object.string("name", trace.name);
  if (trace.group_id != run.group_id) object.string("group", trace.group_id);
  object.close();
}

// As many as fit.
void append_traces(std::string* out, const RunState& state, size_t most_bytes) {
  out->push_back('[');
  std::string text;
  bool first = true;
  for (const TraceState& trace : state.traces) {
    if (!trace.open) continue;
    text.assign(first ? "" : ",");
    append_trace(&text, trace, state);
    if (out->size() + text.size() > most_bytes) break;
    out->append(text);
    first = false;
  }
  out->push_back(']');
}

void append_state(std::string* out, const std::string& key, const RunState& state, size_t most_bytes) {
  JsonObject object(out);
  object.string("key", key);
  for (const auto& each : kTexts) object.string_unless_empty(each.name, state.*each.field);
  for (const NumberField& each : kNumbers) object.i64(each.name, state.*each.field);
  processors::append_totals(&object, state);
  object.i64("seq", static_cast<int64_t>(state.sequence));
  object.i64("status", state.status);
  object.i64("lost", state.lost ? 1 : 0);
  append_traces(object.member("traces"), state, most_bytes);
  object.close();
}

int64_t number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void read_traces(const json& object, RunState* run) {
  const auto list = object.find("traces");
  if (list == object.end() || !list->is_array()) return;
  for (const json& each : *list) {
    if (!each.is_object()) continue;
    TraceState& trace = run->traces.emplace_back();
    for (const auto& text : kTraceTexts) trace.*text.field = text_of(each, text.name);
    trace.name = each.contains("name") ? text_of(each, "name") : run->name;
    trace.group_id = each.contains("group") ? text_of(each, "group") : run->group_id;
    trace.open = true;
  }
}

void read_state(const json& object, RunStates* out) {
  const std::string key = object.is_object() ? text_of(object, "key") : std::string();
  if (key.empty()) return;
  RunState& state = (*out)[key];
  for (const auto& each : kTexts) state.*each.field = text_of(object, each.name);
  for (const NumberField& each : kNumbers) state.*each.field = number_of(object, each.name);
  processors::read_totals(object.dump(), &state);
  state.sequence = static_cast<uint64_t>(number_of(object, "seq"));
  state.status = static_cast<int>(number_of(object, "status"));
  state.lost = number_of(object, "lost") != 0;
  read_traces(object, &state);
}

}  // namespace

void RunState::forget_ended_traces() {
  traces.erase(std::remove_if(traces.begin(), traces.end(), [](const TraceState& trace) { return !trace.open; }),
               traces.end());
}

std::string run_state_text(const std::string& key, const RunState& state) {
  std::string text;
  append_state(&text, key, state, kMostTagBytes);
  return text;
}

std::string run_states_text(const RunStates& states) {
  std::string text = "[";
  for (const auto& [key, state] : states) {
    if (state.spilled) continue;
    if (text.size() > 1) text.push_back(',');
    append_state(&text, key, state, kMostStatesBytes);
  }
  return text + "]";
}

RunStates parse_run_states(std::string_view text) {
  RunStates states;
  const json parsed = json::parse(text, nullptr, false);
  if (parsed.is_object()) read_state(parsed, &states);
  if (!parsed.is_array()) return states;
  for (const json& each : parsed) read_state(each, &states);
  return states;
}

}  // namespace trunkline::mlflow
