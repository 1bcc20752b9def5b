#include "store/store_remover.hpp"

#include <sqlite3.h>

#include <string>

namespace trunkline::store {
namespace {

constexpr int kRowsPerStep = 256;

int delete_from(const Database& database, const char* const* statements, size_t count, std::string_view id,
                bool* done) {
  for (size_t i = 0; i < count; ++i) {
    Statement statement;
    int code = statement.prepare(database, statements[i]);
    if (code != SQLITE_OK) return code;
    statement.bind(1, id);
    code = statement.run();
    if (code != SQLITE_OK || sqlite3_changes(database.handle()) >= kRowsPerStep) return code;
  }
  *done = true;
  return SQLITE_OK;
}

using Delete = int (*)(Database*, std::string_view, bool*);

int delete_all(Database* database, std::string_view id, Delete delete_some) {
  for (bool done = false; !done;) {
    int code = database->execute("BEGIN IMMEDIATE");
    if (code != SQLITE_OK) return code;
    code = delete_some(database, id, &done);
    if (code == SQLITE_OK) code = database->execute("COMMIT");
    if (code != SQLITE_OK) {
      (void)database->execute("ROLLBACK");
      return code;
    }
  }
  return SQLITE_OK;
}

// The first metric run of the trace; empty: it has none.
int find_run(const Database& database, std::string_view trace_id, std::string* run) {
  Statement statement;
  int code = statement.prepare(database, "SELECT id FROM runs WHERE trace_id=?1 LIMIT 1");
  if (code != SQLITE_OK) return code;
  statement.bind(1, trace_id);
  code = statement.step();
  run->assign(code == SQLITE_ROW ? statement.text(0) : "");
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

}  // namespace

int delete_some_of_trace(Database* database, std::string_view id, bool* done) {
  static constexpr const char* kStatements[] = {
      "DELETE FROM spans WHERE rowid IN(SELECT rowid FROM spans WHERE trace_id=?1 LIMIT 256)",
      "DELETE FROM trace_events WHERE rowid IN(SELECT rowid FROM trace_events WHERE trace_id=?1 LIMIT 256)",
      "DELETE FROM trace_parts WHERE trace_id=?1", "DELETE FROM traces WHERE id=?1"};
  return delete_from(*database, kStatements, std::size(kStatements), id, done);
}

int delete_some_of_run(Database* database, std::string_view id, bool* done) {
  static constexpr const char* kStatements[] = {
      "DELETE FROM run_metrics WHERE rowid IN(SELECT rowid FROM run_metrics WHERE run=?1 LIMIT 256)",
      "DELETE FROM run_items WHERE run=?1", "DELETE FROM runs WHERE id=?1"};
  return delete_from(*database, kStatements, std::size(kStatements), id, done);
}

int remove_trace(Database* database, std::string_view id) {
  for (;;) {
    std::string run;
    int code = find_run(*database, id, &run);
    if (code == SQLITE_OK && run.empty()) break;
    if (code == SQLITE_OK) code = delete_all(database, run, delete_some_of_run);
    if (code != SQLITE_OK) return code;
  }
  return delete_all(database, id, delete_some_of_trace);
}

}  // namespace trunkline::store
