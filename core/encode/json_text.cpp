#include "encode/json_text.hpp"

#include <cstring>

#include "model/utf8.hpp"

namespace trunkline::encode {
namespace {

constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighBits = 0x8080808080808080u;

// Non-zero if a byte of the word is zero; exact as a whole, not for each byte.
uint64_t has_zero(uint64_t word) { return (word - kOnes) & ~word & kHighBits; }

bool has_special(uint64_t word) {
  const uint64_t quote = has_zero(word ^ kOnes * '"');
  const uint64_t backslash = has_zero(word ^ kOnes * '\\');
  const uint64_t control = (word - kOnes * 0x20) & ~word & kHighBits;
  return (quote | backslash | control) != 0;
}

// The character that a one-letter escape stands for; 0: no such escape.
char simple_escape(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

int32_t digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The \u escape whose backslash is at `at`, both halves of a pair together. Returns its size; 0: wrong.
size_t unescape_unicode(std::string_view raw, size_t at, std::string* out) {
  const int32_t high = read_json_hex(raw, at + 2);
  if (high < 0 || (high >= 0xDC00 && high < 0xE000)) return 0;
  if (high < 0xD800 || high >= 0xE000) {
    utf8_append(out, static_cast<char32_t>(high));
    return 6;
  }
  if (raw.substr(at + 6, 2) != "\\u") return 0;
  const int32_t low = read_json_hex(raw, at + 8);
  if (low < 0xDC00 || low >= 0xE000) return 0;
  utf8_append(out, static_cast<char32_t>(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)));
  return 12;
}

}  // namespace

size_t skip_plain_json(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    if (has_special(word)) break;
    at += 8;
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\' && static_cast<uint8_t>(text[at]) >= 0x20) ++at;
  return at;
}

size_t json_string_end(std::string_view text, size_t at) {
  while ((at = skip_plain_json(text, at)) < text.size()) {
    if (text[at] == '"') return at + 1;
    at += text[at] == '\\' ? 2 : 1;
  }
  return std::string_view::npos;
}

int32_t read_json_hex(std::string_view text, size_t at) {
  if (at > text.size() || text.size() - at < 4) return -1;
  int32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int32_t next = digit(text[at + i]);
    if (next < 0) return -1;
    value = value << 4 | next;
  }
  return value;
}

bool unescape_json(std::string_view raw, std::string* out) {
  out->clear();
  for (size_t at = 0; at < raw.size();) {
    const size_t backslash = raw.find('\\', at);
    out->append(raw, at, backslash - at);
    if (backslash == std::string_view::npos) break;
    if (backslash + 1 == raw.size()) return false;
    const char letter = raw[backslash + 1];
    size_t size = 2;
    if (letter == 'u') {
      size = unescape_unicode(raw, backslash, out);
      if (size == 0) return false;
    } else if (const char meant = simple_escape(letter); meant != 0) {
      out->push_back(meant);
    } else {
      return false;
    }
    at = backslash + size;
  }
  return true;
}

}  // namespace trunkline::encode
