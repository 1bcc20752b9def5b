#include "processors/wandb/wandb_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "encode/json_writer.hpp"

namespace trunkline::wandb {
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
struct FlagField {
  const char* name;
  bool RunState::*field;
};

constexpr TextField kTexts[] = {{"id", &RunState::id},           {"entity", &RunState::entity},
                                {"project", &RunState::project}, {"name", &RunState::name},
                                {"group", &RunState::group},     {"path", &RunState::path},
                                {"root", &RunState::root_id},    {"above", &RunState::above_root}};
constexpr NumberField kNumbers[] = {{"start", &RunState::start_ns}, {"last", &RunState::last_ns},
                                    {"open", &RunState::open},      {"runs", &RunState::open_runs},
                                    {"next", &RunState::next_step}, {"lines", &RunState::lines},
                                    {"length", &RunState::length},  {"records", &RunState::records},
                                    {"taken", &RunState::taken},    {"ran", &RunState::ran_ns}};
constexpr FlagField kFlags[] = {{"offline", &RunState::offline},
                                {"lost", &RunState::lost},
                                {"of_trace", &RunState::of_trace},
                                {"finished", &RunState::finished},
                                {"resumed", &RunState::resumed}};

// Values are kept as texts, for what W&B writes is not always JSON.
void append_values(std::string* out, const Values& values) {
  JsonObject object(out);
  for (const auto& [key, text] : values) encode::append_json_string(object.any_member(key), text);
  object.close();
}

void append_state(std::string* out, const std::string& key, const RunState& state) {
  JsonObject object(out);
  object.string("key", key);
  for (const TextField& each : kTexts) object.string_unless_empty(each.name, state.*each.field);
  for (const NumberField& each : kNumbers) object.i64(each.name, state.*each.field);
  for (const FlagField& each : kFlags) {
    if (state.*each.field) object.i64(each.name, 1);
  }
  processors::append_totals(&object, state);
  object.i64("seq", static_cast<int64_t>(state.sequence));
  object.i64("tree", static_cast<int64_t>(state.tree.bytes));
  if (state.exit_code) object.i64("exit", *state.exit_code);
  std::string* tags = object.member("tags");
  tags->push_back('[');
  for (const std::string& tag : state.tags) {
    if (tags->back() != '[') tags->push_back(',');
    encode::append_json_string(tags, tag);
  }
  tags->push_back(']');
  append_values(object.member("summary"), state.summary);
  if (state.pending) {
    object.i64("pending_step", state.pending->step);
    object.i64("pending_ns", state.pending->ns);
    append_values(object.member("pending"), state.pending->values);
  }
  object.close();
}

int64_t number_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

Values values_of(const json& object, const char* name) {
  Values values;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_object()) return values;
  for (const auto& [key, text] : found->items()) {
    if (text.is_string()) values[key] = text.get<std::string>();
  }
  return values;
}

void read_state(const json& object, RunStates* out) {
  if (!object.is_object() || !object.contains("key") || !object["key"].is_string()) return;
  RunState& state = (*out)[object["key"].get<std::string>()];
  for (const TextField& each : kTexts) {
    const auto found = object.find(each.name);
    if (found != object.end() && found->is_string()) state.*each.field = found->get<std::string>();
  }
  for (const NumberField& each : kNumbers) state.*each.field = number_of(object, each.name);
  for (const FlagField& each : kFlags) state.*each.field = number_of(object, each.name) != 0;
  processors::read_totals(object.dump(), &state);
  state.sequence = static_cast<uint64_t>(number_of(object, "seq"));
  state.tree.bytes = static_cast<uint64_t>(number_of(object, "tree"));
  if (object.contains("exit")) state.exit_code = number_of(object, "exit");
  const auto tags = object.find("tags");
  if (tags != object.end() && tags->is_array()) {
    for (const json& tag : *tags) {
      if (tag.is_string()) state.tags.push_back(tag.get<std::string>());
    }
  }
  state.summary = values_of(object, "summary");
  if (object.contains("pending")) {
    state.pending =
        Row{number_of(object, "pending_step"), number_of(object, "pending_ns"), values_of(object, "pending")};
  }
}

void append_number(std::string* out, double value) {
  if (std::isfinite(value)) return encode::append_json_f64(out, value);
  out->append(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

}  // namespace

std::string json_of(const tr_value& value) {
  std::string text;
  if (value.type == TR_TYPE_F64) {
    append_number(&text, value.f64);
  } else if (value.type == TR_TYPE_F64_ARRAY) {
    for (size_t i = 0; i < value.size; ++i) {
      double number = 0;
      std::memcpy(&number, static_cast<const char*>(value.data) + i * sizeof number, sizeof number);
      text.push_back(i == 0 ? '[' : ',');
      append_number(&text, number);
    }
    text += value.size == 0 ? "[]" : "]";
  } else {
    encode::append_json_value(&text, value);
  }
  return text;
}

std::string seconds_of(int64_t ns) {
  std::string text;
  encode::append_json_f64(&text, static_cast<double>(ns) / 1e9);
  return text;
}

std::string row_text(const Row& row, const RunState& state) {
  std::string text = "{";
  for (const auto& [key, json_text] : row.values) {
    encode::append_json_string(&text, key);
    text += ":" + json_text + ",";
  }
  text += "\"_step\":" + std::to_string(row.step) + ",\"_timestamp\":" + seconds_of(row.ns) + ",\"_runtime\":" +
          (row.runtime.empty() ? seconds_of(std::max<int64_t>(0, row.ns - state.start_ns)) : row.runtime) + "}";
  return text;
}

void add_times(Values* summary, const RunState& state) {
  if (state.next_step == 0) return;
  (*summary)["_step"] = std::to_string(state.next_step - 1);
  (*summary)["_timestamp"] = seconds_of(state.last_ns);
  (*summary)["_runtime"] = seconds_of(std::max<int64_t>(0, state.last_ns - state.start_ns));
}

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

}  // namespace trunkline::wandb
