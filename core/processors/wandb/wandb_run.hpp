// What is remembered of one W&B run while it is open, and what a batch adds to it. The state is saved with the cursor,
// so that the same record means the same row at the same place after an outage or a crash.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "processors/run_totals.hpp"
#include "processors/wandb/wandb_artifact.hpp"

namespace trunkline::wandb {

// A key and a value as W&B writes JSON: what is not finite is the bare word NaN, Infinity or -Infinity.
struct Item {
  std::string key;
  std::string json;
};

// Keys in their order, with the last value of each.
using Values = std::map<std::string, std::string>;

struct Row {
  int64_t step = 0;
  int64_t ns = 0;
  Values values;
  std::string runtime = {};  // in seconds, as somebody else measured it; empty: since the start of the run
};

// The spans of a trace that wait for its end on the side (trace_tree.hpp).
struct TreeState {
  uint64_t bytes = 0;
};

struct RunState : processors::RunTotals {
  std::string id;       // W&B's; empty: not begun
  std::string entity;   // online: as the server names them
  std::string project;  // of a run of the host: what it asked for
  std::string name;
  std::string group;
  std::string path;        // offline: the folder of the run
  std::string root_id;     // hexadecimal: the trace's own span
  std::string above_root;  // hexadecimal: where a trace continues from; empty: it began here
  uint64_t sequence = 0;   // of the last record that is counted
  int64_t start_ns = 0;
  int64_t last_ns = 0;    // of the last row
  int64_t open = 0;       // traces that have not ended
  int64_t open_runs = 0;  // of the host, that have not finished
  int64_t next_step = 0;  // one past the last row's
  int64_t lines = 0;      // rows the server has, or would have
  int64_t taken = 0;      // offline: rows before this one are at the server, which refused the others
  int64_t ran_ns = 0;     // how long it had run when it was found there
  int64_t length = 0;     // offline: bytes of the file
  int64_t records = 0;    // offline: how many it has
  std::vector<std::string> tags;
  Values summary;
  std::optional<Row> pending;        // logged by the host for a step that may get more
  std::optional<int64_t> exit_code;  // how it ends, as far as that is known
  bool of_trace = false;             // else: a run of the host alone
  bool finished = false;             // W&B was told that it is over; it may go on
  bool resumed = false;              // it was there before we were
  TreeState tree;
  bool offline = false;  // the server does not take it: it is written to a file
  bool lost = false;     // it is gone there, or what was written is gone
  bool spilled = false;  // no room in the saved state: it lies in a file of its own

  // Not saved: the server and the file have it.
  Values config;
  bool config_known = false;
};

// A file or artifact that is not stored though the rest of its run is.
struct Loss {
  uint64_t sequence = 0;  // of the record that names it; 0: none does
  std::string path;
  std::string sentence;    // for people
  bool not_there = false;  // an artifact that is used and that the server does not have yet
};

using RunStates = std::map<std::string, RunState>;

// What a batch adds to a run.
struct RunDelta {
  bool begins = false;
  Values config;
  bool tags_changed = false;
  std::vector<Row> rows;
  Values summary;                          // what changed
  std::vector<processors::RunFile> files;  // by their paths among the run's
  std::vector<Artifact> artifacts;         // that the run has made
  std::vector<UsedArtifact> used;
  std::optional<int64_t> exit_code;
  int64_t end_ns = 0;

  bool has_files() const { return !files.empty() || !artifacts.empty() || !used.empty(); }
  bool empty() const {
    return !begins && config.empty() && !tags_changed && rows.empty() && summary.empty() && !has_files() && !exit_code;
  }
};

// A value as W&B writes it.
std::string json_of(const tr_value& value);
// Seconds with a fraction.
std::string seconds_of(int64_t ns);
// The text of a row, with its step and times.
std::string row_text(const Row& row, const RunState& state);

// What a summary has beside its values: step and times of the last row, if there is one.
void add_times(Values* summary, const RunState& state);

// One run as JSON, and all that are not spilled.
std::string run_state_text(const std::string& key, const RunState& state);
std::string run_states_text(const RunStates& states);
// What can be read of it; damage leaves things out.
RunStates parse_run_states(std::string_view text);

}  // namespace trunkline::wandb
