// Reads the log of a run directory in order, from any sequence, beside a live writer in this or another process or
// after its death. A frame is handed out only if it verifies; damage is stepped over and counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "log/segment.hpp"
#include "log/segment_reader.hpp"
#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline {

// Any thread, one at a time.
class LogReader {
 public:
  struct Result {
    Result() = default;
    Result(Result&&) noexcept = default;
    Result& operator=(Result&&) noexcept = default;
    // A copy's payloads would point into the original.
    Result(const Result&) = delete;
    Result& operator=(const Result&) = delete;

    std::vector<Frame> frames;
    std::vector<char> storage;  // what the payloads point into
    uint64_t corrupt = 0;       // damaged places among what was asked for: each is one frame or several
    bool end = false;           // there is nothing more, for now
  };

  // TR_EUNSUPPORTED: a newer version wrote the log.
  static Expected<LogReader> open(int directory_fd);

  // Frames with sequence >= from, in order, at most max_bytes of payload (but one frame at least) and max_frames.
  // Frames whose segment has been released are missing. Fast when `from` goes on where the last call ended.
  Expected<Result> read(uint64_t from, size_t max_bytes, size_t max_frames);

  // The newest sequence in the log, or known to have been in it; 0: none. Scans what came since the last call.
  Expected<uint64_t> last_sequence();

 private:
  enum class Step { kAgain, kEnd };
  class Batch;

  explicit LogReader(UniqueFd directory) : directory_(std::move(directory)) {}
  Error position_at(uint64_t from, uint64_t* corrupt);
  Error seek(uint64_t from, bool forward_only, uint64_t* corrupt);
  Expected<bool> collect(uint64_t from, Batch& batch);
  Expected<Step> go_beyond(uint64_t from, uint64_t* corrupt);
  Expected<Step> step_over_damage(uint64_t from, const log_detail::SegmentReader* next, uint64_t* corrupt);
  Expected<std::unique_ptr<log_detail::SegmentReader>> open_after(uint32_t index, uint64_t* corrupt);
  Expected<bool> directory_changed();
  void count_damaged(uint32_t index, uint64_t* corrupt);
  Expected<uint64_t> find_last();

  UniqueFd directory_;
  std::unique_ptr<log_detail::SegmentReader> current_;
  uint64_t passed_ = 0;              // the newest sequence walked over
  uint64_t sought_ = 0;              // the highest `from` a segment was looked up for
  int64_t listed_at_ = 0;            // the directory's time of change at the last listing that had nothing new
  std::optional<uint32_t> damaged_;  // the highest segment counted as damaged as a whole
  std::unique_ptr<log_detail::SegmentReader> tail_;
  uint64_t tail_last_ = 0;
};

}  // namespace trunkline
