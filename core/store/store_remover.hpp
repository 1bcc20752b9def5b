// Deletes a trace or a metric run with all that belongs to it, some rows at a time, so that readers and other writers
// get in between. The row that names it goes last: an interrupted deletion is taken up again.
#pragma once

#include <string_view>

#include "store/sqlite.hpp"

namespace trunkline::store {

// Within a transaction, or as one. `done`: nothing is left of it. A SQLite code.
int delete_some_of_trace(Database* database, std::string_view id, bool* done);
int delete_some_of_run(Database* database, std::string_view id, bool* done);

// All of the trace and of the metric runs in it, in transactions of their own. A SQLite code.
int remove_trace(Database* database, std::string_view id);

}  // namespace trunkline::store
