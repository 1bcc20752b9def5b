#include "scenarios/records.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "scenarios/values.hpp"

namespace trunkline::scenarios {
namespace {

constexpr const char* kTypes[] = {"none",     "trace_start", "span_start",   "span_end",         "trace_end",
                                  "event",    "run_start",   "run_log",      "run_summary",      "run_config",
                                  "run_tag",  "run_finish",  "run_artifact", "run_add_artifact", "run_use_artifact",
                                  "run_media"};
constexpr const char* kKinds[] = {
    "custom",    "workflow",  "agent",  "step",   "generation", "reasoning",  "message", "tool",     "act",
    "mcp",       "decide",    "parse",  "reduce", "critic",     "guardrail",  "handoff", "delegate", "fanout",
    "retrieval", "embedding", "rerank", "chunk",  "speech_in",  "speech_out", "group",   "memory",   "attachment"};
constexpr const char* kRecordFlags[] = {"incomplete", "failed", "time_clamped", "recovered"};
constexpr const char* kRunStatus[] = {"finished", "failed", "killed"};

void add_text(json* normal, const char* member, const tr_string& text) {
  if (text.size != 0) (*normal)[member] = std::string(text.data, text.size);
}

void add_id(json* normal, const char* member, const uint8_t* id, size_t size) {
  if (std::any_of(id, id + size, [](uint8_t byte) { return byte != 0; })) (*normal)[member] = hex_of(id, size);
}

void add_value(json* normal, const char* member, const tr_value& value) {
  if (value.type != TR_TYPE_NULL) (*normal)[member] = normal_value(value);
}

void add_attributes(json* normal, const tr_attribute* attributes, size_t count) {
  if (count != 0) (*normal)["attributes"] = normal_attributes(attributes, count);
}

json flags_of(uint32_t flags) {
  json names = json::array();
  for (size_t i = 0; i < std::size(kRecordFlags); ++i) {
    if ((flags >> i & 1) != 0) names.push_back(kRecordFlags[i]);
  }
  if (flags >> std::size(kRecordFlags) != 0) names.push_back("unknown");
  return names;
}

json usage_of(const tr_usage& usage) {
  json counts = json::object();
  const std::pair<const char*, int64_t> all[] = {
      {"input", usage.input},           {"output", usage.output},           {"total", usage.total},
      {"cache_read", usage.cache_read}, {"cache_write", usage.cache_write}, {"reasoning", usage.reasoning}};
  for (const auto& [name, count] : all) {
    if (count != -1) counts[name] = count;
  }
  return counts;
}

json events_of(const tr_record& record) {
  json events = json::array();
  for (size_t i = 0; i < record.event_count; ++i) {
    const tr_event& each = record.events[i];
    json event = {{"name", std::string(each.name.data, each.name.size)}};
    add_attributes(&event, each.attributes, each.attribute_count);
    events.push_back(std::move(event));
  }
  return events;
}

// What of the files of an artifact depends on the machine is not compared; it must be there.
void forget_places(json* record) {
  const json::json_pointer files("/attributes/files/json");
  if (!record->contains(files)) return;
  for (json& each : record->at(files)) {
    if (each.erase("file") + each.erase("modified_ns") != 2) each["place"] = nullptr;
  }
}

bool is_span(tr_record_type type) { return type == TR_RECORD_SPAN_START || type == TR_RECORD_SPAN_END; }
bool is_run(tr_record_type type) { return type >= TR_RECORD_RUN_START; }

bool is_id(const std::string& text) {
  return (text.size() == 16 || text.size() == 32) && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// With values as they are compared, wherever they are.
json normal(const json& given) {
  if (given.is_array()) {
    json list = json::array();
    for (const json& each : given) list.push_back(normal(each));
    return list;
  }
  if (!given.is_object()) return given;
  json object = json::object();
  for (const auto& [member, content] : given.items()) {
    if (member == "input" || member == "output") {
      object[member] = content.is_object() ? normal_expectation(content) : content;
    } else if (member == "attributes") {
      for (const auto& [key, value] : content.items()) object[member][key] = normal_expectation(value);
    } else {
      object[member] = normal(content);
    }
  }
  return object;
}

bool same(const json& expected, const json& actual) {
  if (expected.is_object() && expected.size() == 1 && expected.contains("any")) {
    return actual.is_object() && actual.contains(expected["any"].get<std::string>());
  }
  if (expected.type() != actual.type() && !(expected.is_number_integer() && actual.is_number_integer())) return false;
  if (expected.size() != actual.size()) return false;
  if (expected.is_array()) return std::equal(expected.begin(), expected.end(), actual.begin(), same);
  if (!expected.is_object()) return expected == actual;
  return std::all_of(expected.items().begin(), expected.items().end(), [&](const auto& each) {
    return actual.contains(each.key()) && same(each.value(), actual[each.key()]);
  });
}

}  // namespace

std::string hex_of(const uint8_t* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

tr_kind kind_of(const json& name_or_number) {
  if (name_or_number.is_number_unsigned()) return name_or_number.get<tr_kind>();
  const auto* const found = std::find(std::begin(kKinds), std::end(kKinds), name_or_number.get<std::string>());
  if (found == std::end(kKinds)) throw Refused("the unknown kind " + name_or_number.dump());
  return static_cast<tr_kind>(found - std::begin(kKinds));
}

json normal_record(const tr_record& record) {
  json normal = {{"type", record.type < std::size(kTypes) ? kTypes[record.type] : "unknown"},
                 {"sequence", record.sequence},
                 {"start_ns", record.start_ns},
                 {"end_ns", record.end_ns}};
  add_id(&normal, "trace", record.trace_id, sizeof record.trace_id);
  if (is_span(record.type)) {
    add_id(&normal, "span", record.span_id, sizeof record.span_id);
    normal["kind"] = record.kind < std::size(kKinds) ? kKinds[record.kind] : "kind-" + std::to_string(record.kind);
  }
  if (is_run(record.type)) add_id(&normal, "run", record.span_id, sizeof record.span_id);
  add_id(&normal, "parent", record.parent_id, sizeof record.parent_id);
  add_text(&normal, "name", record.name);
  if (record.flags != 0) normal["flags"] = flags_of(record.flags);
  add_text(&normal, "group_id", record.group_id);
  add_text(&normal, "project", record.project);
  add_text(&normal, "foreign_id", record.foreign_id);
  add_text(&normal, "model", record.model);
  add_text(&normal, "score_name", record.score_name);
  add_text(&normal, "error_type", record.error_type);
  add_text(&normal, "error_message", record.error_message);
  if (!std::isnan(record.score) || record.score_name.size != 0) normal["score"] = json_of_real(record.score);
  if (record.step != -1) normal["step"] = record.step;
  add_value(&normal, "input", record.input);
  add_value(&normal, "output", record.output);
  if (json usage = usage_of(record.usage); !usage.empty()) normal["usage"] = std::move(usage);
  add_attributes(&normal, record.attributes, record.attribute_count);
  if (record.type == TR_RECORD_RUN_ADD_ARTIFACT) forget_places(&normal);
  if (record.event_count != 0) normal["events"] = events_of(record);
  if (record.dropped_attributes != 0) normal["dropped_attributes"] = record.dropped_attributes;
  if (record.type == TR_RECORD_RUN_FINISH) {
    normal["run_status"] = record.run_status < std::size(kRunStatus) ? kRunStatus[record.run_status] : "unknown";
    normal["exit_code"] = record.exit_code;
  }
  return normal;
}

void Names::bind(const std::string& name, const std::string& id) {
  if (name_of_.count(id) != 0 || id_of_.count(name) != 0) return;
  name_of_[id] = name;
  id_of_[name] = id;
}

std::string Names::show(const std::string& id, const std::string& wanted) {
  if (is_id(wanted)) return id;
  bind(wanted, id);
  const auto found = name_of_.find(id);
  return found == name_of_.end() ? id : found->second;
}

std::string difference(const json& expected, json actual, Names* names) {
  actual.erase("sequence");
  for (const char* time : {"start_ns", "end_ns"}) {
    if (!expected.contains(time)) actual.erase(time);
  }
  for (const char* member : {"trace", "span", "run", "parent"}) {
    if (!actual.contains(member) || !expected.contains(member)) continue;
    actual[member] = names->show(actual[member].get<std::string>(), expected[member].get<std::string>());
  }
  const json wanted = normal(expected);
  if (same(wanted, actual)) return {};
  return "expected " + wanted.dump() + "\n  but got " + actual.dump();
}

std::string insane(const json& actual) {
  const std::string type = actual["type"].get<std::string>();
  const auto start = actual["start_ns"].get<int64_t>();
  const auto end = actual["end_ns"].get<int64_t>();
  if (start <= 0) return "the start of a " + type + " is " + std::to_string(start);
  if ((type == "trace_start" || type == "span_start") && end != 0) return "the end of a " + type;
  if ((type == "trace_end" || type == "span_end") && end < start) return "an end before its start: " + type;
  return {};
}

}  // namespace trunkline::scenarios
