#include <sqlite3.h>

#include "store/store_writer.hpp"

namespace trunkline::store {

int StoreWriter::put_run(const RunRow& row) {
  Statement* put = nullptr;
  const int code = prepare(kPutRun, &put);
  if (code != SQLITE_OK) return code;
  put->bind(1, row.id);
  put->bind_text_or_null(2, row.trace_id);
  put->bind(3, row.name);
  put->bind_text_or_null(4, row.project);
  put->bind_text_or_null(5, row.group_id);
  put->bind(6, row.start_ns);
  return put->run();
}

int StoreWriter::ensure_run(std::string_view run, int64_t time_ns) {
  Statement* insert = nullptr;
  const int code = prepare(kInsertImplicitRun, &insert);
  if (code != SQLITE_OK) return code;
  insert->bind(1, run);
  insert->bind(2, time_ns);
  return insert->run();
}

int StoreWriter::begin_run_log(std::string_view run, int64_t time_ns, int64_t* step) {
  int code = ensure_run(run, time_ns);
  if (code != SQLITE_OK) return code;
  Statement* statement = nullptr;
  if (*step < 0) {
    code = prepare(kReadStep, &statement);
    if (code != SQLITE_OK) return code;
    statement->bind(1, run);
    code = statement->step();
    *step = statement->i64(0);
    statement->reset();
    if (code != SQLITE_ROW) return code;
  }
  code = prepare(kWriteStep, &statement);
  if (code != SQLITE_OK) return code;
  statement->bind(1, run);
  statement->bind(2, *step < INT64_MAX ? *step + 1 : *step);
  return statement->run();
}

int StoreWriter::put_run_metric(const RunMetricRow& row) {
  Statement* insert = nullptr;
  const int code = prepare(kInsertMetric, &insert);
  if (code != SQLITE_OK) return code;
  insert->bind(1, row.run);
  insert->bind(2, row.step);
  insert->bind(3, row.time_ns);
  insert->bind(4, row.key);
  switch (row.cell) {
    case RunMetricRow::Cell::kNull:
      insert->bind_null(5);
      break;
    case RunMetricRow::Cell::kI64:
      insert->bind(5, row.i64);
      break;
    case RunMetricRow::Cell::kF64:
      insert->bind_f64(5, row.f64);
      break;
    case RunMetricRow::Cell::kText:
      insert->bind(5, row.text);
      break;
  }
  insert->bind(6, row.type);
  return insert->run();
}

int StoreWriter::put_run_item(const RunItemRow& row) {
  int code = ensure_run(row.run, row.time_ns);
  Statement* put = nullptr;
  if (code == SQLITE_OK) code = prepare(kPutItem, &put);
  if (code != SQLITE_OK) return code;
  put->bind(1, row.run);
  put->bind(2, row.section);
  put->bind(3, row.key);
  put->bind(4, row.value);
  put->bind_text_or_null(5, row.flags);
  return put->run();
}

int StoreWriter::finish_run(std::string_view run, int64_t end_ns, std::string_view status, int32_t exit_code) {
  int code = ensure_run(run, end_ns);
  Statement* update = nullptr;
  if (code == SQLITE_OK) code = prepare(kFinishRun, &update);
  if (code != SQLITE_OK) return code;
  update->bind(1, run);
  update->bind(2, end_ns);
  update->bind(3, status);
  update->bind(4, int64_t{exit_code});
  return update->run();
}

}  // namespace trunkline::store
