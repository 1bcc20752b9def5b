#include "terminal/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "model/visible_text.hpp"

namespace trunkline::cli {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// East Asian wide and fullwidth characters and emoji (Unicode 15), in blocks.
constexpr Range kWide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
    {0x16FE0, 0x18DFF}, {0x1AFF0, 0x1B2FF}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E},
    {0x1F191, 0x1F19A}, {0x1F200, 0x1F320}, {0x1F32D, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7EB},
    {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};

// Marks that stand on the character before them, in blocks of the common scripts.
constexpr Range kNoWidth[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489},   {0x0591, 0x05BD},  {0x0610, 0x061A}, {0x064B, 0x065F}, {0x06D6, 0x06DC},
    {0x0900, 0x0902}, {0x093C, 0x093C},   {0x0941, 0x0948},  {0x094D, 0x094D}, {0x0E31, 0x0E31}, {0x0E34, 0x0E3A},
    {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF},   {0x1DC0, 0x1DFF},  {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF}, {0xE0100, 0xE01EF}};

template <size_t N>
bool in(const Range (&ranges)[N], char32_t c) {
  const Range* found = std::lower_bound(ranges, ranges + N, c, [](const Range& r, char32_t x) { return r.last < x; });
  return found != ranges + N && found->first <= c;
}

size_t columns_of(char32_t c) {
  if (c < 0x300) return 1;
  return in(kNoWidth, c) ? 0 : in(kWide, c) ? 2 : 1;
}

// What most texts are: every byte is a character of one column.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

std::string visible(std::string_view text) { return visible_text(text); }

std::string visible_line(std::string_view line) {
  std::string spaced;
  for (const char c : line) spaced.append(c == '\t' ? 4 : 1, c == '\t' ? ' ' : c);
  return visible(spaced);
}

size_t columns(std::string_view text) {
  if (is_plain(text)) return text.size();
  size_t sum = 0;
  for (size_t at = 0; at < text.size();) sum += columns_of(next_character(text, &at));
  return sum;
}

std::string cut(std::string_view text, size_t width) {
  size_t used = 0;
  size_t room_for_ellipsis = 0;  // where the text ends if the ellipsis has to follow
  for (size_t at = 0; at < text.size();) {
    used += columns_of(next_character(text, &at));
    if (used > width) return width == 0 ? std::string() : std::string(text.substr(0, room_for_ellipsis)) + "…";
    if (used < width) room_for_ellipsis = at;
  }
  return std::string(text);
}

size_t fitting(std::string_view text, size_t width) {
  size_t used = 0;
  size_t fits = 0;
  for (size_t at = 0; at < text.size(); fits = at) {
    used += columns_of(next_character(text, &at));
    if (used > width && fits > 0) return fits;
  }
  return fits;
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find_first_of("\r\n")); }

std::string number_text(double value) {
  std::array<char, 40> digits{};
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), result.ptr};
}

std::string bytes_text(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (size >= 1024 && unit < 3) {
    size /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", size, kUnits[unit]);
  return text;
}

}  // namespace trunkline::cli
