// The metric files of runs: one line a value, appended by one write each. A value that is told again adds nothing, as
// at a server. After a crash that is a stretch at the end of what the file had when it was opened, for values of a key
// come in the order of the log, and it is over with the first line that is new; while the process goes on, it is among
// the last lines.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "processors/mlflow/file_store_files.hpp"
#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

class MetricFiles {
 public:
  // Appends what is not there. TR_EINVAL: the key cannot be a file of this run; else TR_EAGAIN, and all may be said
  // again.
  Error append(const Folder& run, const std::string& run_id, const Metric* const* metrics, size_t count);

  // What is remembered of a run: when it is over, or a write of it failed.
  void forget(const std::string& run_id) { runs_.erase(run_id); }

 private:
  struct Key {
    std::vector<uint64_t> there;                  // sorted hashes of the lines that may be told again
    std::unordered_set<uint64_t> recent, before;  // of the last lines: at least kRemembered, if there are so many

    bool has(uint64_t hash) const;
    void remember(uint64_t hash);
  };

  static Error load(int fd, Key* key);

  std::unordered_map<std::string, std::unordered_map<std::string, Key>> runs_;
};

}  // namespace trunkline::mlflow
