#include "pipeline/arena.hpp"

#include <algorithm>

namespace trunkline::pipeline {
namespace {

constexpr size_t kChunkBytes = 16384;
constexpr size_t kAlignment = alignof(std::max_align_t);

}  // namespace

void* Arena::take(size_t bytes) {
  bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
  while (bytes > left_) {
    if (next_ == chunks_.size()) {
      const size_t size = std::max(bytes, kChunkBytes);
      chunks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[size]), size});
      capacity_ += size;
    }
    at_ = chunks_[next_].bytes.get();
    left_ = chunks_[next_].size;
    ++next_;
  }
  void* taken = at_;
  at_ += bytes;
  left_ -= bytes;
  return taken;
}

void Arena::reset() {
  next_ = 0;
  left_ = 0;
}

}  // namespace trunkline::pipeline
