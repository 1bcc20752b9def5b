#include "processors/console/console_text.hpp"

#include <array>
#include <cstdio>

#include "model/utf8.hpp"
#include "model/visible_text.hpp"

namespace trunkline::processors {
namespace {

constexpr int64_t kMicrosecond = 1'000;
constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;

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
    trunkline::append_visible(out, next_character(repaired, &at));
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
