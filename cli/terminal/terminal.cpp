#include "terminal/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>

#include "terminal/text.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kUsualWidth = 80;
constexpr size_t kUsualRows = 24;
constexpr size_t kLargestSize = 10'000;

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// The number in a variable; else what the terminal says, if it says something.
size_t size_of(const char* variable, size_t said, size_t usual) {
  if (const char* text = std::getenv(variable)) {
    size_t size = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, failure] = std::from_chars(text, end, size);
    if (failure == std::errc() && stop == end && size > 0 && size <= kLargestSize) return size;
  }
  return said > 0 ? said : usual;
}

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::kBold:
      return "\033[1m";
    case Colour::kDim:
      return "\033[2m";
    case Colour::kRed:
      return "\033[31m";
    case Colour::kGreen:
      return "\033[32m";
    case Colour::kYellow:
      return "\033[33m";
    case Colour::kCyan:
      return "\033[36m";
    case Colour::kNone:
      break;
  }
  return "";
}

}  // namespace

Terminal Terminal::of(int fd, std::string_view choice) {
  Terminal terminal;
  const bool is_terminal = ::isatty(fd) == 1;
  if (is_terminal) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0) size = {};
    terminal.width = size_of("COLUMNS", size.ws_col, kUsualWidth);
    terminal.rows = size_of("LINES", size.ws_row, kUsualRows);
  }
  const char* type = std::getenv("TERM");
  const bool dumb = type != nullptr && std::strcmp(type, "dumb") == 0;
  const bool automatic = is_terminal && !is_set("NO_COLOR") && !dumb;
  terminal.colour = choice == "always" || (choice != "never" && automatic);
  return terminal;
}

Colour status_colour(std::string_view status) {
  if (status == "ok") return Colour::kGreen;
  if (status == "error") return Colour::kRed;
  if (status == "incomplete") return Colour::kYellow;
  return status == "running" ? Colour::kCyan : Colour::kNone;
}

void Line::add(std::string_view text, Colour colour) {
  if (text.empty()) return;
  width_ += columns(text);
  pieces_.push_back({std::string(text), colour});
}

void Line::add_apart(std::string_view text, Colour colour) {
  if (text.empty()) return;
  if (!pieces_.empty()) add("  ");
  add(text, colour);
}

std::string Line::text(const Terminal& terminal) const {
  std::string out;
  const bool fits = terminal.width == 0 || width_ <= terminal.width;
  size_t room = fits ? width_ : terminal.width;
  for (const Piece& piece : pieces_) {
    // The ellipsis needs a column of a piece that is cut, or of the one before a piece that finds no room at all.
    const size_t width = columns(piece.text);
    const bool all = fits || width < room;
    const std::string shown = all ? piece.text : width == room ? cut(piece.text + " ", room) : cut(piece.text, room);
    const std::string_view code = terminal.colour ? code_of(piece.colour) : std::string_view();
    out.append(code).append(shown);
    if (!code.empty()) out.append("\033[0m");
    if (!all) break;
    room -= width;
  }
  out.push_back('\n');
  return out;
}

}  // namespace trunkline::cli
