#include "processors/console/console_text.hpp"

#include <array>
#include <cstdio>

#include "model/utf8.hpp"

namespace trunkline::processors {
namespace {

constexpr int64_t kMicrosecond = 1'000;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;

size_t character_size(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

unsigned code_point(std::string_view character) {
  static constexpr unsigned kLeadMask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  unsigned code = static_cast<unsigned char>(character[0]) & kLeadMask[character.size()];
  for (size_t i = 1; i < character.size(); ++i) code = code << 6 | (static_cast<unsigned char>(character[i]) & 0x3Fu);
  return code;
}

// C0, DEL, C1, the separators of lines, and what changes the direction of the text around it.
bool is_dangerous(unsigned code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

void append_escaped(std::string* out, unsigned code) {
  if (code == '\n') return void(out->append("\\n"));
  if (code == '\t') return void(out->append("\\t"));
  if (code == '\r') return void(out->append("\\r"));
  std::array<char, 16> text;
  std::snprintf(text.data(), text.size(), code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
  out->append(text.data());
}

void append_number(std::string* out, double number, const char* unit) {
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), number < 10 ? "%.2f %s" : number < 100 ? "%.1f %s" : "%.0f %s", number, unit);
  out->append(text.data());
}

std::string_view code_of(Style style) {
  switch (style) {
    case Style::kBold:
      return "\x1b[1m";
    case Style::kDim:
      return "\x1b[2m";
    case Style::kRed:
      return "\x1b[31m";
    case Style::kGreen:
      return "\x1b[32m";
    case Style::kYellow:
      return "\x1b[33m";
    case Style::kCyan:
      return "\x1b[36m";
    case Style::kPlain:
      break;
  }
  return {};
}

}  // namespace

void append_visible(std::string* out, std::string_view text, size_t most) {
  // Four bytes a character are enough, so a long text is not repaired as a whole.
  const std::string repaired = utf8_repair(text.substr(0, 4 * most + 4));
  size_t at = 0;
  for (size_t count = 0; at < repaired.size(); ++count) {
    if (count == most) return void(out->append("…"));
    const std::string_view character = std::string_view(repaired).substr(at, character_size(repaired[at]));
    const unsigned code = code_point(character);
    if (is_dangerous(code)) {
      append_escaped(out, code);
    } else {
      out->append(character);
    }
    at += character.size();
  }
}

void append_duration(std::string* out, int64_t nanoseconds) {
  const auto number = static_cast<double>(nanoseconds);
  if (nanoseconds < kMicrosecond) {
    out->append(std::to_string(nanoseconds)).append(" ns");
  } else if (nanoseconds < kMillisecond) {
    append_number(out, number / kMicrosecond, "us");
  } else if (nanoseconds < kSecond) {
    append_number(out, number / kMillisecond, "ms");
  } else if (nanoseconds < kMinute) {
    append_number(out, number / kSecond, "s");
  } else {
    std::array<char, 48> text;
    std::snprintf(text.data(), text.size(), "%lld m %02lld s", static_cast<long long>(nanoseconds / kMinute),
                  static_cast<long long>(nanoseconds % kMinute / kSecond));
    out->append(text.data());
  }
}

void append_count(std::string* out, int64_t count) {
  std::string digits = std::to_string(count);
  const size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  out->append(digits);
}

void Painter::begin(std::string* out, Style style) const {
  if (color_) out->append(code_of(style));
}

void Painter::end(std::string* out, Style style) const {
  if (color_ && style != Style::kPlain) out->append("\x1b[0m");
}

}  // namespace trunkline::processors
