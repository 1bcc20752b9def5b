#include "directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "model/environment.hpp"
#include "os/file.hpp"

namespace trunkline::capi {
namespace {

std::string absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  char here[PATH_MAX];
  return getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

bool usable(const std::string& path, ResolvedDirectory* out) {
  const auto directory = ensure_directory(path, 0700);
  if (!directory) {
    out->problem = directory.error().message;
    return false;
  }
  if (faccessat(directory->get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    out->problem = path + " cannot be written";
    return false;
  }
  out->path = path;
  return true;
}

}  // namespace

ResolvedDirectory resolve_directory(const char* given) {
  ResolvedDirectory resolved;
  if (given == nullptr || *given == '\0') given = secure_variable("TRUNKLINE_DIR");
  if (given != nullptr && *given != '\0') {
    usable(absolute(given), &resolved);
    return resolved;
  }
  if (usable(absolute(".trunkline"), &resolved)) return resolved;
  const std::string first_problem = resolved.problem;
  const char* state = secure_variable("XDG_STATE_HOME");
  const char* home = secure_variable("HOME");
  if (state != nullptr && *state == '/') {
    usable(std::string(state) + "/trunkline", &resolved);
  } else if (home != nullptr && *home == '/') {
    usable(std::string(home) + "/.local/state/trunkline", &resolved);
  }
  if (resolved.path.empty()) {
    if (resolved.problem != first_problem) resolved.problem = first_problem + "; " + resolved.problem;
  } else if (access(".trunkline", F_OK) == 0) {
    // Who looks for the traces looks there first.
    resolved.problem = first_problem + ": traces go to " + resolved.path;
  } else {
    resolved.problem.clear();
  }
  return resolved;
}

}  // namespace trunkline::capi
