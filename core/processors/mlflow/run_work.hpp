// What the records of a batch mean for one MLflow run: the metrics, params and tags to be logged, and whether it ends.
// Nothing is sent here and nothing is asked, so the same records and the same state always mean the same.
#pragma once

#include <optional>
#include <string>

#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/run_state.hpp"
#include "processors/run_files.hpp"

namespace trunkline::mlflow {

// A file to be stored with the run, as it was when it was named.
struct Artifact {
  uint64_t sequence = 0;
  processors::RunFile file;
};

struct RunWork {
  RunState state;
  RunItems items;
  std::vector<TracePart> parts;  // of each of state.traces
  std::vector<Artifact> artifacts;
  std::optional<RunStatus> ends_as;
  int64_t end_ms = 0;
  bool refused = false;              // in part: its end is not told
  std::string project;               // of a run of the host
  std::vector<std::string> remarks;  // for people

  // `keep_open`: the end of the trace does not end the run.
  void add(const tr_record& record, bool keep_open);

  // What is told of the traces in these records, with what their starts told.
  std::vector<TracePart> take_parts();

 private:
  void add_start(const tr_record& record);
  void add_trace_start(const tr_record& record);
  // An index of state.traces and parts; what is not there is added.
  size_t trace_with_root(const tr_record& record);
  size_t newest_trace(const tr_record& record);
  size_t add_trace(std::string_view trace_id, std::string_view root_id);
  void add_span(const tr_record& record);
  void add_generation(const processors::Counted& counted, int64_t ns);
  void add_trace_end(const tr_record& record, bool keep_open);
  void add_run_log(const tr_record& record);
  void add_run_summary(const tr_record& record);
  void add_run_finish(const tr_record& record);
  void add_artifact(const tr_record& record);
  void add_artifact_files(const tr_record& record);
  void add_media(const tr_record& record);
  void add_file(const tr_record& record, processors::RunFile file);
  void not_recorded(const tr_record& record, const std::string& why);

  void metric(std::string_view key, double value, int64_t step, int64_t ns);
  void param(std::string_view key, std::string_view value);
  void tag(std::string_view key, std::string_view value);
  static void preview(const tr_record& record, TraceState* trace);
  void params_of(const tr_record& record, bool ended);
};

// Adds a tag, or replaces the one of that key.
void put_tag(std::vector<Item>* tags, std::string_view key, std::string_view value);

}  // namespace trunkline::mlflow
