// Traces of the file store. The spans of a trace that goes on are lines of a file beside the traces, where MLflow does
// not look; its end makes of them the trace's folder, trace_info.yaml last, by which it becomes visible whole. What is
// told again replaces what was there, by the id of the span.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "encode/otlp_span.hpp"
#include "processors/mlflow/file_store_files.hpp"
#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/span_list.hpp"

namespace trunkline::mlflow {

class TraceFiles {
 public:
  // `most_bytes`: what the spans of a trace may take; those beyond are refused.
  TraceFiles(Stage* stage, size_t most_bytes) : stage_(stage), most_bytes_(most_bytes) {}

  // `place` is the path of the experiment's folder.
  Error add(const Folder& experiment, const std::string& place, const TracePart& part, std::vector<Refusal>* refused);

 private:
  Expected<encode::OtlpTrace> about(const Folder& experiment, const std::string& name, const TracePart& part);
  Error append(const Folder& experiment, const std::string& name, const std::string& lines,
               std::vector<Refusal>* refused) const;
  Error gather(const Folder& experiment, const std::string& name, SpanList* list) const;
  Error complete(const Folder& experiment, const std::string& place, const std::string& name,
                 const encode::OtlpTrace& trace, const TracePart& part, SpanList* list);

  Stage* stage_;
  const size_t most_bytes_;
  std::map<std::string, encode::OtlpTrace> open_;
};

}  // namespace trunkline::mlflow
