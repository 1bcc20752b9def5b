// Blocks that were read by everybody are filled again: fresh memory for each would cost the kernel more than making its
// records costs us. Only so much is kept, and nothing while the process is idle. Any thread, also that of a host that
// lets go of a batch; nobody waits here.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/block.hpp"

namespace trunkline::pipeline {

class BlockPool : public std::enable_shared_from_this<BlockPool> {
 public:
  static std::shared_ptr<BlockPool> create();

  // An empty block, which comes back when its last owner lets go of it.
  std::shared_ptr<Block> take();
  // Frees what is kept.
  void trim();
  // Bytes that are kept.
  size_t spare_bytes() const;

 private:
  BlockPool();
  void give_back(std::unique_ptr<Block> block) noexcept;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> spare_;
  size_t spare_bytes_ = 0;
};

}  // namespace trunkline::pipeline
