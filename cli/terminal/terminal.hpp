// Where the output goes: how wide it is and whether it shows colours; and lines of coloured pieces that fit into it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::cli {

struct Terminal {
  bool colour = false;
  size_t width = 0;  // 0: not a terminal, nothing is cut
  size_t rows = 0;   // 0: not a terminal

  // `choice` is the value of --color; empty: auto.
  static Terminal of(int fd, std::string_view choice);
};

enum class Colour { kNone, kBold, kDim, kRed, kGreen, kYellow, kCyan };

// The colour of a status: "ok", "error", "incomplete", "running".
Colour status_colour(std::string_view status);

// One line, put together from pieces; its texts are `visible` ones.
class Line {
 public:
  void add(std::string_view text, Colour colour = Colour::kNone);
  // With two spaces before it, unless it is the first; nothing if the text is empty.
  void add_apart(std::string_view text, Colour colour = Colour::kNone);
  size_t width() const { return width_; }

  // With its line break, cut to the terminal.
  std::string text(const Terminal& terminal) const;

 private:
  struct Piece {
    std::string text;
    Colour colour;
  };
  std::vector<Piece> pieces_;
  size_t width_ = 0;
};

}  // namespace trunkline::cli
