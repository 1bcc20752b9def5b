// MLflow's own traces at a tracking server: finished spans by its OTLP endpoint, and for each finished trace one call
// that carries what OTLP does not carry to every version of the server: the run, the session, the name, metadata.
#pragma once

#include <string>
#include <vector>

#include "encode/otlp_request.hpp"
#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/mlflow_rest.hpp"

namespace trunkline::mlflow {

class RestTraces {
 public:
  explicit RestTraces(Rest* rest);

  // TR_EUNSUPPORTED: the server takes no spans; what can be told of its traces is told.
  Error send(const std::vector<TracePart>& parts);

 private:
  Error send_spans(const TracePart& part);
  Error post_spans(const TracePart& part);
  Error send_info(const TracePart& part);

  Rest* const rest_;
  encode::OtlpRequest request_;
  bool takes_spans_ = true;
};

// The body of the call that says what a trace was.
std::string trace_info_body(const TracePart& part);

}  // namespace trunkline::mlflow
