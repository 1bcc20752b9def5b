// Writes rows into the store, one transaction at a time, together with the cursor of the run they come from: a batch
// and the fact that it was taken are one thing, so records are stored exactly once. Statements are prepared once. The
// result of every put is a SQLite code; the transaction is rolled back by whoever began it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "store/rows.hpp"
#include "store/sqlite.hpp"
#include "store/store_file.hpp"

namespace trunkline::store {

class StoreWriter {
 public:
  StoreWriter(StoreLocation location, uint64_t max_bytes, Notice notice)
      : file_(std::move(location), std::move(notice)), max_bytes_(max_bytes) {}
  ~StoreWriter() { close(); }
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  // Opens the file, or opens it anew when it was replaced. Every Error is TR_EAGAIN.
  Error ensure_open();
  void close();
  // Closes at once: what the log of the database holds is not moved into it.
  void put_down();

  // Deletes the oldest until `incoming` bytes of rows will fit.
  int make_room(uint64_t incoming);

  // Goes on with the search index for about so long. A SQLite code.
  int index_texts(int64_t duration_ns);

  int begin();
  // Adds what the spans sum up to, advances the cursor and commits.
  int commit(std::string_view run_id, uint64_t sequence);
  void rollback();

  // The highest sequence taken of the run, 0 if none. Within a transaction.
  int read_cursor(std::string_view run_id, uint64_t* sequence);

  int put_trace(const TraceRow& row);
  int put_span(const SpanRow& row);
  int put_trace_event(const TraceEventRow& row);
  int put_run(const RunRow& row);
  // A step below zero becomes the run's next one; the step that was used is returned in the row.
  int begin_run_log(std::string_view run, int64_t time_ns, int64_t* step);
  int put_run_metric(const RunMetricRow& row);
  int put_run_item(const RunItemRow& row);
  int finish_run(std::string_view run, int64_t end_ns, std::string_view status, int32_t exit_code);

  // What an operation's code means for the caller, in words. Closes the file after anything but a passing lock; a
  // damaged file is moved aside, and the next `ensure_open` begins a new one.
  Error fail(int code);
  // Whether the last failure, of `fail` or `ensure_open`, was another connection's lock, which passes by itself.
  bool is_locked() const { return locked_; }

 private:
  enum Query : size_t {
    kBegin,
    kCommit,
    kReadCursor,
    kWriteCursor,
    kInsertSpan,
    kReplaceSpan,
    kReadSpan,
    kIndexAgain,
    kAddToTrace,
    kInsertImplicitTrace,
    kReadPart,
    kWritePart,
    kReadParts,
    kReadMetadata,
    kPutTrace,
    kInsertEvent,
    kPutRun,
    kInsertImplicitRun,
    kReadStep,
    kWriteStep,
    kInsertMetric,
    kPutItem,
    kFinishRun,
    kQueryCount
  };
  static std::string_view sql(Query query);

  // What the spans of one transaction add to their trace's row.
  struct Sums {
    int64_t spans = 0;
    int64_t errors = 0;
    int64_t input_tokens = 0;
    int64_t output_tokens = 0;
    int64_t total_tokens = 0;
    int64_t first_start_ns = 0;
    int64_t last_end_ns = 0;
    int64_t kinds = 0;
  };
  // What the parts of a trace come to together.
  struct Whole {
    std::string name;
    int64_t start_ns = 0;
    int64_t end_ns = 0;
    bool running = false;
    uint32_t flags = 0;
  };

  int prepare(Query query, Statement** statement);
  int changes();
  void bind_span(Statement* statement, const SpanRow& row);
  void add(const SpanRow& row);
  void subtract_stored(const Statement& stored, std::string_view trace_id);
  Sums& sums_of(std::string_view trace_id);
  int write_sums(std::string_view run_id);
  int write_implicit_trace(std::string_view id, std::string_view run_id, const Sums& sums);

  int ensure_run(std::string_view run, int64_t time_ns);
  int put_part(const TraceRow& row, bool* changed);
  int read_whole(std::string_view trace_id, Whole* whole);
  int write_whole(const TraceRow& row, const Whole& whole);

  StoreFile file_;
  uint64_t max_bytes_;
  bool locked_ = false;
  std::array<Statement, kQueryCount> statements_;
  std::unordered_map<std::string, Sums> sums_;
  std::string key_;  // scratch, so that looking a trace up does not allocate
};

}  // namespace trunkline::store
