// Traces of the file store. The spans of a trace that goes on are lines of a file beside the traces, where MLflow does
// not look; its end makes of them the trace's folder, trace_info.yaml last, by which it becomes visible whole. What is
// told again replaces what was there, by the id of the span.
#pragma once

#include <map>
#include <string>

#include "encode/otlp_span.hpp"
#include "processors/mlflow/file_store_files.hpp"
#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

class TraceFiles {
 public:
  explicit TraceFiles(Stage* stage) : stage_(stage) {}

  // `place` is the path of the experiment's folder.
  Error add(const Folder& experiment, const std::string& place, const TracePart& part);

 private:
  Expected<encode::OtlpTrace> about(const Folder& experiment, const std::string& name, const TracePart& part);
  Error append(const Folder& experiment, const std::string& name, const std::string& lines) const;
  Error complete(const Folder& experiment, const std::string& place, const std::string& name,
                 const encode::OtlpTrace& trace, const TracePart& part, const std::string& lines);

  Stage* stage_;
  std::map<std::string, encode::OtlpTrace> open_;
};

}  // namespace trunkline::mlflow
