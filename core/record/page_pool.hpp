// The memory of the recorder: one range of address space of max_memory bytes, backed by the recorder file as far as it
// has grown (or by anonymous memory). Callers take pages without a lock; the worker grows ahead of need, so that a
// caller meets neither a system call nor a first touch, and wipes pages before they are reused, last in, first out.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "model/expected.hpp"
#include "record/layout.hpp"

namespace trunkline::record {

class PagePool {
 public:
  // `fd` is the recorder file, new and empty, or -1 for anonymous memory; borrowed. The file is allocated as it grows,
  // so that a full disk is an error code and not a SIGBUS.
  static Expected<std::unique_ptr<PagePool>> create(int fd, uint64_t max_bytes);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  Page& page(uint32_t index) { return reinterpret_cast<Page*>(base_)[index]; }
  FileHeader& header() { return *reinterpret_cast<FileHeader*>(base_); }
  Slot& slot(uint32_t number) {
    return reinterpret_cast<Slot*>(page(number / kSlotsPerPage).data)[number % kSlotsPerPage];
  }

  // A page with an all-zero header and contents, its type set; 0 when there is none.
  uint32_t allocate(PageType type);
  // `used` bytes of contents are wiped.
  void release(uint32_t index, uint32_t used);

  uint32_t limit() const { return limit_; }
  uint32_t used() const { return used_.load(std::memory_order_relaxed); }
  uint32_t mapped() const { return grown_.load(std::memory_order_relaxed); }

  // The worker's: keeps pages ready ahead of the callers.
  void grow_ahead();
  // Unmaps the range in a forked child, which must not write into its parent's recorder.
  void abandon();

 private:
  PagePool(uint8_t* base, int fd, uint32_t limit) : base_(base), fd_(fd), limit_(limit) {}
  bool grow(uint32_t pages);
  void populate(uint32_t first, uint32_t pages);
  uint32_t pop_free();

  uint8_t* base_;
  int fd_;
  uint32_t limit_;
  std::atomic<uint32_t> grown_{0};
  std::atomic<bool> growing_{false};
  bool file_full_ = false;                     // guarded by growing_: the file could not grow, the rest is anonymous
  alignas(64) std::atomic<uint64_t> free_{0};  // [tag 32][page 32]
  alignas(64) std::atomic<uint32_t> used_{1};
};

}  // namespace trunkline::record
