// The directory of one run, `<directory>/run/<id>/`, and who owns it. Whoever makes or adopts a run holds a lock in it
// until death; a file says which process that is, in case a forked child has inherited the lock and lives on.
//
// Ownership has generations. The maker is generation 0 and holds `lock`; an adopter is one more than the owner it
// follows and holds `adopt` (generation 1) or `adopt.<generation>`. Exactly one process gets the next lock, and it owns
// the run once the file `owner` says so. Names that begin with "." are runs being made or removed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline {

class RunDirectory {
 public:
  // A new run. Makes <directory> (0700), with a .gitignore of "*", when missing. Ids sort by time.
  static Expected<RunDirectory> create(const std::string& directory);

  // The ids of all runs, sorted; none if there is no such directory. Sweeps up what processes left that died while they
  // made or removed a run.
  static Expected<std::vector<std::string>> list(const std::string& directory);

  // Takes over a dead run: one whose lock is free or whose owner is surely gone. TR_EAGAIN: its owner lives, somebody
  // else adopts it, or it has vanished. TR_EUNSUPPORTED: of a newer version; nothing in it is touched.
  static Expected<RunDirectory> adopt(const std::string& directory, const std::string& id);

  const std::string& id() const { return id_; }
  const std::string& path() const { return path_; }
  int fd() const { return fd_.get(); }  // for openat
  int64_t created_unix_ns() const { return created_ns_; }

  // Unlinks the run's files and its folder; after that the object is empty.
  Error remove();

  // In a forked child: closes the descriptors. The parent keeps its lock.
  void close_inherited();

 private:
  RunDirectory() = default;
  static Expected<RunDirectory> make(const std::string& directory);
  static Expected<RunDirectory> take_over(const std::string& directory, const std::string& id);

  std::string id_;
  std::string path_;
  UniqueFd runs_;
  UniqueFd fd_;
  UniqueFd lock_;
  int64_t created_ns_ = 0;
};

}  // namespace trunkline
