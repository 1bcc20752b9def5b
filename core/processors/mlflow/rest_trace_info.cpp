#include "processors/mlflow/rest_trace_info.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "processors/mlflow/mlflow_keys.hpp"

namespace trunkline::mlflow {
namespace {

using encode::HexId;
using encode::JsonObject;
using encode::view;

constexpr size_t kMostMetadataCharacters = 250;
constexpr size_t kMostTagOfTraceCharacters = 4096;

std::string rfc3339(int64_t ns) {
  const auto seconds = static_cast<time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(ns / 1'000'000 % 1000));
  return text;
}

std::string duration(int64_t ns) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld.%09llds", static_cast<long long>(ns / 1'000'000'000),
                static_cast<long long>(ns % 1'000'000'000));
  return text;
}

void add_metadata(JsonObject* info, const TracePart& part, const std::vector<Item>& more) {
  JsonObject metadata(info->member("trace_metadata"));
  if (!part.run_id.empty()) metadata.string("mlflow.sourceRun", part.run_id);
  metadata.string_unless_empty("mlflow.trace.session", cut_text(part.group_id, kMostMetadataCharacters));
  for (size_t i = 0; i < part.end->attribute_count; ++i) {
    const tr_attribute& each = part.end->attributes[i];
    const bool user = view(each.key) == "user.id";
    const std::string value = value_text(each.value);
    if (view(each.key).rfind("mlflow.", 0) == 0) continue;
    metadata.string(user ? "mlflow.trace.user" : view(each.key), cut_text(value, kMostMetadataCharacters));
  }
  for (const Item& each : more) metadata.string_unless_empty(each.key, cut_text(each.value, kMostMetadataCharacters));
  metadata.close();
}

}  // namespace

std::string trace_info_body(const TracePart& part, const std::vector<Item>& metadata) {
  const tr_record& end = *part.end;
  std::string body;
  JsonObject whole(&body);
  JsonObject trace(whole.member("trace"));
  JsonObject info(trace.member("trace_info"));
  info.string("trace_id", "tr-" + std::string(HexId<16>(end.trace_id).view()));
  JsonObject location(info.member("trace_location"));
  location.string("type", "MLFLOW_EXPERIMENT");
  JsonObject experiment(location.member("mlflow_experiment"));
  experiment.string("experiment_id", part.experiment_id);
  experiment.close();
  location.close();
  info.string("request_time", rfc3339(std::max<int64_t>(0, end.start_ns)));
  info.string("execution_duration", duration(std::max<int64_t>(0, end.end_ns - end.start_ns)));
  info.string("state", (end.flags & (TR_RECORD_FAILED | TR_RECORD_INCOMPLETE)) != 0 ? "ERROR" : "OK");
  info.string_unless_empty("request_preview", part.request_preview);
  info.string_unless_empty("response_preview", part.response_preview);
  add_metadata(&info, part, metadata);
  JsonObject tags(info.member("tags"));
  if (!part.name.empty()) tags.string("mlflow.traceName", part.name);
  for (const Item& tag : part.tags) tags.string(tag.key, cut_text(tag.value, kMostTagOfTraceCharacters));
  tags.close();
  info.close();
  trace.close();
  whole.close();
  return body;
}

}  // namespace trunkline::mlflow
