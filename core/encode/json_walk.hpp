// Reading JSON text in place: the members of one container, each as the piece of text it is. Meant for text that is
// known to be valid; of other text it reads what it can, and nothing outside.
#pragma once

#include <string>
#include <string_view>

namespace trunkline::encode {

// '{', '[', '"', 't', 'f', 'n', '0' for a number; '\0': nothing is there.
char json_type(std::string_view json);

// Position after the value that begins at `at`, whatever is in it; the size of the text if it does not end.
size_t skip_json_value(std::string_view json, size_t at);

// The text of a string value, given with its quotes. False: it is none.
bool json_string_value(std::string_view json, std::string* out);

// One container, member by member.
class JsonWalk {
 public:
  // A text that is no object or array has no members.
  explicit JsonWalk(std::string_view container);

  bool next();
  // Of an object: the key between its quotes, escapes and all.
  std::string_view raw_key() const { return raw_key_; }
  std::string_view value() const { return value_; }

 private:
  std::string_view text_;
  size_t at_ = 0;
  bool object_ = false;
  std::string_view raw_key_;
  std::string_view value_;
};

// The value of a member of an object; empty: there is none. Keys with escapes are not found.
std::string_view json_member(std::string_view object, std::string_view key);

}  // namespace trunkline::encode
