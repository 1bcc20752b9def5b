// The full-text index over the inputs, outputs and errors of spans: FTS5 tables without a copy of the texts, each over
// a range of rowids. It is built in steps behind the writing of spans, by whoever has time: `search_state.indexed` is
// the rowid up to which it reaches. Rows deleted from `spans` stay in it until the whole part has none left and goes;
// whoever searches looks them up in `spans` anyway.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/sqlite.hpp"

namespace trunkline::store {

inline constexpr std::string_view kSearchColumns = "input output error";

struct SearchPart {
  int64_t number = 0;
  int64_t first_rowid = 0;
  int64_t last_rowid = 0;
  int64_t spans = 0;
  int64_t bytes = 0;
  int64_t first_start_ns = INT64_MAX;  // of its spans
  int64_t last_start_ns = INT64_MIN;
};

// The words that stand for kind and status in the column "kind".
std::string search_kind(std::string_view kind_name);
std::string search_status(std::string_view status);

std::string search_table(int64_t part);

// What a part holds at most where nothing asks for less: enough that a search opens few of them, little enough that one
// is soon made anew.
inline constexpr uint64_t kPartBytes = uint64_t{64} << 20;

// Indexes the next spans, so many bytes of text at most, in a transaction of its own; parts of `part_bytes` of text.
// `more`: there are others. The result is a SQLite code; SQLITE_ERROR where SQLite has no FTS5.
int index_some(Database* database, uint64_t bytes, uint64_t part_bytes, bool* more);

// Removes the parts none of whose spans is left. Within a transaction, or as one.
int drop_empty_parts(Database* database);

// Newest first.
int read_search_parts(const Database& database, std::vector<SearchPart>* parts);

// How far the index reaches, and how far the spans go.
struct SearchProgress {
  int64_t indexed = 0;
  int64_t last = 0;
};
int read_search_progress(Database* database, SearchProgress* progress);

}  // namespace trunkline::store
