// A registered processor: its table, its feeds (the live run and dead ones it took over), its counts. Hooks are called
// by a delivery thread (delivery_thread.hpp) without any lock; the host may instead pull with tr_poll.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/feed.hpp"
#include "trunkline.h"

namespace trunkline::pipeline {

class Processor;

// What a processor is given: a tr_batch and all that keeps it alive.
struct OwnedBatch : tr_batch {
  std::shared_ptr<Processor> owner;
  std::shared_ptr<Feed> feed;
  std::shared_ptr<const Block> block;
  std::vector<const tr_record*> pointers;
  Feed::Range range{};
  tr_tally tally{};
  std::optional<std::string> restored;  // what `state` points to
  bool restore_accepted = false;
  bool answered = false;             // a hook took one of the records, so that failures are not in a row any more
  std::optional<std::string> saved;  // by tr_processor_save
};

class Processor : public std::enable_shared_from_this<Processor> {
 public:
  // Where it says that it fails; may be NULL. Called without a lock.
  using Say = bool (*)(tr_level level, std::string_view message);

  // Copies the part of the table that this library knows. The table was validated.
  Processor(const tr_processor& table, tr_processor_id id, std::string identity, Say say);
  ~Processor();
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  tr_processor_id id() const { return id_; }
  const std::string& name() const { return name_; }
  const std::string& identity() const { return identity_; }
  bool durable() const { return (table_.flags & TR_PROCESSOR_DURABLE) != 0; }
  bool polled() const { return (table_.flags & TR_PROCESSOR_POLL) != 0; }
  bool shares_thread() const { return (table_.flags & TR_PROCESSOR_SHARED) != 0; }
  bool runs_at_exit() const { return (table_.flags & (TR_PROCESSOR_SHARED | TR_PROCESSOR_AT_EXIT)) != 0; }
  bool wants_span_starts() const;

  // Feeds. The live one begins when the worker has reached the moment of registration.
  void set_live_feed(std::shared_ptr<Feed> feed);
  void live_begins(uint64_t first_sequence);
  void add_adopted_feed(std::shared_ptr<Feed> feed);

  // The worker's: these records are in the log now.
  void offer(const Block& block);
  void wake();
  // The lowest live sequence it still needs, minus one.
  uint64_t acknowledged() const;

  // The delivery thread's: one batch, tick or request. Returns what there is to do next.
  enum class Next { kMore, kWait, kFinished };
  Next step();
  // How long a hook may still wait; INT64_MAX: as long as it likes.
  int64_t time_left() const;
  int64_t next_due() const;  // monotonic ns of the next tick or retry; INT64_MAX: none
  // Whether somebody waits for what it has not taken: a flush, or the end.
  bool awaited() const;
  // The one one of whose hooks runs on this thread; nullptr: none.
  static Processor*& in_hook();
  // What a hook on this thread may ask for; TR_ESTATE and 0 outside of one.
  static int save_from_hook(const void* state, size_t size);
  static uint32_t hook_time_left_ms();  // UINT32_MAX: as long as it likes
  static bool hook_is_awaited();        // true outside of one

  // Callers'.
  int save_state(std::string_view state);
  bool retain(const tr_batch* batch);
  static int acknowledge(OwnedBatch* batch, int result, std::optional<std::string> state);
  // The first `taken` records were taken, the next one was refused with `result`, the rest was not looked at.
  static int acknowledge_part(OwnedBatch* batch, size_t taken, int result, std::optional<std::string> state);
  int poll(uint32_t max_records, uint32_t timeout_ms, OwnedBatch** batch);
  int poll_fd();
  // Waits until everything up to `sequence` of the live run, and all of adopted runs, is acknowledged, and flushed.
  bool flush(uint64_t sequence, int64_t deadline);
  // What is not taken is counted as removed. `let_go` follows, without a lock: it may call the host's release.
  void remove();
  void let_go();
  void silence();                // the process exits: no hook is called any more
  void close(int64_t deadline);  // takes what it can until the deadline, then ends
  bool wait_closed(int64_t deadline);
  bool caught_up() const;
  tr_processor_stats stats() const;

 private:
  enum class State { kOpen, kClosing, kRemoved, kFinished };

  OwnedBatch* next_batch(uint32_t most, bool* more);
  OwnedBatch* batch_from(const std::shared_ptr<Feed>& feed, uint32_t most, bool* progress);
  void account_for_losses(const std::shared_ptr<Feed>& feed, const tr_tally& offered_before);
  void finish_adopted(const std::shared_ptr<Feed>& feed);
  bool everything_taken() const;
  bool kept() const { return live_ && live_->kept(); }  // what is not taken waits on disk
  void deliver(OwnedBatch* batch);
  int call_hooks(OwnedBatch* batch, size_t* taken);
  int call_record_hook(const tr_record& record, bool* answered);
  void note_failure(int result, std::string* complaint);
  void outlive_hook(std::unique_ptr<OwnedBatch>* acknowledged);
  void split_and_acknowledge(OwnedBatch* batch, size_t taken, int result);
  int complete(OwnedBatch* batch, int result, std::optional<std::string> state);
  void back_off();
  void wait_before_next_offer(OwnedBatch* batch);
  template <class Call>
  int in_hook_of_this_thread(Call&& call);
  void signal_poll(int64_t when);
  bool run_tick();
  bool run_flush();
  bool flush_locked(std::unique_lock<std::mutex>* held, uint64_t sequence, int64_t deadline);
  void finish();
  void count_rest(tr_tally* into);
  tr_tally accounted() const;

  tr_processor table_{};
  const tr_processor_id id_;
  const std::string name_;
  const std::string identity_;
  const Say say_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::atomic<State> state_{State::kOpen};  // changed with the lock; between two hooks it is looked at without
  std::shared_ptr<Feed> live_;
  bool live_begun_ = false;
  uint64_t offered_through_ = 0;  // sequence; what is after it in the log is not booked yet
  std::vector<std::shared_ptr<Feed>> adopted_;
  tr_processor_stats counts_{};
  uint32_t failures_ = 0;  // in a row
  int64_t complained_at_ = 0;
  bool poisoned_ = false;
  int64_t retry_at_ = 0;
  int64_t retry_delay_ = 0;
  int64_t next_tick_ = 0;
  int64_t close_deadline_ = 0;
  uint64_t flush_asked_ = 0;
  uint64_t flush_done_ = 0;
  uint32_t flushes_ = 0;  // that wait now
  int64_t flush_deadline_ = 0;
  int poll_fd_ = -1;  // a timer: readable from the moment on when there is something to poll
  OwnedBatch* hook_batch_ = nullptr;
  std::unique_ptr<OwnedBatch> spent_;  // acknowledged while its hook still runs
  bool hook_retained_ = false;
  bool silent_ = false;
  bool finishing_ = false;
  bool released_ = false;  // and release has returned
                           // Set by the delivery thread's owner: wakes it.
 public:
  std::function<void()> on_wake;
};

// Calls a hook of the host: this thread may not call what would wait for it, and nothing it throws goes further.
template <class Call>
int Processor::in_hook_of_this_thread(Call&& call) {
  Processor* const before = std::exchange(in_hook(), this);
  int result = TR_EINTERNAL;
  try {
    result = call();
  } catch (...) {  // a host's exception ends here
  }
  in_hook() = before;
  return result;
}

}  // namespace trunkline::pipeline
