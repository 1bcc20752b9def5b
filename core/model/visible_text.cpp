#include "model/visible_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "model/utf8.hpp"

namespace trunkline {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// C0, DEL and C1 controls; marks that change the direction of text; line separators; tags, which are invisible.
constexpr Range kDangerous[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C},
                                {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                                {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};

bool is_dangerous(char32_t c) {
  return std::any_of(std::begin(kDangerous), std::end(kDangerous),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

}  // namespace

char32_t next_character(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t lead = byte(*at);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t c = size == 1 ? lead : lead & (0x7Fu >> size);
  for (size_t i = 1; i < size && *at + i < text.size(); ++i) c = c << 6 | (byte(*at + i) & 0x3F);
  *at = std::min(*at + size, text.size());
  return c;
}

void append_visible(std::string* out, char32_t c) {
  if (!is_dangerous(c)) return utf8_append(out, c);
  if (c == '\n') return void(out->append("\\n"));
  if (c == '\r') return void(out->append("\\r"));
  if (c == '\t') return void(out->append("\\t"));
  std::array<char, 16> code;
  std::snprintf(code.data(), code.size(), c < 0x80 ? "\\x%02x" : "\\u{%x}", static_cast<unsigned>(c));
  out->append(code.data());
}

std::string visible_text(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::string(text);
  const std::string valid = utf8_repair(text);
  std::string out;
  out.reserve(valid.size());
  for (size_t at = 0; at < valid.size();) append_visible(&out, next_character(valid, &at));
  return out;
}

std::string words_of_server(std::string_view text) {
  constexpr size_t kMost = 300;
  std::string words(text.substr(0, utf8_cut(text, kMost)));
  std::replace_if(
      words.begin(), words.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return words;
}

}  // namespace trunkline
