// Files that are named now and read later: which version of a file it is, and paths that cannot lead out of a folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/expected.hpp"

namespace trunkline {

// Another content has another version, unless somebody sets the times of the file, or changes it twice within one tick
// of the system's clock (some milliseconds) and leaves its size.
struct FileVersion {
  int64_t size = 0;
  int64_t modified_ns = 0;

  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

// TR_EIO: it is not there, is not a regular file, or may not be read.
Expected<FileVersion> file_version(const std::string& path);

// Whether a text may be used as a path below a folder: components that are names, with slashes between them.
bool is_relative_path(std::string_view path);

}  // namespace trunkline
