// MLflow's own traces at a tracking server: finished spans by its OTLP endpoint, and for each finished trace one call
// that carries what OTLP does not carry to every version of the server: the run, the session, the name, metadata.
// Several are on their way at once, and spans of traces of one run share a request. A server that has no such endpoint
// gets its traces as files (rest_trace_files.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "encode/otlp_request.hpp"
#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/mlflow_rest.hpp"
#include "processors/mlflow/rest_trace_files.hpp"

namespace trunkline::mlflow {

class RestTraces {
 public:
  explicit RestTraces(Rest* rest);

  Error send(const std::vector<TracePart>& parts, std::vector<Refusal>* refused);

 private:
  enum class Endpoint { kUnknown, kThere, kMissing };

  using Parts = std::vector<const TracePart*>;
  struct Place {
    size_t part = 0;
    size_t record = 0;
  };
  struct Range {
    size_t first;
    size_t last;
  };

  void speak_for(const TracePart& part);
  Error send_several(const Parts& parts);
  Error send_round(const Parts& parts, Place* at, std::vector<Range>* refused);
  // Makes a request of the spans from `at` on that have one destination. False: there are none left.
  bool fill(const Parts& parts, Place* at, net::Request* request);
  Error send_infos(const Parts& parts);
  Error send_part(const TracePart& part, std::vector<Refusal>* refused);
  Error send_spans(const TracePart& part, const encode::OtlpTrace& trace);
  Error post_spans(const TracePart& part);
  Error look_for_endpoint();
  static net::Request request_of(const TracePart& part, std::string body);

  Rest* const rest_;
  std::optional<encode::OtlpRequest> request_;  // of the service and process that are below
  std::string service_name_;
  int64_t process_id_ = 0;
  RestTraceFiles files_;
  Endpoint endpoint_ = Endpoint::kUnknown;
};

}  // namespace trunkline::mlflow
