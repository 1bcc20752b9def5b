// Memory for many small things that end together: taking is moving a pointer, and what was taken before a reset is
// used again after it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace trunkline::pipeline {

class Arena {
 public:
  // Aligned for anything.
  void* take(size_t bytes);
  template <class T>
  T* array(size_t n) {
    return n == 0 ? nullptr : static_cast<T*>(take(n * sizeof(T)));
  }
  // Ends everything that was taken; the memory stays.
  void reset();
  // Bytes that it holds.
  size_t capacity() const { return capacity_; }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };

  std::vector<Chunk> chunks_;
  size_t next_ = 0;  // chunk to go on with when the present one is full
  size_t left_ = 0;
  std::byte* at_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace trunkline::pipeline
