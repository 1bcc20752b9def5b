#include "reading/waiting.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "log/cursor_file.hpp"
#include "log/log_reader.hpp"
#include "log/owner_file.hpp"
#include "model/record_header.hpp"
#include "os/file.hpp"
#include "pipeline/recorder_path.hpp"
#include "reading/runs.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kReadFrames = 1024;

// The records of a log that each cursor has still to be given: of traces that began while its processor was there.
std::vector<uint64_t> count_records(int folder, const std::vector<Cursor>& cursors) {
  std::vector<uint64_t> counts(cursors.size());
  auto reader = LogReader::open(folder);
  if (!reader || cursors.empty()) return counts;
  uint64_t from = UINT64_MAX;
  for (const Cursor& cursor : cursors) from = std::min(from, cursor.acknowledged + 1);
  for (;;) {
    const auto result = reader->read(from, kReadBytes, kReadFrames);
    if (!result || result->frames.empty()) return counts;
    for (const Frame& frame : result->frames) {
      RecordHeader header;
      if (frame.payload.size() < sizeof header) continue;
      std::memcpy(&header, frame.payload.data(), sizeof header);
      for (size_t i = 0; i < cursors.size(); ++i) {
        const bool for_it = frame.sequence > cursors[i].acknowledged && header.stamp >= cursors[i].first_sequence;
        counts[i] += for_it ? 1 : 0;
      }
    }
    from = result->frames.back().sequence + 1;
  }
}

int64_t time_made(int folder) {
  log_detail::Owner owner;
  const auto state = log_detail::read_owner(folder, &owner);
  if (state && *state == log_detail::OwnerState::kGood && owner.created_unix_ns != 0) return owner.created_unix_ns;
  struct stat info {};
  return ::fstat(folder, &info) == 0 ? int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec : 0;
}

bool has_recorder(int folder) {
  struct stat info {};
  return ::fstatat(folder, pipeline::kRecorderName, &info, AT_SYMLINK_NOFOLLOW) == 0 ||
         ::fstatat(folder, pipeline::kRecorderPathName, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace

WaitingRecords list_waiting(const std::string& directory) {
  WaitingRecords found;
  std::map<std::string, Waiting> by_identity;
  for (const std::string& path : dead_runs(directory)) {
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder) continue;
    if (has_recorder(folder.get())) ++found.unrecovered;
    const auto cursors = CursorFile::list(folder.get());
    if (!cursors) continue;
    const std::vector<uint64_t> counts = count_records(folder.get(), *cursors);
    const int64_t made = time_made(folder.get());
    for (size_t i = 0; i < cursors->size(); ++i) {
      if (counts[i] == 0) continue;
      Waiting& waiting = by_identity[(*cursors)[i].identity];
      waiting.identity = (*cursors)[i].identity;
      waiting.records += counts[i];
      waiting.oldest_ns = waiting.runs++ == 0 ? made : std::min(waiting.oldest_ns, made);
    }
  }
  for (auto& [identity, waiting] : by_identity) found.processors.push_back(std::move(waiting));
  return found;
}

}  // namespace trunkline::cli
