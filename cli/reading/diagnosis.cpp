#include "reading/diagnosis.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "model/environment.hpp"
#include "os/file.hpp"
#include "pipeline/recorder_path.hpp"
#include "reading/directory.hpp"
#include "reading/processor_check.hpp"
#include "reading/runs.hpp"
#include "reading/waiting.hpp"
#include "store/schema.hpp"
#include "store/store_reader.hpp"
#include "terminal/text.hpp"

namespace trunkline::cli {
namespace {

constexpr uint64_t kUsualMaxDisk = uint64_t{1} << 30;
constexpr uint64_t kUsualMaxMemory = uint64_t{64} << 20;
constexpr int64_t kManyUnindexed = 100'000;

std::string octal(unsigned mode) {
  std::string digits;
  for (int shift = 6; shift >= 0; shift -= 3) digits.push_back(static_cast<char>('0' + (mode >> shift & 7)));
  return "0" + digits;
}

std::string file_system_name(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return "unknown";
  static constexpr struct {
    unsigned long type;
    const char* name;
  } kNames[] = {{0xEF53, "ext4"},        {0x58465342, "xfs"},  {0x01021994, "tmpfs"}, {0x9123683E, "btrfs"},
                {0x794C7630, "overlay"}, {0x6969, "nfs"},      {0x65735546, "fuse"},  {0xFF534D42, "cifs"},
                {0x2FC12FC1, "zfs"},     {0xF2F52010, "f2fs"}, {0x01021997, "9p"}};
  for (const auto& each : kNames) {
    if (static_cast<unsigned long>(info.f_type) == each.type) return each.name;
  }
  return "type 0x" + [&] {
    char text[20];
    std::snprintf(text, sizeof text, "%lx", static_cast<unsigned long>(info.f_type));
    return std::string(text);
  }();
}

class Diagnosis {
 public:
  explicit Diagnosis(std::string directory) : directory_(std::move(directory)), environment_(read_environment()) {}

  std::vector<Finding> run(bool thorough) {
    check_configuration();
    check_directory();
    if (exists_) {
      check_recorder();
      check_space();
      check_runs();
    }
    check_store(thorough);
    return std::move(findings_);
  }

 private:
  void add(std::string check, Health health, std::string text, std::string advice = "") {
    findings_.push_back({std::move(check), health, std::move(text), std::move(advice)});
  }

  void check_configuration() {
    const char* named = secure_variable("TRUNKLINE_DIR");
    add("version", Health::kOk, std::string(tr_version()) + ", SQLite " + sqlite3_libversion());
    if (environment_.disabled) {
      add("recording", Health::kWarning, "disabled by the environment",
          "unset TRUNKLINE_DISABLED and OTEL_SDK_DISABLED");
    }
    const std::string processors = environment_.processors == nullptr ? "local" : environment_.processors;
    add("processors", Health::kOk, processors + (environment_.processors == nullptr ? " (default)" : ""));
    for (Finding& finding : check_processors(processors, directory_)) findings_.push_back(std::move(finding));
    for (const std::string& warning : environment_.warnings)
      add("environment", Health::kProblem, warning, "mend the variable");
    if (named != nullptr && *named != '\0' && *named != '/') {
      add("environment", Health::kWarning, "TRUNKLINE_DIR is relative: agents elsewhere use another directory",
          "use an absolute path");
    }
  }

  void check_directory() {
    struct stat info {};
    if (::stat(directory_.c_str(), &info) != 0) {
      const bool absent = errno == ENOENT;
      add("directory", absent ? Health::kWarning : Health::kProblem, directory_ + ": " + std::strerror(errno),
          absent ? "the first agent that records makes it" : "");
      return;
    }
    if (!S_ISDIR(info.st_mode)) return add("directory", Health::kProblem, directory_ + " is no directory");
    exists_ = true;
    if (info.st_uid != ::geteuid() && ::geteuid() != 0) {
      return add("directory", Health::kProblem, directory_ + " belongs to another user",
                 "run as that user, or use --dir");
    }
    if (::access(directory_.c_str(), W_OK | X_OK) != 0) {
      return add("directory", Health::kProblem, directory_ + " cannot be written: " + std::strerror(errno),
                 "agents keep their traces in memory only");
    }
    const unsigned mode = info.st_mode & 0777;
    const bool open = (mode & 077) != 0;
    add("directory", open ? Health::kWarning : Health::kOk, directory_ + ", mode " + octal(mode),
        open ? "others may look into it: chmod 700" : "");
  }

  void check_recorder() {
    const std::string path = environment_.recorder_directory != nullptr ? environment_.recorder_directory : directory_;
    if (environment_.recorder == TR_RECORDER_MEMORY) {
      return add("recorder", Health::kWarning, "in memory: a kill loses the last milliseconds", "");
    }
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return add("recorder", Health::kProblem, io_error(path, errno).message, "mend TRUNKLINE_RECORDER_DIR");
    const std::string name = file_system_name(path);
    if (pipeline::can_map_recorder(folder.get())) {
      return add("recorder", Health::kOk, path + " on " + name);
    }
    add("recorder", Health::kWarning,
        path + " on " + name +
            ": the recorder will be in memory, and a kill loses the last "
            "milliseconds",
        "set TRUNKLINE_RECORDER_DIR=/dev/shm");
  }

  void check_space() {
    struct statvfs info {};
    if (::statvfs(directory_.c_str(), &info) != 0) return;
    const uint64_t room = uint64_t{info.f_bavail} * info.f_frsize;
    const uint64_t wanted = environment_.max_disk.value_or(kUsualMaxDisk);
    const uint64_t least = environment_.max_memory.value_or(kUsualMaxMemory);
    const std::string text = bytes_text(room) + " free on " + file_system_name(directory_);
    if (room < least) return add("disk", Health::kProblem, text + ", less than the recorder may need", "make room");
    add("disk", room < wanted ? Health::kWarning : Health::kOk, text,
        room < wanted ? "less than the log may take (max_disk, " + bytes_text(wanted) + ")" : "");
  }

  void check_runs() {
    const RunCounts runs = count_runs(directory_);
    const std::string text =
        std::to_string(runs.live) + " live, " + std::to_string(runs.dead) + " dead, " + bytes_text(runs.bytes);
    const WaitingRecords waiting = list_waiting(directory_);
    const auto for_store = [](const Waiting& each) { return each.processor() == "local"; };
    const bool recover =
        waiting.unrecovered != 0 || std::any_of(waiting.processors.begin(), waiting.processors.end(), for_store);
    add("runs", recover ? Health::kWarning : Health::kOk, text, recover ? "trunkline recover" : "");
    for (const Waiting& each : waiting.processors) {
      if (!for_store(each)) check_waiting(each);
    }
  }

  void check_waiting(const Waiting& waiting) {
    const std::string name(waiting.processor());
    const std::string place = waiting.destination().empty() ? "" : " to " + std::string(waiting.destination());
    const bool known = name == "mlflow" || name == "wandb";
    add("waiting", Health::kWarning, std::to_string(waiting.records) + " records for " + name + place,
        (known ? "trunkline sync --to " + name : "the next process with this processor takes them") +
            "; or trunkline sync --discard " + name);
  }

  void check_store(bool thorough) {
    const std::string path = store_path(directory_);
    auto store = store::Store::open(path, store::Access::kRead);
    if (!store) {
      const bool absent = store.error().code == TR_ENOENT;
      return add("store", absent ? Health::kWarning : Health::kProblem, store.error().message,
                 absent                         ? "the first trace makes it"
                 : store.error().code == TR_EIO ? "sqlite3 FILE .recover"
                                                : "");
    }
    struct stat info {};
    const bool open = ::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0;
    add("store", open ? Health::kWarning : Health::kOk,
        path + ", " + bytes_text(store_bytes(path)) + ", schema " + std::to_string(store::kSchemaVersion),
        open ? "others may read it: chmod 600" : "");
    check_lock(path);
    check_index(&*store);
    if (thorough) check_damage(&*store);
  }

  // Whether a writer gets in now. Asking for the lock and giving it back changes nothing.
  void check_lock(const std::string& path) {
    store::Database database;
    int code = database.open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, 500);
    if (code == SQLITE_OK) code = database.execute("BEGIN IMMEDIATE");
    if (code == SQLITE_OK) code = database.execute("ROLLBACK");
    if (code == SQLITE_OK) return add("lock", Health::kOk, "free: the store can be written");
    const bool busy = (code & 0xff) == SQLITE_BUSY;
    add("lock", busy ? Health::kWarning : Health::kProblem,
        database.describe(code, "the store cannot be written").message,
        busy ? "another process holds it; agents wait and try again" : "");
  }

  void check_index(store::Store* store) {
    const auto missing = store->unindexed_spans();
    if (!missing) return add("search", Health::kProblem, missing.error().message);
    const bool many = *missing > kManyUnindexed;
    add("search", many ? Health::kWarning : Health::kOk,
        *missing == 0 ? "the index is complete" : std::to_string(*missing) + " spans are not in the index yet",
        many ? "the next grep will take a while" : "");
  }

  void check_damage(store::Store* store) {
    store::Statement statement;
    if (statement.prepare(store->database(), "PRAGMA quick_check(1)") != SQLITE_OK || statement.step() != SQLITE_ROW) {
      return add("integrity", Health::kProblem, "the store cannot be read through");
    }
    const std::string text(statement.text(0));
    add("integrity", text == "ok" ? Health::kOk : Health::kProblem, text, text == "ok" ? "" : "sqlite3 FILE .recover");
  }

  const std::string directory_;
  const ConfigEnvironment environment_;
  bool exists_ = false;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose(const std::string& directory, bool thorough) {
  return Diagnosis(directory).run(thorough);
}

}  // namespace trunkline::cli
