#include "pipeline/block_pool.hpp"

#include <utility>

namespace trunkline::pipeline {
namespace {

constexpr size_t kMostSpare = 16;
constexpr size_t kMostSpareBytes = 4u << 20;

}  // namespace

std::shared_ptr<BlockPool> BlockPool::create() { return std::shared_ptr<BlockPool>(new BlockPool); }

BlockPool::BlockPool() { spare_.reserve(kMostSpare); }

std::shared_ptr<Block> BlockPool::take() {
  std::unique_ptr<Block> block;
  if (const std::unique_lock lock(mutex_, std::try_to_lock); lock && !spare_.empty()) {
    block = std::move(spare_.back());
    spare_.pop_back();
    spare_bytes_ -= block->capacity();
  }
  if (!block) block = std::make_unique<Block>();
  auto come_back = [pool = shared_from_this()](Block* used) { pool->give_back(std::unique_ptr<Block>(used)); };
  return {block.release(), std::move(come_back)};
}

// Without waiting: the owner may be a child of a fork, whose parent held the lock.
void BlockPool::give_back(std::unique_ptr<Block> block) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || spare_.size() == kMostSpare || spare_bytes_ + block->capacity() > kMostSpareBytes) return;
  block->clear();
  spare_bytes_ += block->capacity();
  spare_.push_back(std::move(block));
}

void BlockPool::trim() {
  const std::lock_guard lock(mutex_);
  spare_.clear();
  spare_bytes_ = 0;
}

size_t BlockPool::spare_bytes() const {
  const std::lock_guard lock(mutex_);
  return spare_bytes_;
}

}  // namespace trunkline::pipeline
