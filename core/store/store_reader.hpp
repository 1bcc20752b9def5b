// Typed queries over a store, for the command line and viewers: what the tables hold, as plain structs that own their
// text. A Store is one connection, for one thread. It may be read while other processes write.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/sqlite.hpp"

namespace trunkline::store {

enum class Access { kRead, kWrite };

struct TraceSummary {
  std::string id;
  std::string run_id;
  std::string name;
  std::string group_id;
  std::string foreign_id;
  int64_t start_ns = 0;
  std::optional<int64_t> end_ns;
  std::string status;  // "running", "ok", "error", "incomplete"
  std::string error_type;
  std::string error_message;
  std::string stop_reason;
  std::string metadata;  // JSON object
  int64_t span_count = 0;
  int64_t error_count = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t total_tokens = 0;
  int64_t pruned_spans = 0;
  int64_t kinds = 0;  // kind_bit of each kind of its spans
};

struct StoredSpan {
  std::string trace_id;
  std::string span_id;
  std::string parent_id;
  uint32_t kind = 0;
  std::string kind_name;
  std::string name;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  std::string status;  // "ok", "error", "incomplete"
  std::string model;
  std::optional<int64_t> input_tokens;
  std::optional<int64_t> output_tokens;
  std::optional<int64_t> total_tokens;
  std::optional<int64_t> cache_read_tokens;
  std::optional<int64_t> cache_write_tokens;
  std::optional<int64_t> reasoning_tokens;
  std::optional<double> score;
  std::string score_name;
  std::optional<int64_t> step;
  std::string input;
  std::string input_type;  // empty: absent
  std::string output;
  std::string output_type;
  std::string error_type;
  std::string error_message;
  std::string foreign_id;
  std::string attributes;  // JSON object
  std::string events;      // JSON array
  int64_t dropped_attributes = 0;
  int64_t flags = 0;
  int64_t rowid = 0;  // grows in the order in which spans came
};

// What is read of a span: everything, or all but input, output, attributes and events.
enum class SpanDetail { kAll, kOutline };

struct StoredEvent {
  int64_t time_ns = 0;
  std::string name;
  std::string attributes;
};

enum class TraceSort { kNewestFirst, kOldestFirst, kLongestFirst, kMostTokensFirst, kMostSpansFirst };

struct TraceFilter {
  std::string name;    // substring, ASCII letters of either case; empty: all
  std::string status;  // empty: all
  std::string group_id;
  std::optional<uint32_t> kind;            // has a span of this kind
  std::vector<std::string> text;           // phrases, each in the input, output or error of one and the same span
  std::optional<int64_t> since_ns;         // started at or after
  std::optional<int64_t> until_ns;         // started before
  std::optional<int64_t> min_duration_ns;  // took at least so long; running ones until `now_ns`
  std::optional<int64_t> max_duration_ns;  // took at most so long
  std::optional<int64_t> min_tokens;       // in all
  std::optional<int64_t> max_tokens;
  int64_t now_ns = INT64_MAX;
  TraceSort sort = TraceSort::kNewestFirst;
  bool outline = false;  // without group, foreign id, error, stop reason and metadata
  uint32_t limit = 100;
  uint32_t offset = 0;
};

// The spans that contain words. Newest first, by the order in which they came.
struct SpanSearch {
  std::vector<std::string> text;  // phrases, each of which must be there
  bool in_input = true;
  bool in_output = true;
  bool in_error = true;
  std::optional<uint32_t> kind;
  std::string trace_id;             // empty: all
  std::string status;               // empty: all
  std::optional<int64_t> since_ns;  // started at or after
  std::optional<int64_t> until_ns;  // started before
  uint32_t limit = 50;
};

// Spans in the order in which they came.
struct SpanFeed {
  std::optional<uint32_t> kind;
  std::string trace_id;
  std::string status;
  std::string name;  // substring, ASCII letters of either case; empty: all
};

struct StoreTotals {
  int64_t traces = 0;
  int64_t running = 0;
  int64_t failed = 0;
  int64_t incomplete = 0;
  int64_t spans = 0;
  int64_t runs = 0;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t total_tokens = 0;
  int64_t file_bytes = 0;  // as SQLite counts its pages
  int64_t free_bytes = 0;  // of these, to be used again
  std::optional<int64_t> oldest_ns;
  std::optional<int64_t> newest_ns;
};

class Store {
 public:
  // Reading a store that does not exist is TR_ENOENT; a newer or foreign one TR_EUNSUPPORTED; a damaged one TR_EIO; one
  // that is locked TR_EAGAIN. kWrite makes a missing one.
  static Expected<Store> open(const std::string& path, Access access);

  Expected<std::vector<TraceSummary>> list_traces(const TraceFilter& filter);

  // `prefix` is a lower- or upper-case beginning of the id. TR_ENOENT: none; TR_EINVAL: several, or not hexadecimal.
  Expected<TraceSummary> get_trace(const std::string& prefix);

  // Ordered by their start.
  Expected<std::vector<StoredSpan>> spans_of(const std::string& trace_id, SpanDetail detail = SpanDetail::kAll);
  Expected<StoredSpan> get_span(const std::string& trace_id, const std::string& span_id);
  Expected<std::vector<StoredEvent>> events_of(const std::string& trace_id);

  // At most `limit` spans, the last that came; in the order in which they came.
  Expected<std::vector<StoredSpan>> last_spans(const SpanFeed& feed, uint32_t limit);
  // Those that came after the one of this rowid.
  Expected<std::vector<StoredSpan>> spans_after(const SpanFeed& feed, int64_t rowid, uint32_t limit);
  Expected<int64_t> last_rowid();

  // TR_EINVAL: a text has no words; TR_EUNSUPPORTED: this SQLite has no FTS5.
  Expected<std::vector<StoredSpan>> search(const SpanSearch& search);

  // About how many spans the search index does not know yet.
  Expected<int64_t> unindexed_spans();

  // All ids, sorted.
  Expected<std::vector<std::string>> trace_ids();

  // Of a store that is opened for writing: a trace with its metric runs, and the room that deletions left in the file.
  Error remove(const std::string& trace_id);
  Error shrink();
  // Brings the search index up to date, no longer than until the deadline. True: it is.
  Expected<bool> update_search_index(int64_t deadline_monotonic_ns);

  Expected<StoreTotals> totals();

  // For what no typed query covers.
  Database& database() { return database_; }

 private:
  explicit Store(Database database) : database_(std::move(database)) {}
  Error failed(int code) const;
  Expected<std::vector<int64_t>> matching_rowids(const std::vector<std::string>& text);
  Expected<std::vector<StoredSpan>> read_feed(const std::string& where_and_order,
                                              const std::function<void(Statement*)>& bind);

  Database database_;
};

}  // namespace trunkline::store
