#include "store/query.hpp"

#include <sqlite3.h>

#include <cstring>
#include <memory>

namespace trunkline::store {
namespace {

// Of the pragmas those that tell about the schema: some take the name of a table, and others would set what they tell.
bool is_harmless_pragma(std::string_view name, const char* value) {
  for (const std::string_view each : {"table_info", "table_xinfo", "index_list", "index_info", "index_xinfo"}) {
    if (name == each) return true;
  }
  for (const std::string_view each : {"table_list", "database_list", "function_list", "compile_options", "user_version",
                                      "application_id", "data_version", "page_count", "page_size", "freelist_count"}) {
    if (name == each) return value == nullptr;
  }
  return false;
}

int authorize(void* /*context*/, int action, const char* first, const char* second, const char* /*database*/,
              const char* /*trigger*/) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_UPDATE:  // asked when a table-valued function is met, though nothing is written
      return first != nullptr && std::strcmp(first, "sqlite_master") == 0 ? SQLITE_OK : SQLITE_DENY;
    case SQLITE_FUNCTION:
      return second != nullptr && std::strcmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA:
      return is_harmless_pragma(first, second) ? SQLITE_OK : SQLITE_DENY;
    default:
      return SQLITE_DENY;
  }
}

class Authorized {
 public:
  explicit Authorized(sqlite3* handle) : handle_(handle) { sqlite3_set_authorizer(handle_, authorize, nullptr); }
  ~Authorized() { sqlite3_set_authorizer(handle_, nullptr, nullptr); }
  Authorized(const Authorized&) = delete;
  Authorized& operator=(const Authorized&) = delete;

 private:
  sqlite3* handle_;
};

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

Expected<Prepared> prepare(sqlite3* handle, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = sqlite3_prepare_v2(handle, sql.c_str(), static_cast<int>(sql.size()) + 1, &statement, &rest);
  Prepared prepared(statement);
  if (code == SQLITE_AUTH) return Error{TR_EINVAL, "the statement does more than read"};
  if (code != SQLITE_OK) {
    const Error error{TR_EINVAL, sqlite3_errmsg(handle)};
    const bool busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
    return busy ? Error{TR_EAGAIN, error.message} : error;
  }
  if (statement == nullptr) return Error{TR_EINVAL, "there is no statement"};
  sqlite3_stmt* second = nullptr;
  if (sqlite3_prepare_v2(handle, rest, -1, &second, nullptr) != SQLITE_OK || second != nullptr) {
    sqlite3_finalize(second);
    return Error{TR_EINVAL, "there is more than one statement"};
  }
  if (sqlite3_stmt_readonly(statement) == 0) return Error{TR_EINVAL, "the statement does more than read"};
  return prepared;
}

Cell read_cell(sqlite3_stmt* statement, int column) {
  Cell cell;
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      cell.type = Cell::Type::kInteger;
      cell.integer = sqlite3_column_int64(statement, column);
      return cell;
    case SQLITE_FLOAT:
      cell.type = Cell::Type::kReal;
      cell.real = sqlite3_column_double(statement, column);
      return cell;
    case SQLITE_NULL:
      return cell;
    default:
      break;
  }
  cell.type = sqlite3_column_type(statement, column) == SQLITE_TEXT ? Cell::Type::kText : Cell::Type::kBlob;
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
  if (bytes != nullptr) cell.bytes.assign(bytes, static_cast<size_t>(sqlite3_column_bytes(statement, column)));
  return cell;
}

}  // namespace

Error run_query(Database* database, const std::string& sql, const QuerySink& sink) {
  sqlite3* handle = database->handle();
  sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
  const Authorized authorized(handle);
  const auto prepared = prepare(handle, sql);
  if (!prepared) return prepared.error();
  sqlite3_stmt* statement = prepared->get();
  std::vector<std::string> names;
  const int columns = sqlite3_column_count(statement);
  names.reserve(static_cast<size_t>(columns));
  for (int i = 0; i < columns; ++i) names.emplace_back(sqlite3_column_name(statement, i));
  sink.begin(names);
  int code = SQLITE_OK;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    QueryRow row;
    for (int i = 0; i < columns; ++i) row.push_back(read_cell(statement, i));
    if (!sink.row(row)) return Error::none();
  }
  return code == SQLITE_DONE ? Error::none() : Error{TR_EIO, sqlite3_errmsg(handle)};
}

}  // namespace trunkline::store
