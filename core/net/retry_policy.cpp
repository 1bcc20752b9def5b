#include "net/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace trunkline::net {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMostSeconds = int64_t{1} << 32;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<int> number(std::string_view text, size_t at, size_t digits) {
  int value = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (i >= text.size() || !is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that is still to be sent.
std::optional<int64_t> parse_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',') return std::nullopt;
  const auto* month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = number(text, 5, 2);
  const auto year = number(text, 12, 4);
  const auto hour = number(text, 17, 2);
  const auto minute = number(text, 20, 2);
  const auto second = number(text, 23, 2);
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  std::tm parts{};
  parts.tm_mday = *day;
  parts.tm_mon = static_cast<int>(month - kMonths.begin());
  parts.tm_year = *year - 1900;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  return int64_t{timegm(&parts)};
}

}  // namespace

std::optional<int64_t> parse_retry_after(std::string_view text, int64_t unix_now_ns) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_digit)) {
    int64_t seconds = 0;
    for (const char c : text) seconds = std::min(seconds * 10 + (c - '0'), kMostSeconds);
    return seconds * kSecondNs;
  }
  const auto date = parse_date(text);
  if (!date) return std::nullopt;
  const int64_t seconds = std::min(*date - unix_now_ns / kSecondNs, kMostSeconds);
  return std::max<int64_t>(0, seconds) * kSecondNs;
}

Verdict RetryTable::verdict(const Response& response) const {
  switch (response.failure) {
    case Failure::kNone:
      break;
    case Failure::kUnreachable:
    case Failure::kTimeout:
    case Failure::kAborted:
      return Verdict::kLater;
    case Failure::kTls:
    case Failure::kProxy:
    case Failure::kProtocol:
    case Failure::kRefused:
      return Verdict::kHalt;
    case Failure::kTooLong:
    case Failure::kFile:
      return Verdict::kNever;
  }
  if (response.ok()) return Verdict::kDone;
  const bool listed = std::find(listed_, listed_ + count_, response.status) != listed_ + count_;
  if (listed && !others_later_) return Verdict::kLater;
  const bool redirect = response.status >= 300 && response.status < 400;
  if (redirect || response.status == 401 || response.status == 403 || response.status == 407) return Verdict::kHalt;
  return others_later_ && !listed && response.status >= 400 ? Verdict::kLater : Verdict::kNever;
}

uint64_t Backoff::draw() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

int64_t Backoff::next(const Response& response, int64_t unix_now_ns) {
  const uint32_t doublings = std::min<uint32_t>(failures_++, 30);
  const int64_t ceiling = std::min(limits_.longest_ns, limits_.first_ns << doublings);
  const auto jittered = static_cast<int64_t>(draw() % (static_cast<uint64_t>(ceiling) + 1));
  const auto asked = parse_retry_after(response.retry_after, unix_now_ns);
  if (!asked) return jittered;
  // What the server asks for, and a little more, so that all it asked do not come at the same moment.
  return std::min(*asked, limits_.retry_after_ns) + jittered / 4;
}

}  // namespace trunkline::net
