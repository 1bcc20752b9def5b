// From batches of records to a Backend: which run each record belongs to, one round for each run of a batch, and the
// state that is saved when all of it is there. A batch is taken whole or offered again; said again, it means the same,
// for ids, steps, times and places are those of the first time.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "processors/processor_host.hpp"
#include "processors/wandb/run_work.hpp"
#include "processors/wandb/state_files.hpp"
#include "processors/wandb/wandb_backend.hpp"

namespace trunkline::wandb {

struct SinkOptions {
  RunTerms terms;
  std::string state_folder;  // of states for which there is no room; may be empty
  std::string state_mark;  // what saved states begin with: of another mark they are of another place, and mean nothing
  uint32_t interval_ms = 0;  // at least so long between batches, unless somebody waits
};

class Sink {
 public:
  // `refuge`: takes the runs that `backend` will never take; may be null.
  Sink(SinkOptions options, std::unique_ptr<Backend> backend, std::unique_ptr<Backend> refuge,
       const processors::ProcessorHost& host);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void restore(const std::string& directory, std::string_view state);
  int on_batch(const tr_batch& batch);
  void on_tick() { backend_->tick(); }

 private:
  using Works = std::map<std::string, RunWork>;

  Error take(const tr_batch& batch, RunStates* known);
  Error work_for(const std::string& key, const tr_record& record, const RunStates& known, Works* works, RunWork** out);
  Error resume(const std::string& key, const tr_record& record, RunWork* work);
  Error write_all(Works* works, RunStates* known);
  Error write(const std::string& key, RunWork* work);
  Error grow_trees(const std::string& key, RunWork* work);
  Error keep_states(RunStates* known);
  Error write_to_refuge(RunWork* work);
  Error write_to(Backend* backend, RunWork* work);
  void recall_refusal(const std::string& note, RunState* state);
  Error note_refusal(const std::string& note, RunState* state);
  void take_breath();
  void clear_away();
  void remark(const std::string& sentence);
  void say_once(const std::string& sentence, std::set<std::string>* said);
  void say_lost(const std::vector<Loss>& lost);
  void lose_files(const RunDelta& delta);
  std::string unique_key(const std::string& key) const { return directory_ + "-" + key; }

  const SinkOptions options_;
  const std::unique_ptr<Backend> backend_;
  const std::unique_ptr<Backend> refuge_;
  const processors::ProcessorHost host_;
  StateFiles files_;
  std::map<std::string, RunStates> states_;  // by run directory
  std::vector<std::string> order_;           // of the runs of the batch at hand
  std::vector<std::string> rubbish_;         // files that nobody needs when the batch is taken
  std::set<std::string> said_;
  std::string directory_;  // of the batch at hand
  int64_t last_sent_ = 0;
  std::set<std::string> said_of_lost_;
  // Files and artifacts, by run directory, record and name: said again with a batch, it is the same.
  std::set<std::tuple<std::string, uint64_t, std::string>> lost_;
};

}  // namespace trunkline::wandb
