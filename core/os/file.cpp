#include "os/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace trunkline {
namespace {

// strerror_r has two shapes: glibc returns the text, POSIX fills the buffer.
[[maybe_unused]] const char* words(const char* result, const char*) { return result; }
[[maybe_unused]] const char* words(int, const char* buffer) { return buffer; }

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// Opening waits on some file systems, and may be interrupted there.
int open_at(int directory_fd, const char* name, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::openat(directory_fd, name, flags, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Expected<UniqueFd> check_ours(UniqueFd fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error(path, errno);
  if (info.st_uid == ::geteuid()) return fd;
  Error error{TR_EIO, path + ": belongs to another user"};
  errno = EPERM;
  return error;
}

Error open_directory_error(int directory_fd, const std::string& name, int error_number) {
  struct stat info {};
  if (::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) {
    Error error{TR_EIO, name + ": is a symbolic link"};
    errno = ELOOP;
    return error;
  }
  return io_error(name, error_number);
}

// Only the directories above `path`; an error shows when path itself is made.
void make_parents(const std::string& path, mode_t mode) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    (void)::mkdir(path.substr(0, slash).c_str(), mode);
  }
}

}  // namespace

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Error io_error(const std::string& what, int error_number) {
  char buffer[128] = "";
  Error error{TR_EIO, what + ": " + words(::strerror_r(error_number, buffer, sizeof buffer), buffer)};
  errno = error_number;
  return error;
}

Error write_all(int fd, const void* data, size_t n) {
  const char* p = static_cast<const char*>(data);
  while (n > 0) {
    const ssize_t written = ::write(fd, p, n);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return io_error("write", written < 0 ? errno : EIO);
    p += written;
    n -= static_cast<size_t>(written);
  }
  return Error::none();
}

Error pwrite_all(int fd, const void* data, size_t n, uint64_t offset) {
  const char* p = static_cast<const char*>(data);
  while (n > 0) {
    const ssize_t written = ::pwrite(fd, p, n, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return io_error("write", written < 0 ? errno : EIO);
    p += written;
    n -= static_cast<size_t>(written);
    offset += static_cast<uint64_t>(written);
  }
  return Error::none();
}

Expected<size_t> pread_all(int fd, void* data, size_t n, uint64_t offset) {
  size_t done = 0;
  while (done < n) {
    const ssize_t got = ::pread(fd, static_cast<char*>(data) + done, n - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_error("read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

UniqueFd open_file_at(int directory_fd, const char* name, int flags) {
  // O_NONBLOCK: a fifo in the place of a file must not hold us up.
  UniqueFd fd(open_at(directory_fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600));
  if (!fd) return fd;
  struct stat info {};
  int failure = 0;
  if (::fstat(fd.get(), &info) != 0) {
    failure = errno;
  } else if (!S_ISREG(info.st_mode)) {
    failure = EINVAL;
  } else if ((flags & O_CREAT) != 0 && (info.st_mode & 07777) != 0600 && ::fchmod(fd.get(), 0600) != 0) {
    failure = errno;
  }
  if (failure == 0) return fd;
  fd.reset();
  errno = failure;
  return fd;
}

Expected<UniqueFd> open_directory(const std::string& path) {
  if (path.empty()) return Error{TR_EINVAL, "the name of a directory is empty"};
  return open_directory_at(AT_FDCWD, without_trailing_slashes(path));
}

Expected<UniqueFd> open_directory_at(int directory_fd, const std::string& name) {
  UniqueFd fd(open_at(directory_fd, name.c_str(), kDirectoryFlags));
  if (!fd) return open_directory_error(directory_fd, name, errno);
  return check_ours(std::move(fd), name);
}

Expected<UniqueFd> ensure_directory(const std::string& path, mode_t mode) {
  if (path.empty()) return Error{TR_EINVAL, "the name of a directory is empty"};
  const std::string clean = without_trailing_slashes(path);
  struct stat info {};
  if (::lstat(clean.c_str(), &info) != 0 && errno == ENOENT) make_parents(clean, mode);
  return ensure_directory_at(AT_FDCWD, clean, mode);
}

Expected<UniqueFd> ensure_directory_at(int directory_fd, const std::string& name, mode_t mode) {
  UniqueFd fd(open_at(directory_fd, name.c_str(), kDirectoryFlags));
  if (fd) return check_ours(std::move(fd), name);
  if (errno != ENOENT) return open_directory_error(directory_fd, name, errno);
  const bool made = ::mkdirat(directory_fd, name.c_str(), mode) == 0;
  if (!made && errno != EEXIST) return io_error(name, errno);
  Expected<UniqueFd> opened = open_directory_at(directory_fd, name);
  if (opened && made && ::fchmod(opened->get(), mode) != 0) return io_error(name, errno);
  return opened;
}

Expected<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return io_error("duplicate a descriptor", errno);
  return copy;
}

Expected<std::vector<std::string>> list_directory(int directory_fd) {
  // A descriptor of its own: the position in a directory is shared between duplicates.
  UniqueFd fd(open_at(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return io_error("list a directory", errno);
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Close> stream(::fdopendir(fd.get()));
  if (!stream) return io_error("list a directory", errno);
  (void)fd.release();  // closed with the stream
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const int failure = errno;
  if (failure != 0) return io_error("list a directory", failure);
  return names;
}

Error remove_tree_at(int directory_fd, const std::string& name, int depth) {
  if (::unlinkat(directory_fd, name.c_str(), 0) == 0 || errno == ENOENT) return Error::none();
  if ((errno != EISDIR && errno != EPERM) || depth <= 0) return io_error("remove " + name, errno);
  UniqueFd fd(open_at(directory_fd, name.c_str(), kDirectoryFlags));
  if (!fd) return errno == ENOENT ? Error::none() : io_error("remove " + name, errno);
  Expected<std::vector<std::string>> entries = list_directory(fd.get());
  if (!entries) return entries.error();
  for (const std::string& entry : *entries) {
    if (Error error = remove_tree_at(fd.get(), entry, depth - 1)) return error;
  }
  if (::unlinkat(directory_fd, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return Error::none();
  return io_error("remove " + name, errno);
}

}  // namespace trunkline
