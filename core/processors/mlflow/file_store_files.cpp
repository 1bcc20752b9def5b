#include "processors/mlflow/file_store_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace trunkline::mlflow {
namespace {

constexpr std::string_view kStagePrefix = ".trunkline-";
constexpr int kLockTries = 500;
constexpr long kLockPauseNs = 10'000'000;
constexpr int kStageDepth = 8;
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr size_t kCopyBytes = size_t{256} * 1024;

std::pair<std::string_view, std::string> split_last(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {std::string_view{}, std::string(path)};
  return {path.substr(0, slash), std::string(path.substr(slash + 1))};
}

}  // namespace

Error store_error(const std::string& what, int error_number) {
  Error error = io_error(what, error_number);
  switch (error_number) {
    case ENOENT:
      error.code = TR_ENOENT;
      break;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
    case ENOTEMPTY:
    case EEXIST:
    case EILSEQ:
    case ENXIO:
      error.code = TR_EINVAL;
      break;
    default:
      error.code = TR_EAGAIN;
  }
  return error;
}

std::string random_hex(size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(count, '0');
  std::vector<unsigned char> bytes(count);
  for (size_t done = 0; done < count;) {
    const ssize_t got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got > 0) done += static_cast<size_t>(got);
  }
  for (size_t i = 0; i < count; ++i) text[i] = kDigits[bytes[i] & 15];
  return text;
}

Expected<Folder> Folder::open_root(const std::string& path, bool* made) {
  *made = false;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd && errno == ENOENT) {
    Expected<UniqueFd> created = ensure_directory(path, FileModes{}.directory);
    if (!created) return Error{TR_EAGAIN, created.error().message};
    *made = true;
    return Folder(std::move(*created), {});
  }
  if (!fd) return Error{TR_EAGAIN, io_error(path, errno).message};
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return Error{TR_EAGAIN, io_error(path, errno).message};
  const mode_t mode = info.st_mode & 0777;
  return Folder(std::move(fd), {mode | 0700, (mode & 0666) | 0600});
}

bool Folder::is_gone() const {
  struct stat info {};
  return ::fstat(fd_.get(), &info) != 0 || info.st_nlink == 0;
}

Expected<Folder> Folder::walk(std::string_view path, bool make) const {
  if (!path.empty() && !is_relative_path(path)) return Error{TR_EINVAL, "a name that cannot be used"};
  UniqueFd here(::openat(fd_.get(), ".", kFolderFlags));
  while (here && !path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string name(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
    UniqueFd next(::openat(here.get(), name.c_str(), kFolderFlags));
    if (!next && errno == ENOENT && make) {
      const bool made = ::mkdirat(here.get(), name.c_str(), modes_.directory) == 0;
      if (!made && errno != EEXIST) return store_error(name, errno);
      next = UniqueFd(::openat(here.get(), name.c_str(), kFolderFlags));
      if (next && made) (void)::fchmod(next.get(), modes_.directory);
    }
    if (!next) return store_error(name, errno);
    here = std::move(next);
  }
  if (!here) return store_error("a folder", errno);
  return Folder(std::move(here), modes_);
}

Expected<Folder> Folder::open(std::string_view path) const { return walk(path, false); }
Expected<Folder> Folder::ensure(std::string_view path) const { return walk(path, true); }

bool Folder::has(std::string_view path) const {
  const auto [above, name] = split_last(path);
  const Expected<Folder> folder = open(above);
  return folder && ::faccessat(folder->fd(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Expected<std::string> Folder::read(std::string_view path, size_t most_bytes) const {
  if (!is_relative_path(path)) return Error{TR_EINVAL, "a name that cannot be used"};
  const auto [above, name] = split_last(path);
  const Expected<Folder> folder = open(above);
  if (!folder) return folder.error();
  const UniqueFd file = open_file_at(folder->fd(), name.c_str(), O_RDONLY);
  if (!file) return store_error(name, errno);
  std::string bytes;
  char buffer[16384];
  while (true) {
    const Expected<size_t> got = pread_all(file.get(), buffer, sizeof buffer, bytes.size());
    if (!got) return Error{TR_EAGAIN, got.error().message};
    bytes.append(buffer, *got);
    if (*got < sizeof buffer || bytes.size() >= most_bytes) return bytes;
  }
}

Expected<UniqueFd> Folder::open_for_append(std::string_view path) const {
  if (!is_relative_path(path)) return Error{TR_EINVAL, "a name that cannot be used"};
  const auto [above, name] = split_last(path);
  const Expected<Folder> folder = ensure(above);
  if (!folder) return folder.error();
  const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  UniqueFd file(::openat(folder->fd(), name.c_str(), flags));
  if (!file && errno == ENOENT) {
    file = UniqueFd(::openat(folder->fd(), name.c_str(), flags | O_CREAT, modes_.file));
    if (file) (void)::fchmod(file.get(), modes_.file);
  }
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return store_error(name, errno);
  if (!S_ISREG(info.st_mode)) return Error{TR_EINVAL, name + " is not a regular file"};
  return file;
}

Expected<std::vector<std::string>> Folder::list() const {
  Expected<std::vector<std::string>> names = list_directory(fd_.get());
  if (!names) return Error{TR_EAGAIN, names.error().message};
  std::sort(names->begin(), names->end());
  return names;
}

Stage::~Stage() { close(); }

void Stage::close() {
  if (parent_ != nullptr && folder_) (void)remove_tree_at(parent_->fd(), name_, kStageDepth);
  folder_ = Folder();
  parent_ = nullptr;
}

// Made, and looked for, under a lock of the parent, so that nobody takes for dead what is just being made.
Error Stage::open(const Folder& parent) {
  if (folder_ && !folder_.is_gone()) return Error::none();
  close();
  const Expected<Folder> locked = parent.open({});
  if (!locked) return locked.error();
  for (int i = 0; ::flock(locked->fd(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kLockTries) return {TR_EAGAIN, "the store is locked by another process"};
    const timespec pause{0, kLockPauseNs};
    ::nanosleep(&pause, nullptr);
  }
  if (Error error = remove_leftovers(parent)) return error;
  name_ = std::string(kStagePrefix) + random_hex(16);
  Expected<Folder> folder = parent.ensure(name_);
  if (!folder) return folder.error();
  if (::flock(folder->fd(), LOCK_EX | LOCK_NB) != 0) return store_error(name_, errno);
  folder_ = std::move(*folder);
  parent_ = &parent;
  return Error::none();
}

// A folder whose lock is free belongs to nobody who lives.
Error Stage::remove_leftovers(const Folder& parent) const {
  const Expected<std::vector<std::string>> names = parent.list();
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (name.compare(0, kStagePrefix.size(), kStagePrefix) != 0) continue;
    const Expected<Folder> folder = parent.open(name);
    if (!folder || ::flock(folder->fd(), LOCK_EX | LOCK_NB) != 0) continue;
    (void)remove_tree_at(parent.fd(), name, kStageDepth);
  }
  return Error::none();
}

std::string Stage::next_name() { return "part-" + std::to_string(++count_); }

Expected<UniqueFd> Stage::create(std::string* name) {
  *name = next_name();
  const mode_t mode = folder_.modes().file;
  UniqueFd file(::openat(folder_.fd(), name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) return Error{TR_EAGAIN, io_error(*name, errno).message};
  (void)::fchmod(file.get(), mode);
  return file;
}

Error Stage::publish(const std::string& name, const Folder& folder, std::string_view path) {
  const auto [above, last] = split_last(path);
  const Expected<Folder> target = folder.ensure(above);
  Error error = target ? Error::none() : target.error();
  if (!error && ::renameat(folder_.fd(), name.c_str(), target->fd(), last.c_str()) != 0) {
    error = store_error(last, errno);
  }
  if (error) (void)::unlinkat(folder_.fd(), name.c_str(), 0);
  return error;
}

Error Stage::replace(const Folder& folder, std::string_view path, std::string_view bytes) {
  if (!is_relative_path(path)) return {TR_EINVAL, "a name that cannot be used"};
  std::string name;
  const Expected<UniqueFd> file = create(&name);
  if (!file) return file.error();
  if (Error error = write_all(file->get(), bytes.data(), bytes.size())) {
    (void)::unlinkat(folder_.fd(), name.c_str(), 0);
    return {TR_EAGAIN, error.message};
  }
  return publish(name, folder, path);
}

Error Stage::copy(const Folder& folder, std::string_view path, const std::string& from) {
  if (!is_relative_path(path)) return {TR_EINVAL, "a name that cannot be used"};
  const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (!source || ::fstat(source.get(), &info) != 0) return {TR_EINVAL, io_error(from, errno).message};
  if (!S_ISREG(info.st_mode)) return {TR_EINVAL, from + " is not a regular file"};
  std::string name;
  const Expected<UniqueFd> file = create(&name);
  if (!file) return file.error();
  std::vector<char> buffer(kCopyBytes);
  uint64_t at = 0;
  while (true) {
    const Expected<size_t> got = pread_all(source.get(), buffer.data(), buffer.size(), at);
    Error error = got ? write_all(file->get(), buffer.data(), *got) : got.error();
    if (error) {
      (void)::unlinkat(folder_.fd(), name.c_str(), 0);
      return {TR_EAGAIN, error.message};
    }
    at += *got;
    if (*got < buffer.size()) return publish(name, folder, path);
  }
}

Expected<Folder> Stage::make(std::string* name) {
  *name = next_name();
  return folder_.ensure(*name);
}

Error Stage::move(const std::string& name, const Folder& to, const std::string& as) {
  if (::renameat(folder_.fd(), name.c_str(), to.fd(), as.c_str()) == 0) return Error::none();
  Error error = store_error(as, errno);
  (void)remove_tree_at(folder_.fd(), name, kStageDepth);
  return error;
}

}  // namespace trunkline::mlflow
