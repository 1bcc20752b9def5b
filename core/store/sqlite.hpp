// The few things the store needs of SQLite, owned and typed: a connection, a prepared statement, a text that is bound
// without a copy. Results are SQLite's own codes, for the callers decide by them; `describe` makes an Error of one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/expected.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace trunkline::store {

class Database {
 public:
  Database() = default;
  ~Database() { close(); }
  Database(Database&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Database& operator=(Database&& other) noexcept;

  // `flags` are SQLITE_OPEN_...; the result is a SQLite code.
  int open(const std::string& name, int flags, int busy_timeout_ms);
  void close();
  bool is_open() const { return handle_ != nullptr; }

  // Runs statements that give no rows.
  int execute(const char* sql);
  // The first column of the first row.
  int query_i64(const char* sql, int64_t* out);

  // "sentence: SQLite's message", as TR_EAGAIN when trying again later may help, else TR_EIO.
  Error describe(int code, std::string_view sentence) const;

  sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

// True when the file itself is damaged or no database at all.
bool is_corrupt(int sqlite_code);
// Whether the code says that another connection holds a lock.
bool is_lock(int sqlite_code);

class Statement {
 public:
  Statement() = default;
  ~Statement() { finalize(); }
  Statement(Statement&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Statement& operator=(Statement&& other) noexcept;

  // `keep`: the statement is kept for long.
  int prepare(const Database& database, std::string_view sql, bool keep = false);
  void finalize();
  bool is_prepared() const { return handle_ != nullptr; }

  // Texts are borrowed until `reset`; indexes count from 1.
  void bind(int index, std::string_view text);
  void bind(int index, int64_t value);
  void bind_f64(int index, double value);
  void bind_blob(int index, std::string_view bytes);
  void bind_null(int index);
  void bind_text_or_null(int index, std::string_view text);
  void bind_or_null(int index, int64_t value, int64_t absent);

  // SQLITE_ROW, SQLITE_DONE or an error.
  int step();
  // Steps a statement that gives no rows and makes it ready again; SQLITE_OK or an error.
  int run();
  void reset();

  int64_t i64(int column) const;
  double f64(int column) const;
  std::string_view text(int column) const;  // until the next step or reset
  bool is_null(int column) const;

 private:
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace trunkline::store
