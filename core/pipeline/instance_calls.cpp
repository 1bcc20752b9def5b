#include <algorithm>
#include <cstring>
#include <utility>

#include "os/signals.hpp"
#include "os/time.hpp"
#include "pipeline/identity.hpp"
#include "pipeline/instance.hpp"
#include "record/thread_state.hpp"

namespace trunkline::pipeline {

// Whatever happens, the host's table is released once: by the processor, or here when none could be made.
std::shared_ptr<Processor> Instance::make_processor(const tr_processor& table) {
  try {
    return std::make_shared<Processor>(table, new_processor_id(), registry_.unused_identity(identity_of(table)),
                                       &Instance::say);
  } catch (...) {
    if (table.release != nullptr) table.release(table.user_data);
    throw;
  }
}

// The thread that delivers to the processor from now on; nullptr: none can be made.
std::shared_ptr<DeliveryThread> Instance::give_thread(const std::shared_ptr<Processor>& processor,
                                                      std::shared_ptr<DeliveryThread> spare) {
  if (processor->shares_thread() && shared_thread_ != nullptr && shared_thread_->add(processor)) return shared_thread_;
  std::shared_ptr<DeliveryThread> thread = spare != nullptr ? std::move(spare) : DeliveryThread::start();
  if (thread == nullptr) return nullptr;
  thread->add(processor);
  if (processor->shares_thread()) shared_thread_ = thread;
  return thread;
}

// From here on the processor is known to the worker and has a thread. On an error its destruction releases the table.
int Instance::start_processor(const std::shared_ptr<Processor>& processor, std::shared_ptr<DeliveryThread> spare) {
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
  if (!processor->polled() && give_thread(processor, std::move(spare)) == nullptr) {
    if (processor->durable() && directory_) {
      static_cast<void>(CursorFile::remove(directory_->fd(), processor->identity()));
    }
    return TR_ENOMEM;
  }
  try {
    introduce(processor);
  } catch (...) {
    processor->remove();  // first: taking it out may need memory too
    static_cast<void>(take_out(processor->id()));
    throw;
  }
  return TR_OK;
}

void Instance::introduce(const std::shared_ptr<Processor>& processor) {
  registry_.add(processor);
  update_span_starts();
  worker_->at_this_moment([processor](uint64_t sequence) {
    processor->live_begins(sequence);
    processor->wake();
  });
  if (processor->durable() && adoption_) adoption_->look_again();
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

// As many threads as the tables may need, before anything else is changed. False: there are not as many to be had.
bool Instance::make_threads(const tr_processor* tables, size_t count,
                            std::vector<std::shared_ptr<DeliveryThread>>* threads) {
  bool shared = false;
  for (size_t i = 0; i < count; ++i) {
    if ((tables[i].flags & TR_PROCESSOR_POLL) != 0) continue;
    if ((tables[i].flags & TR_PROCESSOR_SHARED) != 0 && std::exchange(shared, true)) continue;
    std::shared_ptr<DeliveryThread> made = DeliveryThread::start();
    if (made == nullptr) return false;
    threads->push_back(std::move(made));
  }
  return true;
}

int Instance::set_processors(const tr_processor* tables, size_t count, tr_processor_id* ids) {
  std::vector<std::shared_ptr<Processor>> old;
  std::vector<std::shared_ptr<DeliveryThread>> threads;
  std::vector<std::shared_ptr<Processor>> fresh;  // what cannot be started ends, and is released, without the lock
  int result = TR_OK;
  {
    const std::lock_guard lock(processors_mutex_);
    const bool running = recorder_ != nullptr && !stopped_.load(std::memory_order_acquire);
    if (!running) result = TR_ESTATE;
    if (running && !make_threads(tables, count, &threads)) result = TR_ENOMEM;
    // The old ones go first, so that a new one of the same identity can have it.
    if (result == TR_OK) {
      for (const auto& each : registry_.all()) {
        if (auto removed = take_out(each->id())) old.push_back(std::move(removed));
      }
    }
    size_t next_thread = 0;
    bool shared = false;  // as make_threads counted them
    for (size_t i = 0; i < count; ++i) {
      fresh.push_back(make_processor(tables[i]));
      if (result != TR_OK) continue;
      const bool needs_thread =
          !fresh.back()->polled() && !(fresh.back()->shares_thread() && std::exchange(shared, true));
      result = start_processor(fresh.back(), needs_thread ? threads[next_thread++] : nullptr);
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
  if (recorder_ == nullptr || worker_ == nullptr) return;
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
  for (const auto& processor : registry_.all_known())
    counts.processors.emplace_back(processor->id(), processor->stats());
  return counts;
}

}  // namespace trunkline::pipeline
