#include <algorithm>
#include <cstring>

#include "os/signals.hpp"
#include "os/time.hpp"
#include "pipeline/identity.hpp"
#include "pipeline/instance.hpp"
#include "record/thread_state.hpp"

namespace trunkline::pipeline {

std::shared_ptr<Processor> Instance::make_processor(const tr_processor& table) {
  return std::make_shared<Processor>(table, new_processor_id(), registry_.unused_identity(identity_of(table)));
}

// From here on the processor is known to the worker and has a thread. On an error its destruction releases the table.
int Instance::start_processor(const std::shared_ptr<Processor>& processor) {
  const os::NoFileSizeSignal no_signal;
  auto feed = std::make_shared<Feed>(log_, run_id(), false);
  Cursor cursor;
  cursor.identity = processor->identity();
  // Until the worker gets here: nothing that is in the log already is for it.
  cursor.first_sequence = log_->last_sequence() + 1;
  cursor.acknowledged = log_->last_sequence();
  std::optional<CursorFile> file;
  if (processor->durable() && directory_) {
    auto opened = CursorFile::open(directory_->fd(), processor->identity());
    if (opened && !opened->store(cursor)) {
      file.emplace(std::move(*opened));
    } else {
      messages_.error("processor " + processor->name() + " is not durable: its cursor cannot be written");
    }
  }
  feed->begin(cursor, std::move(file));
  processor->set_live_feed(std::move(feed));
  if (!processor->polled()) {
    std::shared_ptr<DeliveryThread> thread = processor->shares_thread() ? shared_thread_ : nullptr;
    if (thread == nullptr || !thread->add(processor)) {
      thread = DeliveryThread::start();
      if (thread == nullptr) return TR_ENOMEM;
      thread->add(processor);
      if (processor->shares_thread()) shared_thread_ = thread;
    }
  }
  registry_.add(processor);
  update_span_starts();
  worker_->at_this_moment([processor](uint64_t sequence) {
    processor->live_begins(sequence);
    processor->wake();
  });
  if (processor->durable() && adoption_) adoption_->look_again();
  return TR_OK;
}

void Instance::update_span_starts() {
  const auto all = registry_.all();
  recorder_->set_span_starts_wanted(
      std::any_of(all.begin(), all.end(), [](const auto& processor) { return processor->wants_span_starts(); }));
}

int Instance::add_processor(const tr_processor& table, tr_processor_id* id) {
  std::shared_ptr<Processor> processor;  // outlives the lock: its end calls the host's release
  const std::lock_guard lock(processors_mutex_);
  processor = make_processor(table);
  if (recorder_ == nullptr || stopped_.load(std::memory_order_acquire)) return TR_ESTATE;
  const int result = start_processor(processor);
  if (result == TR_OK && id != nullptr) *id = processor->id();
  return result;
}

int Instance::set_processors(const tr_processor* tables, size_t count, tr_processor_id* ids) {
  std::vector<std::shared_ptr<Processor>> old;
  std::vector<std::shared_ptr<Processor>> fresh;  // what cannot be started ends, and is released, without the lock
  int result = TR_OK;
  {
    const std::lock_guard lock(processors_mutex_);
    const bool running = recorder_ != nullptr && !stopped_.load(std::memory_order_acquire);
    if (!running) result = TR_ESTATE;
    // The old ones go first, so that a new one of the same identity can have it.
    for (const auto& each : running ? registry_.all() : std::vector<std::shared_ptr<Processor>>()) {
      if (auto removed = take_out(each->id())) old.push_back(std::move(removed));
    }
    for (size_t i = 0; i < count; ++i) {
      fresh.push_back(make_processor(tables[i]));
      const int started = running ? start_processor(fresh.back()) : TR_ESTATE;
      if (result == TR_OK) result = started;
    }
    if (running) update_span_starts();
  }
  for (const auto& each : old) each->let_go();
  if (result == TR_OK && ids != nullptr) {
    for (size_t i = 0; i < count; ++i) ids[i] = fresh[i]->id();
  }
  return result;
}

// From here on it gets nothing more, and its cursor is gone. With the lock on processors held.
std::shared_ptr<Processor> Instance::take_out(tr_processor_id id) {
  std::shared_ptr<Processor> removed = registry_.take(id);
  if (removed == nullptr) return nullptr;
  removed->remove();
  if (removed->durable() && directory_) static_cast<void>(CursorFile::remove(directory_->fd(), removed->identity()));
  return removed;
}

int Instance::remove_processor(tr_processor_id id) {
  std::shared_ptr<Processor> removed;
  {
    const std::lock_guard lock(processors_mutex_);
    removed = take_out(id);
    if (removed == nullptr) return TR_ENOENT;
    update_span_starts();
  }
  removed->let_go();
  return TR_OK;
}

int Instance::flush(uint32_t timeout_ms) {
  if (recorder_ == nullptr) return TR_OK;
  const int64_t deadline = os::monotonic_now() + int64_t{timeout_ms} * 1'000'000;
  uint64_t sequence = 0;
  if (!worker_->flush(deadline, &sequence)) return TR_ETIMEDOUT;
  bool flushed = true;
  for (const auto& processor : registry_.all()) flushed = processor->flush(sequence, deadline) && flushed;
  return flushed ? TR_OK : TR_ETIMEDOUT;
}

void Instance::stats(tr_stats* out) const {
  if (recorder_ == nullptr) return;
  out->mode = mode_;
  const record::Gate* gate = record::gate();
  for (const record::ThreadState* s = gate->states.load(std::memory_order_acquire); s != nullptr; s = s->next) {
    if (s->counters_epoch.load(std::memory_order_acquire) != epoch_) continue;
    const record::Counters& c = s->counters;
    out->traces_started += c.traces_started.get();
    out->traces_ended += c.traces_ended.get();
    out->traces_sampled_out += c.traces_sampled_out.get();
    out->traces_refused += c.traces_refused.get();
    out->spans_started += c.spans_started.get();
    out->spans_ended += c.spans_ended.get();
    out->spans_refused += c.spans_refused.get();
    out->stale_handles += c.stale_handles.get();
    out->misuse += c.misuse.get();
    out->reentrant += s->reentrant.load(std::memory_order_relaxed);
    out->values_truncated += c.values_truncated.get();
    out->values_dropped += c.values_dropped.get();
    out->attributes_dropped += c.attributes_dropped.get();
    out->values_redacted += c.values_redacted.get();
  }
  const WorkerCounters& worker = worker_->counters();
  out->spans_incomplete = worker.spans_incomplete.load(std::memory_order_relaxed);
  out->values_redacted += worker.values_redacted.load(std::memory_order_relaxed);
  out->records_logged = worker.records_logged.load(std::memory_order_relaxed);
  out->log_errors = worker.log_errors.load(std::memory_order_relaxed);
  out->log_bytes = worker.log_bytes.load(std::memory_order_relaxed);
  out->memory_used = uint64_t{recorder_->pool().used()} * record::kPageBytes;
  out->memory_mapped = uint64_t{recorder_->pool().mapped()} * record::kPageBytes;
  if (adoption_) {
    const AdoptionCounters& adopted = adoption_->counters();
    out->runs_adopted = adopted.runs_adopted.load(std::memory_order_relaxed);
    out->records_recovered = adopted.records_recovered.load(std::memory_order_relaxed);
    out->records_corrupt = adopted.records_corrupt.load(std::memory_order_relaxed);
    out->runs_expired = adopted.runs_expired.load(std::memory_order_relaxed);
  }
}

FinalCounts Instance::final_counts() const {
  FinalCounts counts;
  counts.pid = pid_;
  stats(&counts.stats);
  counts.stats.mode = TR_MODE_OFF;
  for (const auto& processor : registry_.all()) counts.processors.emplace_back(processor->id(), processor->stats());
  return counts;
}

}  // namespace trunkline::pipeline
