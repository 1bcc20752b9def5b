// Folders of the file store. Every path below the root is walked component by component and never through a symbolic
// link, so that no key leads out of its run. What is replaced is written beside, in a folder of this process, and
// renamed: a reader finds the old or the new text, and a process that dies leaves nothing where MLflow would read it.
//
// Errors: TR_ENOENT - it is not there; TR_EINVAL - a name that cannot be used, or that is a file where a folder is
// needed or the other way round; TR_EAGAIN - all else, which may pass.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/expected.hpp"
#include "os/file.hpp"
#include "os/file_version.hpp"

namespace trunkline::mlflow {

struct FileModes {
  mode_t directory = 0700;
  mode_t file = 0600;
};

class Folder {
 public:
  Folder() = default;
  Folder(UniqueFd fd, FileModes modes) : fd_(std::move(fd)), modes_(modes) {}

  // The folder at a path, which may lead through links. What exists keeps its mode, and what is made in it is as open
  // to others as it is; what is missing is made for its owner alone. `made` tells.
  static Expected<Folder> open_root(const std::string& path, bool* made);

  int fd() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  const FileModes& modes() const { return modes_; }
  // Whether the folder itself was deleted meanwhile.
  bool is_gone() const;

  Expected<Folder> open(std::string_view path) const;
  Expected<Folder> ensure(std::string_view path) const;
  bool has(std::string_view path) const;
  // Of a file that is longer, about so many bytes.
  Expected<std::string> read(std::string_view path, size_t most_bytes = SIZE_MAX) const;
  // For appending; made with the folders above it when missing.
  Expected<UniqueFd> open_for_append(std::string_view path) const;
  Expected<std::vector<std::string>> list() const;

 private:
  Expected<Folder> walk(std::string_view path, bool make) const;

  UniqueFd fd_;
  FileModes modes_;
};

// A folder of this process alone, from which finished files and folders are moved to their places. It is removed at the
// end; what dead processes left is removed by the next.
class Stage {
 public:
  Stage() = default;
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Makes it in `parent`, which must outlive it. Nothing is done when it is there already.
  Error open(const Folder& parent);
  void close();

  // Writes a file and renames it to `path`, with the folders above it.
  Error replace(const Folder& folder, std::string_view path, std::string_view bytes);
  // Copies a file of this machine.
  Error copy(const Folder& folder, std::string_view path, const std::string& from);
  // A new folder, to be filled and moved.
  Expected<Folder> make(std::string* name);
  Error move(const std::string& name, const Folder& to, const std::string& as);

 private:
  Error remove_leftovers(const Folder& parent) const;
  Expected<UniqueFd> create(std::string* name);
  Error publish(const std::string& name, const Folder& folder, std::string_view path);
  std::string next_name();

  const Folder* parent_ = nullptr;
  Folder folder_;
  std::string name_;
  uint64_t count_ = 0;
};

// `count` random lower-case hexadecimal digits.
std::string random_hex(size_t count);

// An error of the system as one of those above.
Error store_error(const std::string& what, int error_number);

}  // namespace trunkline::mlflow
