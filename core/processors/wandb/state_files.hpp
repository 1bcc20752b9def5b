// Where the states of open runs lie that do not fit into what is saved with the cursor: a file each, in a folder of
// Trunkline's directory, replaced as a whole. Without a directory they are in memory alone, as all else is then.
#pragma once

#include <map>
#include <string>

#include "model/expected.hpp"

namespace trunkline::wandb {

class StateFiles {
 public:
  explicit StateFiles(std::string folder) : folder_(std::move(folder)) {}

  Error put(const std::string& key, const std::string& text);
  // Empty: there is none.
  std::string get(const std::string& key) const;
  void remove(const std::string& key);

  // A file that grows: cut to `length`, then `text` is appended. Returns its new length.
  Expected<uint64_t> append(const std::string& key, uint64_t length, const std::string& text);

 private:
  std::string folder_;
  std::map<std::string, std::string> in_memory_;
};

}  // namespace trunkline::wandb
