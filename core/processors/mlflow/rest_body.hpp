// The bodies of MLflow's REST calls.
#pragma once

#include <string>

#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

// The items of a batch are counted through its metrics, params and tags.
size_t item_count(const RunItems& items);
std::string item_name(const RunItems& items, size_t index);

std::string create_run_body(const NewRun& run);
// Of items from `first` on as many as the limits of one call allow, but not beyond `last`; `next` is the first of the
// others.
std::string log_batch_body(const std::string& run_id, const RunItems& items, size_t first, size_t last, size_t* next);

}  // namespace trunkline::mlflow
