// JSON appended to a std::string, for the paths every record takes: no tree is built and nothing is allocated but the
// result. What comes out is valid JSON on one line whatever goes in: what is not UTF-8 becomes U+FFFD, doubles
// are the shortest text that reads back exactly, and what JSON cannot say (not-a-number, infinities) becomes null with
// a word in a sibling "$flags" object. JSON text is taken to be JSON already, which the pipeline has checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline::encode {

inline std::string_view view(tr_string text) { return {text.size == 0 ? "" : text.data, text.size}; }
inline std::string_view text_of(const tr_value& value) {
  return {value.size == 0 ? "" : static_cast<const char*>(value.data), value.size};
}

// A quoted string.
void append_json_string(std::string* out, std::string_view text);

void append_json_i64(std::string* out, int64_t value);

// Always recognisable as a double ("1.0"); null when it is not finite.
void append_json_f64(std::string* out, double value);

// JSON text on one line: the line breaks and tabs between its tokens become spaces. Empty text becomes null.
void append_json_text(std::string* out, std::string_view json);

void append_base64(std::string* out, std::string_view bytes);

// Any value; bytes as {"$bytes": base64}.
void append_json_value(std::string* out, const tr_value& value);

// The words of a value that its JSON does not tell, as an array of strings: "nan", "inf", "-inf" (with ":<index>" in an
// array), "bytes", "truncated", "redacted", "invalid_json", "repaired". Appends nothing and returns false if there are
// none.
bool append_json_flags(std::string* out, const tr_value& value);

// One object. Keys that begin with '$' get a second one, so that "$flags" is ours alone.
void append_json_attributes(std::string* out, const tr_attribute* attributes, size_t count);

// Commas of an object, so that callers name members only. The members of "$flags" are gathered on the side and written
// at the end.
class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(out) { out_->push_back('{'); }

  // An object whose first members the caller has written.
  static JsonObject continued(std::string* out) { return JsonObject(out, false); }

  // Names a member of ours; the caller appends its value.
  std::string* member(std::string_view plain_key);

  // A member that somebody else has named: any text.
  std::string* any_member(std::string_view key);

  void string(std::string_view key, std::string_view text) { append_json_string(member(key), text); }
  void string_unless_empty(std::string_view key, std::string_view text) {
    if (!text.empty()) string(key, text);
  }
  void i64(std::string_view key, int64_t value) { append_json_i64(member(key), value); }
  void value(std::string_view key, const tr_value& value);
  void attribute(const tr_attribute& attribute);

  // Adds to "$flags" without a member.
  void flag(std::string_view key, const tr_value& value);
  void close();

 private:
  JsonObject(std::string* out, bool first) : out_(out), first_(first) {}
  void add_flags(std::string_view key, const tr_value& value, bool from_user);

  std::string* out_;
  std::string flags_;
  bool first_ = true;
};

}  // namespace trunkline::encode
