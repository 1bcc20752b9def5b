#include "store/store_pruner.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <climits>
#include <string>

#include "store/search_index.hpp"
#include "store/store_remover.hpp"

namespace trunkline::store {
namespace {

struct Usage {
  uint64_t page_size = 0;
  uint64_t pages = 0;
  uint64_t free_pages = 0;
  uint64_t used_bytes() const { return (pages - std::min(free_pages, pages)) * page_size; }
  uint64_t file_bytes() const { return pages * page_size; }
};

int read_usage(Database* database, Usage* usage) {
  int64_t size = 0;
  int64_t pages = 0;
  int64_t free_pages = 0;
  int code = database->query_i64("PRAGMA page_size", &size);
  if (code == SQLITE_OK) code = database->query_i64("PRAGMA page_count", &pages);
  if (code == SQLITE_OK) code = database->query_i64("PRAGMA freelist_count", &free_pages);
  *usage = {static_cast<uint64_t>(size), static_cast<uint64_t>(pages), static_cast<uint64_t>(free_pages)};
  return code;
}

// Runs one statement; `deleted` is the number of rows it changed.
int run(Database* database, std::string_view sql, int* deleted) {
  Statement statement;
  int code = statement.prepare(*database, sql);
  if (code != SQLITE_OK) return code;
  code = statement.run();
  *deleted = code == SQLITE_OK ? sqlite3_changes(database->handle()) : 0;
  return code;
}

struct Victim {
  std::string id;
  int64_t start_ns = INT64_MAX;
  bool is_run = false;
};

int find_oldest(Database* database, const char* sql, bool is_run, Victim* victim) {
  Statement statement;
  int code = statement.prepare(*database, sql);
  if (code != SQLITE_OK) return code;
  code = statement.step();
  if (code == SQLITE_ROW && (victim->id.empty() || statement.i64(1) < victim->start_ns)) {
    *victim = {std::string(statement.text(0)), statement.i64(1), is_run};
  }
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int find_victim(Database* database, Victim* victim) {
  const int code = find_oldest(
      database, "SELECT id,start_ns FROM traces WHERE status<>'running' ORDER BY start_ns LIMIT 1", false, victim);
  if (code != SQLITE_OK) return code;
  return find_oldest(database, "SELECT id,start_ns FROM runs WHERE status<>'running' ORDER BY start_ns LIMIT 1", true,
                     victim);
}

// What is left belongs to traces and runs that still run, or never ended.
int delete_oldest_rows(Database* database, bool* any) {
  static constexpr const char* kCount =
      "UPDATE traces SET pruned_spans=pruned_spans+(SELECT count(*) FROM(SELECT trace_id FROM spans ORDER BY rowid "
      "LIMIT 256) AS old WHERE old.trace_id=traces.id) WHERE id IN(SELECT trace_id FROM(SELECT trace_id FROM spans "
      "ORDER BY rowid LIMIT 256))";
  static constexpr const char* kDelete[] = {
      "DELETE FROM spans WHERE rowid IN(SELECT rowid FROM spans ORDER BY rowid LIMIT 256)",
      "DELETE FROM trace_events WHERE rowid IN(SELECT rowid FROM trace_events ORDER BY rowid LIMIT 256)",
      "DELETE FROM run_metrics WHERE rowid IN(SELECT rowid FROM run_metrics ORDER BY rowid LIMIT 256)"};
  int deleted = 0;
  int code = run(database, kCount, &deleted);
  *any = false;
  for (const char* sql : kDelete) {
    if (code == SQLITE_OK) code = run(database, sql, &deleted);
    *any |= deleted > 0;
  }
  return code;
}

int step(Database* database, bool* any) {
  int code = database->execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  Victim victim;
  code = find_victim(database, &victim);
  if (code == SQLITE_OK) {
    *any = true;
    bool done = false;
    code = victim.id.empty() ? delete_oldest_rows(database, any)
           : victim.is_run   ? delete_some_of_run(database, victim.id, &done)
                             : delete_some_of_trace(database, victim.id, &done);
  }
  if (code == SQLITE_OK) code = database->execute("COMMIT");
  if (code != SQLITE_OK) (void)database->execute("ROLLBACK");
  return code;
}

// Free pages are used again first; they are given back only where the file itself is too long.
int shrink(Database* database, const Usage& usage, uint64_t limit) {
  if (usage.file_bytes() <= limit || usage.free_pages == 0) return SQLITE_OK;
  const uint64_t excess = (usage.file_bytes() - limit) / usage.page_size + 1;
  const std::string sql = "PRAGMA incremental_vacuum(" + std::to_string(std::min(excess, usage.free_pages)) + ")";
  return database->execute(sql.c_str());
}

}  // namespace

// Rows with their indexes take up to half as much again as their bytes. Once it begins, it frees a sixteenth more, so
// that not every batch has to.
int prune(Database* database, uint64_t max_bytes, uint64_t incoming) {
  Usage usage;
  int code = read_usage(database, &usage);
  if (code != SQLITE_OK) return code;
  const uint64_t need = std::min(incoming + incoming / 2 + 16 * usage.page_size, max_bytes);
  const uint64_t limit = max_bytes - need;
  const uint64_t target = limit - std::min(limit, max_bytes / 16);
  if (usage.used_bytes() > limit) {
    bool any = true;
    while (code == SQLITE_OK && any && usage.used_bytes() > target) {
      code = step(database, &any);
      if (code == SQLITE_OK) code = drop_empty_parts(database);
      if (code == SQLITE_OK) code = read_usage(database, &usage);
    }
  }
  if (code != SQLITE_OK) return code;
  return shrink(database, usage, max_bytes - std::min(max_bytes, 16 * usage.page_size));
}

}  // namespace trunkline::store
