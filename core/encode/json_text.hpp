// What reading JSON text needs in more than one place: blanks, the end of a string, a string without its escapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trunkline::encode {

inline bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Position of the first character from `at` on that is no blank; the size of the text if there is none.
inline size_t skip_json_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_json_blank(text[at])) ++at;
  return at;
}

// Position of the first quote, backslash or control character from `at` on; the size of the text if there is none.
size_t skip_plain_json(std::string_view text, size_t at);

// `at` is after an opening quote. Position after the closing quote; npos if there is none.
size_t json_string_end(std::string_view text, size_t at);

// Four hexadecimal digits at `at`; -1 if they are not there.
int32_t read_json_hex(std::string_view text, size_t at);

// The text of a string, given between its quotes. False: an escape is wrong.
bool unescape_json(std::string_view raw, std::string* out);

}  // namespace trunkline::encode
