// A processor that hands everything on to another and counts what that one took.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "trunkline.h"

namespace trunkline::cli {

struct TakenCounts {
  std::atomic<uint64_t> incomplete{0};  // records that had not ended
};

// `inner` must have on_batch. The result has its name and identity, and releases it.
tr_processor counting_processor(const tr_processor& inner, std::shared_ptr<TakenCounts> counts);

}  // namespace trunkline::cli
