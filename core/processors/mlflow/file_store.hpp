// MLflow runs and traces as files, laid out as MLflow's own file store has them, without MLflow: it reads them as they
// are, and `mlflow migrate-filestore` takes them into a database. Other processes may use the same store.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "processors/mlflow/file_store_files.hpp"
#include "processors/mlflow/file_store_metrics.hpp"
#include "processors/mlflow/file_store_traces.hpp"
#include "processors/mlflow/mlflow_backend.hpp"
#include "processors/mlflow/span_list.hpp"

namespace trunkline::mlflow {

class FileStore : public Backend {
 public:
  // An absolute path. The first operation makes or opens it.
  explicit FileStore(std::string root, size_t most_span_bytes = kMostSpanBytes)
      : path_(std::move(root)), traces_(&stage_, most_span_bytes) {}

  std::string destination() const override { return path_; }
  Expected<std::string> find_or_create_experiment(const std::string& name) override;
  Expected<std::string> find_run(const std::string& experiment_id, const Item& tag) override;
  Expected<std::string> read_tag(const std::string& run_id, const std::string& key) override;
  Expected<std::string> find_experiment_of(const std::string& run_id) override;
  Expected<std::string> create_run(const NewRun& run) override;
  Error log_batch(const std::string& run_id, const RunItems& items, std::vector<Refusal>* refused) override;
  Error update_run(const std::string& run_id, RunStatus status, int64_t end_ms) override;
  Error log_artifact(const std::string& run_id, const std::string& path, const std::string& file) override;
  Error send_traces(const std::vector<TracePart>& parts, std::vector<Refusal>* refused) override;

 private:
  Error ready();
  Error write_experiment(const std::string& id, const std::string& name);
  Expected<std::string> find_experiment(const std::string& name) const;
  Expected<Folder> open_experiment(const std::string& id) const;
  // The folder of a run that is not deleted, and its meta.yaml.
  Expected<Folder> open_run(const std::string& run_id, std::string* meta);
  Error log_metrics(const Folder& run, const std::string& run_id, const std::vector<Metric>& metrics,
                    std::vector<Refusal>* refused);
  Error log_param(const Folder& run, const Item& param);
  Error log_tag(const Folder& run, const Item& tag);

  std::string path_;
  Folder root_;
  Folder trash_;
  Stage stage_;
  MetricFiles metrics_;
  TraceFiles traces_;
  std::map<std::string, std::string> experiment_of_;  // of runs that were used
};

}  // namespace trunkline::mlflow
