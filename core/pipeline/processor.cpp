// Registration, requests and counts of a processor. Delivery is in processor_delivery.cpp.
#include "pipeline/processor.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "os/time.hpp"

namespace trunkline::pipeline {
namespace {

void add(tr_tally* sum, const tr_tally& more) {
  sum->spans += more.spans;
  sum->records += more.records;
}

// Waits until `done()` or the deadline (monotonic ns).
template <class Done>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, int64_t deadline, Done done) {
  while (!done()) {
    const int64_t left = deadline - os::monotonic_now();
    if (left <= 0) return false;
    changed.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(left, 1'000'000'000)));
  }
  return true;
}

}  // namespace

Processor::Processor(const tr_processor& table, tr_processor_id id, std::string identity, Say say)
    : id_(id), name_(table.name), identity_(std::move(identity)), say_(say) {
  std::memcpy(&table_, &table, std::min<size_t>(table.struct_size, sizeof table_));
  table_.struct_size = sizeof table_;
  table_.name = name_.c_str();
  table_.destination = nullptr;
  if (table_.batch_size == 0) table_.batch_size = 512;
  counts_.struct_size = sizeof counts_;
  if (table_.tick_ms != 0 && table_.on_tick != nullptr) {
    next_tick_ = os::monotonic_now() + int64_t{table_.tick_ms} * 1'000'000;
  }
  if (polled()) poll_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

Processor::~Processor() {
  finish();
  if (poll_fd_ >= 0) close(poll_fd_);
}

// Makes the descriptor readable from `when` (monotonic ns) on; 0: not at all.
void Processor::signal_poll(int64_t when) {
  if (poll_fd_ < 0) return;
  itimerspec timer{};
  timer.it_value.tv_sec = when / 1'000'000'000;
  timer.it_value.tv_nsec = when % 1'000'000'000;
  timerfd_settime(poll_fd_, TFD_TIMER_ABSTIME, &timer, nullptr);
}

bool Processor::wants_span_starts() const {
  return (table_.flags & TR_PROCESSOR_SPAN_STARTS) != 0 || table_.on_span_start != nullptr;
}

void Processor::set_live_feed(std::shared_ptr<Feed> feed) {
  const std::lock_guard lock(mutex_);
  live_ = std::move(feed);
}

void Processor::live_begins(uint64_t first_sequence) {
  const std::lock_guard lock(mutex_);
  if (!live_ || live_begun_) return;
  live_->set_first_sequence(first_sequence);
  offered_through_ = first_sequence - 1;
  live_begun_ = true;
}

void Processor::add_adopted_feed(std::shared_ptr<Feed> feed) {
  {
    const std::lock_guard lock(mutex_);
    adopted_.push_back(std::move(feed));
  }
  wake();
}

void Processor::offer(const Block& block) {
  const std::lock_guard lock(mutex_);
  if (!live_begun_ || state_ == State::kRemoved || state_ == State::kFinished) return;
  add(&counts_.offered, block.tally(live_->first_sequence(), wants_span_starts()));
  offered_through_ = block.last_sequence();
}

void Processor::wake() {
  {
    const std::lock_guard lock(mutex_);
    signal_poll(1);
    changed_.notify_all();
  }
  if (on_wake) on_wake();
}

uint64_t Processor::acknowledged() const {
  const std::lock_guard lock(mutex_);
  if (!live_begun_ || state_ == State::kRemoved || state_ == State::kFinished) return UINT64_MAX;
  return live_->acknowledged();
}

Processor*& Processor::in_hook() {
  static thread_local Processor* processor = nullptr;
  return processor;
}

int Processor::save_from_hook(const void* state, size_t size) {
  if (in_hook() == nullptr) return TR_ESTATE;
  return in_hook()->save_state({static_cast<const char*>(state), size});
}

uint32_t Processor::hook_time_left_ms() {
  const int64_t left = in_hook() == nullptr ? 0 : in_hook()->time_left();
  return left == INT64_MAX ? UINT32_MAX : static_cast<uint32_t>(std::min<int64_t>(left / 1'000'000, UINT32_MAX - 1));
}

bool Processor::hook_is_awaited() { return in_hook() == nullptr || in_hook()->awaited(); }

int Processor::save_state(std::string_view state) {
  const std::lock_guard lock(mutex_);
  if (hook_batch_ == nullptr) return TR_ESTATE;
  hook_batch_->saved = std::string(state);
  return TR_OK;
}

bool Processor::retain(const tr_batch* batch) {
  const std::lock_guard lock(mutex_);
  if (hook_batch_ != batch || table_.on_batch == nullptr || hook_retained_) return false;
  hook_retained_ = true;
  return true;
}

tr_tally Processor::accounted() const {
  tr_tally sum{0, 0};
  for (const tr_tally* part : {&counts_.delivered, &counts_.rejected, &counts_.poisoned, &counts_.removed,
                               &counts_.overflowed, &counts_.unreadable, &counts_.left_behind}) {
    add(&sum, *part);
  }
  return sum;
}

void Processor::count_rest(tr_tally* into) {
  const tr_tally sum = accounted();
  into->spans += counts_.offered.spans - std::min(sum.spans, counts_.offered.spans);
  into->records += counts_.offered.records - std::min(sum.records, counts_.offered.records);
}

tr_processor_stats Processor::stats() const {
  const std::lock_guard lock(mutex_);
  tr_processor_stats stats = counts_;
  const tr_tally sum = accounted();
  stats.pending.spans = stats.offered.spans - std::min(sum.spans, stats.offered.spans);
  stats.pending.records = stats.offered.records - std::min(sum.records, stats.offered.records);
  stats.poisoned_now = poisoned_ ? 1 : 0;
  return stats;
}

bool Processor::everything_taken() const {
  if (live_begun_ && (live_->anything_out() || live_->acknowledged() < live_->source().last_sequence())) return false;
  return adopted_.empty();
}

bool Processor::caught_up() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kRemoved || everything_taken();
}

bool Processor::flush(uint64_t sequence, int64_t deadline) {
  std::unique_lock lock(mutex_);
  ++flushes_;
  const bool flushed = flush_locked(&lock, sequence, deadline);
  --flushes_;
  return flushed;
}

bool Processor::flush_locked(std::unique_lock<std::mutex>* held, uint64_t sequence, int64_t deadline) {
  std::unique_lock<std::mutex>& lock = *held;
  const auto gone = [this] { return state_ == State::kRemoved || state_ == State::kFinished; };
  const bool taken = wait_until(changed_, lock, deadline, [&] {
    return gone() || ((!live_begun_ || live_->acknowledged() >= sequence) && adopted_.empty());
  });
  if (!taken) return false;
  if (gone() || polled() || table_.force_flush == nullptr) return true;
  flush_deadline_ = deadline;
  const uint64_t mine = ++flush_asked_;
  lock.unlock();
  wake();
  lock.lock();
  return wait_until(changed_, lock, deadline, [&] { return gone() || flush_done_ >= mine; });
}

void Processor::remove() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kOpen && state_ != State::kClosing) return;
    state_ = State::kRemoved;
    count_rest(&counts_.removed);
  }
  wake();
}

void Processor::let_go() {
  if (polled()) finish();
}

void Processor::silence() {
  const std::lock_guard lock(mutex_);
  silent_ = true;
}

void Processor::close(int64_t deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kOpen) return;
    state_ = State::kClosing;
    close_deadline_ = deadline;
  }
  wake();
}

bool Processor::wait_closed(int64_t deadline) {
  std::unique_lock lock(mutex_);
  const bool closed = wait_until(changed_, lock, deadline, [&] {
    return released_ || (polled() && (everything_taken() || state_ == State::kRemoved));
  });
  if (polled()) {
    if (!closed && !kept()) count_rest(&counts_.left_behind);
    lock.unlock();
    finish();
  }
  return closed;
}

// After the last hook: releases the host's table, exactly once.
void Processor::finish() {
  bool silent = false;
  {
    const std::lock_guard lock(mutex_);
    if (finishing_) return;
    finishing_ = true;
    silent = silent_;
    if (state_ != State::kRemoved) state_ = State::kFinished;
    adopted_.clear();
  }
  if (table_.release != nullptr && !silent) {
    in_hook_of_this_thread([&] {
      table_.release(table_.user_data);
      return TR_OK;
    });
  }
  {
    const std::lock_guard lock(mutex_);
    released_ = true;
  }
  wake();
}

int Processor::poll(uint32_t max_records, uint32_t timeout_ms, OwnedBatch** batch) {
  if (!polled() || max_records == 0) return TR_EINVAL;
  const int64_t deadline = os::monotonic_now() + int64_t{timeout_ms} * 1'000'000;
  std::unique_lock lock(mutex_);
  for (;;) {
    if (state_ == State::kRemoved || state_ == State::kFinished) return TR_ECLOSED;
    bool more = false;
    const bool waiting = os::monotonic_now() < retry_at_;
    if (!waiting) retry_at_ = 0;
    *batch = waiting ? nullptr : next_batch(max_records, &more);
    signal_poll(*batch == nullptr && retry_at_ != 0 ? retry_at_ : more ? 1 : 0);
    if (*batch != nullptr) return 1;
    if (state_ == State::kClosing && everything_taken()) return TR_ECLOSED;
    const int64_t left = deadline - os::monotonic_now();
    if (left <= 0) return 0;
    changed_.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(left, 50'000'000)));
  }
}

int Processor::poll_fd() { return polled() ? poll_fd_ : TR_EINVAL; }

}  // namespace trunkline::pipeline
