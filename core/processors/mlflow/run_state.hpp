// What is remembered of one MLflow run while its trace, or run of the host, is open: its ids and what has been counted
// in it. It is saved with the cursor, so that the same record means the same metric at the same step after a crash.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "processors/run_totals.hpp"

namespace trunkline::mlflow {

// What all parts of one trace say, as its start told it. Ids are hexadecimal.
struct TraceState {
  std::string trace_id;
  std::string root_id;        // the trace's own span; empty: its start was not seen
  std::string remote_parent;  // empty: the trace began here
  std::string name;
  std::string group_id;
  std::string service_name;  // of whoever recorded the trace
  bool open = false;         // begun and not ended

  // Not saved: nice to have in lists of traces.
  std::string request_preview;
  std::string response_preview;
};

struct RunState : processors::RunTotals {
  std::string run_id;  // empty: not made yet
  std::string experiment_id;
  std::string name;
  std::string group_id;
  uint64_t sequence = 0;  // of the last record that is counted
  int64_t start_ns = 0;
  int64_t open = 0;      // traces of this run that have not ended
  int64_t log_step = 0;  // of the next metrics that the host logs without a step
  int status = 0;        // a RunStatus that the host gave it; 0: none
  bool spilled = false;  // no room in the saved state: it lies in a tag of the run
  bool lost = false;     // the run was deleted there

  // In the order in which they began. Saved are those that are open, as many as there is room for: what a trace is
  // called and where its spans hang is told by its end as well.
  std::vector<TraceState> traces;

  // Not saved: the server knows them.
  std::map<std::string, std::string> params;

  void forget_ended_traces();
};

using RunStates = std::map<std::string, RunState>;

// One run as JSON, for the saved state and the tag.
std::string run_state_text(const std::string& key, const RunState& state);
// All that are not spilled.
std::string run_states_text(const RunStates& states);
// What can be read of it; damage leaves things out.
RunStates parse_run_states(std::string_view text);

}  // namespace trunkline::mlflow
