#include "log/log_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "log/guard.hpp"

namespace trunkline {

using log_detail::guarded;
using log_detail::HeaderState;
using log_detail::open_segment;
using log_detail::OpenedSegment;
using log_detail::SegmentReader;

namespace {

constexpr size_t kFirstStorage = 64 << 10;

Error newer_version() { return {TR_EUNSUPPORTED, "the log was written by a newer version"}; }

}  // namespace

// What one call of read gathers. Payloads are pointed at when storage has ceased to move.
class LogReader::Batch {
 public:
  Batch(size_t max_bytes, size_t max_frames) : max_bytes_(max_bytes), max_frames_(max_frames) {}

  bool full() const { return sequences_.size() >= max_frames_; }

  bool add(const Frame& frame) {
    const size_t size = frame.payload.size();
    if (!sequences_.empty() && size > max_bytes_ - std::min(max_bytes_, storage_.size())) return false;
    if (sequences_.empty()) storage_.reserve(std::max(size, std::min(max_bytes_, kFirstStorage)));
    storage_.insert(storage_.end(), frame.payload.begin(), frame.payload.end());
    sequences_.emplace_back(frame.sequence, size);
    return true;
  }

  void finish(Result* result) {
    result->storage = std::move(storage_);
    result->frames.reserve(sequences_.size());
    const char* payload = result->storage.data();
    for (const auto& [sequence, size] : sequences_) {
      result->frames.push_back({sequence, {payload, size}});
      payload += size;
    }
  }

 private:
  size_t max_bytes_;
  size_t max_frames_;
  std::vector<char> storage_;
  std::vector<std::pair<uint64_t, size_t>> sequences_;
};

Expected<LogReader> LogReader::open(int directory_fd) {
  return guarded([&]() -> Expected<LogReader> {
    Expected<UniqueFd> directory = duplicate(directory_fd);
    if (!directory) return directory.error();
    Expected<std::vector<uint32_t>> indices = log_detail::list_segments(directory->get());
    if (!indices) return indices.error();
    for (const uint32_t index : *indices) {
      Expected<OpenedSegment> segment = open_segment(directory->get(), index);
      if (!segment) return segment.error();
      if (segment->state == HeaderState::kNewer) return newer_version();
    }
    return LogReader(std::move(*directory));
  });
}

Expected<LogReader::Result> LogReader::read(uint64_t from, size_t max_bytes, size_t max_frames) {
  return guarded([&]() -> Expected<Result> {
    Result result;
    Batch batch(max_bytes, std::max<size_t>(max_frames, 1));
    if (Error error = position_at(from, &result.corrupt)) return error;
    while (!result.end) {
      Expected<bool> more = current_ ? collect(from, batch) : Expected<bool>(true);
      if (!more) return more.error();
      if (!*more) break;
      Expected<Step> step = current_ ? go_beyond(from, &result.corrupt) : Expected<Step>(Step::kEnd);
      if (!step) return step.error();
      result.end = *step == Step::kEnd;
    }
    batch.finish(&result);
    return result;
  });
}

// Takes frames of the current segment; false: the batch is full.
Expected<bool> LogReader::collect(uint64_t from, Batch& batch) {
  Frame frame;
  while (!batch.full()) {
    Expected<bool> there = current_->peek(&frame);
    if (!there) return there.error();
    if (!*there) return true;
    // A sequence not above those passed can only be a repetition.
    if (frame.sequence > passed_ && frame.sequence >= from && !batch.add(frame)) return false;
    passed_ = std::max(passed_, frame.sequence);
    current_->advance();
  }
  return false;
}

Error LogReader::position_at(uint64_t from, uint64_t* corrupt) {
  if (current_ && from > passed_) {
    if (from == passed_ + 1 || from <= sought_) return Error::none();
    return seek(from, true, corrupt);
  }
  return seek(from, false, corrupt);
}

// To the newest segment that begins at `from` or before, else to the oldest.
Error LogReader::seek(uint64_t from, bool forward_only, uint64_t* corrupt) {
  Expected<std::vector<uint32_t>> indices = log_detail::list_segments(directory_.get());
  if (!indices) return indices.error();
  std::optional<OpenedSegment> chosen;
  std::vector<uint32_t> damaged;
  for (auto index = indices->rbegin(); index != indices->rend(); ++index) {
    if (forward_only && *index <= current_->header().index) break;
    Expected<OpenedSegment> segment = open_segment(directory_.get(), *index);
    if (!segment) return segment.error();
    if (segment->state == HeaderState::kNewer) return newer_version();
    if (segment->state == HeaderState::kDamaged) damaged.push_back(*index);
    if (segment->state != HeaderState::kGood) continue;
    chosen = std::move(*segment);
    if (chosen->header.first_sequence <= from) break;
  }
  sought_ = from;
  if (forward_only && (!chosen || chosen->header.first_sequence > from)) return Error::none();
  // Damaged segments behind the chosen one are met on the way.
  for (auto index = damaged.rbegin(); index != damaged.rend(); ++index) {
    if (!chosen || *index < chosen->header.index) count_damaged(*index, corrupt);
  }
  current_.reset();
  if (!chosen) return Error::none();
  passed_ = chosen->header.first_sequence - 1;
  current_ = std::make_unique<SegmentReader>(std::move(*chosen));
  return Error::none();
}

// The current segment shows nothing more: damage, its end, or the end of the log.
Expected<LogReader::Step> LogReader::go_beyond(uint64_t from, uint64_t* corrupt) {
  Expected<bool> recycled = current_->recycled();
  if (!recycled) return recycled.error();
  Expected<std::unique_ptr<SegmentReader>> next = open_after(current_->header().index, corrupt);
  if (!next) return next.error();
  if (!*recycled) {
    Expected<Step> step = step_over_damage(from, next->get(), corrupt);
    if (!step || *step == Step::kAgain) return step;
  }
  if (!*next) {
    if (*recycled) current_.reset();
    return Step::kEnd;
  }
  current_ = std::move(*next);
  return Step::kAgain;
}

// kAgain: the current segment has more after all. kEnd: it has not.
Expected<LogReader::Step> LogReader::step_over_damage(uint64_t from, const SegmentReader* next, uint64_t* corrupt) {
  Frame frame;
  if (next != nullptr) {
    // The writer completes a segment before it shows the next one, so this look, after that one, is the last needed.
    Expected<bool> there = current_->peek(&frame);
    if (!there) return there.error();
    if (*there) return Step::kAgain;
  }
  const bool adjacent = next != nullptr && next->header().index == current_->header().index + 1;
  if (adjacent && passed_ >= next->header().previous_last) return Step::kEnd;
  Expected<SegmentReader::Search> search = current_->search(passed_, next != nullptr);
  if (!search) return search.error();
  if (*search == SegmentReader::Search::kRetry) return Step::kAgain;
  bool lost = adjacent && next->header().previous_last >= from;
  if (*search == SegmentReader::Search::kFound) {
    Expected<bool> there = current_->peek(&frame);
    if (!there) return there.error();
    lost = *there && frame.sequence > from;
  }
  Expected<bool> recycled = current_->recycled();
  if (!recycled) return recycled.error();
  if (lost && !*recycled) ++*corrupt;
  return *search == SegmentReader::Search::kFound ? Step::kAgain : Step::kEnd;
}

Expected<std::unique_ptr<SegmentReader>> LogReader::open_after(uint32_t index, uint64_t* corrupt) {
  Expected<OpenedSegment> segment = open_segment(directory_.get(), index + 1);
  if (!segment) return segment.error();
  if (segment->state == HeaderState::kGood) return std::make_unique<SegmentReader>(std::move(*segment));
  // At the end of a log in use the directory is listed only when it has changed.
  Expected<bool> changed = directory_changed();
  if (!changed) return changed.error();
  if (segment->state == HeaderState::kMissing && !*changed) return std::unique_ptr<SegmentReader>();
  Expected<std::vector<uint32_t>> indices = log_detail::list_segments(directory_.get());
  if (!indices) return indices.error();
  for (const uint32_t later : *indices) {
    if (later <= index) continue;
    segment = open_segment(directory_.get(), later);
    if (!segment) return segment.error();
    if (segment->state == HeaderState::kGood) {
      listed_at_ = 0;
      return std::make_unique<SegmentReader>(std::move(*segment));
    }
    if (segment->state == HeaderState::kNewer) return newer_version();
    if (segment->state == HeaderState::kDamaged) count_damaged(later, corrupt);
  }
  return std::unique_ptr<SegmentReader>();
}

Expected<bool> LogReader::directory_changed() {
  struct stat info {};
  if (::fstat(directory_.get(), &info) != 0) return io_error("run directory", errno);
  const int64_t at = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  return std::exchange(listed_at_, at) != at;
}

void LogReader::count_damaged(uint32_t index, uint64_t* corrupt) {
  if (damaged_ && index <= *damaged_) return;
  damaged_ = index;
  ++*corrupt;
}

Expected<uint64_t> LogReader::last_sequence() {
  return guarded([&] { return find_last(); });
}

Expected<uint64_t> LogReader::find_last() {
  Expected<std::vector<uint32_t>> indices = log_detail::list_segments(directory_.get());
  if (!indices) return indices.error();
  for (auto index = indices->rbegin(); index != indices->rend(); ++index) {
    Expected<OpenedSegment> segment = open_segment(directory_.get(), *index);
    if (!segment) return segment.error();
    if (segment->state == HeaderState::kNewer) return Error{TR_EUNSUPPORTED, "the log was written by a newer version"};
    if (segment->state != HeaderState::kGood) continue;
    if (!tail_ || tail_->header().epoch != segment->header.epoch) {
      tail_last_ = segment->header.previous_last;
      tail_ = std::make_unique<SegmentReader>(std::move(*segment));
    }
    Expected<uint64_t> last = log_detail::walk_to_end(*tail_, tail_last_);
    if (last) tail_last_ = *last;
    return last;
  }
  return tail_last_;
}

}  // namespace trunkline
