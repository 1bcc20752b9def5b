#include "store/store_writer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "os/time.hpp"
#include "store/search_index.hpp"
#include "store/store_pruner.hpp"

namespace trunkline::store {
namespace {

constexpr uint64_t kSmallestPart = 256u << 10;  // its tables take room even when they are empty
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kIndexedBytes = 256 << 10;  // a few milliseconds' work
constexpr int64_t kCursorLifetimeNs = int64_t{30} * 86'400 * kNsPerSecond;

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

// Runs that expired long ago will never come again.
void forget_old_cursors(Database* database) {
  const std::string sql = "DELETE FROM cursors WHERE updated_ns<" + std::to_string(now_ns() - kCursorLifetimeNs);
  (void)database->execute(sql.c_str());
}

void bind_content(Statement* statement, int index, const ContentCell& cell) {
  if (cell.type.empty()) {
    statement->bind_null(index);
  } else if (cell.is_blob) {
    statement->bind_blob(index, cell.bytes);
  } else {
    statement->bind(index, cell.bytes);
  }
  statement->bind_text_or_null(index + 1, cell.type);
}

int64_t known(int64_t tokens) { return std::max<int64_t>(tokens, 0); }

// Saturates: the sums of hostile counts must not overflow.
int64_t plus(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

}  // namespace

Error StoreWriter::ensure_open() {
  if (file_.is_open() && file_.was_replaced()) close();
  if (file_.is_open()) {
    rollback();  // of a batch that ended in an exception
    return Error::none();
  }
  if (Error error = file_.open()) {
    locked_ = file_.is_locked();
    return error;
  }
  forget_old_cursors(&file_.database());
  return Error::none();
}

void StoreWriter::close() {
  for (Statement& statement : statements_) statement.finalize();
  file_.close();
}

void StoreWriter::put_down() {
  if (!file_.is_open()) return;
  sqlite3_db_config(file_.database().handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  close();
}

Error StoreWriter::fail(int code) {
  Error error = file_.database().describe(code, "the store could not be written");
  rollback();
  locked_ = is_lock(code);
  if (locked_ || (code & 0xff) == SQLITE_FULL) return error;
  close();
  if (!is_corrupt(code)) return error;
  if (Error moved = file_.quarantine()) return moved;
  return error;
}

int StoreWriter::make_room(uint64_t incoming) { return prune(&file_.database(), max_bytes_, incoming); }

int StoreWriter::index_texts(int64_t duration_ns) {
  if (!file_.is_open()) return SQLITE_OK;
  const int64_t deadline = os::monotonic_now() + duration_ns;
  // A part goes as a whole, with the last of its traces: it must be small beside what the file may hold.
  const uint64_t part_bytes = std::clamp(max_bytes_ / 16, kSmallestPart, kPartBytes);
  bool more = true;
  int code = SQLITE_OK;
  while (code == SQLITE_OK && more && os::monotonic_now() < deadline) {
    code = index_some(&file_.database(), kIndexedBytes, part_bytes, &more);
  }
  return code;
}

int StoreWriter::prepare(Query query, Statement** statement) {
  Statement& slot = statements_[query];
  *statement = &slot;
  if (slot.is_prepared()) return SQLITE_OK;
  return slot.prepare(file_.database(), sql(query), true);
}

int StoreWriter::changes() { return sqlite3_changes(file_.database().handle()); }

int StoreWriter::begin() {
  sums_.clear();
  Statement* statement = nullptr;
  const int code = prepare(kBegin, &statement);
  return code != SQLITE_OK ? code : statement->run();
}

void StoreWriter::rollback() {
  sums_.clear();
  if (!file_.is_open() || sqlite3_get_autocommit(file_.database().handle()) != 0) return;
  for (Statement& statement : statements_) statement.reset();
  (void)file_.database().execute("ROLLBACK");
}

int StoreWriter::read_cursor(std::string_view run_id, uint64_t* sequence) {
  Statement* statement = nullptr;
  int code = prepare(kReadCursor, &statement);
  if (code != SQLITE_OK) return code;
  statement->bind(1, run_id);
  code = statement->step();
  *sequence = code == SQLITE_ROW ? static_cast<uint64_t>(statement->i64(0)) : 0;
  statement->reset();
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int StoreWriter::commit(std::string_view run_id, uint64_t sequence) {
  int code = write_sums(run_id);
  Statement* statement = nullptr;
  if (code == SQLITE_OK && !run_id.empty()) {
    code = prepare(kWriteCursor, &statement);
    if (code != SQLITE_OK) return code;
    statement->bind(1, run_id);
    statement->bind(2, static_cast<int64_t>(sequence));
    statement->bind(3, now_ns());
    code = statement->run();
  }
  if (code == SQLITE_OK) code = prepare(kCommit, &statement);
  return code != SQLITE_OK ? code : statement->run();
}

void StoreWriter::bind_span(Statement* statement, const SpanRow& row) {
  statement->bind(1, row.trace_id);
  statement->bind(2, row.span_id);
  statement->bind_text_or_null(3, row.parent_id);
  statement->bind(4, int64_t{row.kind});
  statement->bind(5, row.kind_name);
  statement->bind(6, row.name);
  statement->bind(7, row.start_ns);
  statement->bind(8, row.end_ns);
  statement->bind(9, row.status);
  statement->bind_text_or_null(10, row.model);
  statement->bind_or_null(11, row.usage.input, -1);
  statement->bind_or_null(12, row.usage.output, -1);
  statement->bind_or_null(13, row.usage.total, -1);
  statement->bind_or_null(14, row.usage.cache_read, -1);
  statement->bind_or_null(15, row.usage.cache_write, -1);
  statement->bind_or_null(16, row.usage.reasoning, -1);
  row.has_score ? statement->bind_f64(17, row.score) : statement->bind_null(17);
  statement->bind_text_or_null(18, row.score_name);
  statement->bind_or_null(19, row.step, -1);
  bind_content(statement, 20, row.input);
  bind_content(statement, 22, row.output);
  statement->bind_text_or_null(24, row.error_type);
  statement->bind_text_or_null(25, row.error_message);
  statement->bind_text_or_null(26, row.foreign_id);
  statement->bind(27, row.attributes);
  statement->bind(28, row.events);
  statement->bind(29, int64_t{row.dropped_attributes});
  statement->bind(30, int64_t{row.flags});
}

StoreWriter::Sums& StoreWriter::sums_of(std::string_view trace_id) {
  key_.assign(trace_id);
  return sums_[key_];
}

void StoreWriter::add(const SpanRow& row) {
  Sums& sums = sums_of(row.trace_id);
  const bool first = sums.first_start_ns == 0 && sums.last_end_ns == 0;
  sums.first_start_ns = first ? row.start_ns : std::min(sums.first_start_ns, row.start_ns);
  sums.last_end_ns = first ? row.end_ns : std::max(sums.last_end_ns, row.end_ns);
  sums.spans += 1;
  sums.kinds |= kind_bit(row.kind);
  sums.errors += (row.flags & TR_RECORD_FAILED) != 0 ? 1 : 0;
  sums.input_tokens = plus(sums.input_tokens, known(row.usage.input));
  sums.output_tokens = plus(sums.output_tokens, known(row.usage.output));
  sums.total_tokens = plus(sums.total_tokens, known(row.usage.total));
}

void StoreWriter::subtract_stored(const Statement& stored, std::string_view trace_id) {
  Sums& sums = sums_of(trace_id);
  sums.spans -= 1;
  sums.errors -= (stored.i64(0) & TR_RECORD_FAILED) != 0 ? 1 : 0;
  sums.input_tokens = plus(sums.input_tokens, -known(stored.i64(1)));
  sums.output_tokens = plus(sums.output_tokens, -known(stored.i64(2)));
  sums.total_tokens = plus(sums.total_tokens, -known(stored.i64(3)));
}

// Nearly every span is new, so the plain insert comes first and the comparison only after a conflict.
int StoreWriter::put_span(const SpanRow& row) {
  Statement* statement = nullptr;
  int code = prepare(kInsertSpan, &statement);
  if (code != SQLITE_OK) return code;
  bind_span(statement, row);
  code = statement->run();
  if (code != SQLITE_OK) return code;
  if (changes() == 1) {
    add(row);
    return SQLITE_OK;
  }
  Statement* stored = nullptr;
  code = prepare(kReadSpan, &stored);
  if (code != SQLITE_OK) return code;
  stored->bind(1, row.trace_id);
  stored->bind(2, row.span_id);
  code = stored->step();
  const bool stored_complete = code == SQLITE_ROW && (stored->i64(0) & TR_RECORD_INCOMPLETE) == 0;
  const bool keep = stored_complete && (row.flags & TR_RECORD_INCOMPLETE) != 0;
  if (code == SQLITE_ROW && !keep) subtract_stored(*stored, row.trace_id);
  stored->reset();
  if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_INTERNAL : code;
  if (keep) return SQLITE_OK;
  code = prepare(kReplaceSpan, &statement);
  if (code != SQLITE_OK) return code;
  bind_span(statement, row);
  code = statement->run();
  if (code != SQLITE_OK) return code;
  add(row);
  code = prepare(kIndexAgain, &statement);
  return code != SQLITE_OK ? code : statement->run();
}

int StoreWriter::write_sums(std::string_view run_id) {
  Statement* update = nullptr;
  int code = prepare(kAddToTrace, &update);
  for (const auto& [id, sums] : sums_) {
    if (code != SQLITE_OK) return code;
    update->bind(1, id);
    update->bind(2, sums.spans);
    update->bind(3, sums.errors);
    update->bind(4, sums.input_tokens);
    update->bind(5, sums.output_tokens);
    update->bind(6, sums.total_tokens);
    update->bind(7, sums.first_start_ns);
    update->bind(8, sums.last_end_ns);
    update->bind(9, sums.kinds);
    code = update->run();
    if (code == SQLITE_OK && changes() == 0) code = write_implicit_trace(id, run_id, sums);
  }
  return code;
}

int StoreWriter::write_implicit_trace(std::string_view id, std::string_view run_id, const Sums& sums) {
  Statement* insert = nullptr;
  const int code = prepare(kInsertImplicitTrace, &insert);
  if (code != SQLITE_OK) return code;
  insert->bind(1, id);
  insert->bind(2, run_id);
  insert->bind(3, sums.first_start_ns);
  insert->bind(4, sums.last_end_ns);
  insert->bind(5, sums.spans);
  insert->bind(6, sums.errors);
  insert->bind(7, sums.input_tokens);
  insert->bind(8, sums.output_tokens);
  insert->bind(9, sums.total_tokens);
  insert->bind(10, sums.kinds);
  return insert->run();
}

}  // namespace trunkline::store
