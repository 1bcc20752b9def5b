// MLflow runs at a tracking server: the operations of a Backend as calls of its REST interface, within its limits. A
// call that the server refuses is halved until what it does not take is alone, so that a bad item costs itself only.
#pragma once

#include <memory>

#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/mlflow_rest.hpp"
#include "processors/mlflow/rest_artifacts.hpp"
#include "processors/mlflow/rest_traces.hpp"

namespace trunkline::mlflow {

class RestBackend final : public Backend {
 public:
  explicit RestBackend(std::unique_ptr<Rest> rest)
      : rest_(std::move(rest)), artifacts_(rest_.get()), traces_(rest_.get()) {}

  std::string destination() const override { return rest_->destination(); }
  Expected<std::string> find_or_create_experiment(const std::string& name) override;
  Expected<std::string> find_run(const std::string& experiment_id, const Item& tag) override;
  Expected<std::string> read_tag(const std::string& run_id, const std::string& key) override;
  Expected<std::string> find_experiment_of(const std::string& run_id) override;
  Expected<std::string> create_run(const NewRun& run) override;
  Error log_batch(const std::string& run_id, const RunItems& items, std::vector<Refusal>* refused) override;
  Error update_run(const std::string& run_id, RunStatus status, int64_t end_ms) override;
  std::vector<Expected<std::string>> create_runs(const std::vector<NewRun>& runs) override;
  std::vector<Error> log_batches(std::vector<RunBatch>* batches) override;
  std::vector<Error> update_runs(const std::vector<RunUpdate>& updates) override;
  Error log_artifact(const std::string& run_id, const std::string& path, const std::string& file) override;
  Error send_traces(const std::vector<TracePart>& parts, std::vector<Refusal>* refused) override {
    return traces_.send(parts, refused);
  }

 private:
  // Of the items of a batch, those from `first` to before `last`, counted through metrics, params and tags.
  struct Slice {
    size_t first;
    size_t last;
  };
  Expected<std::string> id_of_new_run(const Error& error, const std::string& answer);
  Expected<std::string> read_run(const std::string& run_id);
  Expected<std::string> find_experiment(const std::string& name);
  Error log_slice(const std::string& run_id, const RunItems& items, Slice slice, std::vector<Refusal>* refused);
  Error run_is_there(const std::string& run_id);

  const std::unique_ptr<Rest> rest_;
  RestArtifacts artifacts_;
  RestTraces traces_;
};

}  // namespace trunkline::mlflow
