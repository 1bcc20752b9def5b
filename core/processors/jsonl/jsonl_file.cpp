#include "processors/jsonl/jsonl_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <vector>

namespace trunkline::processors {
namespace {

constexpr int kLockTries = 100;
constexpr long kLockPauseNs = 1'000'000;
constexpr size_t kReadBytes = size_t{256} * 1024;
constexpr size_t kMostDigits = 20;

void pause_briefly() {
  const timespec pause{0, kLockPauseNs};
  nanosleep(&pause, nullptr);
}

uint64_t number_after(std::string_view line, std::string_view prefix) {
  uint64_t number = 0;
  if (line.substr(0, prefix.size()) != prefix) return 0;
  std::from_chars(line.data() + prefix.size(), line.data() + line.size(), number);
  return number;
}

}  // namespace

Error JsonlFile::open() {
  const size_t slash = path_.rfind('/');
  const std::string directory = slash == 0 ? "/" : path_.substr(0, slash);
  const UniqueFd directory_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_fd) return io_error(directory, errno);
  fd_ = open_file_at(directory_fd.get(), path_.c_str() + slash + 1, O_RDWR | O_APPEND | O_CREAT);
  if (!fd_) return errno == EINVAL ? Error{TR_EIO, path_ + " is not a regular file"} : io_error(path_, errno);
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return io_error(path_, errno);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  return Error::none();
}

bool JsonlFile::is_current() const {
  struct stat info {};
  return ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
}

Error JsonlFile::wait_for_lock() {
  for (int i = 0; i < kLockTries; ++i) {
    if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return Error::none();
    if (errno != EWOULDBLOCK && errno != EINTR) return io_error(path_, errno);
    pause_briefly();
  }
  return {TR_EAGAIN, path_ + " is locked by another process"};
}

// A file that was rotated away while the lock was awaited is let go.
Error JsonlFile::lock() {
  for (int i = 0; i < 3; ++i) {
    if (fd_ && !is_current()) fd_.reset();
    if (!fd_) {
      if (Error error = open()) return error;
    }
    if (Error error = wait_for_lock()) return error;
    if (!is_current()) continue;
    Error error = cut_torn_tail();
    if (error) unlock();
    return error;
  }
  return {TR_EAGAIN, path_ + " was replaced again and again"};
}

void JsonlFile::unlock() { (void)::flock(fd_.get(), LOCK_UN); }

bool JsonlFile::begins_line(uint64_t at) const {
  char before = 0;
  return at == 0 || (::pread(fd_.get(), &before, 1, static_cast<off_t>(at - 1)) == 1 && before == '\n');
}

Error JsonlFile::cut_torn_tail() {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return io_error(path_, errno);
  size_ = static_cast<uint64_t>(info.st_size);
  if (begins_line(size_)) return Error::none();
  std::vector<char> buffer(kReadBytes);
  uint64_t end = size_;
  while (end > 0) {
    const uint64_t begin = end > buffer.size() ? end - buffer.size() : 0;
    const Expected<size_t> got = pread_all(fd_.get(), buffer.data(), static_cast<size_t>(end - begin), begin);
    if (!got) return got.error();
    const void* newline = ::memrchr(buffer.data(), '\n', *got);
    end = newline == nullptr ? begin
                             : begin + static_cast<uint64_t>(static_cast<const char*>(newline) - buffer.data()) + 1;
    if (newline != nullptr) break;
  }
  if (::ftruncate(fd_.get(), static_cast<off_t>(end)) != 0) return io_error(path_, errno);
  size_ = end;
  return Error::none();
}

Error JsonlFile::append(std::string_view lines) {
  Error error = write_all(fd_.get(), lines.data(), lines.size());
  if (!error) size_ += lines.size();
  return error;
}

bool JsonlFile::cut(uint64_t size) {
  if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) return false;
  size_ = size;
  return true;
}

Expected<uint64_t> JsonlFile::highest(std::string_view prefix, uint64_t from) {
  uint64_t at = from <= size_ && begins_line(from) ? from : 0;
  const size_t head_size = prefix.size() + kMostDigits + 1;
  std::vector<char> buffer(kReadBytes);
  std::string head;  // the beginning of the line that is being read
  uint64_t found = 0;
  while (at < size_) {
    const Expected<size_t> got = pread_all(fd_.get(), buffer.data(), buffer.size(), at);
    if (!got) return got.error();
    if (*got == 0) break;
    at += *got;
    std::string_view rest(buffer.data(), *got);
    while (!rest.empty()) {
      const size_t newline = rest.find('\n');
      if (head.size() < head_size) head.append(rest.substr(0, std::min(newline, head_size - head.size())));
      if (newline == std::string_view::npos) break;
      found = std::max(found, number_after(head, prefix));
      head.clear();
      rest.remove_prefix(newline + 1);
    }
  }
  return found;
}

}  // namespace trunkline::processors
