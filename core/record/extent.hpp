// Large values: bytes that begin somewhere in an extent page and run on through the pages linked to it. A page counts
// the values in it that are not logged yet, plus one while a thread still appends; whoever takes the last count frees
// it.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "record/page_pool.hpp"

namespace trunkline::record {

// Drops one count of a page.
inline void release_page_count(PagePool& pool, uint32_t page) {
  PageHeader& header = pool.page(page).header;
  if (header.references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    pool.release(page, header.committed.load(std::memory_order_relaxed));
  }
}

// Drops a value's counts.
inline void release_extent(PagePool& pool, ExtentReference at, size_t size) {
  for (;;) {
    const uint32_t next = pool.page(at.page).header.next.load(std::memory_order_relaxed);
    const size_t here = std::min<size_t>(size, kPageDataBytes - at.offset);
    release_page_count(pool, at.page);
    size -= here;
    if (size == 0) return;
    at = {next, 0};
  }
}

// Writes a value into pages that are linked already.
class ExtentWriter {
 public:
  ExtentWriter() = default;
  ExtentWriter(PagePool* pool, ExtentReference at) : pool_(pool), at_(at) {}

  void write(const void* data, size_t size) {
    const auto* from = static_cast<const uint8_t*>(data);
    while (size != 0) {
      if (at_.offset == kPageDataBytes) at_ = {pool_->page(at_.page).header.next.load(std::memory_order_relaxed), 0};
      const auto here = static_cast<uint32_t>(std::min<size_t>(size, kPageDataBytes - at_.offset));
      std::memcpy(pool_->page(at_.page).data + at_.offset, from, here);
      at_.offset += here;
      from += here;
      size -= here;
    }
  }

 private:
  PagePool* pool_ = nullptr;
  ExtentReference at_;
};

// Appends a value to `out`. False when the reference leads out of the pool: `pages` is how many there are.
template <class PageAt>
bool read_extent(const PageAt& page_at, uint64_t pages, ExtentReference at, size_t size, std::string* out) {
  if (size > pages * kPageDataBytes) return false;  // more than there is: a chain in a circle
  while (size != 0) {
    if (at.page == 0 || at.page >= pages || at.offset >= kPageDataBytes) return false;
    const Page& page = page_at(at.page);
    if (page.header.type.load(std::memory_order_relaxed) != static_cast<uint32_t>(PageType::kExtent)) return false;
    const size_t here = std::min<size_t>(size, kPageDataBytes - at.offset);
    out->append(reinterpret_cast<const char*>(page.data) + at.offset, here);
    size -= here;
    at = {page.header.next.load(std::memory_order_relaxed), 0};
  }
  return true;
}

}  // namespace trunkline::record
