#include "processors/mlflow/rest_traces.hpp"

#include <deque>

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

// With one run and one resource for all spans of a request.
bool have_one_destination(const TracePart& a, const TracePart& b) {
  return a.experiment_id == b.experiment_id && a.run_id == b.run_id && a.service_name == b.service_name &&
         a.process_id == b.process_id;
}

net::Request addressed(net::Request request) {
  request.method = "POST";
  request.path = "/v1/traces";
  request.headers.push_back({"Content-Type", "application/x-protobuf"});
  return request;
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

// The first shows whether there is an endpoint.
Error RestTraces::send(const std::vector<TracePart>& parts, std::vector<Refusal>* refused) {
  Error first;
  Parts rest;
  for (const TracePart& part : parts) {
    if (endpoint_ == Endpoint::kThere) {
      rest.push_back(&part);
      continue;
    }
    Error error = send_part(part, refused);
    if (error.code == TR_EAGAIN) return error;
    if (error && !first) first = std::move(error);
  }
  Error error = send_several(rest);
  return first && error.code != TR_EAGAIN ? first : error;
}

Error RestTraces::send_part(const TracePart& part, std::vector<Refusal>* refused) {
  const encode::OtlpTrace trace = otlp_trace(part);
  Error error = endpoint_ == Endpoint::kMissing ? Error::none() : send_spans(part, trace);
  if (error.code == TR_EAGAIN) return error;
  if (endpoint_ == Endpoint::kMissing) return files_.add(part, trace, refused);
  if (part.end == nullptr) return error;
  Error failed = send_infos({&part});
  return failed ? failed : error;
}

bool RestTraces::fill(const Parts& parts, Place* at, net::Request* request) {
  const TracePart* first = nullptr;
  for (; at->part < parts.size(); *at = {at->part + 1, 0}) {
    const TracePart& part = *parts[at->part];
    if (first != nullptr && !have_one_destination(*first, part)) break;
    if (first == nullptr) speak_for(part);
    const encode::OtlpTrace trace = otlp_trace(part);
    const size_t count = part.spans.size() + (part.end != nullptr ? 1 : 0);
    bool full = false;
    for (; at->record < count && !full; at->record += full ? 0 : 1) {
      const tr_record* record = at->record < part.spans.size() ? part.spans[at->record] : part.end;
      full = request_->add(*record, trace) == encode::OtlpAdded::Full;
    }
    if (first == nullptr && request_->spans() > 0) first = &part;
    if (full) break;
  }
  if (first == nullptr) return false;
  *request = request_of(*first, request_->take());
  return true;
}

// Two requests with spans of one trace never are under way at once: both might make it.
Error RestTraces::send_round(const Parts& parts, Place* at, std::vector<Range>* refused) {
  std::deque<Range> under_way;
  Error later;
  const auto next = [&](net::Request* request) {
    const size_t begin = at->part;
    if (at->record > 0 && !under_way.empty()) return false;
    if (!fill(parts, at, request)) return false;
    under_way.push_back({begin, at->record > 0 ? at->part : at->part - 1});
    return true;
  };
  rest_->ask_all(next, [&](Error error, const net::Response& /*response*/) {
    const Range range = under_way.front();
    under_way.pop_front();
    if (error.code == TR_EAGAIN) {
      if (!later) later = std::move(error);
    } else if (error) {
      refused->push_back(range);
    }
  });
  return later;
}

// Spans that are refused cost no others: those of a request that is are said again trace by trace.
Error RestTraces::send_several(const Parts& parts) {
  std::vector<Range> refused;
  for (Place at; at.part < parts.size();) {
    if (Error error = send_round(parts, &at, &refused)) return error;
  }
  Error first;
  for (const Range& range : refused) {
    for (size_t i = range.first; i <= range.last; ++i) {
      Error error = send_spans(*parts[i], otlp_trace(*parts[i]));
      if (error.code == TR_EAGAIN) return error;
      if (error && !first) first = std::move(error);
    }
  }
  Error error = send_infos(parts);
  return first && error.code != TR_EAGAIN ? first : error;
}

Error RestTraces::send_infos(const Parts& parts) {
  std::vector<std::string> bodies;
  for (const TracePart* part : parts) {
    if (part->end != nullptr) bodies.push_back(trace_info_body(*part));
  }
  Error first;
  rest_->post_all("/api/3.0/mlflow/traces", std::move(bodies), [&](Error error, const std::string& /*answer*/) {
    if (error && (!first || error.code == TR_EAGAIN)) first = std::move(error);
  });
  return first;
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

net::Request RestTraces::request_of(const TracePart& part, std::string body) {
  net::Request request;
  request.headers = {{"x-mlflow-experiment-id", part.experiment_id}};
  if (!part.run_id.empty()) request.headers.push_back({"x-mlflow-run-id", part.run_id});
  request.body = std::move(body);
  return addressed(std::move(request));
}

Error RestTraces::post_spans(const TracePart& part) {
  net::Request request = request_of(part, request_->take());
  int status = 0;
  Error error = rest_->send(std::move(request), &status);
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
  Error error = rest_->send(addressed({}), &status);
  if (error.code == TR_EAGAIN) return error;
  endpoint_ = is_missing(status) || status == kNotThisStore ? Endpoint::kMissing : Endpoint::kThere;
  return Error::none();
}

}  // namespace trunkline::mlflow
