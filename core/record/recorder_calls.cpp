// The operations behind the public calls: traces, spans, events and runs.
#include <cstring>

#include "model/traceparent.hpp"
#include "record/clock.hpp"
#include "record/ids.hpp"
#include "record/recorder_inline.hpp"

namespace trunkline::record {

int Recorder::ids(uint64_t handle, HandleKind kind, TraceId* trace_id, uint64_t* span_id) noexcept {
  if (!is_kind(handle, kind)) return TR_ESTALE;
  Slot* slot = valid_slot(handle);
  if (slot == nullptr) return TR_ESTALE;
  const uint64_t expected = expected_state(handle);
  if ((slot->state.load(std::memory_order_acquire) & ~kLocked) != expected) return TR_ESTALE;
  *trace_id = {slot->trace_high.load(std::memory_order_relaxed), slot->trace_low.load(std::memory_order_relaxed)};
  *span_id = slot->span_id.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  return (slot->state.load(std::memory_order_relaxed) & ~kLocked) == expected ? TR_OK : TR_ESTALE;
}

// Of a handle that has gone stale meanwhile: of no importance, for so are its ids.
uint32_t Recorder::context_flags(uint64_t handle) noexcept {
  const Slot* slot = valid_slot(handle);
  return slot == nullptr ? 0 : slot->context_flags.load(std::memory_order_relaxed);
}

uint64_t Recorder::start_trace(ThreadState& thread, const StartTrace& start) noexcept {
  if (thread.in_callback != 0) return 0;
  TraceId id;
  uint64_t parent = 0;
  uint32_t flags = kTraceFlagSampled | kTraceFlagRandom;
  if (start.parent != nullptr) {
    flags = start.parent->flags & (kTraceFlagSampled | kTraceFlagRandom);
    id = load_trace_id(start.parent->trace_id);
    std::memcpy(&parent, start.parent->span_id, sizeof parent);
  } else {
    const int64_t offset = pool_->header().wall_offset.load(std::memory_order_relaxed);
    id = random_trace_id(thread.random, clock_.now() + offset);
  }
  const bool sampled =
      start.parent != nullptr ? (start.parent->flags & 1) != 0 : sampling_bits(id) >= policy_.sample_threshold;
  if (!sampled) {
    thread.counters.traces_sampled_out.add();
    return 0;
  }
  uint32_t record_number = 0;
  uint32_t number = 0;
  Slot* record = admit(thread) ? open_slot(thread, TR_RECORD_TRACE_START, &record_number) : nullptr;
  Slot* slot = record != nullptr ? open_slot(thread, TR_RECORD_TRACE_END, &number) : nullptr;
  if (slot == nullptr) {
    if (record != nullptr) discard_slot(thread, *record, record_number);
    thread.counters.traces_refused.add();
    return 0;
  }
  const uint64_t root = random_span_id(thread.random);
  slot->start = record->start;  // one start, in both records
  for (Slot* each : {record, slot}) {
    each->trace_high.store(id.high, std::memory_order_relaxed);
    each->trace_low.store(id.low, std::memory_order_relaxed);
    each->span_id.store(root, std::memory_order_relaxed);
    each->parent_id.store(parent, std::memory_order_relaxed);
    each->context_flags.store(flags, std::memory_order_relaxed);
    append(thread, *each, Field::kName, TR_TYPE_STR, {}, start.name.data(), start.name.size());
    if (!start.group_id.empty()) {
      append(thread, *each, Field::kGroupId, TR_TYPE_STR, {}, start.group_id.data(), start.group_id.size());
    }
    if (!start.foreign_id.empty()) {
      append(thread, *each, Field::kForeignId, TR_TYPE_STR, {}, start.foreign_id.data(), start.foreign_id.size());
    }
    if (append_values(thread, *each, start.metadata, start.metadata_count) == TR_EINVAL) thread.counters.misuse.add();
  }
  const uint64_t handle = publish_slot(thread, *slot, number, HandleKind::kTrace);
  commit_single(thread, *record, record_number);
  thread.counters.traces_started.add();
  return handle;
}

uint64_t Recorder::start_span(ThreadState& thread, uint64_t trace, uint64_t parent, tr_kind kind, std::string_view name,
                              const Attributes& attributes) noexcept {
  if (__builtin_expect(thread.in_callback != 0, 0)) return 0;
  LiveTrace live;
  if (__builtin_expect(!read_trace(trace, &live), 0)) {
    thread.counters.stale_handles.add();
    return 0;
  }
  uint64_t parent_id = live.remote_parent;
  if (parent != 0) {
    TraceId parent_trace;
    if (__builtin_expect(ids(parent, HandleKind::kSpan, &parent_trace, &parent_id) != TR_OK, 0)) {
      thread.counters.stale_handles.add();
      parent_id = live.remote_parent;
    } else if (__builtin_expect(!(parent_trace == live.id), 0)) {
      thread.counters.misuse.add();
      parent_id = live.remote_parent;
    }
  }
  uint32_t number = 0;
  Slot* slot = admit(thread) ? open_slot(thread, TR_RECORD_SPAN_END, &number) : nullptr;
  if (__builtin_expect(slot == nullptr, 0)) {
    thread.counters.spans_refused.add();
    return 0;
  }
  slot->kind = kind;
  slot->trace_high.store(live.id.high, std::memory_order_relaxed);
  slot->trace_low.store(live.id.low, std::memory_order_relaxed);
  slot->span_id.store(random_span_id(thread.random), std::memory_order_relaxed);
  slot->trace_root.store(live.root, std::memory_order_relaxed);
  slot->context_flags.store(live.slot->context_flags.load(std::memory_order_relaxed), std::memory_order_relaxed);
  slot->parent_id.store(parent_id, std::memory_order_relaxed);
  if (!append_plain(*slot, Field::kName, TR_TYPE_STR, {}, Bytes{name.data(), name.size()})) {
    append(thread, *slot, Field::kName, TR_TYPE_STR, {}, name.data(), name.size());
  }
  if (attributes.size != 0 && append_attributes(thread, *slot, attributes) == TR_EINVAL) thread.counters.misuse.add();
  uint32_t start_number = 0;
  Slot* start_record = nullptr;
  if (__builtin_expect(span_starts_wanted_.load(std::memory_order_relaxed), 0)) {
    start_record = open_span_start(thread, *slot, name, attributes, &start_number);
  }
  const uint64_t handle = publish_slot(thread, *slot, number, HandleKind::kSpan);
  // The worker closes a trace when it sees none of its spans open: show this one, then make sure that it still may.
  os::light_barrier(asymmetric_);
  if (__builtin_expect((live.slot->state.load(std::memory_order_acquire) & ~kLocked) != expected_state(trace), 0)) {
    thread.counters.stale_handles.add();
    if (lock(thread, handle, HandleKind::kSpan) != nullptr) discard_slot(thread, *slot, number);
    if (start_record != nullptr) discard_slot(thread, *start_record, start_number);
    return 0;
  }
  if (start_record != nullptr) commit_single(thread, *start_record, start_number);
  thread.counters.spans_started.add();
  prefetch_chunk(thread, kPrefetchAtStart);
  return handle;
}

// A record of the start of `started`, which nobody else knows yet.
Slot* Recorder::open_span_start(ThreadState& thread, const Slot& started, std::string_view name,
                                const Attributes& attributes, uint32_t* number) noexcept {
  Slot* record = open_slot(thread, TR_RECORD_SPAN_START, number);
  if (record == nullptr) return nullptr;
  record->kind = started.kind;
  record->start = started.start;
  record->trace_high.store(started.trace_high.load(std::memory_order_relaxed), std::memory_order_relaxed);
  record->trace_low.store(started.trace_low.load(std::memory_order_relaxed), std::memory_order_relaxed);
  record->span_id.store(started.span_id.load(std::memory_order_relaxed), std::memory_order_relaxed);
  record->parent_id.store(started.parent_id.load(std::memory_order_relaxed), std::memory_order_relaxed);
  append(thread, *record, Field::kName, TR_TYPE_STR, {}, name.data(), name.size());
  append_attributes(thread, *record, attributes);
  return record;
}

// Writes into the slot that a handle names, while nobody else does.
template <class Write>
int Recorder::write_to(ThreadState& thread, uint64_t handle, HandleKind kind, Write write) noexcept {
  Slot* slot = lock(thread, handle, kind);
  if (slot == nullptr) {
    thread.counters.stale_handles.add();
    return TR_ESTALE;
  }
  const int result = write(*slot);
  unlock(thread, *slot);
  return result;
}

int Recorder::put(ThreadState& thread, uint64_t handle, HandleKind kind, Field field, tr_type type,
                  std::string_view key, const void* value, size_t size) noexcept {
  return write_to(thread, handle, kind, [&](Slot& slot) {
    if (append_plain(slot, field, type, key, Bytes{value, size})) return TR_OK;
    return append(thread, slot, field, type, key, value, size);
  });
}

int Recorder::put_value(ThreadState& thread, uint64_t handle, HandleKind kind, std::string_view key,
                        const tr_value& value) noexcept {
  return write_to(thread, handle, kind, [&](Slot& slot) { return append_value(thread, slot, key, value); });
}

int Recorder::put_values(ThreadState& thread, uint64_t handle, HandleKind kind, const Attributes& attributes) noexcept {
  return write_to(thread, handle, kind, [&](Slot& slot) { return append_attributes(thread, slot, attributes); });
}

int Recorder::put_event(ThreadState& thread, uint64_t span, std::string_view name, const tr_attribute* attributes,
                        size_t count) noexcept {
  return write_to(thread, span, HandleKind::kSpan,
                  [&](Slot& slot) { return append_event(thread, slot, name, attributes, count); });
}

int Recorder::mark_failed(ThreadState& thread, uint64_t handle, HandleKind kind, std::string_view type,
                          std::string_view message) noexcept {
  return write_to(thread, handle, kind, [&](Slot& slot) {
    slot.flags |= TR_RECORD_FAILED;
    int result = append(thread, slot, Field::kErrorType, TR_TYPE_STR, {}, type.data(), type.size());
    const int second = append(thread, slot, Field::kErrorMessage, TR_TYPE_STR, {}, message.data(), message.size());
    if (result == TR_OK) result = second;
    return result;
  });
}

// Writes into the slot that a handle names, and ends it.
template <class Write>
__attribute__((always_inline)) inline int Recorder::end_after(ThreadState& thread, uint64_t handle, HandleKind kind,
                                                              Write write) noexcept {
  Slot* slot = lock(thread, handle, kind);
  if (__builtin_expect(slot == nullptr, 0)) {
    thread.counters.stale_handles.add();
    return TR_ESTALE;
  }
  const int result = write(*slot);
  const int64_t now = clock_.now();
  commit_slot(thread, *slot, slot_of(handle), now, now);
  if (kind == HandleKind::kSpan) {
    thread.counters.spans_ended.add();
  } else {
    thread.counters.traces_ended.add();
  }
  return result;
}

int Recorder::end(ThreadState& thread, uint64_t handle, HandleKind kind) noexcept {
  return end_after(thread, handle, kind, [](Slot&) { return TR_OK; });
}

int Recorder::end_span_with(ThreadState& thread, uint64_t span, const Attributes& attributes) noexcept {
  return end_after(thread, span, HandleKind::kSpan,
                   [&](Slot& slot) { return append_attributes(thread, slot, attributes); });
}

// Of a record that never had a handle. Until it is committed it stands as an open span, locked, so that the worker does
// not close the trace before it. False: the trace has ended meanwhile, and nothing is recorded.
bool Recorder::commit_to_trace(ThreadState& thread, Slot& slot, uint32_t number, uint64_t trace, const LiveTrace& live,
                               int64_t end) noexcept {
  slot.trace_root.store(live.root, std::memory_order_relaxed);
  const uint64_t generation = generation_of(slot.state.load(std::memory_order_relaxed));
  slot.state.store(live_state(generation, HandleKind::kSpan) | kLocked, std::memory_order_release);
  os::light_barrier(asymmetric_);
  if ((live.slot->state.load(std::memory_order_acquire) & ~kLocked) != expected_state(trace)) {
    thread.counters.stale_handles.add();
    discard_slot(thread, slot, number);
    return false;
  }
  commit_slot(thread, slot, number, end, clock_.now());
  return true;
}

int Recorder::record_span(ThreadState& thread, const tr_span_data& span) noexcept {
  if (thread.in_callback != 0) return TR_OK;
  LiveTrace live;
  if (!read_trace(span.trace, &live)) {
    thread.counters.stale_handles.add();
    return TR_ESTALE;
  }
  uint64_t parent_id = live.remote_parent;
  TraceId parent_trace;
  if (span.parent != 0 &&
      (ids(span.parent, HandleKind::kSpan, &parent_trace, &parent_id) != TR_OK || !(parent_trace == live.id))) {
    thread.counters.stale_handles.add();
    parent_id = live.remote_parent;
  }
  uint32_t number = 0;
  Slot* slot = admit(thread) ? open_slot(thread, TR_RECORD_SPAN_END, &number) : nullptr;
  if (slot == nullptr) {
    thread.counters.spans_refused.add();
    return TR_ENOMEM;
  }
  uint64_t span_id;
  std::memcpy(&span_id, span.span_id, sizeof span_id);
  slot->kind = span.kind;
  slot->trace_high.store(live.id.high, std::memory_order_relaxed);
  slot->trace_low.store(live.id.low, std::memory_order_relaxed);
  slot->span_id.store(span_id != 0 ? span_id : random_span_id(thread.random), std::memory_order_relaxed);
  slot->parent_id.store(parent_id, std::memory_order_relaxed);
  const int64_t end = span.end_ns < span.start_ns ? span.start_ns : span.end_ns;
  slot->flags = kExplicitTimes | (span.end_ns < span.start_ns ? TR_RECORD_TIME_CLAMPED : 0);
  append(thread, *slot, Field::kName, TR_TYPE_STR, {}, span.name.data, span.name.size);
  if (span.foreign_id.size != 0) {
    append(thread, *slot, Field::kForeignId, TR_TYPE_STR, {}, span.foreign_id.data, span.foreign_id.size);
  }
  if (span.error_type.size != 0 || span.error_message.size != 0) {
    slot->flags |= TR_RECORD_FAILED;
    append(thread, *slot, Field::kErrorType, TR_TYPE_STR, {}, span.error_type.data, span.error_type.size);
    append(thread, *slot, Field::kErrorMessage, TR_TYPE_STR, {}, span.error_message.data, span.error_message.size);
  }
  const int result = append_values(thread, *slot, span.attributes, span.attribute_count);
  slot->start = span.start_ns;
  if (!commit_to_trace(thread, *slot, number, span.trace, live, end)) return TR_ESTALE;
  thread.counters.spans_started.add();
  thread.counters.spans_ended.add();
  return result;
}

int Recorder::record_event(ThreadState& thread, uint64_t trace, std::string_view name, const tr_attribute* attributes,
                           size_t count) noexcept {
  LiveTrace live;
  if (!read_trace(trace, &live)) {
    thread.counters.stale_handles.add();
    return TR_ESTALE;
  }
  uint32_t number = 0;
  Slot* slot = admit(thread) ? open_slot(thread, TR_RECORD_EVENT, &number) : nullptr;
  if (slot == nullptr) {
    thread.counters.values_dropped.add();
    return TR_ENOMEM;
  }
  slot->trace_high.store(live.id.high, std::memory_order_relaxed);
  slot->trace_low.store(live.id.low, std::memory_order_relaxed);
  slot->span_id.store(live.root, std::memory_order_relaxed);
  append(thread, *slot, Field::kName, TR_TYPE_STR, {}, name.data(), name.size());
  const int result = append_values(thread, *slot, attributes, count);
  return commit_to_trace(thread, *slot, number, trace, live, slot->start) ? result : TR_ESTALE;
}

uint64_t Recorder::start_run(ThreadState& thread, const tr_run_options& options) noexcept {
  if (thread.in_callback != 0) return 0;
  LiveTrace live{};
  if (options.trace != 0 && !read_trace(options.trace, &live)) {
    thread.counters.stale_handles.add();
    return 0;
  }
  uint32_t record_number = 0;
  uint32_t number = 0;
  Slot* record = admit(thread) ? open_slot(thread, TR_RECORD_RUN_START, &record_number) : nullptr;
  Slot* slot = record != nullptr ? open_slot(thread, TR_RECORD_RUN_FINISH, &number) : nullptr;
  if (slot == nullptr) {
    if (record != nullptr) discard_slot(thread, *record, record_number);
    thread.counters.values_dropped.add();
    return 0;
  }
  const uint64_t run_id = random_span_id(thread.random);
  for (Slot* each : {record, slot}) {
    each->trace_high.store(live.id.high, std::memory_order_relaxed);
    each->trace_low.store(live.id.low, std::memory_order_relaxed);
    each->span_id.store(run_id, std::memory_order_relaxed);
    append(thread, *each, Field::kName, TR_TYPE_STR, {}, options.name.data, options.name.size);
    if (options.project.size != 0) {
      append(thread, *each, Field::kProject, TR_TYPE_STR, {}, options.project.data, options.project.size);
    }
    if (options.group_id.size != 0) {
      append(thread, *each, Field::kGroupId, TR_TYPE_STR, {}, options.group_id.data, options.group_id.size);
    }
  }
  slot->start = record->start;
  if (append_values(thread, *record, options.config, options.config_count) == TR_EINVAL) thread.counters.misuse.add();
  const uint64_t handle = publish_slot(thread, *slot, number, HandleKind::kRun);
  commit_single(thread, *record, record_number);
  return handle;
}

int Recorder::record_for_run(ThreadState& thread, uint64_t run, tr_record_type type, std::string_view name,
                             int64_t step, const tr_attribute* attributes, size_t count) noexcept {
  TraceId id;
  uint64_t run_id;
  if (ids(run, HandleKind::kRun, &id, &run_id) != TR_OK) {
    thread.counters.stale_handles.add();
    return TR_ESTALE;
  }
  uint32_t number = 0;
  Slot* slot = admit(thread) ? open_slot(thread, type, &number) : nullptr;
  if (slot == nullptr) {
    thread.counters.values_dropped.add();
    return TR_ENOMEM;
  }
  slot->trace_high.store(id.high, std::memory_order_relaxed);
  slot->trace_low.store(id.low, std::memory_order_relaxed);
  slot->span_id.store(run_id, std::memory_order_relaxed);
  if (!name.empty()) append(thread, *slot, Field::kName, TR_TYPE_STR, {}, name.data(), name.size());
  if (step >= 0) append(thread, *slot, Field::kStep, TR_TYPE_I64, {}, &step, sizeof step);
  const int result = append_values(thread, *slot, attributes, count);
  commit_single(thread, *slot, number);
  return result;
}

int Recorder::finish_run(ThreadState& thread, uint64_t run, const RunOutcome& outcome) noexcept {
  Slot* slot = lock(thread, run, HandleKind::kRun);
  if (slot == nullptr) {
    thread.counters.stale_handles.add();
    return TR_ESTALE;
  }
  if (outcome.status != TR_RUN_FINISHED) slot->flags |= TR_RECORD_FAILED;
  append(thread, *slot, Field::kRunOutcome, TR_TYPE_BYTES, {}, &outcome, sizeof outcome);
  const int64_t now = clock_.now();
  commit_slot(thread, *slot, slot_of(run), now, now);
  return TR_OK;
}

}  // namespace trunkline::record
