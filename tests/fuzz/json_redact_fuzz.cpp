// Checking and redacting JSON: valid JSON stays valid, redacting twice changes nothing more, and a secret under a
// listed key is gone. An independent parser has to agree on what is valid.
#include <nlohmann/json.hpp>
#include <optional>

#include "encode/json_scan.hpp"
#include "fuzz_support.hpp"

namespace {

using trunkline::encode::json_check;
using trunkline::encode::json_redact;
using trunkline::encode::JsonCheck;
using trunkline::fuzz::require;

// No value but the mark stands under the key "password", at any depth.
void require_no_secret(const nlohmann::json& value) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (key == "password") require(member == trunkline::kRedacted, "what is secret is replaced");
      require_no_secret(member);
    }
  } else if (value.is_array()) {
    for (const auto& element : value) require_no_secret(element);
  }
}

// nullopt: numbers too large for the other parser, which the grammar allows.
std::optional<nlohmann::json> parse(std::string_view text) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::out_of_range&) {
    return std::nullopt;
  } catch (const nlohmann::json::parse_error&) {
    return nlohmann::json(nlohmann::json::value_t::discarded);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const trunkline::Redactor redactor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const JsonCheck check = json_check(text);
  const std::optional<nlohmann::json> tree = parse(text);
  if (check == JsonCheck::Valid && tree) require(!tree->is_discarded(), "what is valid here is valid elsewhere");
  std::string once;
  const bool changed = json_redact(text, redactor, &once);
  if (check != JsonCheck::Valid || !tree) return 0;
  if (!changed) once = text;
  require(json_check(once) == JsonCheck::Valid, "valid JSON stays valid");
  std::string twice;
  if (json_redact(once, redactor, &twice)) require(once == twice, "redacting again changes nothing");
  require_no_secret(nlohmann::json::parse(once));
  return 0;
}
