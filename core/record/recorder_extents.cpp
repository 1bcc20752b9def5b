// Taking room for large values. A thread appends them to an extent page of its own, so that a prompt of a few kilobytes
// does not cost a page; one that does not fit runs on into fresh pages.
#include "record/extent.hpp"
#include "record/recorder.hpp"

namespace trunkline::record {

uint32_t Recorder::new_extent_page() noexcept {
  const uint32_t page = pool_->allocate(PageType::kExtent);
  const uint32_t used = pool_->used();
  if (used >= pool_->limit() / 4 * 3) {
    if (used >= pool_->limit() / 16 * 15) short_of_memory_.store(true, std::memory_order_relaxed);
    wake_worker();
  }
  if (page != 0) pool_->page(page).header.references.store(1, std::memory_order_relaxed);
  return page;
}

void Recorder::leave_extent(ThreadState& thread) noexcept {
  if (thread.extent != 0) release_page_count(*pool_, thread.extent);
  thread.extent = thread.extent_position = 0;
}

// Room within one page.
ExtentReference Recorder::take_block(ThreadState& thread, uint32_t bytes) noexcept {
  if (bytes > kPageDataBytes) return {};
  if (thread.extent == 0 || thread.extent_position + bytes > kPageDataBytes) {
    const uint32_t page = new_extent_page();
    if (page == 0) return {};
    leave_extent(thread);
    thread.extent = page;
  }
  const ExtentReference taken{thread.extent, thread.extent_position};
  PageHeader& header = pool_->page(thread.extent).header;
  header.references.fetch_add(1, std::memory_order_relaxed);
  thread.extent_position += padded(bytes);
  header.committed.store(thread.extent_position, std::memory_order_release);
  return taken;
}

ExtentReference Recorder::take_extent(ThreadState& thread, size_t bytes) noexcept {
  const uint32_t room = thread.extent == 0 ? 0 : kPageDataBytes - thread.extent_position;
  if (bytes <= room || (bytes <= kPageDataBytes && bytes < kPageDataBytes / 4)) {
    return take_block(thread, static_cast<uint32_t>(bytes));
  }
  // All pages first: a value is kept whole or not at all.
  ExtentReference start{thread.extent, thread.extent_position};
  size_t rest = bytes - room;
  uint32_t first = 0;
  uint32_t last = 0;
  for (size_t taken = 0; taken < rest; taken += kPageDataBytes) {
    const uint32_t page = new_extent_page();
    if (page == 0) {
      while (first != 0) {
        const uint32_t next = pool_->page(first).header.next.load(std::memory_order_relaxed);
        release_page_count(*pool_, first);
        first = next;
      }
      return {};
    }
    if (last == 0) {
      first = page;
    } else {
      pool_->page(last).header.next.store(page, std::memory_order_relaxed);
    }
    last = page;
  }
  if (room == 0) {
    start = {first, 0};
  } else {
    PageHeader& header = pool_->page(start.page).header;
    header.references.fetch_add(1, std::memory_order_relaxed);
    header.next.store(first, std::memory_order_relaxed);
    header.committed.store(kPageDataBytes, std::memory_order_release);
  }
  for (uint32_t page = first; page != last; page = pool_->page(page).header.next.load(std::memory_order_relaxed)) {
    pool_->page(page).header.committed.store(kPageDataBytes, std::memory_order_release);
    rest -= kPageDataBytes;
  }
  leave_extent(thread);
  // The last page goes on as the thread's own: a count for the value and one for the thread.
  PageHeader& header = pool_->page(last).header;
  header.references.fetch_add(1, std::memory_order_relaxed);
  thread.extent = last;
  thread.extent_position = std::min(kPageDataBytes, padded(static_cast<uint32_t>(rest)));
  header.committed.store(thread.extent_position, std::memory_order_release);
  return start;
}

}  // namespace trunkline::record
