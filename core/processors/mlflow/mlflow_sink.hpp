// From batches of records to a Backend: which run each record belongs to, one round of calls for each run of a batch,
// and the state that is saved when all of it is there. A batch is taken whole or offered again; said again, it means
// the same to the server, for ids, times and steps are those of the first time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/run_work.hpp"
#include "processors/processor_host.hpp"

namespace trunkline::mlflow {

struct SinkOptions {
  std::string experiment_name;
  std::string experiment_id;  // empty: by its name
  std::string run_name;       // empty: the trace's
  std::string run_id;         // joined, if not empty
  std::string user;
  std::vector<Item> tags;
  bool auto_end_run = true;
  bool traces = true;
  std::string state_mark;  // what saved states begin with: of another mark they are of another server, and mean nothing
};

class Sink {
 public:
  Sink(SinkOptions options, std::unique_ptr<Backend> backend, const processors::ProcessorHost& host);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void restore(const std::string& directory, std::string_view state);
  int on_batch(const tr_batch& batch);

 private:
  using Works = std::map<std::string, RunWork>;
  // What was found or made for a batch that was not taken in the end.
  struct Made {
    std::string run_id;
    std::string experiment_id;
  };

  std::string key_of(const tr_record& record) const;
  Error take(const tr_batch& batch);
  Error work_for(const std::string& key, const tr_record& record, bool adopted, RunStates* known, Works* works,
                 RunWork** out);
  Error find_run(const std::string& key, bool may_be_there, RunWork* work);
  NewRun new_run(const std::string& key, const RunState& state) const;
  Error ensure_runs(const std::vector<std::string>& order, Works* works);
  Expected<std::string> experiment_for(const RunWork& work);
  Error settle(const std::vector<RunWork*>& works, std::vector<Error>* errors);
  Error send(const std::vector<std::string>& order, Works* works);
  Error send_items(const std::vector<std::string>& order, Works* works);
  Error send_ends(const std::vector<std::string>& order, Works* works);
  Error send_artifacts(RunWork* work);
  Error send_artifact(const std::string& run_id, const Artifact& artifact);
  void name_services(Works* works) const;
  Error send_traces(Works* works, bool adopted);
  void choose_where_state_lies(const RunStates& known, Works* works);
  void commit(Works* works, RunStates* known);
  void remark(const std::string& sentence);
  void refused(const std::vector<Refusal>& items);
  std::string unique_key(const std::string& key) const { return directory_ + "/" + key; }

  const SinkOptions options_;
  const std::unique_ptr<Backend> backend_;
  const processors::ProcessorHost host_;
  std::map<std::string, RunStates> states_;  // by run directory
  std::map<std::string, std::string> experiments_;
  std::map<std::string, Made> made_;
  std::set<std::string> attempted_;  // a run may have been made without our hearing of it
  // Artifacts, by run directory, sequence and path, of batches that have not been taken yet.
  std::map<std::string, std::set<std::pair<uint64_t, std::string>>> stored_;
  std::set<std::string> said_;
  std::string directory_;  // of the batch at hand
  uint64_t refused_ = 0;
  uint64_t refused_now_ = 0;  // of the batch at hand, which may be offered again
};

}  // namespace trunkline::mlflow
