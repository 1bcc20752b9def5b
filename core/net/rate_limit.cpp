#include "net/rate_limit.hpp"

#include <algorithm>

namespace trunkline::net {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMostNumber = int64_t{1} << 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::optional<int64_t> parse_rate_number(std::string_view text, bool up) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || !std::all_of(whole.begin(), whole.end(), is_digit)) return std::nullopt;
  if (!std::all_of(fraction.begin(), fraction.end(), is_digit)) return std::nullopt;
  int64_t number = 0;
  for (const char c : whole) number = std::min(number * 10 + (c - '0'), kMostNumber);
  const bool more = std::any_of(fraction.begin(), fraction.end(), [](char c) { return c != '0'; });
  return number + (up && more ? 1 : 0);
}

void RateLimit::told(const Response& response, int64_t now_ns) {
  const auto remaining = parse_rate_number(response.rate_remaining, false);
  const auto reset = parse_rate_number(response.rate_reset, true);
  if (!remaining || !reset) return;
  next_ns_ = now_ns;
  if (*remaining >= kPlenty) return;
  next_ns_ += std::min(*reset * kSecondNs / std::max<int64_t>(1, *remaining), kLongestNs);
}

}  // namespace trunkline::net
