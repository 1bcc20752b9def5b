#include "record/collector.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "os/barrier.hpp"
#include "record/clock.hpp"

namespace trunkline::record {

Collector::Collector(Recorder* recorder) : recorder_(recorder), taken_bytes_(recorder->pool().limit()) {}

void Collector::start(uint64_t epoch) { epoch_ = epoch; }

void Collector::take_page(uint32_t page, uint32_t committed, int64_t before, std::vector<Taken>* out) {
  const Page& chunk = recorder_->pool().page(page);
  uint32_t at = taken_bytes_[page];
  while (at < committed) {
    ChunkRecord record;
    std::memcpy(&record, chunk.data + at, sizeof record);
    if (static_cast<int64_t>(record.header.stamp) >= before) break;
    out->push_back({static_cast<int64_t>(record.header.stamp), record.header.uid, page, at});
    at += record.bytes;
  }
  taken_bytes_[page] = at;
}

int64_t Collector::take(std::vector<Taken>* out) {
  PagePool& pool = recorder_->pool();
  const size_t first = out->size();
  const int64_t now = recorder_->clock().now_then_look();
  pool.header().heartbeat.store(now, std::memory_order_relaxed);
  // Current chunks before the list of full ones: a chunk that is left in between is then in the list, or was seen here.
  const Gate* g = gate();
  std::vector<std::pair<uint32_t, uint32_t>> current;
  for (const ThreadState* s = g->states.load(std::memory_order_acquire); s != nullptr; s = s->next) {
    if (s->inverted_epoch.load(std::memory_order_acquire) != ~epoch_) continue;
    const uint32_t page = s->chunk.load(std::memory_order_acquire);
    // A thread that was interrupted while it left its chunk may still name a page that has been freed since, and that
    // somebody else now has for something else.
    const bool is_chunk = page != 0 && pool.page(page).header.type.load(std::memory_order_acquire) ==
                                           static_cast<uint32_t>(PageType::kChunk);
    if (is_chunk) current.emplace_back(page, pool.page(page).header.committed.load(std::memory_order_acquire));
  }
  const size_t known_full = full_.size();
  for (uint32_t page = recorder_->full_chunks_.exchange(0, std::memory_order_acquire); page != 0;
       page = pool.page(page).header.next.load(std::memory_order_relaxed)) {
    full_.push_back(page);
  }
  std::reverse(full_.begin() + static_cast<ptrdiff_t>(known_full), full_.end());
  for (const uint32_t page : full_) {
    take_page(page, pool.page(page).header.committed.load(std::memory_order_acquire), now, out);
  }
  for (const auto& [page, committed] : current) take_page(page, committed, now, out);

  for (uint32_t n = recorder_->ended_slots_.exchange(0, std::memory_order_acquire); n != 0;) {
    ended_.push_back(n - 1);
    n = pool.slot(n - 1).next;
  }
  auto later = ended_.begin();
  for (const uint32_t number : ended_) {
    const Slot& slot = pool.slot(number);
    if (slot.stamp < now) {
      out->push_back({slot.stamp, slot.uid, 0, number});
    } else {
      *later++ = number;
    }
  }
  ended_.erase(later, ended_.end());
  std::sort(out->begin() + static_cast<ptrdiff_t>(first), out->end(),
            [](const Taken& a, const Taken& b) { return a.stamp != b.stamp ? a.stamp < b.stamp : a.uid < b.uid; });
  return now;
}

bool Collector::anything_new() const {
  if (recorder_->full_chunks_.load(std::memory_order_acquire) != 0) return true;
  if (recorder_->ended_slots_.load(std::memory_order_acquire) != 0) return true;
  for (const ThreadState* s = gate()->states.load(std::memory_order_acquire); s != nullptr; s = s->next) {
    if (s->inverted_epoch.load(std::memory_order_acquire) != ~epoch_) continue;
    const uint32_t page = s->chunk.load(std::memory_order_acquire);
    if (page == 0) continue;
    if (recorder_->pool().page(page).header.committed.load(std::memory_order_acquire) > taken_bytes_[page]) return true;
  }
  return false;
}

RecordHeader Collector::header(const Taken& taken) const {
  PagePool& pool = recorder_->pool();
  if (taken.page != 0) {
    ChunkRecord record;
    std::memcpy(&record, pool.page(taken.page).data + taken.offset, sizeof record);
    return record.header;
  }
  return header_of(pool.slot(taken.offset));
}

uint32_t Collector::dropped_attributes(const Taken& taken) const {
  PagePool& pool = recorder_->pool();
  if (taken.page == 0) return pool.slot(taken.offset).dropped;
  ChunkRecord record;
  std::memcpy(&record, pool.page(taken.page).data + taken.offset, sizeof record);
  return record.dropped;
}

Collector::Source Collector::locate(const Taken& taken) const {
  PagePool& pool = recorder_->pool();
  if (taken.page != 0) {
    const uint8_t* at = pool.page(taken.page).data + taken.offset;
    ChunkRecord record;
    std::memcpy(&record, at, sizeof record);
    return {{reinterpret_cast<const char*>(at) + sizeof record, record.header.item_bytes}, record.overflow};
  }
  const Slot& slot = pool.slot(taken.offset);
  return {{reinterpret_cast<const char*>(slot.data), slot.length.load(std::memory_order_relaxed)}, slot.overflow};
}

void Collector::done(const Taken& taken) {
  PagePool& pool = recorder_->pool();
  const Source source = locate(taken);
  const ExtentReference overflow = source.overflow;
  if (taken.page != 0) {
    PageHeader& header = pool.page(taken.page).header;
    ChunkRecord record;
    std::memcpy(&record, pool.page(taken.page).data + taken.offset, sizeof record);
    // Before extents go: recovery must not look at them through this record any more.
    if (taken.offset + record.bytes > header.drained.load(std::memory_order_relaxed)) {
      header.drained.store(taken.offset + record.bytes, std::memory_order_release);
    } else {
      // Was held. Recovery passes over what has no type.
      auto* held = reinterpret_cast<ChunkRecord*>(pool.page(taken.page).data + taken.offset);
      __atomic_store_n(&held->header.type, 0u, __ATOMIC_RELEASE);
      if (--header.holds == 0) header.first_hold = 0;
    }
  }
  view().references(source.items, overflow,
                    [&pool](ExtentReference at, size_t size) { release_extent(pool, at, size); });
  if (taken.page == 0) {
    Slot& slot = pool.slot(taken.offset);
    slot.state.store(free_state(generation_of(slot.state.load(std::memory_order_relaxed)) + 1),
                     std::memory_order_release);
    slot.next = 0;
    recorder_->push_free_batch(taken.offset + 1);
  }
}

void Collector::hold(const Taken& taken) {
  if (taken.page == 0) return;
  Page& page = recorder_->pool().page(taken.page);
  ChunkRecord record;
  std::memcpy(&record, page.data + taken.offset, sizeof record);
  if (page.header.holds++ == 0) page.header.first_hold = taken.offset;
  page.header.drained.store(taken.offset + record.bytes, std::memory_order_release);
}

void Collector::end_pass() {
  PagePool& pool = recorder_->pool();
  auto kept = full_.begin();
  for (const uint32_t page : full_) {
    const PageHeader& header = pool.page(page).header;
    const uint32_t committed = header.committed.load(std::memory_order_relaxed);
    if (header.holds == 0 && header.drained.load(std::memory_order_relaxed) == committed) {
      taken_bytes_[page] = 0;
      pool.release(page, committed);
    } else {
      *kept++ = page;
    }
  }
  full_.erase(kept, full_.end());
  if (pool.used() < pool.limit() / 8 * 7) recorder_->short_of_memory_.store(false, std::memory_order_relaxed);
  pool.grow_ahead();
}

template <class Visit>
void Collector::each_live_slot(Visit&& visit) {
  PagePool& pool = recorder_->pool();
  const auto pages = static_cast<uint32_t>(pool.header().pages.load(std::memory_order_acquire));
  for (uint32_t page = 1; page < pages; ++page) {
    if (recorder_->is_slot_page_[page].load(std::memory_order_acquire) == 0) continue;
    for (uint32_t i = 0; i < kSlotsPerPage; ++i) {
      const uint32_t number = page * kSlotsPerPage + i;
      Slot& slot = pool.slot(number);
      const uint64_t state = slot.state.load(std::memory_order_acquire);
      // Ended but not yet freed counts too: its record may not be committed.
      if ((state & (kLive | kEnded)) != 0) visit(slot, number, state);
    }
  }
}

void Collector::find_open_spans(const std::vector<uint64_t>& traces, std::vector<bool>* open) {
  open->assign(traces.size(), false);
  os::heavy_barrier();
  each_live_slot([&](const Slot& slot, uint32_t, uint64_t state) {
    if ((state >> kFlagBits & 3) != static_cast<uint64_t>(HandleKind::kSpan)) return;
    const uint64_t root = slot.trace_root.load(std::memory_order_relaxed);
    for (size_t i = 0; i < traces.size(); ++i) {
      if (traces[i] == root) (*open)[i] = true;
    }
  });
}

uint64_t Collector::end_open(const std::vector<uint64_t>* traces) {
  std::vector<Locked> spans;
  std::vector<Locked> containers;
  each_live_slot([&](Slot& slot, uint32_t number, uint64_t state) {
    if ((state & kEnded) != 0) return;
    const bool is_span = (state >> kFlagBits & 3) == static_cast<uint64_t>(HandleKind::kSpan);
    if (traces != nullptr) {
      const uint64_t root = slot.trace_root.load(std::memory_order_relaxed);
      if (!is_span || std::find(traces->begin(), traces->end(), root) == traces->end()) return;
    }
    uint64_t expected = state & ~kLocked;
    if (!slot.state.compare_exchange_strong(expected, expected | kLocked, std::memory_order_acquire)) return;
    (is_span ? spans : containers).push_back({number, expected});
  });
  if (!spans.empty() || !containers.empty()) os::heavy_barrier();
  // Traces and runs after the spans in them.
  const int64_t now = recorder_->clock().now();
  const uint64_t ended = end_locked(spans, now);
  end_locked(containers, now + 1);
  return ended;
}

// Ends slots that were locked before a heavy barrier, but for those that their owners were just ending. Returns how
// many.
uint64_t Collector::end_locked(const std::vector<Locked>& slots, int64_t now) {
  uint64_t ended = 0;
  for (const auto& [number, live] : slots) {
    Slot& slot = recorder_->pool().slot(number);
    if (slot.owner.load(std::memory_order_relaxed) != 0 && !Recorder::await_owner(slot, make_handle(live, number))) {
      continue;
    }
    slot.flags |= TR_RECORD_INCOMPLETE;
    slot.end = now;
    slot.stamp = now;
    slot.uid = ++next_uid_;
    slot.state.store((live & ~kLive) | kEnded, std::memory_order_release);
    ended_.push_back(number);
    ++ended;
  }
  return ended;
}

RecordHeader header_of(const Slot& slot) {
  RecordHeader header;
  header.type = slot.type;
  header.flags = slot.flags;
  header.kind = slot.kind;
  header.item_bytes = slot.length.load(std::memory_order_acquire);
  header.trace_id = {slot.trace_high.load(std::memory_order_relaxed), slot.trace_low.load(std::memory_order_relaxed)};
  header.span_id = slot.span_id.load(std::memory_order_relaxed);
  header.parent_id = slot.parent_id.load(std::memory_order_relaxed);
  header.start = slot.start;
  header.end = slot.end;
  header.uid = slot.uid;
  header.stamp = static_cast<uint64_t>(slot.stamp);
  return header;
}

}  // namespace trunkline::record
