// What a store that is opened for writing does beside reading: removing traces, giving room back, indexing texts.
#include <sqlite3.h>

#include <algorithm>

#include "os/time.hpp"
#include "store/search_index.hpp"
#include "store/store_reader.hpp"
#include "store/store_remover.hpp"

namespace trunkline::store {
namespace {

constexpr uint64_t kIndexedBytes = 4 << 20;
constexpr int64_t kPagesAtOnce = 4'096;

}  // namespace

Error Store::remove(const std::string& trace_id) {
  const int code = remove_trace(&database_, trace_id);
  return code == SQLITE_OK ? Error::none() : failed(code);
}

// In pieces: each is a transaction that others wait for.
Error Store::shrink() {
  int code = drop_empty_parts(&database_);
  int64_t before = INT64_MAX;
  for (int64_t left = 0; code == SQLITE_OK; before = left) {
    code = database_.query_i64("PRAGMA freelist_count", &left);
    if (code != SQLITE_OK || left == 0 || left >= before) break;
    const std::string sql = "PRAGMA incremental_vacuum(" + std::to_string(std::min(left, kPagesAtOnce)) + ")";
    code = database_.execute(sql.c_str());
  }
  if (code == SQLITE_OK) (void)database_.execute("PRAGMA wal_checkpoint(PASSIVE)");
  return code == SQLITE_OK ? Error::none() : failed(code);
}

Expected<bool> Store::update_search_index(int64_t deadline_monotonic_ns) {
  bool more = true;
  while (more && os::monotonic_now() < deadline_monotonic_ns) {
    const int code = index_some(&database_, kIndexedBytes, kPartBytes, &more);
    if (code != SQLITE_OK) return failed(code);
  }
  return !more;
}

}  // namespace trunkline::store
