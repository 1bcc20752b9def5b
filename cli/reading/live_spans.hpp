// The spans that are open in the processes which record into a directory now.
#pragma once

#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace trunkline::cli {

// With status "running", in the order of their start. What a recorder in memory holds is not among them.
std::vector<store::StoredSpan> live_spans(const std::string& directory);

}  // namespace trunkline::cli
