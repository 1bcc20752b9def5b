// Where an MLflow run goes: a tracking server over REST, or the file layout in a folder. Between the two and the
// mapping (records to run operations) there is only this interface: few operations, each safe to repeat, for after a
// crash or an outage the mapping says the same again with the same times.
//
// Errors, of every operation: TR_EAGAIN - not now, nothing is lost by asking again (the server is down, the disk is
// full); TR_ENOENT - there is no such run or experiment, or it is deleted; all else - this will never work, and only
// what was passed is affected. Messages hold no secrets. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "trunkline.h"

namespace trunkline::mlflow {

// As MLflow stores them: the numbers of the file layout; REST takes the names.
enum class RunStatus { kRunning = 1, kScheduled = 2, kFinished = 3, kFailed = 4, kKilled = 5 };

struct Metric {
  std::string key;
  double value = 0;  // may be not-a-number or infinite
  int64_t timestamp_ms = 0;
  int64_t step = 0;
};

// A param or a tag.
struct Item {
  std::string key;
  std::string value;
};

struct NewRun {
  std::string experiment_id;
  std::string name;
  std::string user;
  int64_t start_ms = 0;
  std::vector<Item> tags;  // mlflow.runName is the backend's to add
};

// What a run is given at once. Keys are checked (mlflow_keys.hpp), values are not longer than MLflow takes, no key of
// params or tags is there twice; any number of each.
struct RunItems {
  std::vector<Metric> metrics;
  std::vector<Item> params;
  std::vector<Item> tags;
  bool empty() const { return metrics.empty() && params.empty() && tags.empty(); }
};

// What a backend would not take of a batch, the rest being stored.
struct Refusal {
  std::string what;  // "param model", for people
  std::string why;
  uint64_t items = 1;
};

// A part of one trace, as MLflow traces. Spans given twice replace one another; spans of a trace may come in several
// parts, before and with its end. The records are borrowed for the call.
struct TracePart {
  std::string experiment_id;
  std::string run_id;                   // empty: linked to none
  const tr_record* start = nullptr;     // TR_RECORD_TRACE_START, if it is in this part
  std::vector<const tr_record*> spans;  // TR_RECORD_SPAN_END, in the order of the log
  const tr_record* end = nullptr;       // TR_RECORD_TRACE_END: the trace is complete
  std::vector<Item> tags;               // for the trace itself
  // As the start of the trace told them, in every part.
  std::string name;
  std::string group_id;
  std::string root_id;          // hexadecimal: the trace's own span
  std::string remote_parent;    // hexadecimal; empty: the trace began here
  std::string service_name;     // of whoever recorded it
  int64_t process_id = 0;       // likewise; 0: not known
  std::string request_preview;  // what went into the trace and came out of it, as far as it is known
  std::string response_preview;
};

struct RunBatch {
  std::string run_id;
  const RunItems* items = nullptr;
  std::vector<Refusal> refused;  // what came of it
};

struct RunUpdate {
  std::string run_id;
  RunStatus status = RunStatus::kFinished;
  int64_t end_ms = 0;  // 0: none
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Where it leads, without secrets: "https://mlflow.example", a folder.
  virtual std::string destination() const = 0;

  // The id of the experiment of that name, made when there is none. TR_EINVAL: it is deleted.
  virtual Expected<std::string> find_or_create_experiment(const std::string& name) = 0;

  // The id of the newest run with the tag, of any status; empty: none.
  virtual Expected<std::string> find_run(const std::string& experiment_id, const Item& tag) = 0;

  // Empty: it has no such tag.
  virtual Expected<std::string> read_tag(const std::string& run_id, const std::string& key) = 0;

  // The id of the experiment that the run is in.
  virtual Expected<std::string> find_experiment_of(const std::string& run_id) = 0;

  // The id of the new run.
  virtual Expected<std::string> create_run(const NewRun& run) = 0;

  // Stores all that can be stored; what cannot be comes back in `refused`. An error: nothing may be stored, or all.
  virtual Error log_batch(const std::string& run_id, const RunItems& items, std::vector<Refusal>* refused) = 0;

  // `end_ms` 0: none.
  virtual Error update_run(const std::string& run_id, RunStatus status, int64_t end_ms) = 0;

  // The same for several runs, each for itself; a backend may do it at once. What comes back is as long as what was
  // begun: after the first TR_EAGAIN nothing more is.
  virtual std::vector<Expected<std::string>> create_runs(const std::vector<NewRun>& runs);
  virtual std::vector<Error> log_batches(std::vector<RunBatch>* batches);
  virtual std::vector<Error> update_runs(const std::vector<RunUpdate>& updates);

  // Stores a file of this machine under `path` (relative, with slashes) among the run's artifacts.
  virtual Error log_artifact(const std::string& run_id, const std::string& path, const std::string& file) = 0;

  // As log_batch.
  virtual Error send_traces(const std::vector<TracePart>& parts, std::vector<Refusal>* refused) = 0;
};

}  // namespace trunkline::mlflow
