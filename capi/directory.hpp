// Which directory the library uses, when nobody says: $TRUNKLINE_DIR, ./.trunkline, $XDG_STATE_HOME/trunkline.
#pragma once

#include <string>

namespace trunkline::capi {

struct ResolvedDirectory {
  std::string path;     // absolute; empty: none can be used
  std::string problem;  // why it is empty, or is not the one that people look into first
};

// `given` (by the configuration or the environment) is the only candidate when it is not empty.
ResolvedDirectory resolve_directory(const char* given);

}  // namespace trunkline::capi
