// How far one processor has acknowledged the log, and the state it must not lose: a file of two records that are
// written in turn, so that one whole record survives whatever happens to the writing of the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline {

struct Cursor {
  uint64_t first_sequence = 0;  // records of traces that began before it are not for this processor
  uint64_t acknowledged = 0;
  std::string state;     // at most 64 KiB
  std::string identity;  // name and destination, at most 4 KiB; store() takes the file's own
};

// `cursors/<hash of the identity>` in the run directory. One thread.
class CursorFile {
 public:
  // Makes it when missing. TR_EUNSUPPORTED: a newer version wrote it. TR_ELIMIT: the identity is too long.
  static Expected<CursorFile> open(int directory_fd, const std::string& identity);
  // All that can be read.
  static Expected<std::vector<Cursor>> list(int directory_fd);
  static Error remove(int directory_fd, const std::string& identity);

  // All or nothing. TR_ELIMIT: the state is too long.
  Error store(const Cursor& cursor);
  std::optional<Cursor> load() const;

 private:
  CursorFile(UniqueFd fd, std::string identity, uint64_t generation)
      : fd_(std::move(fd)), identity_(std::move(identity)), generation_(generation) {}

  UniqueFd fd_;
  std::string identity_;
  uint64_t generation_;  // of the record stored last; its lowest bit says where
};

}  // namespace trunkline
