// MLflow's traces at a server that takes no spans over OTLP, for its store is files or it is older than 3.4: the spans
// are the file traces.json among the trace's artifacts, where MLflow's own client had put them before there was OTLP.
// Spans of a trace that goes on are further files beside it, each as long as a request should be, of which its end
// makes traces.json; so each span is sent and read a few times, however many batches there are. What is told again
// replaces what was there, by the id of the span.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "encode/otlp_span.hpp"
#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/rest_artifacts.hpp"
#include "processors/mlflow/span_list.hpp"

namespace trunkline::mlflow {

class RestTraceFiles {
 public:
  // `most_bytes`: what the spans of a trace may take; those beyond are refused.
  explicit RestTraceFiles(Rest* rest, size_t most_bytes = kMostSpanBytes)
      : rest_(rest), artifacts_(rest), most_bytes_(most_bytes) {}

  Error add(const TracePart& part, const encode::OtlpTrace& trace, std::vector<Refusal>* refused);

 private:
  // Of a trace that goes on: the file that grows.
  struct Growing {
    std::string name;
    std::string lines;
    size_t bytes = 0;  // in all files
  };
  struct Gathered {
    SpanList list;
    std::vector<std::string> files;  // of the spans that came before the end
    explicit Gathered(size_t most_bytes) : list(most_bytes) {}
  };

  // The lines of a part.
  struct Told {
    std::string lines;
    std::string end;
  };

  Expected<std::string> folder_of(const std::string& experiment_id, const std::string& trace);
  Error grow(const std::string& folder, const std::string& name, const std::string& lines, uint64_t first,
             std::vector<Refusal>* refused);
  Error gather(const std::string& folder, const TracePart& part, bool is_made, Gathered* all);
  Error put_spans(const std::string& folder, const TracePart& part, bool is_made, const Told& told, Gathered* all);
  Error complete(const Expected<std::string>& folder, const std::string& name, const TracePart& part, const Told& told,
                 std::vector<Refusal>* refused);

  Rest* const rest_;
  RestArtifacts artifacts_;
  const size_t most_bytes_;
  std::map<std::string, std::string> experiments_;  // the path of their artifacts
  std::map<std::string, Growing> growing_;
};

}  // namespace trunkline::mlflow
