// The TRUNKLINE_* variables: the input is split at NULs into the values of all variables in the order they are asked
// for.
#include <vector>

#include "fuzz_support.hpp"
#include "model/environment.hpp"

namespace {

std::vector<std::string> values;
size_t next;

const char* variable(const char*) { return next < values.size() ? values[next++].c_str() : nullptr; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using trunkline::fuzz::require;
  values.clear();
  next = 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\0', at), text.size());
    values.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  const trunkline::ConfigEnvironment read = trunkline::read_environment(variable);
  require(!read.sample_ratio || (*read.sample_ratio >= 0 && *read.sample_ratio <= 1), "a ratio is between 0 and 1");
  require(!read.durability || *read.durability <= TR_DURABILITY_FSYNC, "a durability is one that exists");
  require(!read.log_level || *read.log_level <= TR_LEVEL_DEBUG, "a level is one that exists");
  for (const std::string& warning : read.warnings) require(!warning.empty(), "a warning has words");
  return 0;
}
