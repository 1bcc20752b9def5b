#include "processors/mlflow/rest_traces.hpp"

#include "processors/mlflow/rest_trace_info.hpp"

namespace trunkline::mlflow {
namespace {

constexpr int kNotThisStore = 501;

bool is_missing(int status) { return status == 404 || status == 405; }

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

}  // namespace

RestTraces::RestTraces(Rest* rest) : rest_(rest), files_(rest) {}

// A request is empty between two parts.
void RestTraces::speak_for(const TracePart& part) {
  if (request_ && service_name_ == part.service_name && process_id_ == part.process_id) return;
  service_name_ = part.service_name;
  process_id_ = part.process_id;
  encode::OtlpResource resource;
  resource.service_name = service_name_;
  resource.process_id = process_id_;
  request_.emplace(encode::OtlpDialect::Mlflow, resource);
}

Error RestTraces::send(const std::vector<TracePart>& parts, std::vector<Refusal>* refused) {
  Error first;
  for (const TracePart& part : parts) {
    Error error = send_part(part, refused);
    if (error.code == TR_EAGAIN) return error;
    if (error && !first) first = std::move(error);
  }
  return first;
}

Error RestTraces::send_part(const TracePart& part, std::vector<Refusal>* refused) {
  const encode::OtlpTrace trace = otlp_trace(part);
  Error error = endpoint_ == Endpoint::kMissing ? Error::none() : send_spans(part, trace);
  if (error.code == TR_EAGAIN) return error;
  if (endpoint_ == Endpoint::kMissing) return files_.add(part, trace, refused);
  if (part.end == nullptr) return error;
  Error failed = send_info(part);
  return failed ? failed : error;
}

// Spans that are refused cost no others.
Error RestTraces::send_spans(const TracePart& part, const encode::OtlpTrace& trace) {
  std::vector<const tr_record*> records = part.spans;
  if (part.end != nullptr) records.push_back(part.end);
  speak_for(part);
  Error first;
  for (size_t i = 0; i < records.size();) {
    if (request_->add(*records[i], trace) != encode::OtlpAdded::Full) {
      ++i;
      continue;
    }
    Error error = post_spans(part);
    if (error.code == TR_EAGAIN || endpoint_ == Endpoint::kMissing) return error;
    if (error && !first) first = std::move(error);
  }
  Error error = request_->spans() == 0 ? Error::none() : post_spans(part);
  return first && error.code != TR_EAGAIN ? first : error;
}

Error RestTraces::post_spans(const TracePart& part) {
  net::Request request;
  request.headers = {{"x-mlflow-experiment-id", part.experiment_id}};
  if (!part.run_id.empty()) request.headers.push_back({"x-mlflow-run-id", part.run_id});
  request.body = request_->take();
  int status = 0;
  Error error = post(std::move(request), &status);
  if (!error) endpoint_ = Endpoint::kThere;
  if (status == kNotThisStore) endpoint_ = Endpoint::kMissing;
  if (is_missing(status) && endpoint_ == Endpoint::kUnknown) {
    if (Error failed = look_for_endpoint()) return failed;
  }
  return error;
}

// A 404 may mean the experiment. Without naming one, a server that has the endpoint says what it misses.
Error RestTraces::look_for_endpoint() {
  int status = 0;
  Error error = post({}, &status);
  if (error.code == TR_EAGAIN) return error;
  endpoint_ = is_missing(status) || status == kNotThisStore ? Endpoint::kMissing : Endpoint::kThere;
  return Error::none();
}

Error RestTraces::post(net::Request request, int* status) {
  request.method = "POST";
  request.path = "/v1/traces";
  request.headers.push_back({"Content-Type", "application/x-protobuf"});
  return rest_->send(std::move(request), status);
}

Error RestTraces::send_info(const TracePart& part) {
  std::string answer;
  return rest_->post("/api/3.0/mlflow/traces", trace_info_body(part), &answer);
}

}  // namespace trunkline::mlflow
