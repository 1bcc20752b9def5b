#include "store/store_reader.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "store/schema.hpp"
#include "store/store_file.hpp"
#include "store/stored_rows.hpp"

namespace trunkline::store {
namespace {

constexpr int kBusyTimeoutMs = 2'000;

// A store on a read-only disk cannot be given the side files that reading beside a writer needs; without a write-ahead
// log there is no writer.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '/' || c == '.' || c == '-' || c == '_') {
      uri.push_back(c);
    } else {
      uri.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return uri + "?immutable=1";
}

int open_for_reading(Database* database, const std::string& path) {
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  int64_t version = 0;
  int code = database->open(path, flags, kBusyTimeoutMs);
  if (code == SQLITE_OK) code = database->query_i64("PRAGMA user_version", &version);
  const int primary = code & 0xff;
  struct stat info {};
  const bool has_log = ::stat((path + "-wal").c_str(), &info) == 0;
  if ((primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY) || has_log) return code;
  return database->open(immutable_uri(path), flags | SQLITE_OPEN_URI, kBusyTimeoutMs);
}

Error wrong_schema(const std::string& path, SchemaState state) {
  switch (state) {
    case SchemaState::kNewer:
      return {TR_EUNSUPPORTED, "the store " + path + " was written by a newer version of Trunkline"};
    case SchemaState::kForeign:
      return {TR_EUNSUPPORTED, path + " is a database of another program"};
    case SchemaState::kOlder:
      return {TR_EUNSUPPORTED,
              "the store " + path + " is of an older version; the next process that writes migrates it"};
    default:
      return Error::none();
  }
}

}  // namespace

Error Store::failed(int code) const {
  Error error = database_.describe(code, "the store cannot be read");
  if (is_corrupt(code)) error.code = TR_EIO;
  return error;
}

Expected<Store> Store::open(const std::string& path, Access access) {
  if (access == Access::kWrite) {
    StoreFile file({path, false}, [](std::string_view) {});
    if (Error error = file.open()) return error;
    return Store(std::move(file.database()));
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Error{TR_ENOENT, "there is no store at " + path};
  } else if (!S_ISREG(info.st_mode)) {
    return Error{TR_EIO, path + " is not a regular file"};
  }
  Database database;
  int code = open_for_reading(&database, path);
  Store store(std::move(database));
  SchemaState state = SchemaState::kCurrent;
  if (code == SQLITE_OK) code = inspect_schema(&store.database_, &state);
  if (code != SQLITE_OK) return store.failed(code);
  // A file that its first writer has only just made: there is nothing in it yet.
  if (state == SchemaState::kEmpty) return Error{TR_ENOENT, "the store at " + path + " is empty"};
  if (Error error = wrong_schema(path, state)) return error;
  return store;
}

Expected<TraceSummary> Store::get_trace(const std::string& prefix) {
  std::string low = prefix;
  std::transform(low.begin(), low.end(), low.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (low.empty() || low.size() > 32 || low.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{TR_EINVAL, "a trace id is 1 to 32 hexadecimal digits"};
  }
  Statement statement;
  int code = statement.prepare(database_, "SELECT " + std::string(kTraceColumns) +
                                              " FROM traces WHERE id>=?1 AND id<?1||'g' ORDER BY id LIMIT 2");
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, low);
  code = statement.step();
  if (code == SQLITE_DONE) return Error{TR_ENOENT, "no trace has an id that begins with " + low};
  if (code != SQLITE_ROW) return failed(code);
  TraceSummary trace = read_trace(statement);
  if (statement.step() == SQLITE_ROW) return Error{TR_EINVAL, "several traces have ids that begin with " + low};
  return trace;
}

Expected<std::vector<StoredSpan>> Store::spans_of(const std::string& trace_id, SpanDetail detail) {
  Statement statement;
  int code =
      statement.prepare(database_, "SELECT " + std::string(detail == SpanDetail::kAll ? kSpanColumns : kSpanOutline) +
                                       " FROM spans WHERE trace_id=?1 ORDER BY start_ns,rowid");
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, trace_id);
  std::vector<StoredSpan> spans;
  while ((code = statement.step()) == SQLITE_ROW) spans.push_back(read_span(statement));
  if (code != SQLITE_DONE) return failed(code);
  return spans;
}

Expected<StoredSpan> Store::get_span(const std::string& trace_id, const std::string& span_id) {
  Statement statement;
  int code = statement.prepare(database_,
                               "SELECT " + std::string(kSpanColumns) + " FROM spans WHERE trace_id=?1 AND span_id=?2");
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, trace_id);
  statement.bind(2, span_id);
  code = statement.step();
  if (code == SQLITE_DONE) return Error{TR_ENOENT, "there is no span " + span_id};
  if (code != SQLITE_ROW) return failed(code);
  return read_span(statement);
}

Expected<std::vector<StoredEvent>> Store::events_of(const std::string& trace_id) {
  Statement statement;
  int code = statement.prepare(
      database_, "SELECT time_ns,name,attributes FROM trace_events WHERE trace_id=?1 ORDER BY time_ns,rowid");
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, trace_id);
  std::vector<StoredEvent> events;
  while ((code = statement.step()) == SQLITE_ROW) {
    events.push_back({statement.i64(0), string_at(statement, 1), string_at(statement, 2)});
  }
  if (code != SQLITE_DONE) return failed(code);
  return events;
}

Expected<StoreTotals> Store::totals() {
  Statement statement;
  int code = statement.prepare(
      database_,
      "SELECT count(*),sum(status='running'),sum(status='error'),sum(status='incomplete'),total(input_tokens),"
      "total(output_tokens),total(total_tokens),min(start_ns),max(start_ns),total(span_count-pruned_spans),"
      "(SELECT count(*) FROM runs) FROM traces");
  if (code == SQLITE_OK) code = statement.step();
  if (code != SQLITE_ROW) return failed(code);
  StoreTotals totals;
  totals.traces = statement.i64(0);
  totals.running = statement.i64(1);
  totals.failed = statement.i64(2);
  totals.incomplete = statement.i64(3);
  totals.input_tokens = statement.i64(4);
  totals.output_tokens = statement.i64(5);
  totals.total_tokens = statement.i64(6);
  totals.oldest_ns = i64_at(statement, 7);
  totals.newest_ns = i64_at(statement, 8);
  totals.spans = statement.i64(9);
  totals.runs = statement.i64(10);
  statement.finalize();
  int64_t page_size = 0;
  int64_t free_pages = 0;
  code = database_.query_i64("PRAGMA page_size", &page_size);
  if (code == SQLITE_OK) code = database_.query_i64("PRAGMA page_count", &totals.file_bytes);
  if (code == SQLITE_OK) code = database_.query_i64("PRAGMA freelist_count", &free_pages);
  if (code != SQLITE_OK) return failed(code);
  totals.file_bytes *= page_size;
  totals.free_bytes = free_pages * page_size;
  return totals;
}

}  // namespace trunkline::store
