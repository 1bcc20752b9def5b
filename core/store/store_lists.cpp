// Traces chosen by a filter. What is cheap to tell from the trace's row is left to SQL; words in its spans are looked
// up in the search index first.
#include <sqlite3.h>

#include <algorithm>

#include "store/rows.hpp"
#include "store/store_reader.hpp"
#include "store/stored_rows.hpp"

namespace trunkline::store {
namespace {

// Up to so many matching spans their traces are looked up; beyond, traces are asked whether they have one.
constexpr size_t kFewMatches = 5'000;

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

// Conditions and their parameters, put together as they are needed, so that SQLite sees only those.
class Conditions {
 public:
  void text(std::string_view condition, std::string_view value) {
    if (value.empty()) return;
    add(condition);
    texts_.emplace_back(++count_, value);
  }
  void number(std::string_view condition, const std::optional<int64_t>& value) {
    if (!value) return;
    add(condition);
    numbers_.emplace_back(++count_, *value);
  }
  std::string where() const { return sql_; }
  void bind(Statement* statement) const {
    for (const auto& [index, value] : texts_) statement->bind(index, value);
    for (const auto& [index, value] : numbers_) statement->bind(index, value);
  }

 private:
  void add(std::string_view condition) { sql_.append(sql_.empty() ? " WHERE " : " AND ").append(condition); }

  std::string sql_;
  int count_ = 0;
  std::vector<std::pair<int, std::string_view>> texts_;
  std::vector<std::pair<int, int64_t>> numbers_;
};

// What LIKE finds the text with, wherever it is, in ASCII letters of either case; empty: everything fits.
std::string pattern_of(const std::string& text) {
  if (text.empty()) return "";
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "%";
}

std::string rowid_list(const std::vector<int64_t>& rowids) {
  std::string list = "[";
  for (const int64_t rowid : rowids) list.append(list.size() == 1 ? "" : ",").append(std::to_string(rowid));
  return list + "]";
}

// Whether a trace has one of the spans.
class HasMatch {
 public:
  HasMatch(const Database& database, const std::vector<int64_t>& rowids) : rowids_(rowids) {
    code_ = statement_.prepare(database, "SELECT rowid FROM spans WHERE trace_id=?1");
  }
  int code() const { return code_; }
  bool operator()(std::string_view trace_id) {
    bool found = false;
    statement_.bind(1, trace_id);
    while (!found && (code_ = statement_.step()) == SQLITE_ROW) {
      found = std::binary_search(rowids_.begin(), rowids_.end(), statement_.i64(0));
    }
    statement_.reset();
    code_ = code_ == SQLITE_DONE || code_ == SQLITE_ROW ? SQLITE_OK : code_;
    return found;
  }

 private:
  const std::vector<int64_t>& rowids_;
  Statement statement_;
  int code_ = SQLITE_OK;
};

}  // namespace

Expected<std::vector<TraceSummary>> Store::list_traces(const TraceFilter& filter) {
  std::vector<int64_t> rowids;
  if (!filter.text.empty()) {
    auto matching = matching_rowids(filter.text);
    if (!matching) return matching.error();
    rowids = std::move(*matching);
    if (rowids.empty()) return std::vector<TraceSummary>();
  }
  const bool few = !filter.text.empty() && rowids.size() <= kFewMatches;
  const bool many = rowids.size() > kFewMatches;
  const std::string list = few ? rowid_list(rowids) : "";
  const auto kinds = filter.kind ? std::optional(kind_bit(*filter.kind)) : std::nullopt;
  const std::string duration = "coalesce(end_ns," + std::to_string(filter.now_ns) + ")-start_ns";
  Conditions conditions;
  const std::string pattern = pattern_of(filter.name);
  conditions.text("name LIKE ? ESCAPE '\\'", pattern);
  conditions.text("status=?", filter.status);
  conditions.text("group_id=?", filter.group_id);
  conditions.text("id IN(SELECT trace_id FROM spans WHERE rowid IN(SELECT value FROM json_each(?)))", list);
  conditions.number("start_ns>=?", filter.since_ns);
  conditions.number("start_ns<?", filter.until_ns);
  conditions.number("kinds&?<>0", kinds);
  conditions.number(duration + ">=?", filter.min_duration_ns);
  conditions.number(duration + "<=?", filter.max_duration_ns);
  conditions.number("total_tokens>=?", filter.min_tokens);
  conditions.number("total_tokens<=?", filter.max_tokens);
  const std::string sql =
      "SELECT " + std::string(filter.outline ? kTraceOutline : kTraceColumns) + " FROM traces" + conditions.where() +
      " ORDER BY " + std::string(order_by(filter.sort)) +
      (many ? "" : " LIMIT " + std::to_string(filter.limit) + " OFFSET " + std::to_string(filter.offset));
  Statement statement;
  int code = statement.prepare(database_, sql);
  if (code != SQLITE_OK) return failed(code);
  conditions.bind(&statement);
  HasMatch has_match(database_, rowids);
  std::vector<TraceSummary> traces;
  uint32_t skip = many ? filter.offset : 0;
  while (traces.size() < filter.limit && (code = statement.step()) == SQLITE_ROW) {
    if (many && !has_match(statement.text(0))) continue;
    if (skip > 0) {
      --skip;
    } else {
      traces.push_back(read_trace(statement));
    }
  }
  if (has_match.code() != SQLITE_OK) return failed(has_match.code());
  return code == SQLITE_DONE || code == SQLITE_ROW || code == SQLITE_OK ? Expected(std::move(traces)) : failed(code);
}

Expected<std::vector<std::string>> Store::trace_ids() {
  Statement statement;
  int code = statement.prepare(database_, "SELECT id FROM traces ORDER BY id");
  if (code != SQLITE_OK) return failed(code);
  std::vector<std::string> ids;
  while ((code = statement.step()) == SQLITE_ROW) ids.push_back(string_at(statement, 0));
  if (code != SQLITE_DONE) return failed(code);
  return ids;
}

namespace {

// `pattern` is that of its name, and is borrowed like its texts.
Conditions conditions_of(const SpanFeed& feed, const std::string& pattern) {
  Conditions conditions;
  conditions.text("trace_id=?", feed.trace_id);
  conditions.text("status=?", feed.status);
  conditions.text("name LIKE ? ESCAPE '\\'", pattern);
  conditions.number("kind=?", feed.kind ? std::optional<int64_t>(*feed.kind) : std::nullopt);
  return conditions;
}

}  // namespace

Expected<std::vector<StoredSpan>> Store::read_feed(const std::string& where_and_order,
                                                   const std::function<void(Statement*)>& bind) {
  Statement statement;
  int code = statement.prepare(database_, "SELECT " + std::string(kSpanColumns) + " FROM spans" + where_and_order);
  if (code != SQLITE_OK) return failed(code);
  bind(&statement);
  std::vector<StoredSpan> spans;
  while ((code = statement.step()) == SQLITE_ROW) spans.push_back(read_span(statement));
  if (code != SQLITE_DONE) return failed(code);
  return spans;
}

// What is asked for comes out of an index alone, so that what fits seldom is not looked for in the spans themselves.
// The plus keeps SQLite from reading these in their order instead.
Expected<std::vector<StoredSpan>> Store::last_spans(const SpanFeed& feed, uint32_t limit) {
  const std::string pattern = pattern_of(feed.name);
  const Conditions conditions = conditions_of(feed, pattern);
  const std::string where = conditions.where();
  const std::string last = "SELECT rowid FROM spans" + where + " ORDER BY " + (where.empty() ? "" : "+") +
                           "rowid DESC LIMIT " + std::to_string(limit);
  return read_feed(" WHERE rowid IN(" + last + ") ORDER BY rowid",
                   [&](Statement* statement) { conditions.bind(statement); });
}

Expected<std::vector<StoredSpan>> Store::spans_after(const SpanFeed& feed, int64_t rowid, uint32_t limit) {
  const std::string pattern = pattern_of(feed.name);
  Conditions conditions = conditions_of(feed, pattern);
  conditions.number("rowid>?", rowid);
  return read_feed(conditions.where() + " ORDER BY rowid LIMIT " + std::to_string(limit),
                   [&](Statement* statement) { conditions.bind(statement); });
}

Expected<int64_t> Store::last_rowid() {
  int64_t rowid = 0;
  const int code = database_.query_i64("SELECT coalesce(max(rowid),0) FROM spans", &rowid);
  return code == SQLITE_OK ? Expected(rowid) : failed(code);
}

}  // namespace trunkline::store
