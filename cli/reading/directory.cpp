#include "reading/directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "model/environment.hpp"

namespace trunkline::cli {
namespace {

constexpr const char* kHere = ".trunkline";

std::string absolute(const std::string& path) {
  if (path.front() == '/') return path;
  char here[PATH_MAX];
  return ::getcwd(here, sizeof here) == nullptr ? path : std::string(here) + "/" + path;
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

Expected<std::string> find_directory(const std::string& given) {
  if (!given.empty()) return absolute(given);
  const char* named = secure_variable("TRUNKLINE_DIR");
  if (named != nullptr && *named != '\0') return absolute(named);
  if (exists(kHere)) return absolute(kHere);
  const char* state = secure_variable("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/trunkline";
  const char* home = secure_variable("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.local/state/trunkline";
  return Error{TR_ENOENT, "there is no ./.trunkline, and neither TRUNKLINE_DIR, XDG_STATE_HOME nor HOME is set"};
}

std::string store_path(const std::string& directory) {
  return directory + (directory.back() == '/' ? "traces.db" : "/traces.db");
}

}  // namespace trunkline::cli
