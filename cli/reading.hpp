// What every command that reads does first: take up what dead processes left, then open the store.
#pragma once

#include <optional>

#include "model/expected.hpp"
#include "session.hpp"
#include "store/store_reader.hpp"

namespace trunkline::cli {

// Empty: there is no store yet.
Expected<std::optional<store::Store>> open_store(Session* session);

// "no traces yet (DIRECTORY)"
std::string no_traces(const Session& session);

}  // namespace trunkline::cli
