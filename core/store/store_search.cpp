// Spans found by their words: in the parts of the index, newest first, and before these in what the index does not
// reach yet, by reading it.
#include <sqlite3.h>

#include <algorithm>

#include "model/kinds.hpp"
#include "store/search_index.hpp"
#include "store/store_reader.hpp"
#include "store/stored_rows.hpp"
#include "store/text_phrases.hpp"

namespace trunkline::store {
namespace {

std::string error_text(std::string_view type, std::string_view message) {
  return std::string(type) + " " + std::string(message);
}

// Whether every phrase is in one of the texts.
bool contains(const TextPhrases& phrases, const std::vector<std::string>& texts) {
  std::vector<bool> found(phrases.size());
  for (const std::string& text : texts) (void)phrases.find(text, &found);
  return std::find(found.begin(), found.end(), false) == found.end();
}

std::string columns_of(const SpanSearch& search) {
  std::string columns;
  if (search.in_input) columns += "input ";
  if (search.in_output) columns += "output ";
  if (search.in_error) columns += "error ";
  return columns;
}

std::vector<std::string> texts_of(const SpanSearch& search, const StoredSpan& span) {
  std::vector<std::string> texts;
  if (search.in_input) texts.push_back(search_text(span.input, span.input_type));
  if (search.in_output) texts.push_back(search_text(span.output, span.output_type));
  if (search.in_error) texts.push_back(error_text(span.error_type, span.error_message));
  return texts;
}

bool fits(const SpanSearch& search, const StoredSpan& span) {
  if (!search.trace_id.empty() && span.trace_id != search.trace_id) return false;
  if (!search.status.empty() && span.status != search.status) return false;
  if (search.kind && span.kind != *search.kind) return false;
  return span.start_ns >= search.since_ns.value_or(INT64_MIN) && span.start_ns < search.until_ns.value_or(INT64_MAX);
}

struct Rowids {
  int64_t first = 0;
  int64_t last = INT64_MAX;
};

int read_rowids_of_trace(const Database& database, const std::string& trace_id, Rowids* rowids) {
  Statement statement;
  int code = statement.prepare(database, "SELECT min(rowid),max(rowid) FROM spans WHERE trace_id=?1");
  if (code != SQLITE_OK) return code;
  statement.bind(1, trace_id);
  code = statement.step();
  if (code != SQLITE_ROW) return code;
  *rowids = {statement.i64(0), statement.is_null(1) ? -1 : statement.i64(1)};
  return SQLITE_OK;
}

// Calls take(rowid) for what matches in one part, newest first, until it returns false.
template <class Take>
int match_part(const Database& database, const SearchPart& part, const std::string& expression, const Rowids& within,
               Take take) {
  if (part.last_rowid < within.first || part.first_rowid > within.last) return SQLITE_OK;
  const std::string table = search_table(part.number);
  Statement statement;
  int code = statement.prepare(database, "SELECT rowid FROM " + table + " WHERE " + table +
                                             " MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC");
  if (code != SQLITE_OK) return code;
  statement.bind(1, expression);
  statement.bind(2, within.first);
  statement.bind(3, within.last);
  while ((code = statement.step()) == SQLITE_ROW) {
    if (!take(statement.i64(0))) return SQLITE_OK;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

// Calls take(span) for the spans that the index does not know, newest first, until it returns false.
template <class Take>
int read_newer(const Database& database, int64_t indexed, const Rowids& within, Take take) {
  Statement statement;
  int code = statement.prepare(database, "SELECT " + std::string(kSpanColumns) +
                                             " FROM spans WHERE rowid BETWEEN ?1 AND ?2 "
                                             "ORDER BY rowid DESC");
  if (code != SQLITE_OK) return code;
  statement.bind(1, std::max(within.first, indexed + 1));
  statement.bind(2, within.last);
  while ((code = statement.step()) == SQLITE_ROW) {
    if (!take(read_span(statement))) return SQLITE_OK;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

// A reading transaction: index and spans as of one moment.
class Snapshot {
 public:
  explicit Snapshot(Database* database) : database_(database) { code_ = database->execute("BEGIN"); }
  ~Snapshot() {
    if (code_ == SQLITE_OK) (void)database_->execute("ROLLBACK");
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  int code() const { return code_; }

 private:
  Database* database_;
  int code_;
};

}  // namespace

Expected<std::vector<StoredSpan>> Store::search(const SpanSearch& search) {
  auto phrases = TextPhrases::parse(database_, search.text);
  if (!phrases) return phrases.error();
  std::string expression = phrases->expression(columns_of(search));
  if (search.kind) expression += " AND ({kind} : \"" + search_kind(kind_name(*search.kind)) + "\")";
  if (!search.status.empty()) expression += " AND ({kind} : \"" + search_status(search.status) + "\")";
  std::vector<StoredSpan> spans;
  const auto take_span = [&](StoredSpan&& span) {
    if (fits(search, span)) spans.push_back(std::move(span));
    return spans.size() < search.limit;
  };
  const Snapshot snapshot(&database_);
  int code = snapshot.code();
  SearchProgress progress;
  std::vector<SearchPart> parts;
  Rowids within;
  Statement read;
  if (code == SQLITE_OK) code = read_search_progress(&database_, &progress);
  if (code == SQLITE_OK) code = read_search_parts(database_, &parts);
  if (code == SQLITE_OK && !search.trace_id.empty()) code = read_rowids_of_trace(database_, search.trace_id, &within);
  if (code == SQLITE_OK)
    code = read_newer(database_, progress.indexed, within, [&](StoredSpan&& span) {
      return !contains(*phrases, texts_of(search, span)) || take_span(std::move(span));
    });
  if (code == SQLITE_OK)
    code = read.prepare(database_, "SELECT " + std::string(kSpanColumns) + " FROM spans WHERE rowid=?1");
  within.last = std::min(within.last, progress.indexed);
  for (const SearchPart& part : parts) {
    if (code != SQLITE_OK || spans.size() >= search.limit) break;
    const bool in_time = part.last_start_ns >= search.since_ns.value_or(INT64_MIN) &&
                         part.first_start_ns < search.until_ns.value_or(INT64_MAX);
    if (!in_time) continue;
    code = match_part(database_, part, expression, within, [&](int64_t rowid) {
      read.bind(1, rowid);
      const bool go_on = read.step() != SQLITE_ROW || take_span(read_span(read));
      read.reset();
      return go_on;
    });
  }
  return code == SQLITE_OK ? Expected(std::move(spans)) : failed(code);
}

Expected<int64_t> Store::unindexed_spans() {
  SearchProgress progress;
  const int code = read_search_progress(&database_, &progress);
  if (code != SQLITE_OK) return failed(code);
  return std::max<int64_t>(progress.last - progress.indexed, 0);
}

Expected<std::vector<int64_t>> Store::matching_rowids(const std::vector<std::string>& text) {
  auto phrases = TextPhrases::parse(database_, text);
  if (!phrases) return phrases.error();
  const std::string expression = phrases->expression(kSearchColumns);
  const Snapshot snapshot(&database_);
  int code = snapshot.code();
  SearchProgress progress;
  std::vector<SearchPart> parts;
  if (code == SQLITE_OK) code = read_search_progress(&database_, &progress);
  if (code == SQLITE_OK) code = read_search_parts(database_, &parts);
  const SpanSearch everywhere;
  std::vector<int64_t> rowids;
  if (code == SQLITE_OK)
    code = read_newer(database_, progress.indexed, {}, [&](const StoredSpan& span) {
      if (contains(*phrases, texts_of(everywhere, span))) rowids.push_back(span.rowid);
      return true;
    });
  for (const SearchPart& part : parts) {
    if (code != SQLITE_OK) return failed(code);
    code = match_part(database_, part, expression, {0, progress.indexed}, [&](int64_t rowid) {
      rowids.push_back(rowid);
      return true;
    });
  }
  if (code != SQLITE_OK) return failed(code);
  std::sort(rowids.begin(), rowids.end());
  return rowids;
}

}  // namespace trunkline::store
