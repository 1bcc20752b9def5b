#include "pipeline/recorder_path.hpp"

#include <fcntl.h>
#include <sys/statfs.h>

#include <cerrno>

namespace trunkline::pipeline {

// Its path comes from our own run directory, which only this user can write; what lies there must still be a plain file
// of this user.
Expected<UniqueFd> open_recorder(int directory_fd, std::string* path) {
  UniqueFd fd = open_file_at(directory_fd, kRecorderName, O_RDONLY);
  if (fd) return fd;
  if (errno != ENOENT) return io_error("the recorder", errno);
  const UniqueFd pointer = open_file_at(directory_fd, kRecorderPathName, O_RDONLY);
  if (!pointer && errno == ENOENT) return UniqueFd();
  if (!pointer) return io_error("the recorder's place", errno);
  char buffer[4096];
  const Expected<size_t> size = pread_all(pointer.get(), buffer, sizeof buffer, 0);
  if (!size) return size.error();
  if (*size == 0) return UniqueFd();
  path->assign(buffer, *size);
  fd = open_file_at(AT_FDCWD, path->c_str(), O_RDONLY);
  if (!fd && errno != ENOENT) return io_error("the recorder", errno);
  return fd;
}

bool can_map_recorder(int fd) {
  struct statfs info;
  if (fstatfs(fd, &info) != 0) return false;
  constexpr long kTmpfs = 0x01021994;
  constexpr long kExt4 = 0xEF53;
  constexpr long kXfs = 0x58465342;
  return info.f_type == kTmpfs || info.f_type == kExt4 || info.f_type == kXfs;
}

}  // namespace trunkline::pipeline
