#include "log/run_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <utility>

#include "log/guard.hpp"
#include "log/owner_file.hpp"
#include "os/process.hpp"

namespace trunkline {

using log_detail::guarded;
using log_detail::Owner;
using log_detail::OwnerState;

namespace {

constexpr char kRuns[] = "run";
constexpr char kBeingMade[] = ".new-";
constexpr char kBeingRemoved[] = ".old-";
constexpr int kTreeDepth = 3;
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kAbandonedAfter = 3600 * kSecond;

int64_t to_ns(const timespec& time) { return int64_t{time.tv_sec} * kSecond + time.tv_nsec; }

timespec now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return time;
}

Expected<std::string> make_id(const timespec& time) {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return io_error("random", errno);
  tm utc{};
  ::gmtime_r(&time.tv_sec, &utc);
  char id[64];
  const size_t n = std::strftime(id, sizeof id, "%Y%m%dT%H%M%S", &utc);
  std::snprintf(id + n, sizeof id - n, "%06ld-%016" PRIx64, time.tv_nsec / 1000, random);
  return std::string(id);
}

// Letters, digits and dashes: nothing that leads out of the directory.
bool valid_id(const std::string& id) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  };
  return !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), allowed);
}

std::string path_of(const std::string& directory, const std::string& id) {
  return directory + (directory.back() == '/' ? "run/" : "/run/") + id;
}

std::string lock_name(uint32_t generation) {
  if (generation == 0) return "lock";
  return generation == 1 ? "adopt" : "adopt." + std::to_string(generation);
}

// Holds the lock as long as the result lives. TR_EAGAIN: somebody else has it.
Expected<UniqueFd> take_lock(int directory_fd, uint32_t generation) {
  UniqueFd fd = open_file_at(directory_fd, lock_name(generation).c_str(), O_RDWR | O_CREAT);
  if (!fd && errno == ENOENT) return Error{TR_EAGAIN, "the run has vanished"};
  if (!fd) return io_error("lock", errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return Error{TR_EAGAIN, "somebody else has the run"};
  return io_error("lock", errno);
}

bool exists(int directory_fd, const std::string& name) {
  struct stat info {};
  return ::fstatat(directory_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

bool same_file(int fd, int directory_fd, const std::string& name) {
  struct stat a {};
  struct stat b {};
  return ::fstat(fd, &a) == 0 && ::fstatat(directory_fd, name.c_str(), &b, AT_SYMLINK_NOFOLLOW) == 0 &&
         a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Best effort: a directory without it works as well.
void write_gitignore(int directory_fd) {
  const UniqueFd fd = open_file_at(directory_fd, ".gitignore", O_WRONLY | O_CREAT | O_EXCL);
  if (fd && write_all(fd.get(), "*\n", 2)) ::unlinkat(directory_fd, ".gitignore", 0);
}

// Whether a process left it that died while it made or removed a run.
bool is_abandoned(const std::string& name, const struct stat& info) {
  if (name.rfind(kBeingRemoved, 0) == 0) return true;
  return name.rfind(kBeingMade, 0) == 0 && to_ns(now()) - to_ns(info.st_mtim) > kAbandonedAfter;
}

struct Claim {
  UniqueFd lock;
  uint32_t generation = 0;
};

Expected<Claim> claim_from(int fd, const Owner& owner) {
  // A free lock says dead also of a process in another pid namespace; asking for it takes it for a moment.
  if (process_alive(owner.process)) {
    Expected<UniqueFd> held = take_lock(fd, owner.generation);
    if (!held) return held.error();
  }
  if (owner.generation == UINT32_MAX) return Error{TR_ELIMIT, "the run was adopted too often"};
  Expected<UniqueFd> lock = take_lock(fd, owner.generation + 1);
  if (!lock) return lock.error();
  return Claim{std::move(*lock), owner.generation + 1};
}

// Nobody can be asked: the first lock is taken and kept, and all later ones must be free.
Expected<Claim> claim_from_unknown(int fd) {
  Expected<UniqueFd> lock = take_lock(fd, 0);
  if (!lock) return lock.error();
  for (uint32_t generation = 1; exists(fd, lock_name(generation)); ++generation) {
    Expected<UniqueFd> other = take_lock(fd, generation);
    if (!other) return other.error();
  }
  return Claim{std::move(*lock), 0};
}

}  // namespace

Expected<RunDirectory> RunDirectory::create(const std::string& directory) {
  return guarded([&] { return make(directory); });
}

Expected<RunDirectory> RunDirectory::make(const std::string& directory) {
  Expected<UniqueFd> top = ensure_directory(directory, 0700);
  if (!top) return top.error();
  if (!exists(top->get(), kRuns)) write_gitignore(top->get());
  Expected<UniqueFd> runs = ensure_directory_at(top->get(), kRuns, 0700);
  if (!runs) return runs.error();
  const timespec time = now();
  Expected<std::string> id = make_id(time);
  if (!id) return id.error();

  // Nobody sees the run before it is locked and says whose it is.
  const std::string hidden = kBeingMade + *id;
  RunDirectory run;
  run.id_ = *id;
  run.path_ = path_of(directory, *id);
  const Error error = guarded([&]() -> Error {
    Expected<UniqueFd> fd = ensure_directory_at(runs->get(), hidden, 0700);
    if (!fd) return fd.error();
    Expected<UniqueFd> lock = take_lock(fd->get(), 0);
    if (!lock) return lock.error();
    if (Error failure = log_detail::write_owner(fd->get(), {this_process(), 0, to_ns(time)})) return failure;
    if (::renameat(runs->get(), hidden.c_str(), runs->get(), id->c_str()) != 0) return io_error(*id, errno);
    run.fd_ = std::move(*fd);
    run.lock_ = std::move(*lock);
    return Error::none();
  });
  if (error) {
    (void)remove_tree_at(runs->get(), hidden, kTreeDepth);
    return error;
  }
  run.runs_ = std::move(*runs);
  run.created_ns_ = to_ns(time);
  return run;
}

Expected<std::vector<std::string>> RunDirectory::list(const std::string& directory) {
  return guarded([&]() -> Expected<std::vector<std::string>> {
    std::vector<std::string> ids;
    struct stat info {};
    if (::lstat(directory.c_str(), &info) != 0 && errno == ENOENT) return ids;
    Expected<UniqueFd> top = open_directory(directory);
    if (!top) return top.error();
    if (!exists(top->get(), kRuns)) return ids;
    Expected<UniqueFd> runs = open_directory_at(top->get(), kRuns);
    if (!runs) return runs.error();
    Expected<std::vector<std::string>> names = list_directory(runs->get());
    if (!names) return names.error();
    for (std::string& name : *names) {
      if (::fstatat(runs->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(info.st_mode)) continue;
      if (is_abandoned(name, info)) (void)remove_tree_at(runs->get(), name, kTreeDepth);
      if (valid_id(name)) ids.push_back(std::move(name));
    }
    std::sort(ids.begin(), ids.end());
    return ids;
  });
}

Expected<RunDirectory> RunDirectory::adopt(const std::string& directory, const std::string& id) {
  return guarded([&] { return take_over(directory, id); });
}

Expected<RunDirectory> RunDirectory::take_over(const std::string& directory, const std::string& id) {
  if (!valid_id(id)) return Error{TR_EINVAL, "not the id of a run"};
  Expected<UniqueFd> top = open_directory(directory);
  if (!top) return top.error();
  Expected<UniqueFd> runs = open_directory_at(top->get(), kRuns);
  if (!runs) return runs.error();
  // Another adopter may be done with it at any moment.
  const auto unless_vanished = [&](Error error) {
    return exists(runs->get(), id) ? std::move(error) : Error{TR_EAGAIN, "the run has vanished"};
  };
  Expected<UniqueFd> fd = open_directory_at(runs->get(), id);
  if (!fd) return unless_vanished(fd.error());

  Owner before;
  Expected<OwnerState> state = log_detail::read_owner(fd->get(), &before);
  if (!state) return state.error();
  if (*state == OwnerState::kNewer) return Error{TR_EUNSUPPORTED, "the run is of a newer version"};
  Expected<Claim> claim = *state == OwnerState::kGood ? claim_from(fd->get(), before) : claim_from_unknown(fd->get());
  if (!claim) return unless_vanished(claim.error());

  // Between the look at the owner and the lock, another adopter may have come, done its work and gone.
  Owner after;
  Expected<OwnerState> state_now = log_detail::read_owner(fd->get(), &after);
  if (!state_now) return state_now.error();
  if (*state_now != *state || after.generation != before.generation || !same_file(fd->get(), runs->get(), id)) {
    return Error{TR_EAGAIN, "somebody else has adopted the run"};
  }

  RunDirectory run;
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return io_error(id, errno);
  run.created_ns_ = before.created_unix_ns != 0 ? before.created_unix_ns : to_ns(info.st_mtim);
  if (Error error = log_detail::write_owner(fd->get(), {this_process(), claim->generation, run.created_ns_})) {
    return error;
  }
  run.id_ = id;
  run.path_ = path_of(directory, id);
  run.runs_ = std::move(*runs);
  run.fd_ = std::move(*fd);
  run.lock_ = std::move(claim->lock);
  return run;
}

Error RunDirectory::remove() {
  return guarded([&]() -> Error {
    // First out of the others' sight; what a crash leaves of it, the next to list runs sweeps up.
    const std::string hidden = kBeingRemoved + id_;
    if (::renameat(runs_.get(), id_.c_str(), runs_.get(), hidden.c_str()) != 0 && errno != ENOENT) {
      return io_error(id_, errno);
    }
    // An adopter that came too late may have put its lock file into the folder just now.
    Error error = remove_tree_at(runs_.get(), hidden, kTreeDepth);
    for (int attempt = 0; attempt < 3 && error; ++attempt) error = remove_tree_at(runs_.get(), hidden, kTreeDepth);
    close_inherited();
    return error;
  });
}

void RunDirectory::close_inherited() {
  lock_.reset();
  fd_.reset();
  runs_.reset();
}

}  // namespace trunkline
