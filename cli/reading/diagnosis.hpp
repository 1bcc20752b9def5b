// What is configured, and whether it works: the directory, the store and who locks it, the file system of the recorder,
// the room on the disk, the runs. Looks without changing anything.
#pragma once

#include <string>
#include <vector>

namespace trunkline::cli {

enum class Health { kOk, kWarning, kProblem };

struct Finding {
  std::string check;
  Health health = Health::kOk;
  std::string text;
  std::string advice;  // empty: nothing to do
};

// `thorough`: the store is read through for damage.
std::vector<Finding> diagnose(const std::string& directory, bool thorough);

}  // namespace trunkline::cli
