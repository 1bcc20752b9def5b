// Encodes records that it reads as JSON, for a test that decodes the result with the types of another project:
//     otlp_encode general|mlflow < records.json > request.bin
// {"resource": {...}, "limits": {"spans": n, "bytes": n}, "trace": {...}, "records": [...]}. Requests are written one
// after the other, each after its length as 8 hexadecimal digits. Doubles are texts, bytes and ids hexadecimal.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "encode/otlp_request.hpp"

namespace {

using nlohmann::json;
using namespace trunkline;

// What records point to.
std::deque<std::string> texts;
std::deque<std::vector<int64_t>> integers;
std::deque<std::vector<double>> doubles;
std::deque<std::vector<tr_string>> strings;
std::deque<std::vector<tr_attribute>> attribute_lists;
std::deque<std::vector<tr_event>> event_lists;

tr_string keep(std::string text) {
  const std::string& kept = texts.emplace_back(std::move(text));
  return {kept.data(), kept.size()};
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16)));
  }
  return bytes;
}

double real(const json& text) { return std::strtod(text.get<std::string>().c_str(), nullptr); }

tr_value text_value(tr_type type, std::string bytes) {
  const tr_string kept = keep(std::move(bytes));
  return {type, 0, 0, 0, kept.data, kept.size};
}

tr_value value_of(const json& given) {
  if (given.is_null()) return {};
  const std::string type = given.at("type");
  const json& value = given.at("value");
  if (type == "bool") return {TR_TYPE_BOOL, 0, value.get<bool>() ? 1 : 0, 0, nullptr, 0};
  if (type == "i64") return {TR_TYPE_I64, 0, value.get<int64_t>(), 0, nullptr, 0};
  if (type == "f64") return {TR_TYPE_F64, 0, 0, real(value), nullptr, 0};
  if (type == "str") return text_value(TR_TYPE_STR, value);
  if (type == "json") return text_value(TR_TYPE_JSON, value);
  if (type == "bytes") return text_value(TR_TYPE_BYTES, from_hex(value));
  if (type == "bad_utf8") return text_value(TR_TYPE_STR, from_hex(value));
  if (type == "bool[]") return text_value(TR_TYPE_BOOL_ARRAY, from_hex(value));
  if (type == "i64[]") {
    const auto& list = integers.emplace_back(value.get<std::vector<int64_t>>());
    return {TR_TYPE_I64_ARRAY, 0, 0, 0, list.data(), list.size()};
  }
  if (type == "f64[]") {
    auto& list = doubles.emplace_back();
    for (const json& number : value) list.push_back(real(number));
    return {TR_TYPE_F64_ARRAY, 0, 0, 0, list.data(), list.size()};
  }
  if (type == "str[]") {
    auto& list = strings.emplace_back();
    for (const json& text : value) list.push_back(keep(text));
    return {TR_TYPE_STR_ARRAY, 0, 0, 0, list.data(), list.size()};
  }
  return {};
}

const tr_attribute* attributes_of(const json& given, size_t* count) {
  auto& list = attribute_lists.emplace_back();
  for (const auto& [key, value] : given.items()) list.push_back({keep(key), value_of(value)});
  *count = list.size();
  return list.data();
}

const tr_event* events_of(const json& given, size_t* count) {
  auto& list = event_lists.emplace_back();
  for (const json& event : given) {
    tr_event& added = list.emplace_back();
    added.name = keep(event.at("name"));
    added.time_ns = event.at("time_ns");
    added.attributes = attributes_of(event.value("attributes", json::object()), &added.attribute_count);
  }
  *count = list.size();
  return list.data();
}

template <size_t N>
void copy_id(const json& given, const char* name, uint8_t (&out)[N]) {
  const std::string bytes = from_hex(given.value(name, ""));
  std::memcpy(out, bytes.data(), std::min(bytes.size(), N));
}

tr_record record_of(const json& given) {
  tr_record record{};
  record.struct_size = sizeof record;
  record.type = given.value("type", TR_RECORD_SPAN_END);
  record.flags = given.value("flags", 0u);
  record.kind = given.value("kind", 0u);
  copy_id(given, "trace_id", record.trace_id);
  copy_id(given, "span_id", record.span_id);
  copy_id(given, "parent_id", record.parent_id);
  record.start_ns = given.value("start_ns", int64_t{0});
  record.end_ns = given.value("end_ns", int64_t{0});
  for (const auto& [name, field] :
       {std::pair{"name", &record.name}, std::pair{"group_id", &record.group_id},
        std::pair{"foreign_id", &record.foreign_id}, std::pair{"model", &record.model},
        std::pair{"score_name", &record.score_name}, std::pair{"error_type", &record.error_type},
        std::pair{"error_message", &record.error_message}}) {
    *field = keep(given.value(name, ""));
  }
  record.input = value_of(given.value("input", json()));
  record.output = value_of(given.value("output", json()));
  const auto usage = given.value("usage", std::vector<int64_t>(6, -1));
  record.usage = {usage.at(0), usage.at(1), usage.at(2), usage.at(3), usage.at(4), usage.at(5)};
  record.score = real(given.value("score", json("nan")));
  record.step = given.value("step", int64_t{-1});
  record.dropped_attributes = given.value("dropped", 0u);
  record.attributes = attributes_of(given.value("attributes", json::object()), &record.attribute_count);
  record.events = events_of(given.value("events", json::array()), &record.event_count);
  return record;
}

void write(const std::string& request) {
  if (request.empty()) return;
  std::printf("%08zx", request.size());
  std::fwrite(request.data(), 1, request.size(), stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::string text;
  char buffer[65536];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) text.append(buffer, got);
  const json given = json::parse(text);

  encode::OtlpResource resource;
  const json names = given.value("resource", json::object());
  const auto name = [&](const char* key) {
    const tr_string kept = keep(names.value(key, ""));
    return std::string_view(kept.data, kept.size);
  };
  resource.service_name = name("service_name");
  resource.service_version = name("service_version");
  resource.instance_id = name("instance_id");
  resource.host_name = name("host_name");
  resource.executable = name("executable");
  resource.project = name("project");
  resource.process_id = names.value("process_id", int64_t{0});
  resource.attributes = attributes_of(names.value("attributes", json::object()), &resource.attribute_count);
  encode::OtlpLimits limits;
  limits.spans = given.value("limits", json::object()).value("spans", limits.spans);
  limits.bytes = given.value("limits", json::object()).value("bytes", limits.bytes);

  const bool mlflow = std::strcmp(argv[1], "mlflow") == 0;
  encode::OtlpRequest request(mlflow ? encode::OtlpDialect::Mlflow : encode::OtlpDialect::General, resource, limits);
  const json about = given.value("trace", json::object());
  encode::OtlpTrace trace = encode::otlp_trace_of(record_of(about));
  trace.input = value_of(about.value("root_input", json()));
  trace.output = value_of(about.value("root_output", json()));
  trace.events = events_of(about.value("root_events", json::array()), &trace.event_count);
  for (const json& each : given.at("records")) {
    const tr_record record = record_of(each);
    if (request.add(record, trace) == encode::OtlpAdded::Full) {
      if (request.bytes() > limits.bytes && request.spans() > 1) return 3;
      write(request.take());
      if (request.add(record, trace) == encode::OtlpAdded::Full) return 4;
    }
  }
  const size_t expected = request.bytes();
  const std::string last = request.take();
  if (last.size() != expected) return 5;
  write(last);
  return 0;
}
