#include "pipeline/recorder_path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace trunkline::pipeline {

// The recorder file: in the run directory, or where a small file there says. Its path comes from our own run directory,
// which only this user can write; what lies there must still be a plain file of this user.
UniqueFd open_recorder(int directory_fd, std::string* path) {
  UniqueFd fd(openat(directory_fd, kRecorderName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() >= 0) return fd;
  const UniqueFd pointer(openat(directory_fd, kRecorderPathName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (pointer.get() < 0) return UniqueFd();
  char buffer[4096];
  const ssize_t size = ::read(pointer.get(), buffer, sizeof buffer);
  if (size <= 0) return UniqueFd();
  path->assign(buffer, static_cast<size_t>(size));
  return UniqueFd(open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace trunkline::pipeline
