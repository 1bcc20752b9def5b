// Slots: taking, locking, ending, and handing their contents over.
#include "record/recorder.hpp"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "os/futex.hpp"
#include "os/platform.hpp"
#include "record/clock.hpp"
#include "record/ids.hpp"
#include "record/recorder_inline.hpp"

namespace trunkline::record {
namespace {

constexpr uint32_t kMaxFreeSlotsPerThread = 96;
constexpr uint32_t kBatchSlots = 32;

// Being taken over costs microseconds. A thread whose slots others keep writing into, because its tasks move between
// threads, owns no more of them until so few have been taken over for the records it has made.
constexpr uint32_t kTakenOverFree = 8;
constexpr uint64_t kRecordsForOneTakenOver = 256;

bool may_own(const ThreadState& thread) {
  const uint64_t taken_over = thread.taken_over.load(std::memory_order_relaxed);
  return taken_over < kTakenOverFree || taken_over * kRecordsForOneTakenOver < thread.next_uid;
}

}  // namespace

Expected<std::unique_ptr<Recorder>> Recorder::create(int fd, uint64_t max_bytes, const Policy& policy) {
  auto pool = PagePool::create(fd, max_bytes);
  if (!pool) return pool.error();
  auto recorder = std::unique_ptr<Recorder>(new Recorder(std::move(*pool), policy));
  recorder->pool().header().wall_offset.store(recorder->clock().measure_wall_offset(), std::memory_order_relaxed);
  return recorder;
}

Recorder::Recorder(std::unique_ptr<PagePool> pool, const Policy& policy)
    : pool_(std::move(pool)),
      base_(reinterpret_cast<uint8_t*>(&pool_->page(0))),
      policy_(policy),
      plain_below_(policy.content ? std::min<uint64_t>(policy.max_value_bytes, kSlotDataBytes) + 1 : 0),
      is_slot_page_(std::make_unique<std::atomic<uint8_t>[]>(kMaxSlots / kSlotsPerPage)),
      asymmetric_(os::enable_heavy_barrier()) {}

// Another thread owns the slot, or is writing into it, or the handle is stale.
Slot* Recorder::lock_shared(const ThreadState& thread, uint64_t handle, HandleKind kind) noexcept {
  Slot* const slot = is_kind(handle, kind) ? valid_slot(handle) : nullptr;
  if (slot == nullptr) return nullptr;
  const uint64_t expected = expected_state(handle);
  uint64_t seen = expected;
  for (uint32_t spins = 0; !slot->state.compare_exchange_weak(seen, expected | kLocked, std::memory_order_acquire);
       ++spins) {
    if (seen != expected && seen != (expected | kLocked)) return nullptr;
    seen = expected;
    os::spin_pause();
    if (spins > 1000) sched_yield();  // its holder was descheduled in mid-copy
  }
  const uint32_t owner = slot->owner.load(std::memory_order_relaxed);
  if (owner == 0 || owner == thread.ordinal) return slot;
  os::heavy_barrier();
  return await_owner(*slot, handle) ? slot : nullptr;
}

// Of a slot that was locked before a heavy barrier. False: its owner ended it meanwhile.
bool Recorder::await_owner(Slot& slot, uint64_t handle) noexcept {
  const uint64_t locked = expected_state(handle) | kLocked;
  const uint32_t ordinal = slot.owner.load(std::memory_order_relaxed);
  ThreadState* owner = gate()->states.load(std::memory_order_acquire);
  while (owner != nullptr && owner->ordinal != ordinal) owner = owner->next;
  for (uint32_t spins = 0; owner != nullptr && owner->writing.load(std::memory_order_acquire) == handle; ++spins) {
    if (slot.state.load(std::memory_order_acquire) != locked) return false;
    os::spin_pause();
    if (spins > 1000) sched_yield();
  }
  if (slot.state.load(std::memory_order_acquire) != locked) return false;
  slot.owner.store(0, std::memory_order_relaxed);
  if (owner != nullptr && owner->taken_over.fetch_add(1, std::memory_order_relaxed) + 1 >= kTakenOverFree) {
    owner->owns_as.store(0, std::memory_order_relaxed);  // until it begins a new chunk
  }
  return true;
}

bool Recorder::refuse() noexcept {
  refused_.store(true, std::memory_order_relaxed);
  return false;
}

bool Recorder::wait_for_memory(ThreadState& thread) noexcept {
  if (policy_.block_timeout_ms == 0 || thread.in_callback != 0) return refuse();
  const int64_t deadline = monotonic_now() + int64_t{policy_.block_timeout_ms} * 1'000'000;
  while (short_of_memory_.load(std::memory_order_relaxed)) {
    if (monotonic_now() >= deadline || gate()->epoch.load(std::memory_order_relaxed) == 0) return refuse();
    wake_worker();
    const timespec nap{0, 500'000};
    static_cast<void>(syscall(SYS_nanosleep, &nap, nullptr));  // nanosleep is a cancellation point
  }
  return true;
}

bool Recorder::refill_slots(ThreadState& thread) noexcept {
  uint64_t head = free_batches_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    const Slot& first = pool_->slot(static_cast<uint32_t>(head) - 1);
    const uint64_t rest = ((head >> 32) + 1) << 32 | __atomic_load_n(&first.next_batch, __ATOMIC_RELAXED);
    if (free_batches_.compare_exchange_weak(head, rest, std::memory_order_acquire)) {
      thread.free_slots = static_cast<uint32_t>(head);
      thread.free_count = 0;
      for (uint32_t n = thread.free_slots; n != 0; n = pool_->slot(n - 1).next) ++thread.free_count;
      return true;
    }
  }
  // Slot pages stay slot pages, so that a stale handle always meets a state word: half of the memory at the most.
  if (slot_pages_.fetch_add(1, std::memory_order_relaxed) >= pool_->limit() / 2) {
    slot_pages_.fetch_sub(1, std::memory_order_relaxed);
    return refuse();
  }
  const uint32_t page = pool_->allocate(PageType::kSlots);
  if (page == 0) {
    slot_pages_.fetch_sub(1, std::memory_order_relaxed);
    return refuse();
  }
  for (uint32_t i = kSlotsPerPage; i-- > 0;) {
    const uint32_t number = page * kSlotsPerPage + i;
    Slot& slot = pool_->slot(number);
    slot.state.store(free_state(next_random(thread.random)), std::memory_order_relaxed);
    slot.next = thread.free_slots;
    thread.free_slots = number + 1;
  }
  thread.free_count += kSlotsPerPage;
  is_slot_page_[page].store(1, std::memory_order_release);
  return true;
}

__attribute__((always_inline)) inline void Recorder::free_slot(ThreadState& thread, Slot& slot,
                                                               uint32_t number) noexcept {
  slot.state.store(free_state(generation_of(slot.state.load(std::memory_order_relaxed)) + 1),
                   std::memory_order_release);
  slot.next = thread.free_slots;
  thread.free_slots = number + 1;
  if (__builtin_expect(++thread.free_count > kMaxFreeSlotsPerThread, 0)) pass_slots_on(thread);
}

// Spans started on one thread and ended on another would pile up here.
void Recorder::pass_slots_on(ThreadState& thread) noexcept {
  const uint32_t first = thread.free_slots;
  uint32_t last = first;
  for (uint32_t i = 1; i < kBatchSlots; ++i) last = pool_->slot(last - 1).next;
  thread.free_slots = pool_->slot(last - 1).next;
  thread.free_count -= kBatchSlots;
  pool_->slot(last - 1).next = 0;
  push_free_batch(first);
}

void Recorder::push_free_batch(uint32_t first) noexcept {
  Slot& slot = pool_->slot(first - 1);
  uint64_t head = free_batches_.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    __atomic_store_n(&slot.next_batch, static_cast<uint32_t>(head), __ATOMIC_RELAXED);
    next = ((head >> 32) + 1) << 32 | first;
  } while (!free_batches_.compare_exchange_weak(head, next, std::memory_order_release));
}

void Recorder::leave_chunk(ThreadState& thread) noexcept {
  const uint32_t chunk = thread.chunk.load(std::memory_order_relaxed);
  if (chunk == 0) return;
  Page& page = pool_->page(chunk);
  page.header.full.store(1, std::memory_order_relaxed);
  uint32_t head = full_chunks_.load(std::memory_order_relaxed);
  do {
    page.header.next.store(head, std::memory_order_relaxed);
  } while (!full_chunks_.compare_exchange_weak(head, chunk, std::memory_order_release));
  // Only now: the worker looks at current chunks first and at this list second, and must not miss one in between.
  thread.chunk.store(0, std::memory_order_release);
}

bool Recorder::new_chunk(ThreadState& thread) noexcept {
  leave_chunk(thread);
  const uint32_t page = pool_->allocate(PageType::kChunk);
  const uint32_t used = pool_->used();
  if (used >= pool_->limit() / 4 * 3) {
    if (used >= pool_->limit() / 16 * 15) short_of_memory_.store(true, std::memory_order_relaxed);
    wake_worker();
  }
  if (page == 0) return false;
  thread.chunk_position = 0;
  thread.owns_as.store(asymmetric_ && may_own(thread) ? thread.ordinal : 0, std::memory_order_relaxed);
  thread.chunk.store(page, std::memory_order_release);
  return true;
}

// What was only just stored in the slot is passed along: a wide load of it would wait for the stores.
__attribute__((always_inline)) inline bool Recorder::append_to_chunk(ThreadState& thread, const Slot& slot, int64_t end,
                                                                     uint64_t uid, int64_t stamp) noexcept {
  const uint32_t items = slot.length.load(std::memory_order_relaxed);
  const uint32_t bytes = padded(static_cast<uint32_t>(sizeof(ChunkRecord)) + items);
  if (__builtin_expect(
          thread.chunk.load(std::memory_order_relaxed) == 0 || thread.chunk_position + bytes > kPageDataBytes, 0) &&
      !new_chunk(thread)) {
    return false;
  }
  Page& page = *reinterpret_cast<Page*>(base_ + uint64_t{thread.chunk.load(std::memory_order_relaxed)} * kPageBytes);
  uint8_t* const at = page.data + thread.chunk_position;
  auto& record = *reinterpret_cast<ChunkRecord*>(at);
  record.bytes = bytes;
  record.dropped = slot.dropped;
  record.overflow = slot.overflow;
  record.header.type = slot.type;
  record.header.flags = slot.flags;
  record.header.kind = slot.kind;
  record.header.item_bytes = items;
  record.header.trace_id = {slot.trace_high.load(std::memory_order_relaxed),
                            slot.trace_low.load(std::memory_order_relaxed)};
  record.header.span_id = slot.span_id.load(std::memory_order_relaxed);
  record.header.parent_id = slot.parent_id.load(std::memory_order_relaxed);
  record.header.start = slot.start;
  record.header.end = end;
  record.header.uid = uid;
  record.header.stamp = static_cast<uint64_t>(stamp);
  std::memcpy(at + sizeof record, slot.data, items);
  thread.chunk_position += bytes;
  page.header.committed.store(thread.chunk_position, std::memory_order_release);
  // The worker's core had the next lines last. Without asking ahead, the stores of the next end would wait for
  // them all. Half is asked for here and half at the next start: a processor waits when it has more lines under way
  // than it can keep account of.
  thread.prefetched = thread.chunk_position;
  thread.wanted = std::min(thread.chunk_position + bytes, kPageDataBytes);
  prefetch_chunk(thread, kPrefetchAtEnd);
  return true;
}

// The order is what recovery relies on: stamped, ENDED, copied, committed, freed. A finished record is then never
// mistaken for an open one, wherever the process dies.
void Recorder::commit_slot(ThreadState& thread, Slot& slot, uint32_t number, int64_t end, int64_t stamp) noexcept {
  const uint64_t uid = uint64_t{thread.ordinal} << 40 | ++thread.next_uid;
  slot.end = end;
  slot.stamp = stamp;
  slot.uid = uid;
  const uint64_t state = slot.state.load(std::memory_order_relaxed);
  slot.state.store((state & ~(kLive | kLocked)) | kEnded, std::memory_order_release);
  if (__builtin_expect(append_to_chunk(thread, slot, end, uid, stamp), 1)) {
    free_slot(thread, slot, number);
  } else {
    // No page for a chunk: the worker takes the record from its slot. An end never fails.
    uint32_t head = ended_slots_.load(std::memory_order_relaxed);
    do {
      slot.next = head;
    } while (!ended_slots_.compare_exchange_weak(head, number + 1, std::memory_order_release));
  }
  thread.writing.store(0, std::memory_order_release);
  os::light_barrier(asymmetric_);
  if (__builtin_expect(sleep_.load(std::memory_order_relaxed) == kIdle, 0)) wake_worker();
}

int Recorder::commit_single(ThreadState& thread, Slot& slot, uint32_t number) noexcept {
  commit_slot(thread, slot, number, slot.end != 0 ? slot.end : slot.start, clock_.now());
  return TR_OK;
}

void Recorder::discard_slot(ThreadState& thread, Slot& slot, uint32_t number) noexcept {
  // Overflow of a slot that was never published is given back through the worker, like any other: as a record of no
  // type, which it drops.
  if (slot.overflow.page == 0 && slot.length.load(std::memory_order_relaxed) == 0) {
    free_slot(thread, slot, number);
    thread.writing.store(0, std::memory_order_release);
    return;
  }
  slot.type = 0;
  commit_slot(thread, slot, number, slot.end, clock_.now());
}

void Recorder::detach(ThreadState& thread) noexcept {
  leave_chunk(thread);
  leave_extent(thread);
  if (thread.free_slots != 0) push_free_batch(thread.free_slots);
  thread.free_slots = thread.free_count = 0;
}

void Recorder::wake_worker() noexcept {
  if (sleep_.exchange(kAwake, std::memory_order_acq_rel) != kAwake) os::futex_wake(&sleep_, 1);
}

}  // namespace trunkline::record
