#include "store/store_file.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "os/file.hpp"
#include "store/schema.hpp"

namespace trunkline::store {
namespace {

constexpr int kBusyTimeoutMs = 100;

Error try_again(std::string sentence) { return {TR_EAGAIN, std::move(sentence)}; }

struct PathParts {
  std::string directory;
  std::string name;
};

PathParts split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string resolve_directory(const std::string& directory) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(directory.c_str(), nullptr), &std::free);
  return real == nullptr ? std::string() : std::string(real.get());
}

std::string utc_stamp() {
  const std::time_t now = std::time(nullptr);
  std::tm fields{};
  gmtime_r(&now, &fields);
  std::array<char, 32> text{};
  const size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &fields);
  return {text.data(), size};
}

std::string unused_name(const std::string& path) {
  const std::string base = path + ".corrupt-" + utc_stamp();
  std::string name = base;
  struct stat info {};
  for (int i = 2; ::lstat(name.c_str(), &info) == 0; ++i) name = base + "-" + std::to_string(i);
  return name;
}

}  // namespace

Error StoreFile::temporary(int code) {
  locked_ = is_lock(code);
  Error error = database_.describe(code, "the store " + location_.path + " cannot be used");
  error.code = TR_EAGAIN;
  return error;
}

// The file is made here because SQLite's own mode depends on the umask. An existing one is not opened: closing it again
// would drop the locks other connections of this process hold on it.
Error StoreFile::prepare_file() {
  const PathParts parts = split(location_.path);
  const std::string directory = resolve_directory(parts.directory);
  if (directory.empty()) return try_again("the store's directory " + parts.directory + " cannot be used");
  resolved_ = (directory == "/" ? "" : directory) + "/" + parts.name;
  const UniqueFd directory_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat info {};
  if (::lstat(resolved_.c_str(), &info) != 0) {
    const UniqueFd made = open_file_at(directory_fd.get(), parts.name.c_str(), O_RDWR | O_CREAT | O_EXCL);
    if (!made && errno != EEXIST) return try_again(io_error("the store " + location_.path, errno).message);
    if (::lstat(resolved_.c_str(), &info) != 0)
      return try_again(io_error("the store " + location_.path, errno).message);
  }
  if (!S_ISREG(info.st_mode)) return try_again("the store " + location_.path + " is not a regular file");
  const uid_t user = ::geteuid();
  if (user != 0 && info.st_uid != user) return try_again("the store " + location_.path + " belongs to another user");
  device_ = info.st_dev;
  inode_ = info.st_ino;
  return Error::none();
}

// auto_vacuum must come before the first table; on a file that has tables it does nothing.
int StoreFile::open_database() {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW;
  const int code = database_.open(resolved_, flags, kBusyTimeoutMs);
  if (code != SQLITE_OK) return code;
  sqlite3_db_config(database_.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  return database_.execute(
      "PRAGMA auto_vacuum=INCREMENTAL;PRAGMA synchronous=NORMAL;PRAGMA temp_store=MEMORY;PRAGMA cache_size=-4096;"
      "PRAGMA secure_delete=FAST;PRAGMA trusted_schema=OFF;PRAGMA wal_autocheckpoint=1000;"
      "PRAGMA journal_size_limit=4194304;");
}

Error StoreFile::check_schema(int* code) {
  SchemaState state = SchemaState::kCurrent;
  int64_t application = 0;
  *code = database_.query_i64("PRAGMA application_id", &application);
  is_store_ = *code == SQLITE_OK && application == kApplicationId;
  if (*code == SQLITE_OK) *code = inspect_schema(&database_, &state);
  if (*code != SQLITE_OK) return Error::none();
  if (state == SchemaState::kForeign) {
    return try_again("the store " + location_.path + " is a database of another program; it is left alone");
  }
  if (state == SchemaState::kNewer) {
    return try_again("the store " + location_.path + " was written by a newer version of Trunkline; it is left alone");
  }
  *code = database_.execute("PRAGMA journal_mode=WAL");
  if (*code == SQLITE_OK && state != SchemaState::kCurrent) *code = create_schema(&database_);
  return Error::none();
}

Error StoreFile::open() {
  locked_ = false;
  for (bool may_quarantine : {true, false}) {
    is_store_ = false;
    if (Error error = prepare_file()) return error;
    int code = open_database();
    Error refused;
    if (code == SQLITE_OK) refused = check_schema(&code);
    if (!refused && code == SQLITE_OK) return Error::none();
    if (!refused) refused = temporary(code);
    const bool ours = location_.is_default || is_store_;
    if (!is_corrupt(code) || !ours || !may_quarantine) {
      close();
      return refused;
    }
    if (Error error = quarantine()) return error;
  }
  return try_again("the store " + location_.path + " cannot be used");
}

void StoreFile::close() { database_.close(); }

bool StoreFile::was_replaced() const {
  struct stat info {};
  return ::lstat(resolved_.c_str(), &info) != 0 || info.st_dev != device_ || info.st_ino != inode_;
}

// Several processes may find the damage at once: under a lock on the directory only the first still finds the file it
// had open. The write-ahead log goes first, for one left behind would be replayed into the new file.
Error StoreFile::quarantine() {
  close();
  const PathParts parts = split(resolved_);
  const UniqueFd directory(::open(parts.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::flock(directory.get(), LOCK_EX) != 0) return try_again(io_error(parts.directory, errno).message);
  if (was_replaced()) return Error::none();
  const std::string aside = unused_name(resolved_);
  for (const char* suffix : {"-wal", "-shm", ""}) {
    if (::rename((resolved_ + suffix).c_str(), (aside + suffix).c_str()) != 0 && errno != ENOENT) {
      return try_again(io_error("the damaged store " + resolved_ + " cannot be moved aside", errno).message);
    }
  }
  notice_("the store " + resolved_ + " is damaged; it was moved to " + aside + " and a new one begun");
  return Error::none();
}

}  // namespace trunkline::store
