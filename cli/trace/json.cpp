#include "trace/json.hpp"

#include "encode/json_scan.hpp"

namespace trunkline::cli {
namespace {

constexpr unsigned kMaxDepth = 256;  // what is stored is at most 128 deep, and lies in containers of ours

}  // namespace

void append_stored_json(std::string* out, std::string_view json) {
  if (encode::json_check(json, kMaxDepth) == encode::JsonCheck::Valid) {
    encode::append_json_text(out, json);
  } else {
    encode::append_json_string(out, json);
  }
}

void JsonMembers::text_or_null(std::string_view key, std::string_view value) {
  std::string* out = object_.member(key);
  value.empty() ? static_cast<void>(out->append("null")) : encode::append_json_string(out, value);
}

void JsonMembers::number_or_null(std::string_view key, const std::optional<int64_t>& value) {
  std::string* out = object_.member(key);
  value ? encode::append_json_i64(out, *value) : static_cast<void>(out->append("null"));
}

void JsonMembers::double_or_null(std::string_view key, const std::optional<double>& value) {
  std::string* out = object_.member(key);
  value ? encode::append_json_f64(out, *value) : static_cast<void>(out->append("null"));
}

}  // namespace trunkline::cli
