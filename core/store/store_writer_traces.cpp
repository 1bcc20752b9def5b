// A trace may be written by several processes, and by one several times (a remote parent): each time is a part of its
// own, and the trace's row is what the parts come to together. It runs while any part runs.
#include <sqlite3.h>

#include <algorithm>
#include <string>

#include "store/metadata.hpp"
#include "store/store_writer.hpp"

namespace trunkline::store {
namespace {

std::string_view status_of(bool running, uint32_t flags) {
  if (running) return "running";
  if ((flags & TR_RECORD_FAILED) != 0) return "error";
  return (flags & TR_RECORD_INCOMPLETE) != 0 ? "incomplete" : "ok";
}

}  // namespace

int StoreWriter::put_trace(const TraceRow& row) {
  bool changed = false;
  int code = put_part(row, &changed);
  if (code != SQLITE_OK || !changed) return code;
  Whole whole;
  code = read_whole(row.id, &whole);
  return code != SQLITE_OK ? code : write_whole(row, whole);
}

// A repeated start changes nothing, and an incomplete end nothing that has ended properly.
int StoreWriter::put_part(const TraceRow& row, bool* changed) {
  Statement* read = nullptr;
  int code = prepare(kReadPart, &read);
  if (code != SQLITE_OK) return code;
  read->bind(1, row.id);
  read->bind(2, row.part);
  code = read->step();
  const bool exists = code == SQLITE_ROW;
  const bool ended = exists && !read->is_null(0);
  const bool complete = ended && (read->i64(1) & TR_RECORD_INCOMPLETE) == 0;
  read->reset();
  if (code != SQLITE_ROW && code != SQLITE_DONE) return code;
  const bool incomplete = (row.flags & TR_RECORD_INCOMPLETE) != 0;
  *changed = row.ended ? !(complete && incomplete) : !exists;
  if (!*changed) return SQLITE_OK;

  Statement* write = nullptr;
  code = prepare(kWritePart, &write);
  if (code != SQLITE_OK) return code;
  write->bind(1, row.id);
  write->bind(2, row.part);
  write->bind(3, row.name);
  write->bind(4, row.start_ns);
  row.ended ? write->bind(5, row.end_ns) : write->bind_null(5);
  write->bind(6, int64_t{row.flags});
  return write->run();
}

int StoreWriter::read_whole(std::string_view trace_id, Whole* whole) {
  Statement* parts = nullptr;
  int code = prepare(kReadParts, &parts);
  if (code != SQLITE_OK) return code;
  parts->bind(1, trace_id);
  bool first = true;
  while ((code = parts->step()) == SQLITE_ROW) {
    if (first) whole->start_ns = parts->i64(1);
    if (whole->name.empty()) whole->name = parts->text(0);
    whole->end_ns = first ? parts->i64(2) : std::max(whole->end_ns, parts->i64(2));
    whole->running |= parts->is_null(2);
    whole->flags |= static_cast<uint32_t>(parts->i64(3));
    first = false;
  }
  parts->reset();
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int StoreWriter::write_whole(const TraceRow& row, const Whole& whole) {
  Statement* read = nullptr;
  int code = prepare(kReadMetadata, &read);
  if (code != SQLITE_OK) return code;
  read->bind(1, row.id);
  code = read->step();
  const std::string metadata = merge_metadata(code == SQLITE_ROW ? read->text(0) : "{}", row.metadata);
  read->reset();
  if (code != SQLITE_ROW && code != SQLITE_DONE) return code;

  Statement* put = nullptr;
  code = prepare(kPutTrace, &put);
  if (code != SQLITE_OK) return code;
  put->bind(1, row.id);
  put->bind(2, row.run_id);
  put->bind(3, whole.name);
  put->bind_text_or_null(4, row.group_id);
  put->bind_text_or_null(5, row.foreign_id);
  put->bind(6, whole.start_ns);
  whole.running ? put->bind_null(7) : put->bind(7, whole.end_ns);
  put->bind(8, status_of(whole.running, whole.flags));
  put->bind_text_or_null(9, row.error_type);
  put->bind_text_or_null(10, row.error_message);
  put->bind_text_or_null(11, row.stop_reason);
  put->bind(12, metadata);
  put->bind(13, int64_t{row.dropped_attributes});
  put->bind(14, int64_t{whole.flags});
  return put->run();
}

int StoreWriter::put_trace_event(const TraceEventRow& row) {
  Statement* insert = nullptr;
  const int code = prepare(kInsertEvent, &insert);
  if (code != SQLITE_OK) return code;
  insert->bind(1, row.trace_id);
  insert->bind(2, row.time_ns);
  insert->bind(3, row.name);
  insert->bind(4, row.attributes);
  return insert->run();
}

}  // namespace trunkline::store
