// Keeps the file within max_bytes: the oldest finished traces and runs go first, with all that belongs to them; when
// only running ones are left, the oldest spans and metrics. Works in small transactions, so that readers and other
// writers get in.
#pragma once

#include <cstdint>

#include "store/sqlite.hpp"

namespace trunkline::store {

// Makes room for about `incoming` bytes of rows; outside of a transaction. A SQLite code.
int prune(Database* database, uint64_t max_bytes, uint64_t incoming);

}  // namespace trunkline::store
