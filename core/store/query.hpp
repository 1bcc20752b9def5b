// SQL of the user over a store, for reading only: anything that could change a file, open another one or load code is
// refused when the statement is prepared.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "store/sqlite.hpp"

namespace trunkline::store {

struct Cell {
  enum class Type { kNull, kInteger, kReal, kText, kBlob } type = Type::kNull;
  int64_t integer = 0;
  double real = 0;
  std::string bytes;
};
using QueryRow = std::vector<Cell>;

struct QuerySink {
  std::function<void(const std::vector<std::string>& names)> begin;
  std::function<bool(const QueryRow& row)> row;  // false: enough
};

// Exactly one statement. TR_EINVAL: it is wrong, or does more than read; nothing was given to the sink.
Error run_query(Database* database, const std::string& sql, const QuerySink& sink);

}  // namespace trunkline::store
