#include "store/schema.hpp"

#include <sqlite3.h>

#include <string>

namespace trunkline::store {
namespace {

constexpr const char* kVersion1 = R"sql(
CREATE TABLE traces(
  id TEXT NOT NULL PRIMARY KEY,
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  group_id TEXT,
  foreign_id TEXT,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER,
  status TEXT NOT NULL,
  error_type TEXT,
  error_message TEXT,
  stop_reason TEXT,
  metadata TEXT NOT NULL,
  span_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  total_tokens INTEGER NOT NULL DEFAULT 0,
  pruned_spans INTEGER NOT NULL DEFAULT 0,
  dropped_attributes INTEGER NOT NULL DEFAULT 0,
  flags INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX traces_by_start ON traces(start_ns);
CREATE TABLE trace_parts(
  trace_id TEXT NOT NULL,
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER,
  flags INTEGER NOT NULL,
  PRIMARY KEY(trace_id, run_id)
) WITHOUT ROWID;
CREATE TABLE spans(
  trace_id TEXT NOT NULL,
  span_id TEXT NOT NULL,
  parent_id TEXT,
  kind INTEGER NOT NULL,
  kind_name TEXT NOT NULL,
  name TEXT NOT NULL,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER NOT NULL,
  status TEXT NOT NULL,
  model TEXT,
  input_tokens INTEGER,
  output_tokens INTEGER,
  total_tokens INTEGER,
  cache_read_tokens INTEGER,
  cache_write_tokens INTEGER,
  reasoning_tokens INTEGER,
  score REAL,
  score_name TEXT,
  step INTEGER,
  input,
  input_type TEXT,
  output,
  output_type TEXT,
  error_type TEXT,
  error_message TEXT,
  foreign_id TEXT,
  attributes TEXT NOT NULL,
  events TEXT NOT NULL,
  dropped_attributes INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  PRIMARY KEY(trace_id, span_id)
);
CREATE TABLE trace_events(
  trace_id TEXT NOT NULL,
  time_ns INTEGER NOT NULL,
  name TEXT NOT NULL,
  attributes TEXT NOT NULL
);
CREATE INDEX trace_events_by_trace ON trace_events(trace_id, time_ns);
CREATE TABLE runs(
  id TEXT NOT NULL PRIMARY KEY,
  trace_id TEXT,
  name TEXT NOT NULL,
  project TEXT,
  group_id TEXT,
  start_ns INTEGER NOT NULL,
  end_ns INTEGER,
  status TEXT NOT NULL,
  exit_code INTEGER,
  next_step INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_by_start ON runs(start_ns);
CREATE TABLE run_metrics(
  run TEXT NOT NULL,
  step INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  key TEXT NOT NULL,
  value,
  type TEXT NOT NULL
);
CREATE INDEX run_metrics_by_run ON run_metrics(run, key, step);
CREATE TABLE run_items(
  run TEXT NOT NULL,
  section TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  flags TEXT,
  PRIMARY KEY(run, section, key)
) WITHOUT ROWID;
CREATE TABLE cursors(
  run_id TEXT NOT NULL PRIMARY KEY,
  sequence INTEGER NOT NULL,
  updated_ns INTEGER NOT NULL
) WITHOUT ROWID;
)sql";

// Kinds are bits, so that traces can be chosen by them without a look at their spans; what is above 61 shares one. The
// index of texts (store/search_index.hpp) has tables of its own; when the last spans are deleted, and their rowids free
// to be used again, the mark of what is indexed is taken back.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE traces ADD COLUMN kinds INTEGER NOT NULL DEFAULT 0;
UPDATE traces SET kinds=coalesce((SELECT sum(DISTINCT 1<<min(kind,62)) FROM spans WHERE trace_id=traces.id),0);
CREATE INDEX spans_by_kind ON spans(kind, status, name);
CREATE INDEX runs_by_trace ON runs(trace_id) WHERE trace_id IS NOT NULL;
CREATE TABLE search_parts(
  part INTEGER PRIMARY KEY,
  first_rowid INTEGER NOT NULL,
  last_rowid INTEGER NOT NULL,
  spans INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  first_start_ns INTEGER NOT NULL,
  last_start_ns INTEGER NOT NULL
);
CREATE TABLE search_state(indexed INTEGER NOT NULL);
INSERT INTO search_state VALUES(0);
CREATE TRIGGER spans_search AFTER DELETE ON spans WHEN old.rowid>(SELECT coalesce(max(rowid),0) FROM spans) BEGIN
  UPDATE search_state SET indexed=min(indexed,(SELECT coalesce(max(rowid),0) FROM spans));
END;
)sql";

constexpr const char* kVersions[kSchemaVersion] = {kVersion1, kVersion2};

// Every step from the version it has; 0 is an empty file.
int migrate(Database* database) {
  int64_t version = 0;
  int code = database->query_i64("PRAGMA user_version", &version);
  for (; code == SQLITE_OK && version < kSchemaVersion; ++version) code = database->execute(kVersions[version]);
  const std::string stamp = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                            ";PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";";
  return code != SQLITE_OK ? code : database->execute(stamp.c_str());
}

}  // namespace

int inspect_schema(Database* database, SchemaState* state) {
  int64_t application = 0;
  int64_t version = 0;
  int64_t objects = 0;
  int code = database->query_i64("PRAGMA application_id", &application);
  if (code == SQLITE_OK) code = database->query_i64("PRAGMA user_version", &version);
  if (code == SQLITE_OK) code = database->query_i64("SELECT count(*) FROM sqlite_schema", &objects);
  if (code != SQLITE_OK) return code;
  if (application == 0 && version == 0 && objects == 0) {
    *state = SchemaState::kEmpty;
  } else if (application != kApplicationId) {
    *state = SchemaState::kForeign;
  } else {
    *state = version > kSchemaVersion   ? SchemaState::kNewer
             : version < kSchemaVersion ? SchemaState::kOlder
                                        : SchemaState::kCurrent;
  }
  return SQLITE_OK;
}

int create_schema(Database* database) {
  int code = database->execute("BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  SchemaState state = SchemaState::kCurrent;
  code = inspect_schema(database, &state);  // again, now that nobody else can change it
  const bool behind = state == SchemaState::kEmpty || state == SchemaState::kOlder;
  if (code == SQLITE_OK && behind) code = migrate(database);
  if (code == SQLITE_OK) code = database->execute("COMMIT");
  if (code != SQLITE_OK) (void)database->execute("ROLLBACK");
  return code;
}

}  // namespace trunkline::store
