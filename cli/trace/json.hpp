// Members of JSON objects as this program writes them: what is absent is null, and every member is always there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "encode/json_writer.hpp"

namespace trunkline::cli {

// The JSON of a stored text that should be JSON; should it not be (a damaged store), it is a string.
void append_stored_json(std::string* out, std::string_view json);

class JsonMembers {
 public:
  explicit JsonMembers(std::string* out) : object_(out) {}

  void text(std::string_view key, std::string_view value) { object_.string(key, value); }
  void text_or_null(std::string_view key, std::string_view value);
  void number(std::string_view key, int64_t value) { object_.i64(key, value); }
  void number_or_null(std::string_view key, const std::optional<int64_t>& value);
  void double_or_null(std::string_view key, const std::optional<double>& value);
  void boolean(std::string_view key, bool value) { object_.member(key)->append(value ? "true" : "false"); }
  void json(std::string_view key, std::string_view json) { append_stored_json(object_.member(key), json); }
  // For anything else: the caller appends the value.
  std::string* member(std::string_view key) { return object_.member(key); }
  void close() { object_.close(); }

 private:
  encode::JsonObject object_;
};

// Counters are never that large.
inline int64_t as_number(uint64_t count) { return static_cast<int64_t>(count); }

}  // namespace trunkline::cli
