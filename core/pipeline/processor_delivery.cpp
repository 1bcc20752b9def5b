// Delivery: choosing what a processor gets next, calling its hooks, and booking what came of it.
#include <algorithm>
#include <limits>

#include "os/time.hpp"
#include "pipeline/processor.hpp"

namespace trunkline::pipeline {
namespace {

constexpr int64_t kFirstRetryNs = 1'000'000;
constexpr int64_t kLongestRetryNs = 1'000'000'000;
constexpr int64_t kComplaintsApartNs = 60'000'000'000;

void add(tr_tally* sum, const tr_tally& more) {
  sum->spans += more.spans;
  sum->records += more.records;
}

// A hook of the host: nothing it throws goes further.
template <class Call>
int guarded(Call&& call) {
  try {
    return call();
  } catch (...) {
    return TR_EINTERNAL;
  }
}

}  // namespace

// What was offered but is neither there to be read nor accounted for is lost: to a limit, or to damage.
void Processor::account_for_losses(const std::shared_ptr<Feed>& feed, const tr_tally& offered_before) {
  if (feed->adopted() || feed->anything_out()) return;
  const tr_tally sum = accounted();
  if (sum.records >= offered_before.records) return;
  const bool overflow = feed->source().overflowed_through() > 0;
  add(overflow ? &counts_.overflowed : &counts_.unreadable,
      {offered_before.spans - std::min(sum.spans, offered_before.spans), offered_before.records - sum.records});
}

void Processor::finish_adopted(const std::shared_ptr<Feed>& feed) {
  const auto finished = feed->on_finished;
  adopted_.erase(std::remove(adopted_.begin(), adopted_.end(), feed), adopted_.end());
  changed_.notify_all();
  if (finished) finished();
}

// A batch of one feed, or nullptr. `progress`: the feed moved without one, over records that are not for it.
OwnedBatch* Processor::batch_from(const std::shared_ptr<Feed>& feed, uint32_t most, bool* progress) {
  const tr_tally offered_before = counts_.offered;
  const Feed::Range wanted = feed->next();
  const uint64_t through = feed == live_ ? offered_through_ : std::numeric_limits<uint64_t>::max();
  auto read = wanted.from <= through ? feed->source().read(wanted.from) : std::shared_ptr<const Block>();
  if (!read) {  // a passing error of the disk, of which nothing else will wake anybody
    back_off();
    return nullptr;
  }
  const std::shared_ptr<const Block> block = std::move(*read);
  if (block == nullptr || block->first_sequence() > through ||
      (wanted.to != 0 && block->first_sequence() > wanted.to)) {
    if (wanted.to != 0) {  // what was to be offered again is gone
      feed->give(wanted);
      static_cast<void>(feed->acknowledge(wanted, std::nullopt));
      *progress = true;
    } else {
      account_for_losses(feed, offered_before);
      if (feed->adopted() && !feed->anything_out()) finish_adopted(feed);
    }
    return nullptr;
  }
  auto batch = std::make_unique<OwnedBatch>();
  const uint64_t first = feed->first_sequence();
  const bool span_starts = wants_span_starts();
  const std::vector<Block::Entry>& entries = block->entries();
  auto at = std::lower_bound(entries.begin(), entries.end(), wanted.from,
                             [](const Block::Entry& entry, uint64_t sequence) { return entry.sequence < sequence; });
  uint64_t last = wanted.from;
  for (; at != entries.end() && batch->pointers.size() < most; ++at) {
    if (at->sequence > through || (wanted.to != 0 && at->sequence > wanted.to)) break;
    last = at->sequence;
    if (at->origin < first || (at->type == TR_RECORD_SPAN_START && !span_starts)) continue;
    batch->pointers.push_back(&block->records()[static_cast<size_t>(at - entries.begin())]);
    ++batch->tally.records;
    if (at->type == TR_RECORD_SPAN_END) ++batch->tally.spans;
  }
  batch->answered = polled() || table_.on_batch != nullptr;
  batch->range = {wanted.from, last};
  feed->give(batch->range);
  if (poisoned_ || batch->pointers.empty()) {
    if (poisoned_ && !feed->adopted()) add(&counts_.poisoned, batch->tally);
    static_cast<void>(feed->acknowledge(batch->range, std::nullopt));
    changed_.notify_all();
    *progress = true;
    return nullptr;
  }
  batch->block = block;
  batch->feed = feed;
  batch->owner = shared_from_this();
  batch->restored = feed->take_saved_state();
  batch->struct_size = sizeof(tr_batch);
  batch->flags = feed->adopted() ? TR_BATCH_ADOPTED : 0;
  batch->processor = id_;
  batch->run_id = feed->run_id().c_str();
  batch->records = batch->pointers.data();
  batch->count = batch->pointers.size();
  batch->state = batch->restored ? batch->restored->data() : nullptr;
  batch->state_size = batch->restored ? batch->restored->size() : 0;
  return batch.release();
}

OwnedBatch* Processor::next_batch(uint32_t most, bool* more) {
  for (bool progress = true; progress;) {
    progress = false;
    const std::vector<std::shared_ptr<Feed>> adopted = adopted_;
    for (const auto& feed : adopted) {
      if (OwnedBatch* batch = batch_from(feed, most, &progress)) {
        *more = true;
        return batch;
      }
    }
    if (!live_begun_) continue;
    if (OwnedBatch* batch = batch_from(live_, most, &progress)) {
      *more = live_->next().from <= offered_through_;
      return batch;
    }
  }
  return nullptr;
}

int Processor::call_record_hook(const tr_record& record, bool* answered) {
  int (*hook)(void*, const tr_record*) = nullptr;
  switch (record.type) {
    case TR_RECORD_TRACE_START:
      hook = table_.on_trace_start;
      break;
    case TR_RECORD_SPAN_START:
      hook = table_.on_span_start;
      break;
    case TR_RECORD_SPAN_END:
      hook = table_.on_span_end;
      break;
    case TR_RECORD_TRACE_END:
      hook = table_.on_trace_end;
      break;
    default:
      hook = table_.on_run;
      break;
  }
  if (hook == nullptr) return TR_OK;
  const int result = guarded([&] { return hook(table_.user_data, &record); });
  *answered = *answered || result == TR_OK;
  return result;
}

// Returns what the hooks made of it; `taken` is how many records at its beginning were taken.
int Processor::call_hooks(OwnedBatch* batch, size_t* taken) {
  *taken = 0;
  if (batch->restored && table_.restore != nullptr) {
    const int restored = guarded([&] {
      return table_.restore(table_.user_data, batch->run_id, batch->restored->data(), batch->restored->size());
    });
    if (restored == TR_EAGAIN) return TR_EAGAIN;
    batch->restore_accepted = true;
  }
  // Not a look into the batch afterwards: it may have been acknowledged, and so ended, by another thread.
  if (table_.on_batch != nullptr) return guarded([&] { return table_.on_batch(table_.user_data, batch); });
  for (; *taken < batch->count && state_.load(std::memory_order_relaxed) != State::kRemoved; ++*taken) {
    const int result = call_record_hook(*batch->records[*taken], &batch->answered);
    if (result != TR_OK) return result;
  }
  return TR_OK;
}

void Processor::deliver(OwnedBatch* batch) {
  {
    const std::lock_guard lock(mutex_);
    hook_batch_ = batch;
    hook_retained_ = false;
  }
  size_t taken = 0;
  const int result = in_hook_of_this_thread([&] { return call_hooks(batch, &taken); });
  bool retained = false;
  std::unique_ptr<OwnedBatch> spent;  // ends without the lock
  {
    const std::lock_guard lock(mutex_);
    hook_batch_ = nullptr;
    spent = std::move(spent_);
    retained = hook_retained_;  // not in the batch: another thread may have acknowledged, and so ended, it
  }
  if (retained) return;  // tr_batch_ack books it
  if (result == TR_OK || table_.on_batch != nullptr) {
    complete(batch, result, std::nullopt);
  } else {
    split_and_acknowledge(batch, taken, result);
  }
}

// A batch that is acknowledged while its hook still runs, and may read it, ends with the hook.
void Processor::outlive_hook(std::unique_ptr<OwnedBatch>* acknowledged) {
  if (hook_batch_ != acknowledged->get()) return;
  hook_batch_ = nullptr;
  spent_ = std::move(*acknowledged);
}

// Single-record hooks took the records before `taken` and refused that one; the rest has not been offered.
void Processor::split_and_acknowledge(OwnedBatch* batch, size_t taken, int result) {
  std::unique_ptr<OwnedBatch> owned(batch);
  std::string complaint;
  std::unique_lock lock(mutex_);
  outlive_hook(&owned);
  if (state_ == State::kRemoved || state_ == State::kFinished) return;
  const auto tally_of = [](const tr_record& record) {
    return tr_tally{record.type == TR_RECORD_SPAN_END ? uint64_t{1} : 0, 1};
  };
  const bool live = !batch->feed->adopted();
  for (size_t i = 0; i < taken; ++i) add(live ? &counts_.delivered : &counts_.adopted, tally_of(*batch->records[i]));
  if (batch->answered) failures_ = 0;
  if (taken > 0 || result != TR_EAGAIN) retry_delay_ = 0;
  uint64_t resume = batch->records[taken]->sequence;
  if (result == TR_EAGAIN) {
    wait_before_next_offer(batch);
  } else {
    if (live) add(&counts_.rejected, tally_of(*batch->records[taken]));
    note_failure(result, &complaint);
    ++resume;
  }
  batch->feed->offer_again(batch->range);
  if (resume > batch->range.from) {
    const Feed::Range done{batch->range.from, std::min(resume - 1, batch->range.to)};
    batch->feed->give(done);
    static_cast<void>(batch->feed->acknowledge(done, std::move(batch->saved)));
  }
  changed_.notify_all();
  lock.unlock();
  if (!complaint.empty() && say_ != nullptr) say_(TR_LEVEL_WARN, complaint);
}

// The first of a row, unless there was one just now, and the one that is too many are worth a word.
void Processor::note_failure(int result, std::string* complaint) {
  ++failures_;
  const int64_t now = os::monotonic_now();
  if (failures_ == 1 && (complained_at_ == 0 || now - complained_at_ >= kComplaintsApartNs)) {
    *complaint = "processor " + name_ + " refuses records: " + tr_strerror(result);
    complained_at_ = now;
  }
  if (poisoned_ || failures_ < TR_POISON_LIMIT) return;
  poisoned_ = true;
  *complaint =
      "processor " + name_ + " has failed " + std::to_string(failures_) + " times in a row and gets nothing more";
}

void Processor::back_off() {
  retry_delay_ = retry_delay_ == 0 ? kFirstRetryNs : std::min(retry_delay_ * 2, kLongestRetryNs);
  retry_at_ = os::monotonic_now() + retry_delay_;
}

void Processor::wait_before_next_offer(OwnedBatch* batch) {
  ++counts_.retries;
  back_off();
  if (!batch->restore_accepted && batch->restored) batch->feed->give_back_state(batch->restored);
}

int Processor::complete(OwnedBatch* batch, int result, std::optional<std::string> state) {
  std::unique_ptr<OwnedBatch> owned(batch);
  std::string complaint;
  std::unique_lock lock(mutex_);
  outlive_hook(&owned);
  if (!state) state = std::move(batch->saved);
  if (state_ == State::kRemoved || state_ == State::kFinished) return TR_OK;
  const bool live = !batch->feed->adopted();
  if (result == TR_EAGAIN) {
    wait_before_next_offer(batch);
    batch->feed->offer_again(batch->range);
    changed_.notify_all();
    return TR_OK;
  }
  retry_delay_ = retry_at_ = 0;
  if (result == TR_OK) {
    if (batch->answered) failures_ = 0;
    add(live ? &counts_.delivered : &counts_.adopted, batch->tally);
  } else {
    if (live) add(&counts_.rejected, batch->tally);
    note_failure(result, &complaint);
    state.reset();
  }
  static_cast<void>(batch->feed->acknowledge(batch->range, std::move(state)));
  changed_.notify_all();
  lock.unlock();
  if (!complaint.empty() && say_ != nullptr) say_(TR_LEVEL_WARN, complaint);
  return TR_OK;
}

int Processor::acknowledge(OwnedBatch* batch, int result, std::optional<std::string> state) {
  const std::shared_ptr<Processor> owner = batch->owner;
  const int booked = owner->complete(batch, result, std::move(state));
  owner->wake();
  return booked;
}

int Processor::acknowledge_part(OwnedBatch* batch, size_t taken, int result, std::optional<std::string> state) {
  const std::shared_ptr<Processor> owner = batch->owner;
  batch->saved = std::move(state);
  batch->restore_accepted = batch->restore_accepted || taken > 0;
  batch->answered = taken > 0;
  owner->split_and_acknowledge(batch, taken, result);
  owner->wake();
  return TR_OK;
}

bool Processor::run_tick() {
  const int64_t now = os::monotonic_now();
  if (table_.on_tick == nullptr || next_tick_ == 0 || now < next_tick_) return false;
  next_tick_ = now + int64_t{table_.tick_ms} * 1'000'000;
  in_hook_of_this_thread([&] { return table_.on_tick(table_.user_data, os::unix_now()); });
  return true;
}

bool Processor::run_flush() {
  uint64_t asked;
  int64_t deadline;
  {
    const std::lock_guard lock(mutex_);
    asked = flush_asked_;
    deadline = flush_deadline_;
    if (asked == flush_done_) return false;
  }
  const int64_t left = std::max<int64_t>(0, (deadline - os::monotonic_now()) / 1'000'000);
  in_hook_of_this_thread([&] {
    return table_.force_flush(table_.user_data,
                              static_cast<uint32_t>(std::min<int64_t>(left, std::numeric_limits<uint32_t>::max())));
  });
  const std::lock_guard lock(mutex_);
  flush_done_ = asked;
  changed_.notify_all();
  return true;
}

bool Processor::awaited() const {
  const std::lock_guard lock(mutex_);
  return silent_ || state_ != State::kOpen || flushes_ > 0;
}

int64_t Processor::time_left() const {
  const std::lock_guard lock(mutex_);
  if (silent_ || state_ == State::kRemoved || state_ == State::kFinished) return 0;
  if (state_ != State::kClosing) return std::numeric_limits<int64_t>::max();
  return std::max<int64_t>(0, close_deadline_ - os::monotonic_now());
}

int64_t Processor::next_due() const {
  const std::lock_guard lock(mutex_);
  int64_t due = std::numeric_limits<int64_t>::max();
  if (next_tick_ != 0) due = next_tick_;
  if (retry_at_ != 0) due = std::min(due, retry_at_);
  if (state_ == State::kClosing) due = std::min(due, close_deadline_);
  return due;
}

Processor::Next Processor::step() {
  OwnedBatch* batch = nullptr;
  bool more = false;
  bool end = false;
  bool silent = false;
  int64_t deadline = 0;
  if (run_flush() || run_tick()) return Next::kMore;  // first: records may come without end
  {
    const std::lock_guard lock(mutex_);
    const int64_t now = os::monotonic_now();
    if (state_ == State::kFinished) return Next::kFinished;
    end = state_ == State::kRemoved;
    deadline = close_deadline_;
    silent = silent_;
    const bool late = silent || (state_ == State::kClosing && now >= deadline);
    if (!end && !late && now >= retry_at_) {
      retry_at_ = 0;
      batch = next_batch(table_.batch_size, &more);
    }
    if (batch == nullptr && state_ == State::kClosing && (late || everything_taken())) {
      if (!everything_taken() && !kept()) count_rest(&counts_.left_behind);
      end = true;
    }
  }
  if (batch != nullptr) {
    deliver(batch);
    return Next::kMore;
  }
  if (end) {
    const int64_t left = std::max<int64_t>(0, (deadline - os::monotonic_now()) / 1'000'000);
    const auto timeout = static_cast<uint32_t>(std::min<int64_t>(left, std::numeric_limits<uint32_t>::max()));
    if (table_.shutdown != nullptr && !silent) {
      in_hook_of_this_thread([&] { return table_.shutdown(table_.user_data, timeout); });
    }
    finish();
    return Next::kFinished;
  }
  return Next::kWait;
}

}  // namespace trunkline::pipeline
