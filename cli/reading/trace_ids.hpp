// Short forms of trace ids: how much of an id is enough to name one trace of the store, and what a short form means.
#pragma once

#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace trunkline::cli {

inline constexpr size_t kShortestId = 8;

// The length at which every one of the traces' ids names one trace of the store.
size_t unique_length(store::Store* store, const std::vector<store::TraceSummary>& traces);

// At most `limit` traces whose ids begin with the prefix.
std::vector<store::TraceSummary> traces_with_prefix(store::Store* store, const std::string& prefix, size_t limit);

}  // namespace trunkline::cli
