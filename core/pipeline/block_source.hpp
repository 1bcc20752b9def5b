// Where a processor's records come from: the live log of this process, or the log of a dead one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/expected.hpp"
#include "pipeline/block.hpp"

namespace trunkline::pipeline {

class BlockSource {
 public:
  virtual ~BlockSource() = default;
  // The block that holds `sequence`, or, if that is gone, the next one there is; nullptr at the end.
  virtual Expected<std::shared_ptr<const Block>> read(uint64_t sequence) = 0;
  // The last sequence there is, 0: none.
  virtual uint64_t last_sequence() const = 0;
  // Records up to here may be missing because a limit was reached.
  virtual uint64_t overflowed_through() const { return 0; }
};

}  // namespace trunkline::pipeline
