// Text from traces on a terminal. Names come from anywhere: what could drive the terminal, or reorder what is read, is
// shown as an escape; widths are counted in columns; nothing is cut inside a character.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trunkline::cli {

// One line: control characters become \n, \t, \xNN or \u{NNNN}, and so do the marks that reorder text; what is not
// UTF-8 becomes U+FFFD.
std::string visible(std::string_view text);

// As visible, of a line of a text that is shown as it is: tabs become spaces.
std::string visible_line(std::string_view line);

// Columns of a text that `visible` has made.
size_t columns(std::string_view text);

// At most `width` columns of it, the last of which is an ellipsis if something was left out.
std::string cut(std::string_view text, size_t width);

// How many bytes of it stand in at most `width` columns; at least one character.
size_t fitting(std::string_view text, size_t width);

std::string_view first_line(std::string_view text);

// The shortest decimal that reads back as the same double.
std::string number_text(double value);

// 512 B, 1.5 KiB, 20.0 MiB
std::string bytes_text(uint64_t bytes);

}  // namespace trunkline::cli
