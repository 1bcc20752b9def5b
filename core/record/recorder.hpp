// The caller's side of the library: starting, filling and ending traces, spans and runs in the recorder's memory, with
// no lock shared between threads, no malloc and no system call. The worker's side of the same memory is Collector
// (record/collector.hpp). Every function runs between Entry's construction and destruction (record/thread_state.hpp).
#pragma once

#include <atomic>
#include <memory>
#include <string_view>

#include "model/item.hpp"
#include "record/clock.hpp"
#include "record/handle.hpp"
#include "record/page_pool.hpp"
#include "record/thread_state.hpp"

namespace trunkline {
class Redactor;
}

namespace trunkline::record {

// What of the configuration the hot path needs.
struct Policy {
  uint64_t max_value_bytes = 16u << 20;
  uint32_t max_attributes = 1024;
  uint32_t block_timeout_ms = 0;  // 0: drop newest
  bool content = true;
  uint64_t sample_threshold = 0;  // traces whose last 56 random bits are below it are not recorded
  const Redactor* redactor = nullptr;
};

// What a call needs of the trace it belongs to.
struct LiveTrace {
  Slot* slot;
  TraceId id;
  uint64_t root;           // stands for the trace where a span id is needed
  uint64_t remote_parent;  // the span of another process that the trace continues; 0: none
};

// The attributes of a call, as the caller has them: an array of structs, or one run of bytes.
struct Attributes {
  const void* data = nullptr;
  size_t size = 0;  // structs, or bytes
  bool packed = false;
};

struct StartTrace {
  std::string_view name;
  std::string_view group_id;
  std::string_view foreign_id;
  const tr_context* parent = nullptr;
  const tr_attribute* metadata = nullptr;
  size_t metadata_count = 0;
};

class Recorder {
 public:
  // `fd` as for PagePool; borrowed.
  static Expected<std::unique_ptr<Recorder>> create(int fd, uint64_t max_bytes, const Policy& policy);

  // Whether there was no memory for a trace, span or record since the last call.
  bool take_refused() noexcept { return refused_.exchange(false, std::memory_order_relaxed); }

  uint64_t start_trace(ThreadState& thread, const StartTrace& start) noexcept;
  uint64_t start_span(ThreadState& thread, uint64_t trace, uint64_t parent, tr_kind kind, std::string_view name,
                      const Attributes& attributes) noexcept;
  uint64_t start_run(ThreadState& thread, const tr_run_options& options) noexcept;

  // Appends one item to what `handle` names. put_fast takes the common case, of a value that is Bytes or a Word
  // and a slot of this thread's own, and says 1 when it is not one; a caller that includes record/recorder_inline.hpp
  // has it compiled in.
  template <class Value>
  int put_fast(ThreadState& thread, uint64_t handle, HandleKind kind, Field field, tr_type type, std::string_view key,
               Value value) noexcept;
  int put(ThreadState& thread, uint64_t handle, HandleKind kind, Field field, tr_type type, std::string_view key,
          const void* value, size_t size) noexcept;
  int put_value(ThreadState& thread, uint64_t handle, HandleKind kind, std::string_view key,
                const tr_value& value) noexcept;
  // Several under one lock. The first error is the result; the others are still put.
  int put_values(ThreadState& thread, uint64_t handle, HandleKind kind, const Attributes& attributes) noexcept;
  int put_event(ThreadState& thread, uint64_t span, std::string_view name, const tr_attribute* attributes,
                size_t count) noexcept;
  int mark_failed(ThreadState& thread, uint64_t handle, HandleKind kind, std::string_view type,
                  std::string_view message) noexcept;

  // Ends a trace or span.
  int end(ThreadState& thread, uint64_t handle, HandleKind kind) noexcept;
  // put_values and end under one lock. An error of an attribute's is the result; the span has ended, unless it is
  // stale.
  int end_span_with(ThreadState& thread, uint64_t span, const Attributes& attributes) noexcept;
  int finish_run(ThreadState& thread, uint64_t run, const RunOutcome& outcome) noexcept;
  int record_span(ThreadState& thread, const tr_span_data& span) noexcept;
  // A record of its own that belongs to a trace (an event) or a run (metrics, summary, tags).
  int record_event(ThreadState& thread, uint64_t trace, std::string_view name, const tr_attribute* attributes,
                   size_t count) noexcept;
  int record_for_run(ThreadState& thread, uint64_t run, tr_record_type type, std::string_view name, int64_t step,
                     const tr_attribute* attributes, size_t count) noexcept;

  // Ids of a live handle.
  int ids(uint64_t handle, HandleKind kind, TraceId* trace_id, uint64_t* span_id) noexcept;
  // Flags of the W3C context of a live span or trace.
  uint32_t context_flags(uint64_t handle) noexcept;

  // Takes back what an ending thread holds.
  void detach(ThreadState& thread) noexcept;

  // The worker's sleep. A caller wakes it only from idleness or when memory runs short.
  enum Sleep : uint32_t { kAwake = 0, kNapping = 1, kIdle = 2 };
  std::atomic<uint32_t>& sleep() { return sleep_; }
  void wake_worker() noexcept;

  void set_span_starts_wanted(bool wanted) { span_starts_wanted_.store(wanted, std::memory_order_relaxed); }
  PagePool& pool() { return *pool_; }
  Clock& clock() { return clock_; }

 private:
  friend class Collector;
  Recorder(std::unique_ptr<PagePool> pool, const Policy& policy);

  // Slots.
  Slot* valid_slot(uint64_t handle) noexcept;
  Slot* lock(ThreadState& thread, uint64_t handle, HandleKind kind) noexcept;
  Slot* lock_own(ThreadState& thread, uint64_t handle, HandleKind kind) noexcept;
  Slot* lock_shared(const ThreadState& thread, uint64_t handle, HandleKind kind) noexcept;
  static bool await_owner(Slot& slot, uint64_t handle) noexcept;
  static void unlock(ThreadState& thread, Slot& slot) noexcept;
  static void unlock_own(ThreadState& thread) noexcept;
  template <class Write>
  int end_after(ThreadState& thread, uint64_t handle, HandleKind kind, Write write) noexcept;
  template <class Write>
  int write_to(ThreadState& thread, uint64_t handle, HandleKind kind, Write write) noexcept;
  void prefetch_chunk(ThreadState& thread, uint32_t lines) noexcept;
  uint32_t take_slot(ThreadState& thread) noexcept;
  bool refill_slots(ThreadState& thread) noexcept;
  void free_slot(ThreadState& thread, Slot& slot, uint32_t number) noexcept;
  void pass_slots_on(ThreadState& thread) noexcept;
  void push_free_batch(uint32_t first) noexcept;
  bool admit(ThreadState& thread) noexcept;
  bool wait_for_memory(ThreadState& thread) noexcept;
  bool refuse() noexcept;
  Slot* open_slot(ThreadState& thread, tr_record_type type, uint32_t* number) noexcept;
  uint64_t publish_slot(const ThreadState& thread, Slot& slot, uint32_t number, HandleKind kind) noexcept;
  void discard_slot(ThreadState& thread, Slot& slot, uint32_t number) noexcept;
  void commit_slot(ThreadState& thread, Slot& slot, uint32_t number, int64_t end, int64_t stamp) noexcept;
  int commit_single(ThreadState& thread, Slot& slot, uint32_t number) noexcept;
  bool commit_to_trace(ThreadState& thread, Slot& slot, uint32_t number, uint64_t trace, const LiveTrace& live,
                       int64_t end) noexcept;
  bool append_to_chunk(ThreadState& thread, const Slot& slot, int64_t end, uint64_t uid, int64_t stamp) noexcept;
  bool new_chunk(ThreadState& thread) noexcept;
  void leave_chunk(ThreadState& thread) noexcept;
  Slot* open_span_start(ThreadState& thread, const Slot& started, std::string_view name, const Attributes& attributes,
                        uint32_t* number) noexcept;
  bool read_trace(uint64_t trace, LiveTrace* out) noexcept;

  // Items.
  int append(ThreadState& thread, Slot& slot, Field field, tr_type type, std::string_view key, const void* value,
             size_t size, uint32_t flags = 0) noexcept;
  template <class Value>
  bool append_plain(Slot& slot, Field field, tr_type type, std::string_view key, Value value) noexcept;
  int append_word(ThreadState& thread, Slot& slot, tr_type type, std::string_view key, uint64_t bits) noexcept;
  int append_text(ThreadState& thread, Slot& slot, tr_type type, std::string_view key, std::string_view text) noexcept;
  int append_value(ThreadState& thread, Slot& slot, std::string_view key, const tr_value& value) noexcept;
  int append_values(ThreadState& thread, Slot& slot, const tr_attribute* attributes, size_t count) noexcept;
  int append_packed(ThreadState& thread, Slot& slot, const void* packed, size_t size) noexcept;
  int append_attributes(ThreadState& thread, Slot& slot, const Attributes& attributes) noexcept;
  int append_event(ThreadState& thread, Slot& slot, std::string_view name, const tr_attribute* attributes,
                   size_t count) noexcept;
  int append_strings(ThreadState& thread, Slot& slot, std::string_view key, const tr_value& value) noexcept;
  bool admits_content(Field field, tr_type type, std::string_view key) const noexcept;
  struct Place;  // where an item's bytes go
  bool place(ThreadState& thread, Slot& slot, const ItemHeader& header, std::string_view key, Place* out) noexcept;
  uint8_t* reserve(ThreadState& thread, Slot& slot, uint32_t bytes, std::atomic<uint32_t>** length) noexcept;
  ExtentReference take_extent(ThreadState& thread, size_t bytes) noexcept;
  ExtentReference take_block(ThreadState& thread, uint32_t bytes) noexcept;
  uint32_t new_extent_page() noexcept;
  void leave_extent(ThreadState& thread) noexcept;
  void release_extent_page(uint32_t page) noexcept;

  std::unique_ptr<PagePool> pool_;
  uint8_t* const base_;  // the pool's
  const Policy policy_;
  const size_t plain_below_;                              // sizes of values that need no look at the policy
  std::unique_ptr<std::atomic<uint8_t>[]> is_slot_page_;  // for every page that a handle can name
  std::atomic<uint32_t> slot_pages_{0};
  std::atomic<bool> short_of_memory_{false};
  std::atomic<bool> refused_{false};  // a span or trace, for lack of memory, since the worker last asked
  std::atomic<bool> span_starts_wanted_{false};
  bool asymmetric_ = false;
  Clock clock_;
  alignas(64) std::atomic<uint32_t> sleep_{kAwake};
  alignas(64) std::atomic<uint64_t> free_batches_{0};  // [tag 32][slot number + 1]
  alignas(64) std::atomic<uint32_t> full_chunks_{0};   // list of pages through PageHeader::next
  std::atomic<uint32_t> ended_slots_{0};               // slots whose record found no chunk; slot number + 1
};

}  // namespace trunkline::record
