#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

std::vector<Expected<std::string>> Backend::create_runs(const std::vector<NewRun>& runs) {
  std::vector<Expected<std::string>> ids;
  for (const NewRun& run : runs) {
    ids.push_back(create_run(run));
    if (!ids.back() && ids.back().error().code == TR_EAGAIN) break;
  }
  return ids;
}

std::vector<Error> Backend::log_batches(std::vector<RunBatch>* batches) {
  std::vector<Error> errors;
  for (RunBatch& batch : *batches) {
    errors.push_back(log_batch(batch.run_id, *batch.items, &batch.refused));
    if (errors.back().code == TR_EAGAIN) break;
  }
  return errors;
}

std::vector<Error> Backend::update_runs(const std::vector<RunUpdate>& updates) {
  std::vector<Error> errors;
  for (const RunUpdate& update : updates) {
    errors.push_back(update_run(update.run_id, update.status, update.end_ms));
    if (errors.back().code == TR_EAGAIN) break;
  }
  return errors;
}

}  // namespace trunkline::mlflow
