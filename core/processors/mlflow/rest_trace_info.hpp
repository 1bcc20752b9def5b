// The body of the call that says what a trace was (MLflow's StartTraceV3): when, how it ended, of which run and
// session, its name, tags and metadata.
#pragma once

#include <string>
#include <vector>

#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

// Of a part with the end of its trace. `metadata` is beside what the trace has.
std::string trace_info_body(const TracePart& part, const std::vector<Item>& metadata = {});

}  // namespace trunkline::mlflow
