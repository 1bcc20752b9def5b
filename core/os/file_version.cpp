#include "os/file_version.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/file.hpp"

namespace trunkline {
namespace {

constexpr size_t kLongestName = 255;
constexpr size_t kLongestPath = 4000;

}  // namespace

Expected<FileVersion> file_version(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return io_error(path, errno);
  if (!S_ISREG(info.st_mode)) return Error{TR_EIO, path + " is not a regular file"};
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) return io_error(path, errno);
  return FileVersion{info.st_size, int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec};
}

bool is_relative_path(std::string_view path) {
  if (path.empty() || path.size() > kLongestPath || path.find('\0') != std::string_view::npos) return false;
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    if (name.empty() || name == "." || name == ".." || name.size() > kLongestName) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace trunkline
