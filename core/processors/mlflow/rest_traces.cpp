#include "processors/mlflow/rest_traces.hpp"

#include <unistd.h>

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

encode::OtlpResource resource() {
  encode::OtlpResource about;
  about.process_id = getpid();
  return about;
}

template <size_t N>
void read_hex(std::string_view text, std::array<uint8_t, N>* out) {
  const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  out->fill(0);
  if (text.size() != 2 * N) return;
  for (size_t i = 0; i < N; ++i) (*out)[i] = static_cast<uint8_t>(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
}

encode::OtlpTrace otlp_trace(const TracePart& part) {
  const tr_record* known = part.end != nullptr ? part.end : part.start;
  encode::OtlpTrace trace = known != nullptr ? encode::otlp_trace_of(*known) : encode::OtlpTrace();
  if (!part.name.empty()) trace.name = part.name;
  if (trace.conversation_id.empty()) trace.conversation_id = part.group_id;
  if (!part.root_id.empty()) read_hex(part.root_id, &trace.root_id);
  if (!part.remote_parent.empty()) read_hex(part.remote_parent, &trace.remote_parent);
  return trace;
}

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

void add_metadata(JsonObject* info, const TracePart& part) {
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
  metadata.close();
}

}  // namespace

std::string trace_info_body(const TracePart& part) {
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
  info.string("state", (end.flags & TR_RECORD_FAILED) != 0 ? "ERROR" : "OK");
  info.string_unless_empty("request_preview", part.request_preview);
  info.string_unless_empty("response_preview", part.response_preview);
  add_metadata(&info, part);
  JsonObject tags(info.member("tags"));
  if (!part.name.empty()) tags.string("mlflow.traceName", part.name);
  for (const Item& tag : part.tags) tags.string(tag.key, cut_text(tag.value, kMostTagOfTraceCharacters));
  tags.close();
  info.close();
  trace.close();
  whole.close();
  return body;
}

RestTraces::RestTraces(Rest* rest) : rest_(rest), request_(encode::OtlpDialect::Mlflow, resource()) {}

Error RestTraces::send(const std::vector<TracePart>& parts) {
  Error first;
  for (const TracePart& part : parts) {
    Error error = takes_spans_ ? send_spans(part) : Error::none();
    if (error.code != TR_EAGAIN && part.end != nullptr) {
      if (Error failed = send_info(part)) error = failed;
    }
    if (error.code == TR_EAGAIN) return error;
    if (error && !first) first = std::move(error);
  }
  return first;
}

Error RestTraces::post_spans(const TracePart& part) {
  net::Request request;
  request.method = "POST";
  request.path = "/v1/traces";
  request.headers = {{"Content-Type", "application/x-protobuf"}, {"x-mlflow-experiment-id", part.experiment_id}};
  if (!part.run_id.empty()) request.headers.push_back({"x-mlflow-run-id", part.run_id});
  request.body = request_.take();
  int status = 0;
  Error error = rest_->send(std::move(request), &status);
  if (status != 501 && status != 404 && status != 405) return error;
  takes_spans_ = false;
  return {TR_EUNSUPPORTED, "the server takes no spans (it is older than 3.4, or stores to files): traces come without"};
}

Error RestTraces::send_spans(const TracePart& part) {
  const encode::OtlpTrace trace = otlp_trace(part);
  std::vector<const tr_record*> records = part.spans;
  if (part.end != nullptr) records.push_back(part.end);
  for (size_t i = 0; i < records.size();) {
    if (request_.add(*records[i], trace) != encode::OtlpAdded::Full) {
      ++i;
    } else if (Error error = post_spans(part)) {
      return error;
    }
  }
  return request_.spans() == 0 ? Error::none() : post_spans(part);
}

Error RestTraces::send_info(const TracePart& part) {
  std::string answer;
  return rest_->post("/api/3.0/mlflow/traces", trace_info_body(part), &answer);
}

}  // namespace trunkline::mlflow
