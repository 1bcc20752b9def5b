#include "pipeline/live_log.hpp"

#include <algorithm>
#include <vector>

namespace trunkline::pipeline {
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr size_t kReadFrames = 1024;

}  // namespace

Expected<std::unique_ptr<LiveLog>> LiveLog::create(int directory_fd, const Options& options) {
  UniqueFd directory;
  if (directory_fd >= 0) {
    auto own = duplicate(directory_fd);
    if (!own) return own.error();
    directory = std::move(*own);
  }
  std::unique_ptr<LiveLog> live(new LiveLog(std::move(directory), options));
  if (directory_fd >= 0) {
    LogOptions log_options;
    log_options.fsync = options.fsync;
    log_options.segment_bytes =
        std::min<uint64_t>(log_options.segment_bytes, std::max<uint64_t>(options.max_disk / 8, 1u << 16));
    auto writer = LogWriter::open(directory_fd, log_options);
    if (!writer) return writer.error();
    live->writer_.emplace(std::move(*writer));
  }
  return live;
}

Error LiveLog::append(std::shared_ptr<Block> block) {
  Error result;
  bool on_disk = false;
  if (writer_) {
    std::vector<Frame> frames;
    frames.reserve(block->entries().size());
    for (const Block::Entry& entry : block->entries()) frames.push_back({entry.sequence, block->payload(entry)});
    result = writer_->append(frames.data(), frames.size());
    on_disk = !result;
  }
  next_sequence_ = block->last_sequence() + 1;
  {
    const std::lock_guard lock(mutex_);
    kept_bytes_ += block->bytes();
    last_sequence_.store(block->last_sequence(), std::memory_order_release);
    kept_.push_back({std::move(block), on_disk});
    trim();
  }
  return result;
}

// Drops the oldest blocks: those on disk beyond memory_bytes, those that are nowhere else beyond most_memory_bytes.
void LiveLog::trim() {
  while (kept_.size() > 1) {
    const Kept& oldest = kept_.front();
    const uint64_t last = oldest.block->last_sequence();
    const bool read_by_all = last <= released_through_;
    const uint64_t budget = oldest.on_disk || read_by_all ? options_.memory_bytes : options_.most_memory_bytes;
    if (kept_bytes_ <= budget) break;
    if (!oldest.on_disk && !read_by_all) overflowed_through_.store(last, std::memory_order_release);
    kept_bytes_ -= oldest.block->bytes();
    kept_.pop_front();
  }
}

void LiveLog::release_through(uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    if (sequence <= released_through_) return;
    released_through_ = sequence;
    // What everybody has is kept no longer than it helps.
    while (!kept_.empty() && kept_.front().block->last_sequence() <= sequence) {
      kept_bytes_ -= kept_.front().block->bytes();
      kept_.pop_front();
    }
  }
  if (writer_) writer_->release_before(sequence + 1);
}

void LiveLog::enforce_limit() {
  while (writer_ && writer_->bytes() > options_.max_disk) {
    const uint64_t last = writer_->oldest_segment_last_sequence();
    if (last == 0) return;
    if (last > overflowed_through_.load(std::memory_order_relaxed)) {
      overflowed_through_.store(last, std::memory_order_release);
    }
    writer_->release_before(last + 1);
  }
}

Error LiveLog::sync() { return writer_ ? writer_->sync() : Error::none(); }

uint64_t LiveLog::bytes_on_disk() const { return writer_ ? writer_->bytes() : 0; }

Expected<std::shared_ptr<const Block>> LiveLog::read(uint64_t sequence) {
  std::shared_ptr<const Block> next_in_memory;
  {
    const std::lock_guard lock(mutex_);
    const auto at = std::lower_bound(kept_.begin(), kept_.end(), sequence, [](const Kept& kept, uint64_t wanted) {
      return kept.block->last_sequence() < wanted;
    });
    if (at != kept_.end()) {
      if (at->block->first_sequence() <= sequence || !writer_) return at->block;
      next_in_memory = at->block;
    }
  }
  if (!writer_) return next_in_memory;
  if (sequence > last_sequence_.load(std::memory_order_acquire)) return std::shared_ptr<const Block>();
  // A gap on disk (writes that failed) may be in memory: what is on disk is read up to there.
  auto from_disk = read_from_disk(sequence, next_in_memory ? next_in_memory->first_sequence() : UINT64_MAX);
  if (from_disk && *from_disk == nullptr) return next_in_memory;
  return from_disk;
}

Expected<std::shared_ptr<const Block>> LiveLog::read_from_disk(uint64_t sequence, uint64_t before) {
  const std::lock_guard lock(reader_mutex_);
  if (!reader_) {
    auto reader = LogReader::open(directory_.get());
    if (!reader) return reader.error();
    reader_.emplace(std::move(*reader));
  }
  auto result = reader_->read(sequence, kReadBytes, kReadFrames);
  if (!result) return result.error();
  if (result->frames.empty()) return std::shared_ptr<const Block>();
  auto block = empty_block();
  for (const Frame& frame : result->frames) {
    if (frame.sequence >= before) break;
    if (frame.payload.size() >= sizeof(RecordHeader)) block->add(frame.sequence, frame.payload);
  }
  return std::shared_ptr<const Block>(block->empty() ? nullptr : std::move(block));
}

}  // namespace trunkline::pipeline
