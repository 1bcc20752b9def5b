// UTF-8, as RFC 3629 has it: overlong forms, surrogates and code points above U+10FFFF are errors. Every function takes
// time linear in its text, reads nothing beyond it and is fast where the text is ASCII.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trunkline {

bool utf8_valid(std::string_view text);

// The text with U+FFFD in place of each maximal part of an ill-formed sequence, as the Unicode standard recommends
// (chapter 3.9): a bad sequence never swallows a good character after it. What is valid comes back as it is.
std::string utf8_repair(std::string_view text);

// The largest size <= max at which the text may be cut without dividing a character. At most three bytes are given up;
// text that is not UTF-8 is cut at max.
size_t utf8_cut(std::string_view text, size_t max);

// Appends a code point; what is not a scalar value becomes U+FFFD.
void utf8_append(std::string* out, char32_t code_point);

}  // namespace trunkline
