// The folder the agent works in: a small Python program with tests, one of which fails. No path leads out of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace agent {

// A text, or what went wrong.
struct Outcome {
  bool ok;
  std::string text;
};

class Workspace {
 public:
  static constexpr int kBugs = 3;

  // Makes the folder, which must not exist or be empty; an empty name gives one in the folder for temporary files.
  // `text` of the outcome is the folder.
  Outcome create(const std::string& folder, int bug);

  const std::filesystem::path& folder() const { return folder_; }
  std::vector<std::string> files() const;
  Outcome read(const std::string& name) const;

  // Replaces `old_text`, which must occur exactly once. The tests cannot be edited.
  Outcome edit(const std::string& name, const std::string& old_text, const std::string& new_text) const;

  // Runs the tests; `ok` tells whether they pass, the text begins with the exit code.
  Outcome run_tests() const;

 private:
  Outcome resolve(const std::string& name) const;
  std::filesystem::path folder_;
};

}  // namespace agent
