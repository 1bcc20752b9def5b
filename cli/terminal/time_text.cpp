#include "terminal/time_text.hpp"

#include <charconv>
#include <cstdio>
#include <ctime>

namespace trunkline::cli {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// Reads exactly `digits` digits.
bool take_number(std::string_view* text, size_t digits, int* out) {
  if (text->size() < digits) return false;
  const char* end = text->data() + digits;
  const auto [stop, failure] = std::from_chars(text->data(), end, *out);
  if (failure != std::errc() || stop != end || text->front() == '-') return false;
  text->remove_prefix(digits);
  return true;
}

bool take(std::string_view* text, std::string_view any_of) {
  if (text->empty() || any_of.find(text->front()) == std::string_view::npos) return false;
  text->remove_prefix(1);
  return true;
}

int days_in_month(int year, int month) {
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

std::optional<int64_t> parse_date(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!take_number(&text, 4, &year) || !take(&text, "-") || !take_number(&text, 2, &month) || !take(&text, "-") ||
      !take_number(&text, 2, &day)) {
    return std::nullopt;
  }
  if (take(&text, "T ")) {
    if (!take_number(&text, 2, &hour) || !take(&text, ":") || !take_number(&text, 2, &minute)) return std::nullopt;
    if (take(&text, ":") && !take_number(&text, 2, &second)) return std::nullopt;
  }
  const bool utc = take(&text, "Z");
  // Nanoseconds reach to the year 2262.
  if (!text.empty() || year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  std::tm fields{};
  fields.tm_year = year - 1900;
  fields.tm_mon = month - 1;
  fields.tm_mday = day;
  fields.tm_hour = hour;
  fields.tm_min = minute;
  fields.tm_sec = second;
  fields.tm_isdst = -1;
  return int64_t{utc ? timegm(&fields) : std::mktime(&fields)} * kSecond;
}

std::optional<int64_t> parse_ago(std::string_view text, int64_t now_ns) {
  if (text.size() > 4 && text.substr(text.size() - 4) == " ago") text.remove_suffix(4);
  if (text.size() < 2 || text.size() > 7 || text.front() == '-') return std::nullopt;
  int64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = kSecond;
      break;
    case 'm':
      unit = kMinute;
      break;
    case 'h':
      unit = kHour;
      break;
    case 'd':
      unit = kDay;
      break;
    case 'w':
      unit = 7 * kDay;
      break;
    default:
      return std::nullopt;
  }
  int64_t count = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [stop, failure] = std::from_chars(text.data(), end, count);
  if (failure != std::errc() || stop != end) return std::nullopt;
  return count > now_ns / unit ? 0 : now_ns - count * unit;
}

std::tm local_time(int64_t time_ns) {
  const std::time_t seconds = time_ns / kSecond - (time_ns % kSecond < 0 ? 1 : 0);
  std::tm fields{};
  localtime_r(&seconds, &fields);
  return fields;
}

std::string formatted(const std::tm& fields, const char* format) {
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &fields)};
}

std::string two_parts(int64_t large, char large_unit, int64_t small, char small_unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%lld%c%02lld%c", static_cast<long long>(large), large_unit,
                static_cast<long long>(small), small_unit);
  return text;
}

// Three significant digits.
std::string scaled(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, unit);
  return text;
}

}  // namespace

std::optional<int64_t> parse_time(std::string_view text, int64_t now_ns) {
  const auto date = parse_date(text);
  return date ? date : parse_ago(text, now_ns);
}

std::optional<int64_t> parse_duration(std::string_view text) {
  static constexpr struct {
    std::string_view name;
    int64_t ns;
  } kUnits[] = {{"ns", 1},      {"us", 1'000},  {"µs", 1'000}, {"ms", 1'000'000},
                {"s", kSecond}, {"m", kMinute}, {"h", kHour},  {"d", kDay}};
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    double count = 0;
    const auto [stop, failure] =
        std::from_chars(text.data(), text.data() + text.size(), count, std::chars_format::fixed);
    if (failure != std::errc() || !(count >= 0)) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(stop - text.data()));
    const size_t digit = text.find_first_of("0123456789");
    const std::string_view name = text.substr(0, digit);
    int64_t unit = 0;
    for (const auto& each : kUnits) {
      if (each.name == name) unit = each.ns;
    }
    if (unit == 0) return std::nullopt;
    sum += count * static_cast<double>(unit);
    text.remove_prefix(name.size());
  }
  return sum < 9e18 ? std::optional(static_cast<int64_t>(sum)) : std::nullopt;
}

std::string time_text(int64_t time_ns) { return formatted(local_time(time_ns), "%Y-%m-%d %H:%M:%S"); }

std::string short_time_text(int64_t time_ns, int64_t now_ns) {
  const std::tm fields = local_time(time_ns);
  return formatted(fields, fields.tm_year == local_time(now_ns).tm_year ? "%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M");
}

std::string duration_text(int64_t ns) {
  if (ns < 0) return "-" + duration_text(ns == INT64_MIN ? INT64_MAX : -ns);
  const auto value = static_cast<double>(ns);
  if (ns < 1'000) return std::to_string(ns) + "ns";
  if (ns < 999'500) return scaled(value / 1e3, "µs");
  if (ns < 999'500'000) return scaled(value / 1e6, "ms");
  if (ns < 59'950'000'000) return scaled(value / 1e9, "s");
  const int64_t seconds = ns / kSecond + (ns % kSecond >= kSecond / 2 ? 1 : 0);
  if (seconds < 3'600) return two_parts(seconds / 60, 'm', seconds % 60, 's');
  if (seconds < 86'400) return two_parts(seconds / 3'600, 'h', seconds % 3'600 / 60, 'm');
  return two_parts(seconds / 86'400, 'd', seconds % 86'400 / 3'600, 'h');
}

}  // namespace trunkline::cli
