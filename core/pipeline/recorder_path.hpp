// Where the recorder file of a run is: in its directory, or where a small file there says.
#pragma once

#include <string>

#include "os/file.hpp"

namespace trunkline::pipeline {

// The file in a run directory that names the recorder file, when that lies elsewhere.
inline constexpr const char* kRecorderName = "recorder";
inline constexpr const char* kRecorderPathName = "recorder.path";

// For reading; an invalid descriptor when there is none. `path` is set if it lies elsewhere.
UniqueFd open_recorder(int directory_fd, std::string* path);

}  // namespace trunkline::pipeline
