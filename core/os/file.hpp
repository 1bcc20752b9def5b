// Small helpers over file descriptors: whole reads and writes, directories and files that belong to us alone. Functions
// that return an Error give TR_EIO with the system's words for errno.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/expected.hpp"

namespace trunkline {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// "<what>: <the system's words for error_number>", TR_EIO. Leaves errno at that number.
Error io_error(const std::string& what, int error_number);

// All n bytes or an error; interrupted and short writes are continued. A limit on the file size (RLIMIT_FSIZE) is an
// error only on threads that block SIGXFSZ: elsewhere the system ends the process.
Error write_all(int fd, const void* data, size_t n);
Error pwrite_all(int fd, const void* data, size_t n, uint64_t offset);
// The number of bytes read: fewer than n only at the end of the file.
Expected<size_t> pread_all(int fd, void* data, size_t n, uint64_t offset);

// Opens a regular file of the directory with `flags`, O_CLOEXEC and O_NOFOLLOW; with O_CREAT its mode is 0600 whatever
// the umask. Invalid on failure, and errno says why (EINVAL: not a regular file).
UniqueFd open_file_at(int directory_fd, const char* name, int flags);

// Opens a directory that must be ours: not a symbolic link, and owned by the effective user. Trailing slashes do not
// matter. On failure errno says why (ELOOP: a symbolic link; EPERM: another's).
Expected<UniqueFd> open_directory(const std::string& path);
Expected<UniqueFd> open_directory_at(int directory_fd, const std::string& name);
// As above, and makes it, and the directories above it, when missing.
Expected<UniqueFd> ensure_directory(const std::string& path, mode_t mode);
Expected<UniqueFd> ensure_directory_at(int directory_fd, const std::string& name, mode_t mode);

// A second descriptor, closed on exec.
Expected<UniqueFd> duplicate(int fd);

// Names in a directory, without "." and "..", unsorted.
Expected<std::vector<std::string>> list_directory(int directory_fd);

// Removes a file, or a directory with what is in it (at most `depth` levels of directories). What is already gone, or
// goes meanwhile, is no error.
Error remove_tree_at(int directory_fd, const std::string& name, int depth);

}  // namespace trunkline
