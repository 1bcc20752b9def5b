// The bodies of requests about a run, and what of a run can be read from an answer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "processors/wandb/wandb_backend.hpp"

namespace trunkline::wandb {

inline constexpr const char* kUpsertQuery =
    "mutation UpsertBucket($name: String, $project: String, $entity: String, $groupName: String, $displayName: String, "
    "$notes: String, $config: JSONString, $host: String, $jobType: String, $tags: [String!]) { upsertBucket(input: "
    "{name: $name, modelName: $project, entityName: $entity, groupName: $groupName, displayName: $displayName, notes: "
    "$notes, config: $config, host: $host, jobType: $jobType, tags: $tags}) { bucket { id name displayName project { "
    "name entity { name } } } inserted } }";
inline constexpr const char* kRunQuery =
    "query RunResumeStatus($project: String, $entity: String, $name: String!) { model(name: $project, entityName: "
    "$entity) { bucket(name: $name, missingOk: true) { id name config summaryMetrics historyLineCount historyTail "
    "eventsTail tags } } }";

// The variables of the two.
std::string upsert_variables(const RunState& state, const Place& place);
std::string run_variables(const RunState& state, const Place& place);

// Where the run of an upsert is: false, if the answer does not say.
bool read_place(const std::string& answer, RunState* state);
// A run that is there: false, if there is none. Of what the state has already, nothing is changed.
bool read_found_run(const std::string& answer, RunState* state);
void read_found_config(const std::string& answer, RunState* state);

// What is said with the last row: it is known later when files go between.
struct LastWord {
  std::vector<std::string> uploaded = {};  // paths of files
  std::optional<int64_t> exit_code = {};   // the run is over

  bool empty() const { return uploaded.empty() && !exit_code; }
};

// Rows from `first`, as many as go into `most_bytes` or at least one; with the last of them what else is to be said.
std::string stream_body(const RunState& state, const RunDelta& delta, const LastWord& last_word, size_t first,
                        size_t most_bytes, size_t* next);

// The path of a run's stream.
std::string stream_path(const RunState& state);

}  // namespace trunkline::wandb
