#include "reading/runs.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>

#include "log/owner_file.hpp"
#include "os/file.hpp"
#include "os/process.hpp"

namespace trunkline::cli {
namespace {

constexpr uint64_t kBlock = 512;  // the unit of st_blocks

namespace fs = std::filesystem;

fs::path runs_folder(const std::string& directory) { return fs::path(directory) / "run"; }

bool is_run(const fs::directory_entry& entry) {
  std::error_code failure;
  return entry.symlink_status(failure).type() == fs::file_type::directory &&
         entry.path().filename().native().front() != '.';
}

uint64_t bytes_of(const fs::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_blocks) * kBlock : 0;
}

std::string lock_of(uint32_t generation) {
  if (generation == 0) return "lock";
  return generation == 1 ? "adopt" : "adopt." + std::to_string(generation);
}

// An owner whose process lives may have let go of the run; a shared lock, held for a moment, tells.
bool is_live(const fs::path& path) {
  const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder) return false;
  log_detail::Owner owner;
  const auto state = log_detail::read_owner(folder.get(), &owner);
  if (!state) return false;
  if (*state == log_detail::OwnerState::kGood && !process_alive(owner.process)) return false;
  const UniqueFd lock(::openat(folder.get(), lock_of(owner.generation).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

std::vector<std::string> runs_of(const std::string& directory, bool live) {
  std::vector<std::string> paths;
  std::error_code failure;
  for (fs::directory_iterator each(runs_folder(directory), failure), end; !failure && each != end;
       each.increment(failure)) {
    if (is_run(*each) && is_live(each->path()) == live) paths.push_back(each->path().native());
  }
  return paths;
}

}  // namespace

bool has_runs(const std::string& directory) {
  std::error_code failure;
  for (fs::directory_iterator each(runs_folder(directory), failure), end; !failure && each != end;
       each.increment(failure)) {
    if (is_run(*each)) return true;
  }
  return false;
}

std::vector<std::string> live_runs(const std::string& directory) { return runs_of(directory, true); }

std::vector<std::string> dead_runs(const std::string& directory) { return runs_of(directory, false); }

// Runs come and go meanwhile: what has vanished counts for nothing.
RunCounts count_runs(const std::string& directory) {
  RunCounts counts;
  std::error_code failure;
  const fs::path folder = runs_folder(directory);
  for (fs::directory_iterator each(folder, failure), end; !failure && each != end; each.increment(failure)) {
    if (is_run(*each)) ++(is_live(each->path()) ? counts.live : counts.dead);
  }
  failure.clear();
  for (fs::recursive_directory_iterator each(folder, failure), end; !failure && each != end; each.increment(failure)) {
    counts.bytes += bytes_of(each->path());
  }
  return counts;
}

uint64_t store_bytes(const std::string& path) {
  return bytes_of(path) + bytes_of(path + "-wal") + bytes_of(path + "-shm");
}

}  // namespace trunkline::cli
