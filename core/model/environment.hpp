// The TRUNKLINE_* variables (docs/conventions.md), read once by tr_config_init. An empty variable counts as unset, a
// bad value gives a warning that names the variable and is ignored otherwise, and a program that runs with more rights
// than its user (AT_SECURE) reads none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "trunkline.h"

namespace trunkline {

// What max_memory and max_value_bytes may be.
inline constexpr uint64_t kLeastMemory = 4u << 20;
inline constexpr uint64_t kMostMemory = 2ull << 30;  // what slot numbers can name
inline constexpr uint64_t kMostValueBytes = 1ull << 30;

// Texts point into the environment; NULL: not set.
struct ConfigEnvironment {
  const char* directory = nullptr;
  const char* recorder_directory = nullptr;
  const char* service_name = nullptr;  // also OTEL_SERVICE_NAME
  const char* processors = nullptr;
  const char* redact_keys = nullptr;
  const char* redact_patterns = nullptr;
  std::optional<uint64_t> max_memory;
  std::optional<uint64_t> max_disk;
  std::optional<uint64_t> max_value_bytes;
  std::optional<uint32_t> max_attributes;
  std::optional<uint32_t> block_timeout_ms;
  std::optional<uint32_t> end_grace_ms;
  std::optional<uint32_t> exit_timeout_ms;
  std::optional<double> sample_ratio;
  std::optional<tr_durability> durability;
  std::optional<tr_recorder> recorder;
  std::optional<tr_content> content;
  std::optional<tr_overflow> overflow;
  std::optional<tr_level> log_level;
  bool disabled = false;  // TRUNKLINE_DISABLED, or OTEL_SDK_DISABLED=true
  std::vector<std::string> warnings;
};

using GetVariable = const char* (*)(const char* name);

// getenv, but nothing under AT_SECURE.
const char* secure_variable(const char* name);

ConfigEnvironment read_environment(GetVariable get = secure_variable);

// The parsers of single values; an Error names the variable and what it takes. Case does not matter.
struct Choice {
  std::string_view word;
  uint32_t value;
};
Expected<bool> parse_bool(std::string_view name, std::string_view text);
// Decimal; with `suffixes`, k, m and g multiply by powers of 1,024.
Expected<uint64_t> parse_u64(std::string_view name, std::string_view text, bool suffixes, uint64_t maximum);
Expected<double> parse_ratio(std::string_view name, std::string_view text);
Expected<uint32_t> parse_choice(std::string_view name, std::string_view text, const Choice* choices, size_t count);

}  // namespace trunkline
