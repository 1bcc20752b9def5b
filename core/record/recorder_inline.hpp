// The few steps that every recorded call takes, in a header so that each is compiled into its caller.
#pragma once

#include <sched.h>

#include <algorithm>
#include <cstring>

#include "model/redactor.hpp"
#include "os/platform.hpp"
#include "record/clock.hpp"
#include "record/recorder.hpp"

namespace trunkline::record {

inline constexpr uint32_t kPrefetchAtEnd = 8;
inline constexpr uint32_t kPrefetchAtStart = 12;

// Copies a key or a short value without a call.
__attribute__((always_inline)) inline void copy_short(uint8_t* to, const void* data, size_t size) {
  const auto* from = static_cast<const uint8_t*>(data);
  if (size > 32) {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    std::memcpy(to, from, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else {
    for (size_t i = 0; i < size; ++i) to[i] = from[i];
  }
}

// Values as the common case knows them. A Word is passed in a register.
struct Bytes {
  const void* data;
  size_t bytes;
  size_t size() const { return bytes; }
  void copy_to(uint8_t* to) const { copy_short(to, data, bytes); }
};

struct Word {
  uint64_t bits;
  static constexpr size_t size() { return sizeof bits; }
  void copy_to(uint8_t* to) const { std::memcpy(to, &bits, sizeof bits); }
};

__attribute__((always_inline)) inline Slot* Recorder::valid_slot(uint64_t handle) noexcept {
  const uint32_t number = slot_of(handle);
  const uint32_t page = number / kSlotsPerPage;
  if (__builtin_expect(is_slot_page_[page].load(std::memory_order_acquire) == 0, 0)) return nullptr;
  uint8_t* const at =
      base_ + uint64_t{page} * kPageBytes + sizeof(PageHeader) + uint64_t{number % kSlotsPerPage} * kSlotBytes;
  return reinterpret_cast<Slot*>(at);
}

// A slot belongs to the thread that opened it, which writes without a locked instruction: it says in its state what it
// writes into, and looks whether somebody has locked that. Another thread locks first, then makes every thread see it
// with the heavy barrier, and then waits while the owner is still writing; from then on the slot has no owner.
__attribute__((always_inline)) inline Slot* Recorder::lock_own(ThreadState& thread, uint64_t handle,
                                                               HandleKind kind) noexcept {
  if (__builtin_expect(!says_kind(handle, kind), 0)) return nullptr;  // bits beyond a handle's differ from every state
  Slot* slot = valid_slot(handle);
  if (__builtin_expect(slot == nullptr, 0)) return nullptr;
  thread.writing.store(handle, std::memory_order_release);
  os::light_barrier(true);  // there are owners only where the heavy one works
  if (__builtin_expect(slot->state.load(std::memory_order_acquire) == expected_state(handle), 1) &&
      __builtin_expect(slot->owner.load(std::memory_order_relaxed) == thread.ordinal, 1)) {
    return slot;
  }
  unlock_own(thread);
  return nullptr;
}

inline void Recorder::unlock_own(ThreadState& thread) noexcept { thread.writing.store(0, std::memory_order_release); }

inline Slot* Recorder::lock(ThreadState& thread, uint64_t handle, HandleKind kind) noexcept {
  Slot* const own = lock_own(thread, handle, kind);
  return __builtin_expect(own != nullptr, 1) ? own : lock_shared(thread, handle, kind);
}

// Reads a live trace's ids without its lock; the state word read twice tells whether they belong together.
__attribute__((always_inline)) inline bool Recorder::read_trace(uint64_t trace, LiveTrace* out) noexcept {
  if (__builtin_expect(!is_kind(trace, HandleKind::kTrace), 0)) return false;
  Slot* const found = valid_slot(trace);
  if (__builtin_expect(found == nullptr, 0)) return false;
  const uint64_t expected = expected_state(trace);
  if (__builtin_expect((found->state.load(std::memory_order_acquire) & ~kLocked) != expected, 0)) return false;
  out->slot = found;
  out->id = {found->trace_high.load(std::memory_order_relaxed), found->trace_low.load(std::memory_order_relaxed)};
  out->root = found->span_id.load(std::memory_order_relaxed);
  out->remote_parent = found->parent_id.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  return (found->state.load(std::memory_order_relaxed) & ~kLocked) == expected;
}

__attribute__((always_inline)) inline bool Recorder::admit(ThreadState& thread) noexcept {
  return __builtin_expect(!short_of_memory_.load(std::memory_order_relaxed), 1) || wait_for_memory(thread);
}

inline void Recorder::unlock(ThreadState& thread, Slot& slot) noexcept {
  if (thread.writing.load(std::memory_order_relaxed) != 0) {
    unlock_own(thread);
  } else {
    slot.state.store(slot.state.load(std::memory_order_relaxed) & ~kLocked, std::memory_order_release);
  }
}

template <class Value>
__attribute__((always_inline)) inline int Recorder::put_fast(ThreadState& thread, uint64_t handle, HandleKind kind,
                                                             Field field, tr_type type, std::string_view key,
                                                             Value value) noexcept {
  Slot* const slot = lock_own(thread, handle, kind);
  if (__builtin_expect(slot == nullptr, 0)) return 1;
  const bool done = append_plain(*slot, field, type, key, value);
  unlock_own(thread);
  return done ? TR_OK : 1;
}

// Asks for the next lines of the thread's chunk, no more at once than the processor can wait for.
__attribute__((always_inline)) inline void Recorder::prefetch_chunk(ThreadState& thread, uint32_t lines) noexcept {
  const uint32_t end = std::min(thread.wanted, thread.prefetched + lines * 64);
  const uint8_t* const data =
      base_ + uint64_t{thread.chunk.load(std::memory_order_relaxed)} * kPageBytes + sizeof(PageHeader);
  uint32_t at = thread.prefetched;
  for (; at < end; at += 64) os::prefetch_for_write(data + at);
  thread.prefetched = at;
}

__attribute__((always_inline)) inline uint32_t Recorder::take_slot(ThreadState& thread) noexcept {
  if (__builtin_expect(thread.free_slots == 0, 0) && !refill_slots(thread)) return 0;
  const uint32_t taken = thread.free_slots;
  thread.free_slots = pool_->slot(taken - 1).next;
  --thread.free_count;
  return taken;
}

inline Slot* Recorder::open_slot(ThreadState& thread, tr_record_type type, uint32_t* number) noexcept {
  const uint32_t taken = take_slot(thread);
  if (__builtin_expect(taken == 0, 0)) return nullptr;
  *number = taken - 1;
  Slot& slot = pool_->slot(*number);
  slot.length.store(0, std::memory_order_relaxed);
  slot.trace_high.store(0, std::memory_order_relaxed);
  slot.trace_low.store(0, std::memory_order_relaxed);
  slot.span_id.store(0, std::memory_order_relaxed);
  slot.parent_id.store(0, std::memory_order_relaxed);
  slot.trace_root.store(0, std::memory_order_relaxed);
  slot.start = clock_.now_early();
  slot.end = 0;
  slot.type = type;
  slot.flags = 0;
  slot.kind = 0;
  slot.attributes = slot.dropped = 0;
  slot.overflow = slot.overflow_last = {};
  return &slot;
}

inline uint64_t Recorder::publish_slot(const ThreadState& thread, Slot& slot, uint32_t number,
                                       HandleKind kind) noexcept {
  slot.owner.store(thread.owns_as.load(std::memory_order_relaxed), std::memory_order_relaxed);
  const uint64_t live = live_state(generation_of(slot.state.load(std::memory_order_relaxed)), kind);
  slot.state.store(live, std::memory_order_release);
  return make_handle(live, number);
}

// The common case of append: a plain value that fits into the slot and that no rule concerns.
template <class Value>
__attribute__((always_inline)) inline bool Recorder::append_plain(Slot& slot, Field field, tr_type type,
                                                                  std::string_view key, Value value) noexcept {
  const uint32_t used = slot.length.load(std::memory_order_relaxed);
  const size_t size = value.size();
  const size_t bytes = sizeof(ItemHeader) + key.size() + size;
  if (__builtin_expect(size >= plain_below_ || used + bytes > kSlotDataBytes || slot.overflow.page != 0, 0)) {
    return false;
  }
  if (field == Field::kAttribute) {
    if (__builtin_expect(slot.attributes >= policy_.max_attributes || policy_.redactor->key_matches(key), 0))
      return false;
    ++slot.attributes;
  }
  uint8_t* const at = slot.data + used;
  const ItemHeader header = make_item(field, type, key.size(), 0, size);
  std::memcpy(at, &header, sizeof header);
  copy_short(at + sizeof header, key.data(), key.size());
  value.copy_to(at + sizeof header + key.size());
  slot.length.store(used + static_cast<uint32_t>(bytes), std::memory_order_release);
  return true;
}

}  // namespace trunkline::record
