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

struct RunState : processors::RunTotals {
  std::string run_id;  // empty: not made yet
  std::string experiment_id;
  std::string name;
  std::string group_id;
  std::string root_id;        // hexadecimal: the trace's own span
  std::string remote_parent;  // hexadecimal; empty: the trace began here
  std::string service_name;   // of whoever recorded the trace
  uint64_t sequence = 0;      // of the last record that is counted
  int64_t start_ns = 0;
  int64_t open = 0;      // traces of this id that have not ended
  int64_t log_step = 0;  // of the next metrics that the host logs without a step
  int status = 0;        // a RunStatus that the host gave it; 0: none
  bool spilled = false;  // no room in the saved state: it lies in a tag of the run
  bool lost = false;     // the run was deleted there

  // Not saved: the server knows them.
  std::map<std::string, std::string> params;
  // Not saved: nice to have in lists of traces.
  std::string request_preview;
  std::string response_preview;
};

using RunStates = std::map<std::string, RunState>;

// One run as JSON, for the saved state and the tag.
std::string run_state_text(const std::string& key, const RunState& state);
// All that are not spilled.
std::string run_states_text(const RunStates& states);
// What can be read of it; damage leaves things out.
RunStates parse_run_states(std::string_view text);

}  // namespace trunkline::mlflow
