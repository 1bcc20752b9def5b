#include "encode/json_names.hpp"

#include <iterator>

namespace trunkline::encode {
namespace {

template <size_t N>
std::string_view pick(const std::string_view (&names)[N], uint32_t index, std::string_view otherwise) {
  return index < N ? names[index] : otherwise;
}

}  // namespace

std::string_view record_type_name(tr_record_type type) {
  static constexpr std::string_view kNames[] = {
      "unknown",      "trace_start",      "span_start",       "span_end",   "trace_end", "event",
      "run_start",    "run_log",          "run_summary",      "run_config", "run_tag",   "run_finish",
      "run_artifact", "run_add_artifact", "run_use_artifact", "run_media"};
  static_assert(std::size(kNames) == TR_RECORD_RUN_MEDIA + 1);
  return pick(kNames, type, "unknown");
}

std::string_view value_type_name(tr_type type) {
  static constexpr std::string_view kNames[] = {"null", "bool",   "i64",   "f64",   "str",  "bytes",
                                                "json", "bool[]", "i64[]", "f64[]", "str[]"};
  static_assert(std::size(kNames) == TR_TYPE_STR_ARRAY + 1);
  return pick(kNames, type, "null");
}

std::string_view status_name(uint32_t record_flags) {
  if ((record_flags & TR_RECORD_FAILED) != 0) return "error";
  return (record_flags & TR_RECORD_INCOMPLETE) != 0 ? "incomplete" : "ok";
}

std::string_view run_status_name(tr_run_status status) {
  static constexpr std::string_view kNames[] = {"finished", "failed", "killed"};
  return pick(kNames, status, "failed");
}

}  // namespace trunkline::encode
