// MLflow's traces at a server that takes no spans over OTLP, for its store is files or it is older than 3.4: the spans
// are the file traces.json among the trace's artifacts, where MLflow's own client had put them before there was OTLP.
// The file grows with each part of the trace; what is told again replaces what was there, by the id of the span.
#pragma once

#include <map>
#include <string>

#include "encode/otlp_span.hpp"
#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/rest_artifacts.hpp"
#include "processors/mlflow/span_list.hpp"

namespace trunkline::mlflow {

class RestTraceFiles {
 public:
  explicit RestTraceFiles(Rest* rest) : rest_(rest), artifacts_(rest) {}

  Error add(const TracePart& part, const encode::OtlpTrace& trace);

 private:
  Expected<std::string> artifacts_of(const std::string& experiment_id);
  Error put_spans(const TracePart& part, const std::string& name, const std::string& lines, SpanList* list);
  Error make_trace(const TracePart& part, const std::string& name, const SpanList& list);

  Rest* const rest_;
  RestArtifacts artifacts_;
  std::map<std::string, std::string> experiments_;  // the path of their artifacts
};

}  // namespace trunkline::mlflow
