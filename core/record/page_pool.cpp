#include "record/page_pool.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/platform.hpp"
#include "os/signals.hpp"

namespace trunkline::record {
namespace {

constexpr uint32_t kGrowthPages = 16;  // 1 MiB

int allocate_file(int fd, off_t offset, off_t size) {
  const os::NoFileSizeSignal no_signal;
  int result;
  do {
    // Not fallocate: that is a cancellation point, and callers' threads come here.
    result = static_cast<int>(syscall(SYS_fallocate, fd, 0, offset, size));
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

Expected<std::unique_ptr<PagePool>> PagePool::create(int fd, uint64_t max_bytes) {
  const auto limit = static_cast<uint32_t>(max_bytes / kPageBytes);
  const int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  // Pages beyond the file's end are mapped but not touched before the file has grown over them.
  void* base = mmap(nullptr, uint64_t{limit} * kPageBytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (base == MAP_FAILED) return Error{TR_ENOMEM, std::string("cannot map the recorder: ") + std::strerror(errno)};
  std::unique_ptr<PagePool> pool(new PagePool(static_cast<uint8_t*>(base), fd, limit));
  if (fd >= 0 && allocate_file(fd, 0, off_t{kGrowthPages} * kPageBytes) != 0) {
    return Error{TR_EIO, std::string("cannot allocate the recorder file: ") + std::strerror(errno)};
  }
  pool->grown_ = kGrowthPages;
  pool->populate(0, kGrowthPages);
  FileHeader& header = pool->header();
  header.version = kFileVersion;
  header.page_bytes = kPageBytes;
  header.pages.store(1, std::memory_order_relaxed);
  header.magic = kFileMagic;
  return pool;
}

PagePool::~PagePool() { abandon(); }

void PagePool::abandon() {
  if (base_ != nullptr) munmap(base_, uint64_t{limit_} * kPageBytes);
  base_ = nullptr;
}

uint32_t PagePool::pop_free() {
  uint64_t head = free_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    const auto index = static_cast<uint32_t>(head);
    const uint64_t next = ((head >> 32) + 1) << 32 | page(index).header.next.load(std::memory_order_relaxed);
    if (free_.compare_exchange_weak(head, next, std::memory_order_acquire)) return index;
  }
  return 0;
}

uint32_t PagePool::allocate(PageType type) {
  uint32_t index = pop_free();
  while (index == 0) {
    uint64_t top = header().pages.load(std::memory_order_relaxed);
    if (top < grown_.load(std::memory_order_acquire)) {
      if (header().pages.compare_exchange_weak(top, top + 1)) index = static_cast<uint32_t>(top);
    } else if (!grow(kGrowthPages)) {
      return 0;
    }
  }
  used_.fetch_add(1, std::memory_order_relaxed);
  PageHeader& header = page(index).header;
  header.next.store(0, std::memory_order_relaxed);
  header.type.store(static_cast<uint32_t>(type), std::memory_order_release);
  return index;
}

void PagePool::release(uint32_t index, uint32_t used) {
  Page& freed = page(index);
  // First what tells recovery that there is something here, then the contents.
  freed.header.type.store(static_cast<uint32_t>(PageType::kFree), std::memory_order_release);
  freed.header.committed.store(0, std::memory_order_release);
  freed.header.drained.store(0, std::memory_order_relaxed);
  freed.header.references.store(0, std::memory_order_relaxed);
  freed.header.full.store(0, std::memory_order_relaxed);
  freed.header.holds = 0;
  std::memset(freed.data, 0, used);
  uint64_t head = free_.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    freed.header.next.store(static_cast<uint32_t>(head), std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | index;
  } while (!free_.compare_exchange_weak(head, next, std::memory_order_release));
  used_.fetch_sub(1, std::memory_order_relaxed);
}

bool PagePool::grow(uint32_t pages) {
  const uint32_t seen = grown_.load(std::memory_order_acquire);
  if (seen >= limit_) return false;
  if (growing_.exchange(true, std::memory_order_acquire)) {
    // Somebody is at it. Yielding is right even on the hot path: there is no page to go on with.
    while (growing_.load(std::memory_order_relaxed)) sched_yield();
    return true;
  }
  const uint32_t grown = grown_.load(std::memory_order_relaxed);
  if (grown == seen) {
    const uint32_t more = std::min(pages, limit_ - grown);
    const auto offset = static_cast<off_t>(uint64_t{grown} * kPageBytes);
    if (fd_ >= 0 && !file_full_ && allocate_file(fd_, offset, static_cast<off_t>(uint64_t{more} * kPageBytes)) != 0) {
      // The disk is full. Go on in memory: recording must not stop, and the log reports the disk.
      const uint64_t rest = uint64_t{limit_ - grown} * kPageBytes;
      void* fixed = mmap(base_ + offset, rest, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
      if (fixed == MAP_FAILED) {
        growing_.store(false, std::memory_order_release);
        return false;
      }
      file_full_ = true;
    }
    grown_.store(grown + more, std::memory_order_release);
  }
  growing_.store(false, std::memory_order_release);
  return true;
}

void PagePool::populate(uint32_t first, uint32_t pages) {
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
  uint8_t* begin = base_ + uint64_t{first} * kPageBytes;
  const uint64_t bytes = uint64_t{pages} * kPageBytes;
  if (madvise(begin, bytes, MADV_POPULATE_WRITE) == 0) return;
  // An older kernel: touch every page, without changing what a caller may just be writing there.
  for (uint64_t offset = 0; offset < bytes; offset += 4096) {
    reinterpret_cast<std::atomic<uint8_t>*>(begin + offset)->fetch_or(0, std::memory_order_relaxed);
  }
}

void PagePool::grow_ahead() {
  const uint64_t top = header().pages.load(std::memory_order_relaxed);
  const uint32_t grown = grown_.load(std::memory_order_relaxed);
  const uint32_t wanted = std::max<uint32_t>(kGrowthPages / 2, static_cast<uint32_t>(top) / 4);
  const bool has_free = static_cast<uint32_t>(free_.load(std::memory_order_relaxed)) != 0;
  if (has_free || grown - top >= wanted || grown >= limit_) return;
  const uint32_t pages = std::min(std::max(kGrowthPages, wanted), limit_ - grown);
  if (!grow(pages)) return;
  // A caller may have been at it, with less: beyond what has grown there is no file, and a touch would be fatal.
  const uint32_t reached = grown_.load(std::memory_order_acquire);
  if (reached > grown) populate(grown, std::min(pages, reached - grown));
}

}  // namespace trunkline::record
