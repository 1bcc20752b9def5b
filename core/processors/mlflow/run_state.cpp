#include "processors/mlflow/run_state.hpp"

#include <nlohmann/json.hpp>

#include "encode/json_writer.hpp"

namespace trunkline::mlflow {
namespace {

using encode::JsonObject;
using nlohmann::json;

struct TextField {
  const char* name;
  std::string RunState::*field;
};
struct NumberField {
  const char* name;
  int64_t RunState::*field;
};

constexpr TextField kTexts[] = {{"run", &RunState::run_id},          {"exp", &RunState::experiment_id},
                                {"name", &RunState::name},           {"group", &RunState::group_id},
                                {"root", &RunState::root_id},        {"remote", &RunState::remote_parent},
                                {"service", &RunState::service_name}};
constexpr NumberField kNumbers[] = {
    {"start", &RunState::start_ns}, {"open", &RunState::open}, {"log", &RunState::log_step}};

void append_state(std::string* out, const std::string& key, const RunState& state) {
  JsonObject object(out);
  object.string("key", key);
  for (const TextField& each : kTexts) object.string_unless_empty(each.name, state.*each.field);
  for (const NumberField& each : kNumbers) object.i64(each.name, state.*each.field);
  processors::append_totals(&object, state);
  object.i64("seq", static_cast<int64_t>(state.sequence));
  object.i64("status", state.status);
  object.i64("lost", state.lost ? 1 : 0);
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

void read_state(const json& object, RunStates* out) {
  const std::string key = object.is_object() ? text_of(object, "key") : std::string();
  if (key.empty()) return;
  RunState& state = (*out)[key];
  for (const TextField& each : kTexts) state.*each.field = text_of(object, each.name);
  for (const NumberField& each : kNumbers) state.*each.field = number_of(object, each.name);
  processors::read_totals(object.dump(), &state);
  state.sequence = static_cast<uint64_t>(number_of(object, "seq"));
  state.status = static_cast<int>(number_of(object, "status"));
  state.lost = number_of(object, "lost") != 0;
}

}  // namespace

std::string run_state_text(const std::string& key, const RunState& state) {
  std::string text;
  append_state(&text, key, state);
  return text;
}

std::string run_states_text(const RunStates& states) {
  std::string text = "[";
  for (const auto& [key, state] : states) {
    if (state.spilled) continue;
    if (text.size() > 1) text.push_back(',');
    append_state(&text, key, state);
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
