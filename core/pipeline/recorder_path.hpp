// Where the recorder file of a run is: in its directory, or where a small file there says; and whether it can be one.
#pragma once

#include <string>

#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline::pipeline {

// The file in a run directory that names the recorder file, when that lies elsewhere.
inline constexpr const char* kRecorderName = "recorder";
inline constexpr const char* kRecorderPathName = "recorder.path";

// For reading. No descriptor: there is none; one that cannot be opened for another reason is an error, for its records
// must not be given up. `path` is set if it lies elsewhere.
Expected<UniqueFd> open_recorder(int directory_fd, std::string* path);

// Whether the file system is one on which a shared mapping of a preallocated file behaves as the recorder needs.
bool can_map_recorder(int fd);

}  // namespace trunkline::pipeline
