// What every command that reads does first: take up what dead processes left, then open the store.
#pragma once

#include <optional>
#include <string>

#include "model/expected.hpp"
#include "session.hpp"
#include "store/store_reader.hpp"

namespace trunkline::cli {

// Empty: there is no store yet. One of an older version is migrated.
Expected<std::optional<store::Store>> open_store(Session* session);

// "no traces yet (DIRECTORY)"
std::string no_traces(const Session& session);

// Brings the search index of the store up to date. Where that is not possible a search still finds everything, but
// reads the texts of what is not indexed.
void update_search_index(store::Store* store, const Session& session);

// The trace that is meant by an id, or by the beginning of one. TR_EINVAL: it is none, or there are several, which
// people are shown.
Expected<store::TraceSummary> find_trace(store::Store* store, const std::string& given, const Session& session);

}  // namespace trunkline::cli
