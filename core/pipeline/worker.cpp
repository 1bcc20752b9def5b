#include "pipeline/worker.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "os/futex.hpp"
#include "os/thread.hpp"
#include "os/time.hpp"
#include "record/clock.hpp"

namespace trunkline::pipeline {
namespace {

constexpr int64_t kNapNs = 2'000'000;
constexpr int64_t kIdleNs = 2'000'000'000;
constexpr int64_t kIdleWithoutBarrierNs = 10'000'000;
constexpr int kPassesBeforeIdle = 50;
constexpr size_t kBlockRecords = 512;
constexpr size_t kBlockBytes = 1u << 20;
constexpr int64_t kWallCheckNs = 1'000'000'000;
constexpr int64_t kWallToleranceNs = 10'000'000;
constexpr int64_t kRefusalsNs = 60'000'000'000;
constexpr int64_t kSyncNs = 100'000'000;

}  // namespace

Worker::Worker(record::Recorder* recorder, LiveLog* log, Registry* registry, const Redactor* redactor,
               MessageLog* messages, const Options& options)
    : recorder_(recorder),
      collector_(recorder),
      log_(log),
      registry_(registry),
      builder_(redactor),
      messages_(messages),
      options_(options),
      block_(log->empty_block()) {}

Worker::~Worker() { stop(INT64_MAX); }

Error Worker::start(uint64_t epoch) {
  collector_.start(epoch);
  if (os::start_thread(&thread_, "trunkline-log", [this] { run(); })) return Error::none();
  return {TR_ENOMEM, "no thread can be made"};
}

bool Worker::stop(int64_t deadline) {
  if (!thread_.joinable()) return true;
  stopping_.store(true, std::memory_order_release);
  recorder_->wake_worker();
  {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      const int64_t left = deadline - os::monotonic_now();
      if (left <= 0) break;
      has_ended_.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(left, 1'000'000'000)));
    }
    if (!ended_) abandoned_.store(true, std::memory_order_release);
  }
  if (abandoned_.load(std::memory_order_relaxed)) {
    thread_.detach();
    return false;
  }
  thread_.join();
  return true;
}

bool Worker::has_ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void Worker::at_this_moment(std::function<void(uint64_t)> begin) {
  {
    const std::lock_guard lock(mutex_);
    moments_.push_back({recorder_->clock().now(), std::move(begin)});
    has_moments_.store(true, std::memory_order_release);
  }
  recorder_->wake_worker();
}

bool Worker::flush(int64_t deadline, uint64_t* sequence) {
  std::unique_lock lock(mutex_);
  const uint64_t mine = ++flush_asked_;
  recorder_->wake_worker();
  while (flush_done_ < mine) {
    const int64_t left = deadline - os::monotonic_now();
    if (left <= 0 || ended_) return false;
    flushed_.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(left, 100'000'000)));
    if (flush_done_ < mine) recorder_->wake_worker();
  }
  *sequence = flush_sequence_;
  return true;
}

void Worker::run() {
  sequence_ = log_->next_sequence();
  for (;;) {
    const bool final = stopping_.load(std::memory_order_acquire);
    const bool worked = pass(final);
    if ((final && !worked && closing_.empty()) || abandoned_.load(std::memory_order_acquire)) break;
    if (!final) sleep(worked);
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  has_ended_.notify_all();
  flushed_.notify_all();
}

void Worker::sleep(bool worked) {
  idle_passes_ = worked ? 0 : idle_passes_ + 1;
  // Much came at once, or a trace has just ended: there is more to do already.
  if (taken_.size() >= kBlockRecords || (worked && !closing_.empty())) return;
  const bool idle = idle_passes_ > kPassesBeforeIdle && closing_.empty() && collector_.idle();
  if (idle) log_->trim_spare();
  std::atomic<uint32_t>& sleeping = recorder_->sleep();
  const uint32_t kind = idle ? record::Recorder::kIdle : record::Recorder::kNapping;
  sleeping.store(kind, std::memory_order_seq_cst);
  if (idle) {
    // A record committed before this barrier is seen by one more look; one committed after it wakes us.
    os::heavy_barrier();
    if (collector_.anything_new()) {
      sleeping.store(record::Recorder::kAwake, std::memory_order_relaxed);
      return;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (!moments_.empty() || flush_asked_ != flush_done_) {
      sleeping.store(record::Recorder::kAwake, std::memory_order_relaxed);
      return;
    }
  }
  if (stopping_.load(std::memory_order_acquire)) return;
  const int64_t idle_ns = collector_.barrier_works() ? kIdleNs : kIdleWithoutBarrierNs;
  os::futex_wait(&sleeping, kind, idle ? idle_ns : kNapNs);
  sleeping.store(record::Recorder::kAwake, std::memory_order_relaxed);
}

void Worker::refresh_wall_offset() {
  const int64_t now = os::monotonic_now();
  if (wall_checked_ != 0 && now - wall_checked_ < kWallCheckNs) return;
  wall_checked_ = now;
  const int64_t measured = recorder_->clock().measure_wall_offset();
  if (std::llabs(measured - wall_offset_) > kWallToleranceNs) {
    wall_offset_ = measured;
    recorder_->pool().header().wall_offset.store(measured, std::memory_order_relaxed);
  }
}

// One pass. Returns whether there was anything to do.
bool Worker::pass(bool final) {
  refresh_wall_offset();
  uint64_t flush_asked;
  {
    const std::lock_guard lock(mutex_);
    flush_asked = flush_asked_;
    if (flush_mark_ == 0 && flush_asked != flush_done_) flush_working_ = flush_asked;
  }
  if (flush_mark_ == 0 && flush_working_ != 0) flush_mark_ = recorder_->clock().now();
  if (final) counters_.spans_incomplete += collector_.end_open(nullptr);
  // Which ended traces have no open span any more is asked first: whatever their spans left is then taken below.
  const size_t closable = close_traces(final ? INT64_MAX : flush_mark_);
  taken_.clear();
  const int64_t taken_until = collector_.take(&taken_);
  const bool worked = !taken_.empty() || closable != 0;
  log_records(taken_);
  for (size_t i = 0; i < closable; ++i) log_record(closing_[i].taken, collector_.header(closing_[i].taken));
  closing_.erase(closing_.begin(), closing_.begin() + static_cast<ptrdiff_t>(closable));
  flush_block();
  reach_moments(taken_until);
  collector_.end_pass();
  tend_log();
  tell_of_refusals();
  if (flush_mark_ != 0 && !flush_waits_for_traces()) finish_flush();
  return worked;
}

// Once a minute: what is refused is counted, but nobody may be looking at the counts.
void Worker::tell_of_refusals() {
  const int64_t now = os::monotonic_now();
  if ((refusals_told_ != 0 && now - refusals_told_ < kRefusalsNs) || !recorder_->take_refused()) return;
  refusals_told_ = now;
  // Not how much is in use now: what was refused was so when more was.
  const std::string limit = std::to_string(recorder_->pool().limit() * record::kPageBytes >> 20);
  messages_->warn("the memory for spans (max_memory, " + limit +
                  " MiB, at most half of it for open ones) was used up: new spans are refused and counted");
}

void Worker::tend_log() {
  uint64_t needed = log_->last_sequence();
  for (const auto& processor : registry_->all()) needed = std::min(needed, processor->acknowledged());
  log_->release_through(needed);
  log_->enforce_limit();
  counters_.log_bytes.store(log_->bytes_on_disk(), std::memory_order_relaxed);
  const int64_t now = os::monotonic_now();
  if (options_.fsync && now - synced_ >= kSyncNs) {
    synced_ = now;
    if (log_->sync()) counters_.log_errors.fetch_add(1, std::memory_order_relaxed);
  }
}

bool Worker::flush_waits_for_traces() const {
  return std::any_of(closing_.begin(), closing_.end(),
                     [this](const Closing& c) { return c.taken.stamp <= flush_mark_; });
}

void Worker::finish_flush() {
  if (options_.fsync && log_->sync()) counters_.log_errors.fetch_add(1, std::memory_order_relaxed);
  flush_mark_ = 0;
  const std::lock_guard lock(mutex_);
  flush_done_ = std::exchange(flush_working_, 0);
  flush_sequence_ = log_->last_sequence();
  flushed_.notify_all();
}

// Moves to the front of closing_ the traces that can be closed, and returns how many. Traces ended by `ended_by` do not
// wait for their spans.
size_t Worker::close_traces(int64_t ended_by) {
  if (closing_.empty()) return 0;
  const int64_t time = os::monotonic_now();
  std::vector<uint64_t> roots;
  roots.reserve(closing_.size());
  for (const Closing& each : closing_) roots.push_back(each.root);
  std::vector<bool> open;
  collector_.find_open_spans(roots, &open);
  std::vector<uint64_t> overdue;
  std::vector<Closing> closable;
  std::vector<Closing> waiting;
  for (size_t i = 0; i < closing_.size(); ++i) {
    (open[i] ? waiting : closable).push_back(closing_[i]);
    if (open[i] && (closing_[i].taken.stamp <= ended_by || time >= closing_[i].deadline)) overdue.push_back(roots[i]);
  }
  if (!overdue.empty()) counters_.spans_incomplete += collector_.end_open(&overdue);
  const size_t count = closable.size();
  closable.insert(closable.end(), waiting.begin(), waiting.end());
  closing_ = std::move(closable);
  return count;
}

void Worker::log_records(const std::vector<record::Taken>& taken) {
  for (const record::Taken& each : taken) {
    if (abandoned_.load(std::memory_order_relaxed)) return;  // the host may have let go of what its callbacks need
    reach_moments(each.stamp);
    const RecordHeader header = collector_.header(each);
    if (header.type == 0) {  // a slot that was given up
      unfreed_.push_back({each, false});
    } else if (header.type == TR_RECORD_TRACE_END) {
      unfreed_.push_back({each, true});  // not before what precedes it in its chunk is in the log
      closing_.push_back({each, header.span_id, os::monotonic_now() + options_.end_grace_ns});
    } else {
      log_record(each, header);
    }
  }
}

void Worker::log_record(const record::Taken& taken, const RecordHeader& header) {
  builder_.begin(header, wall_offset_, origins_.of(header, sequence_));
  collector_.visit_items(taken, [this](const ItemView& item) { builder_.add(item); });
  block_->add(sequence_++, builder_.finish(collector_.dropped_attributes(taken)));
  unfreed_.push_back({taken, false});
  origins_.forget(header);
  if (block_->entries().size() >= kBlockRecords || block_->bytes() >= kBlockBytes) flush_block();
}

void Worker::flush_block() {
  if (!block_->empty()) {
    const std::shared_ptr<Block> full = std::exchange(block_, log_->empty_block());
    const auto records = full->entries().size();
    block_->reserve(records, std::min(full->bytes(), kBlockBytes));  // most blocks of a burst are alike
    if (const Error error = log_->append(full)) {
      counters_.log_errors.fetch_add(1, std::memory_order_relaxed);
      if (!std::exchange(log_failing_, true))
        messages_->error("the log cannot be written, going on in memory: " + error.message);
    } else if (std::exchange(log_failing_, false)) {
      messages_->warn("the log can be written again");
    }
    counters_.records_logged.fetch_add(records, std::memory_order_relaxed);
    counters_.values_redacted.store(builder_.redacted(), std::memory_order_relaxed);
    for (const auto& processor : registry_->all()) {
      processor->offer(*full);
      processor->wake();
    }
  }
  for (const Unfreed& each : unfreed_) each.held ? collector_.hold(each.taken) : collector_.done(each.taken);
  unfreed_.clear();
}

void Worker::reach_moments(int64_t stamp) {
  while (has_moments_.load(std::memory_order_acquire)) {
    std::function<void(uint64_t)> begin;
    {
      const std::lock_guard lock(mutex_);
      if (moments_.empty() || moments_.front().stamp > stamp) return;
      begin = std::move(moments_.front().begin);
      moments_.erase(moments_.begin());
      has_moments_.store(!moments_.empty(), std::memory_order_release);
    }
    // What is before this moment must not be in a block with what follows it: offers are by block.
    flush_block();
    begin(sequence_);
  }
}

}  // namespace trunkline::pipeline
