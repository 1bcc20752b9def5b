// Text for a terminal: names without control characters, durations and counts for people, colours or none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trunkline::processors {

// Visible characters as they are; control characters, escapes and marks that turn the direction of text as "\n",
// "\x1b",
// "\u{202e}". At most `most` characters, then an ellipsis.
void append_visible(std::string* out, std::string_view text, size_t most);

// "812 ns", "3.4 us", "12 ms", "1.25 s", "2 m 05 s".
void append_duration(std::string* out, int64_t nanoseconds);

// "1,234,567".
void append_count(std::string* out, int64_t count);

enum class Style { kPlain, kBold, kDim, kRed, kGreen, kYellow, kCyan };

class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  void begin(std::string* out, Style style) const;
  void end(std::string* out, Style style) const;
  void paint(std::string* out, Style style, std::string_view text) const {
    begin(out, style);
    out->append(text);
    end(out, style);
  }

 private:
  bool color_;
};

}  // namespace trunkline::processors
