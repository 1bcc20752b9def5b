// Text of strangers where people read it, in a terminal or a line of a log: what could drive the terminal, end the line
// or reorder what is read is shown as an escape.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trunkline {

// One character of valid UTF-8; `at` is moved past it.
char32_t next_character(std::string_view text, size_t* at);

// The character, or \n, \t, \r, \xNN or \u{NNNN} in its place.
void append_visible(std::string* out, char32_t c);

// All of a text; what is not UTF-8 becomes U+FFFD.
std::string visible_text(std::string_view text);

// What a server says, as part of a sentence: at most 300 bytes of it, not cut within a character, without line ends.
std::string words_of_server(std::string_view text);

}  // namespace trunkline
