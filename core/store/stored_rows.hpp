// Rows of the tables as the structs of store_reader.hpp: the columns to ask for, and the reading of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/sqlite.hpp"
#include "store/store_reader.hpp"

namespace trunkline::store {

// Of the table traces, and of spans.
extern const std::string_view kTraceColumns;
extern const std::string_view kTraceOutline;  // as many columns, those that TraceFilter::outline leaves out empty
extern const std::string_view kSpanColumns;
extern const std::string_view kSpanOutline;  // as many columns, those for SpanDetail::kAll empty

TraceSummary read_trace(const Statement& row);
StoredSpan read_span(const Statement& row);

inline std::string string_at(const Statement& row, int column) { return std::string(row.text(column)); }

inline std::optional<int64_t> i64_at(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.i64(column));
}

}  // namespace trunkline::store
