// What the store takes: one plain struct for each table that a record becomes a row of. Texts are borrowed for the
// call; empty ones are stored as NULL where the table allows it. Ids are lower-case hexadecimal.
#pragma once

#include <cstdint>
#include <string_view>

#include "trunkline.h"

namespace trunkline::store {

struct TraceRow {
  std::string_view id;
  std::string_view run_id;
  std::string_view part;  // which of the trace's parts it is
  std::string_view name;
  std::string_view group_id;
  std::string_view foreign_id;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  bool ended = false;
  std::string_view error_type;
  std::string_view error_message;
  std::string_view stop_reason;
  std::string_view metadata = "{}";
  uint32_t dropped_attributes = 0;
  uint32_t flags = 0;  // TR_RECORD_...
};

struct ContentCell {
  std::string_view bytes;
  std::string_view type;  // empty: absent
  bool is_blob = false;
};

// What `traces.kinds` is the union of; kinds above 61 share a bit.
constexpr int64_t kind_bit(uint32_t kind) { return int64_t{1} << (kind < 62 ? kind : 62); }

struct SpanRow {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;
  uint32_t kind = 0;
  std::string_view kind_name;
  std::string_view name;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  std::string_view status;
  std::string_view model;
  tr_usage usage = {-1, -1, -1, -1, -1, -1};
  double score = 0;
  bool has_score = false;
  std::string_view score_name;
  int64_t step = -1;
  ContentCell input;
  ContentCell output;
  std::string_view error_type;
  std::string_view error_message;
  std::string_view foreign_id;
  std::string_view attributes = "{}";
  std::string_view events = "[]";
  uint32_t dropped_attributes = 0;
  uint32_t flags = 0;  // TR_RECORD_...
};

struct TraceEventRow {
  std::string_view trace_id;
  int64_t time_ns = 0;
  std::string_view name;
  std::string_view attributes = "{}";
};

struct RunRow {
  std::string_view id;
  std::string_view trace_id;
  std::string_view name;
  std::string_view project;
  std::string_view group_id;
  int64_t start_ns = 0;
};

struct RunMetricRow {
  std::string_view run;
  int64_t step = 0;
  int64_t time_ns = 0;
  std::string_view key;
  std::string_view type;
  enum class Cell { kNull, kI64, kF64, kText } cell = Cell::kNull;
  int64_t i64 = 0;
  double f64 = 0;
  std::string_view text;
};

struct RunItemRow {
  std::string_view run;
  int64_t time_ns = 0;
  std::string_view section;  // "config", "summary" or "tag"
  std::string_view key;
  std::string_view value;  // JSON
  std::string_view flags;  // JSON array of words; empty: none
};

}  // namespace trunkline::store
