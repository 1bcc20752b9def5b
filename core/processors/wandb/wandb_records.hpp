// The records of a `.wandb` file: W&B's protobuf messages, as far as a run needs them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "processors/wandb/wandb_run.hpp"

namespace trunkline::wandb {

// Who and where a run is; all but the id may be empty.
struct RunHead {
  std::string id;
  std::string entity;
  std::string project;
  std::string group;
  std::string job_type;
  std::string name;
  std::string notes;
  std::vector<std::string> tags;
  std::string host;
  int64_t start_ns = 0;
  Values config;
};

// Each is the content of a file's record; `number` counts them from 1.
std::string header_record(int64_t number);
std::string run_record(int64_t number, const RunHead& head);
std::string config_record(int64_t number, const Values& values);
std::string history_record(int64_t number, const Row& row, const RunState& state);
// `seconds`: how long the run has lasted.
std::string summary_record(int64_t number, const Values& values, int64_t seconds);
// Files of the run, by their paths in its folder `files`.
std::string files_record(int64_t number, const std::vector<std::string>& paths);
// Each file of it lies where it says.
std::string artifact_record(int64_t number, const RunHead& head, const Artifact& artifact);
std::string use_artifact_record(int64_t number, const std::string& name);
std::string exit_record(int64_t number, int64_t code, int64_t seconds);

}  // namespace trunkline::wandb
