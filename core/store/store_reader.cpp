#include "store/store_reader.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "store/schema.hpp"
#include "store/store_file.hpp"

namespace trunkline::store {
namespace {

constexpr int kBusyTimeoutMs = 2'000;

constexpr std::string_view kTraceColumns =
    "SELECT id,run_id,name,group_id,foreign_id,start_ns,end_ns,status,error_type,error_message,stop_reason,metadata,"
    "span_count,error_count,input_tokens,output_tokens,total_tokens,pruned_spans FROM traces ";

constexpr std::string_view kSpansSql =
    "SELECT trace_id,span_id,parent_id,kind,kind_name,name,start_ns,end_ns,status,model,input_tokens,output_tokens,"
    "total_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,score,score_name,step,input,input_type,output,"
    "output_type,error_type,error_message,foreign_id,attributes,events,dropped_attributes,flags FROM spans "
    "WHERE trace_id=?1 ORDER BY start_ns,rowid";

std::string string_at(const Statement& row, int column) { return std::string(row.text(column)); }

std::optional<int64_t> i64_at(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.i64(column));
}

TraceSummary read_trace(const Statement& row) {
  return {string_at(row, 0),  string_at(row, 1),  string_at(row, 2), string_at(row, 3), string_at(row, 4),
          row.i64(5),         i64_at(row, 6),     string_at(row, 7), string_at(row, 8), string_at(row, 9),
          string_at(row, 10), string_at(row, 11), row.i64(12),       row.i64(13),       row.i64(14),
          row.i64(15),        row.i64(16),        row.i64(17)};
}

StoredSpan read_span(const Statement& row) {
  StoredSpan span;
  span.trace_id = string_at(row, 0);
  span.span_id = string_at(row, 1);
  span.parent_id = string_at(row, 2);
  span.kind = static_cast<uint32_t>(row.i64(3));
  span.kind_name = string_at(row, 4);
  span.name = string_at(row, 5);
  span.start_ns = row.i64(6);
  span.end_ns = row.i64(7);
  span.status = string_at(row, 8);
  span.model = string_at(row, 9);
  span.input_tokens = i64_at(row, 10);
  span.output_tokens = i64_at(row, 11);
  span.total_tokens = i64_at(row, 12);
  span.cache_read_tokens = i64_at(row, 13);
  span.cache_write_tokens = i64_at(row, 14);
  span.reasoning_tokens = i64_at(row, 15);
  if (!row.is_null(16)) span.score = row.f64(16);
  span.score_name = string_at(row, 17);
  span.step = i64_at(row, 18);
  span.input = string_at(row, 19);
  span.input_type = string_at(row, 20);
  span.output = string_at(row, 21);
  span.output_type = string_at(row, 22);
  span.error_type = string_at(row, 23);
  span.error_message = string_at(row, 24);
  span.foreign_id = string_at(row, 25);
  span.attributes = string_at(row, 26);
  span.events = string_at(row, 27);
  span.dropped_attributes = row.i64(28);
  span.flags = row.i64(29);
  return span;
}

// The running trace counts as long as it has run: its end is taken to be later than any.
std::string_view order_by(TraceSort sort) {
  switch (sort) {
    case TraceSort::kOldestFirst:
      return "start_ns,id";
    case TraceSort::kLongestFirst:
      return "coalesce(end_ns,9223372036854775807)-start_ns DESC,id";
    case TraceSort::kMostTokensFirst:
      return "total_tokens DESC,id";
    case TraceSort::kMostSpansFirst:
      return "span_count DESC,id";
    case TraceSort::kNewestFirst:
      break;
  }
  return "start_ns DESC,id DESC";
}

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

Expected<std::vector<TraceSummary>> Store::list_traces(const TraceFilter& filter) {
  std::string sql(kTraceColumns);
  sql +=
      "WHERE (?1='' OR instr(lower(name),lower(?1))>0) AND (?2='' OR status=?2) AND (?3='' OR group_id=?3) "
      "AND start_ns>=?4 AND start_ns<?5 ORDER BY ";
  sql.append(order_by(filter.sort)).append(" LIMIT ?6 OFFSET ?7");
  Statement statement;
  int code = statement.prepare(database_, sql);
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, filter.name);
  statement.bind(2, filter.status);
  statement.bind(3, filter.group_id);
  statement.bind(4, filter.since_ns.value_or(INT64_MIN));
  statement.bind(5, filter.until_ns.value_or(INT64_MAX));
  statement.bind(6, int64_t{filter.limit});
  statement.bind(7, int64_t{filter.offset});
  std::vector<TraceSummary> traces;
  while ((code = statement.step()) == SQLITE_ROW) traces.push_back(read_trace(statement));
  if (code != SQLITE_DONE) return failed(code);
  return traces;
}

Expected<TraceSummary> Store::get_trace(const std::string& prefix) {
  std::string low = prefix;
  std::transform(low.begin(), low.end(), low.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (low.empty() || low.size() > 32 || low.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{TR_EINVAL, "a trace id is 1 to 32 hexadecimal digits"};
  }
  Statement statement;
  int code =
      statement.prepare(database_, std::string(kTraceColumns) + "WHERE id>=?1 AND id<?1||'g' ORDER BY id LIMIT 2");
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, low);
  code = statement.step();
  if (code == SQLITE_DONE) return Error{TR_ENOENT, "no trace has an id that begins with " + low};
  if (code != SQLITE_ROW) return failed(code);
  TraceSummary trace = read_trace(statement);
  if (statement.step() == SQLITE_ROW) return Error{TR_EINVAL, "several traces have ids that begin with " + low};
  return trace;
}

Expected<std::vector<StoredSpan>> Store::spans_of(const std::string& trace_id) {
  Statement statement;
  int code = statement.prepare(database_, kSpansSql);
  if (code != SQLITE_OK) return failed(code);
  statement.bind(1, trace_id);
  std::vector<StoredSpan> spans;
  while ((code = statement.step()) == SQLITE_ROW) spans.push_back(read_span(statement));
  if (code != SQLITE_DONE) return failed(code);
  return spans;
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
      "total(output_tokens),total(total_tokens),min(start_ns),max(start_ns),(SELECT count(*) FROM spans),"
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
