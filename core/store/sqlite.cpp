#include "store/sqlite.hpp"

#include <sqlite3.h>

#include <utility>

namespace trunkline::store {

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

int Database::open(const std::string& name, int flags, int busy_timeout_ms) {
  close();
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) return code;
  sqlite3_extended_result_codes(handle_, 1);
  return sqlite3_busy_timeout(handle_, busy_timeout_ms);
}

void Database::close() {
  sqlite3_close_v2(handle_);
  handle_ = nullptr;
}

int Database::execute(const char* sql) { return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); }

int Database::query_i64(const char* sql, int64_t* out) {
  Statement statement;
  int code = statement.prepare(*this, sql);
  if (code != SQLITE_OK) return code;
  code = statement.step();
  if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_NOTFOUND : code;
  *out = statement.i64(0);
  return SQLITE_OK;
}

Error Database::describe(int code, std::string_view sentence) const {
  std::string message(sentence);
  message += ": ";
  const bool known = handle_ != nullptr && sqlite3_extended_errcode(handle_) == code;
  message += known ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
      return {TR_EAGAIN, message};
    default:
      return {TR_EIO, message};
  }
}

bool is_lock(int sqlite_code) {
  const int primary = sqlite_code & 0xff;
  return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

bool is_corrupt(int sqlite_code) {
  return (sqlite_code & 0xff) == SQLITE_CORRUPT || (sqlite_code & 0xff) == SQLITE_NOTADB;
}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

int Statement::prepare(const Database& database, std::string_view sql, bool keep) {
  finalize();
  const unsigned flags = keep ? SQLITE_PREPARE_PERSISTENT : 0;
  return sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()), flags, &handle_, nullptr);
}

void Statement::finalize() {
  sqlite3_finalize(handle_);
  handle_ = nullptr;
}

// A NULL pointer would bind NULL where an empty text is meant.
void Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(handle_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int index, int64_t value) { sqlite3_bind_int64(handle_, index, value); }

void Statement::bind_f64(int index, double value) { sqlite3_bind_double(handle_, index, value); }

void Statement::bind_blob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(handle_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
}

void Statement::bind_null(int index) { sqlite3_bind_null(handle_, index); }

void Statement::bind_text_or_null(int index, std::string_view text) {
  text.empty() ? bind_null(index) : bind(index, text);
}

void Statement::bind_or_null(int index, int64_t value, int64_t absent) {
  value == absent ? bind_null(index) : bind(index, value);
}

int Statement::step() { return sqlite3_step(handle_); }

int Statement::run() {
  const int stepped = step();
  const int code = sqlite3_reset(handle_);
  return stepped == SQLITE_DONE || stepped == SQLITE_ROW ? SQLITE_OK : code;
}

void Statement::reset() { sqlite3_reset(handle_); }

int64_t Statement::i64(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::f64(int column) const { return sqlite3_column_double(handle_, column); }

std::string_view Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  return bytes == nullptr ? std::string_view{}
                          : std::string_view(bytes, static_cast<size_t>(sqlite3_column_bytes(handle_, column)));
}

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

}  // namespace trunkline::store
