#include "model/environment.hpp"

#include <sys/auxv.h>

#include <charconv>
#include <cstdlib>
#include <iterator>
#include <string_view>

namespace trunkline {
namespace {

constexpr size_t kMaxQuoted = 64;

constexpr Choice kBooleans[] = {{"true", 1}, {"false", 0}, {"1", 1},  {"0", 0},
                                {"yes", 1},  {"no", 0},    {"on", 1}, {"off", 0}};
constexpr Choice kDurabilities[] = {
    {"memory", TR_DURABILITY_MEMORY}, {"log", TR_DURABILITY_LOG}, {"fsync", TR_DURABILITY_FSYNC}};
constexpr Choice kRecorders[] = {{"file", TR_RECORDER_FILE}, {"memory", TR_RECORDER_MEMORY}};
constexpr Choice kContents[] = {{"on", TR_CONTENT_ON}, {"off", TR_CONTENT_OFF}};
constexpr Choice kOverflows[] = {{"drop", TR_OVERFLOW_DROP_NEWEST}, {"block", TR_OVERFLOW_BLOCK}};
constexpr Choice kLevels[] = {{"off", TR_LEVEL_OFF},
                              {"error", TR_LEVEL_ERROR},
                              {"warn", TR_LEVEL_WARN},
                              {"info", TR_LEVEL_INFO},
                              {"debug", TR_LEVEL_DEBUG}};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

Error bad_value(std::string_view name, std::string_view text, std::string_view expected) {
  std::string message(name);
  message.append(" is \"").append(text.substr(0, kMaxQuoted)).append(text.size() > kMaxQuoted ? "..." : "");
  message.append("\"; it takes ").append(expected);
  return {TR_EINVAL, std::move(message)};
}

unsigned suffix_shift(char suffix) {
  switch (suffix) {
    case 'k':
    case 'K':
      return 10;
    case 'm':
    case 'M':
      return 20;
    case 'g':
    case 'G':
      return 30;
    default:
      return 0;
  }
}

class Reader {
 public:
  Reader(GetVariable get, std::vector<std::string>* warnings) : get_(get), warnings_(warnings) {}

  const char* text(const char* name) const {
    const char* value = get_(name);
    return value == nullptr || *value == '\0' ? nullptr : value;
  }

  template <class T>
  void number(const char* name, bool suffixes, std::optional<T>* out, uint64_t least = 0, uint64_t most = T(-1)) const {
    const char* value = text(name);
    if (value == nullptr) return;
    std::optional<T> parsed;
    keep(parse_u64(name, value, suffixes, most), &parsed);
    if (parsed && *parsed < least) {
      warnings_->push_back(std::string(name) + " is " + value + ", and must be at least " + std::to_string(least));
    } else {
      *out = parsed;
    }
  }

  void ratio(const char* name, std::optional<double>* out) const {
    if (const char* value = text(name)) keep(parse_ratio(name, value), out);
  }

  template <size_t N>
  void choice(const char* name, const Choice (&choices)[N], std::optional<uint32_t>* out) const {
    if (const char* value = text(name)) keep(parse_choice(name, value, choices, N), out);
  }

  bool boolean(const char* name) const {
    std::optional<bool> result;
    if (const char* value = text(name)) keep(parse_bool(name, value), &result);
    return result.value_or(false);
  }

 private:
  template <class From, class To>
  void keep(const Expected<From>& parsed, std::optional<To>* out) const {
    if (parsed) {
      *out = static_cast<To>(*parsed);
    } else {
      warnings_->push_back(parsed.error().message);
    }
  }

  GetVariable get_;
  std::vector<std::string>* warnings_;
};

}  // namespace

const char* secure_variable(const char* name) { return getauxval(AT_SECURE) != 0 ? nullptr : std::getenv(name); }

ConfigEnvironment read_environment(GetVariable get) {
  ConfigEnvironment out;
  const Reader read(get, &out.warnings);
  out.directory = read.text("TRUNKLINE_DIR");
  out.recorder_directory = read.text("TRUNKLINE_RECORDER_DIR");
  out.service_name = read.text("TRUNKLINE_SERVICE_NAME");
  if (out.service_name == nullptr) out.service_name = read.text("OTEL_SERVICE_NAME");
  out.processors = read.text("TRUNKLINE_PROCESSORS");
  out.redact_keys = read.text("TRUNKLINE_REDACT_KEYS");
  out.redact_patterns = read.text("TRUNKLINE_REDACT_PATTERNS");
  read.number("TRUNKLINE_MAX_MEMORY", true, &out.max_memory, kLeastMemory, kMostMemory);
  read.number("TRUNKLINE_MAX_DISK", true, &out.max_disk);
  read.number("TRUNKLINE_MAX_VALUE_BYTES", true, &out.max_value_bytes, 0, kMostValueBytes);
  read.number("TRUNKLINE_MAX_ATTRIBUTES", false, &out.max_attributes, 0, UINT16_MAX);
  read.number("TRUNKLINE_BLOCK_TIMEOUT_MS", false, &out.block_timeout_ms);
  read.number("TRUNKLINE_END_GRACE_MS", false, &out.end_grace_ms);
  read.number("TRUNKLINE_EXIT_TIMEOUT_MS", false, &out.exit_timeout_ms);
  read.ratio("TRUNKLINE_SAMPLE_RATIO", &out.sample_ratio);
  read.choice("TRUNKLINE_DURABILITY", kDurabilities, &out.durability);
  read.choice("TRUNKLINE_RECORDER", kRecorders, &out.recorder);
  read.choice("TRUNKLINE_CONTENT", kContents, &out.content);
  read.choice("TRUNKLINE_OVERFLOW", kOverflows, &out.overflow);
  read.choice("TRUNKLINE_LOG", kLevels, &out.log_level);
  out.disabled = read.boolean("TRUNKLINE_DISABLED");
  // OpenTelemetry's own rule: only "true" is true, and anything else says nothing.
  const char* otel = read.text("OTEL_SDK_DISABLED");
  out.disabled |= otel != nullptr && equal_ignoring_case(otel, "true");
  return out;
}

Expected<uint32_t> parse_choice(std::string_view name, std::string_view text, const Choice* choices, size_t count) {
  std::string expected;
  for (size_t i = 0; i < count; ++i) {
    if (equal_ignoring_case(text, choices[i].word)) return choices[i].value;
    expected.append(i == 0 ? "" : i + 1 == count ? " or " : ", ").append(choices[i].word);
  }
  return bad_value(name, text, expected);
}

Expected<bool> parse_bool(std::string_view name, std::string_view text) {
  const Expected<uint32_t> parsed = parse_choice(name, text, kBooleans, std::size(kBooleans));
  if (!parsed) return parsed.error();
  return *parsed != 0;
}

Expected<uint64_t> parse_u64(std::string_view name, std::string_view text, bool suffixes, uint64_t maximum) {
  const std::string expected =
      (suffixes ? "a whole number, with k, m or g if you like, up to " : "a whole number up to ") +
      std::to_string(maximum);
  std::string_view digits = text;
  const unsigned shift = suffixes && !text.empty() ? suffix_shift(text.back()) : 0;
  if (shift != 0) digits.remove_suffix(1);
  uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stopped != end || value > maximum >> shift) return bad_value(name, text, expected);
  return value << shift;
}

Expected<double> parse_ratio(std::string_view name, std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  const bool right = error == std::errc{} && stopped == end && value >= 0 && value <= 1;  // false for not-a-number
  if (!right) return bad_value(name, text, "a number from 0 to 1");
  return value;
}

}  // namespace trunkline
