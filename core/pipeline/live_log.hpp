// The log of this process. Every record gets its sequence here; the newest blocks stay in memory for readers that keep
// up, all go to the segments on disk unless durability is off. When the disk refuses, memory holds what it can and
// each further loss is one that readers see as a gap.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "log/log_reader.hpp"
#include "log/log_writer.hpp"
#include "pipeline/block_pool.hpp"
#include "pipeline/block_source.hpp"

namespace trunkline::pipeline {

class LiveLog : public BlockSource {
 public:
  struct Options {
    uint64_t memory_bytes = 8u << 20;        // of blocks kept for readers that keep up
    uint64_t most_memory_bytes = 64u << 20;  // of blocks that are nowhere else
    uint64_t max_disk = 1u << 30;
    bool fsync = false;
  };

  // `directory_fd`: the run directory, borrowed; -1: none on disk.
  static Expected<std::unique_ptr<LiveLog>> create(int directory_fd, const Options& options);

  // A block to fill, of memory that was used before if there is any.
  std::shared_ptr<Block> empty_block() { return pool_->take(); }
  // Frees the memory of blocks that nobody has any more.
  void trim_spare() { pool_->trim(); }
  // The worker's. Writes the block and makes it readable; an error says that it is in memory only.
  Error append(std::shared_ptr<Block> block);
  uint64_t next_sequence() const { return next_sequence_; }
  void set_next_sequence(uint64_t next) { next_sequence_ = next; }
  // Everything up to `sequence` is acknowledged by all: segments may go.
  void release_through(uint64_t sequence);
  // Frees the oldest segments beyond max_disk, read or not.
  void enforce_limit();
  Error sync();
  uint64_t bytes_on_disk() const;

  Expected<std::shared_ptr<const Block>> read(uint64_t sequence) override;
  uint64_t last_sequence() const override { return last_sequence_.load(std::memory_order_acquire); }
  uint64_t overflowed_through() const override { return overflowed_through_.load(std::memory_order_acquire); }

 private:
  struct Kept {
    std::shared_ptr<const Block> block;
    bool on_disk;
  };

  LiveLog(UniqueFd directory, const Options& options) : directory_(std::move(directory)), options_(options) {}
  void trim();
  Expected<std::shared_ptr<const Block>> read_from_disk(uint64_t sequence, uint64_t before);

  const UniqueFd directory_;
  const Options options_;
  const std::shared_ptr<BlockPool> pool_ = BlockPool::create();
  std::optional<LogWriter> writer_;
  uint64_t next_sequence_ = 1;
  uint64_t released_through_ = 0;
  std::atomic<uint64_t> last_sequence_{0};
  std::atomic<uint64_t> overflowed_through_{0};
  mutable std::mutex mutex_;  // the rest
  std::deque<Kept> kept_;
  uint64_t kept_bytes_ = 0;
  std::mutex reader_mutex_;
  std::optional<LogReader> reader_;
};

}  // namespace trunkline::pipeline
