// The tables of the store and their versions. The schema is public (docs/store.md): a version is never changed, only
// followed by the next, with a step that migrates.
#pragma once

#include "store/sqlite.hpp"

namespace trunkline::store {

inline constexpr int kSchemaVersion = 2;
inline constexpr int kApplicationId = 0x54524b4c;  // "TRKL"

enum class SchemaState {
  kCurrent,
  kEmpty,    // a new file
  kOlder,    // to be migrated
  kNewer,    // of a newer library
  kForeign,  // a database of something else
};

// The result is a SQLite code.
int inspect_schema(Database* database, SchemaState* state);

// Makes or migrates the tables in one transaction, so that of several processes exactly one does it. SQLite code.
int create_schema(Database* database);

}  // namespace trunkline::store
