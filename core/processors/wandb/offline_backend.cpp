#include "processors/wandb/offline_backend.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "processors/wandb/offline_files.hpp"
#include "processors/wandb/wandb_log.hpp"

namespace trunkline::wandb {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr const char* kMark = "trunkline-run";  // in the folder: whose run it is
constexpr int kMostFolders = 1000;              // of runs of one id that began within a second

// As W&B's client names it, in local time.
std::string folder_name(const RunState& state, int later_s) {
  const std::time_t seconds = state.start_ns / kNsPerSecond + later_s;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d_%H%M%S", &parts);
  return std::string("offline-run-") + text + "-" + state.id;
}

int64_t seconds_until(const RunState& state, int64_t ns) {
  return std::max<int64_t>(0, (ns - state.start_ns) / kNsPerSecond);
}

// What the system says of a file is for later, unless the file itself is gone.
Error later(const std::string& what, int error_number) { return io_error(what, error_number); }

// Whether the folder is, from now on or already, that of this run. What is begun again after a crash finds its own.
Expected<bool> claim(int folder, const RunState& state) {
  const std::string mine = std::to_string(state.start_ns) + "\n";
  if (const UniqueFd mark = open_file_at(folder, kMark, O_WRONLY | O_CREAT | O_EXCL)) {
    if (Error error = pwrite_all(mark.get(), mine.data(), mine.size(), 0)) return error;
    return true;
  }
  if (errno != EEXIST) return io_error(kMark, errno);
  const UniqueFd mark = open_file_at(folder, kMark, O_RDONLY);
  if (!mark) return io_error(kMark, errno);
  std::string found(mine.size() + 1, '\0');
  const auto size = pread_all(mark.get(), found.data(), found.size(), 0);
  if (!size) return size.error();
  found.resize(*size);
  return found == mine;
}

}  // namespace

// The first folder of this name, or of a second that follows, that no other run of the same id has.
Expected<std::string> OfflineBackend::place_of(const RunState& state) const {
  for (int later_s = 0; later_s < kMostFolders; ++later_s) {
    std::string path = folder_ + "/" + folder_name(state, later_s);
    const auto folder = ensure_directory(path, 0700);
    if (!folder) return Error{TR_EIO, folder.error().message};
    const auto mine = claim(folder->get(), state);
    if (!mine) return Error{TR_EIO, path + ": " + mine.error().message};
    if (*mine) return path;
  }
  return Error{TR_EIO, "there are too many runs with the id " + state.id + " in " + folder_};
}

RunHead OfflineBackend::head_of(const RunState& state) const {
  RunHead head;
  head.id = state.id;
  head.entity = place_.entity;
  head.project = state.project.empty() ? place_.project : state.project;
  head.group = state.group;
  head.job_type = place_.job_type;
  head.name = state.name;
  head.notes = place_.notes;
  head.tags = state.tags;
  head.host = place_.host;
  head.start_ns = state.start_ns;
  return head;
}

std::string OfflineBackend::render(RunState* next, const RunDelta& delta) const {
  std::string bytes;
  const auto begin = static_cast<uint64_t>(next->length);
  const auto put = [&](const std::string& record) { append_log_record(&bytes, begin, record); };
  if (begin == 0) {
    append_log_head(&bytes);
    put(header_record(++next->records));
    RunHead head = head_of(*next);
    head.config = next->config;
    put(run_record(++next->records, head));
  } else {
    if (delta.tags_changed) put(run_record(++next->records, head_of(*next)));
    if (!delta.config.empty()) put(config_record(++next->records, delta.config));
  }
  for (const Row& row : delta.rows) put(history_record(++next->records, row, *next));
  const int64_t seconds = seconds_until(*next, std::max(next->last_ns, delta.end_ns));
  if (!delta.summary.empty() || !delta.rows.empty()) {
    Values summary = begin == 0 ? next->summary : delta.summary;
    add_times(&summary, *next);
    put(summary_record(++next->records, summary, seconds));
  }
  if (!delta.files.empty()) {
    std::vector<std::string> paths;
    paths.reserve(delta.files.size());
    for (const processors::RunFile& file : delta.files) paths.push_back(file.path);
    put(files_record(++next->records, paths));
  }
  for (const Artifact& each : delta.artifacts) put(artifact_record(++next->records, head_of(*next), each));
  for (const UsedArtifact& each : delta.used) put(use_artifact_record(++next->records, each.name));
  if (delta.exit_code) put(exit_record(++next->records, *delta.exit_code, seconds));
  next->length += static_cast<int64_t>(bytes.size());
  return bytes;
}

Expected<UniqueFd> OfflineBackend::open(const RunState& state, const std::string& path) const {
  const bool fresh = state.length == 0;
  auto folder = fresh ? ensure_directory(path, 0700) : open_directory(path);
  if (!folder && !fresh && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT) {
    return Error{TR_ENOENT, "the folder " + path + " is gone"};
  }
  if (!folder) return Error{TR_EIO, folder.error().message};
  if (fresh) {
    if (auto files = ensure_directory_at(folder->get(), "files", 0700); !files) {
      return Error{TR_EIO, files.error().message};
    }
  }
  const std::string name = "run-" + state.id + ".wandb";
  UniqueFd file = open_file_at(folder->get(), name.c_str(), O_RDWR | (fresh ? O_CREAT : 0));
  if (file) return file;
  if (errno == ENOENT) return Error{TR_ENOENT, "the file " + path + "/" + name + " is gone"};
  return later(path + "/" + name, errno);
}

Error OfflineBackend::write(RunState* state, const RunDelta& given, std::vector<Loss>* lost) {
  if (given.empty()) return Error::none();
  RunState next = *state;
  if (next.path.empty()) {
    auto place = place_of(next);
    if (!place) return place.error();
    next.path = std::move(*place);
  }
  const auto file = open(next, next.path);
  if (!file) return file.error();
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return later(next.path, errno);
  if (info.st_size < next.length) return {TR_ENOENT, "the file in " + next.path + " is shorter than it was"};
  RunDelta delta = given;
  std::vector<Loss> lost_now;
  if (Error error = keep_files(next.path, &delta, &lost_now)) return error;
  if (info.st_size > next.length && ::ftruncate(file->get(), next.length) != 0) return later(next.path, errno);
  const auto offset = static_cast<uint64_t>(next.length);
  const std::string bytes = render(&next, delta);
  if (Error error = pwrite_all(file->get(), bytes.data(), bytes.size(), offset)) return {TR_EIO, error.message};
  *state = std::move(next);
  lost->insert(lost->end(), lost_now.begin(), lost_now.end());
  return Error::none();
}

}  // namespace trunkline::wandb
