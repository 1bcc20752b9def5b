// The run directories of a directory, looked at without touching them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trunkline::cli {

struct RunCounts {
  uint64_t live = 0;   // their process records
  uint64_t dead = 0;   // left behind
  uint64_t bytes = 0;  // on disk
};

// Whether there is any run, live or dead.
bool has_runs(const std::string& directory);

// The paths of the runs whose process records now.
std::vector<std::string> live_runs(const std::string& directory);

// The paths of those that were left behind.
std::vector<std::string> dead_runs(const std::string& directory);

RunCounts count_runs(const std::string& directory);

// What the file and those beside it (-wal, -shm) take up on the disk.
uint64_t store_bytes(const std::string& path);

}  // namespace trunkline::cli
