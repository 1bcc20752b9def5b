#include "probe.hpp"

#include <algorithm>
#include <chrono>

namespace trunkline::conformance {
namespace {

std::string hex(const uint8_t* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

Seen seen_of(const tr_record& record, const std::string& run_id) {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {record.sequence,
          record.type,
          record.flags,
          std::string(record.name.data, record.name.size),
          run_id,
          hex(record.trace_id, sizeof record.trace_id),
          std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()};
}

}  // namespace

Probe::~Probe() {
  // A test may end before the session does: nothing of the library may come back here afterwards.
  if (id_ != 0 && released_.load() == 0) tr_shutdown(60'000);
  for (int i = 0; i < 60'000 && id_ != 0 && released_.load() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  stopping_ = true;
  if (pump_.joinable()) pump_.join();
}

tr_processor Probe::table() {
  tr_processor table{};
  table.struct_size = sizeof table;
  table.flags = options_.flags;
  table.user_data = this;
  table.name = options_.name.c_str();
  table.destination = options_.destination.empty() ? nullptr : options_.destination.c_str();
  table.tick_ms = options_.tick_ms;
  table.batch_size = options_.batch_size;
  table.release = [](void* user) {
    if (self(user).on_release) self(user).on_release();
    self(user).released_.fetch_add(1);
  };
  if (options_.span_starts && kind_ != Kind::kHooks) table.flags |= TR_PROCESSOR_SPAN_STARTS;
  if (kind_ == Kind::kPolled) {
    table.flags |= TR_PROCESSOR_POLL;
    return table;
  }
  table.restore = [](void* user, const char* run_id, const void* state, size_t size) {
    self(user).note_restored(run_id, state, size);
    return self(user).on_restore ? self(user).on_restore() : TR_OK;
  };
  if (on_tick) {
    table.on_tick = [](void* user, int64_t) {
      self(user).on_tick();
      return TR_OK;
    };
  }
  if (on_flush) {
    table.force_flush = [](void* user, uint32_t timeout_ms) {
      self(user).on_flush(timeout_ms);
      return TR_OK;
    };
  }
  if (on_shutdown) {
    table.shutdown = [](void* user, uint32_t timeout_ms) {
      self(user).on_shutdown(timeout_ms);
      return TR_OK;
    };
  }
  if (kind_ == Kind::kOnBatch) {
    table.on_batch = [](void* user, const tr_batch* batch) { return self(user).take_batch(*batch); };
  } else {
    table.on_trace_start = table.on_span_end = table.on_trace_end =
        table.on_run = [](void* user, const tr_record* record) { return self(user).hook(*record); };
    if (options_.span_starts) table.on_span_start = table.on_run;
  }
  return table;
}

int Probe::attach() {
  const tr_processor processor = table();
  const int result = tr_add_processor(&processor, &id_);
  if (result == TR_OK && kind_ == Kind::kPolled) pump_ = std::thread([this] { pump(); });
  return result;
}

void Probe::note_restored(const std::string& run_id, const void* state, size_t size) {
  const std::lock_guard lock(mutex_);
  const auto before =
      std::count_if(offered_.begin(), offered_.end(), [&](const Seen& s) { return s.run_id == run_id; });
  restored_.push_back({run_id, std::string(static_cast<const char*>(state), size), static_cast<size_t>(before)});
}

// Answers for one record. `batch` collects the records to be taken.
int Probe::take(const tr_record& record, const std::string& run_id, std::vector<Seen>* batch) {
  Seen seen = seen_of(record, run_id);
  {
    const std::lock_guard lock(mutex_);
    offered_.push_back(seen);
  }
  const int result = decide ? decide(seen) : TR_OK;
  if (result == TR_OK) batch->push_back(std::move(seen));
  return result;
}

int Probe::take_batch(const tr_batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    batch_sizes_.push_back(batch.count);
  }
  std::vector<Seen> seen;
  int result = TR_OK;
  for (size_t i = 0; i < batch.count; ++i) {
    const int answer = take(*batch.records[i], batch.run_id, &seen);
    if (result == TR_OK) result = answer;
  }
  if (result != TR_OK) return result;
  if (keep && keep(batch)) {
    tr_batch* kept = kind_ == Kind::kPolled ? const_cast<tr_batch*>(&batch) : tr_batch_retain(&batch);
    const std::lock_guard lock(mutex_);
    if (kept != nullptr) kept_.push_back(kept);
    changed_.notify_all();
    return TR_OK;
  }
  if (options_.save_state && kind_ == Kind::kOnBatch) {
    const std::string state = std::to_string(seen.back().sequence);
    tr_processor_save(state.data(), state.size());
  }
  const std::lock_guard lock(mutex_);
  taken_.insert(taken_.end(), seen.begin(), seen.end());
  changed_.notify_all();
  return TR_OK;
}

int Probe::hook(const tr_record& record) {
  std::vector<Seen> seen;
  const int result = take(record, "", &seen);
  if (result != TR_OK) return result;
  if (options_.save_state) {
    const std::string state = std::to_string(record.sequence);
    tr_processor_save(state.data(), state.size());
  }
  const std::lock_guard lock(mutex_);
  taken_.push_back(seen.front());
  changed_.notify_all();
  return TR_OK;
}

void Probe::pump() {
  while (!stopping_) {
    tr_batch* batch = nullptr;
    const int polled = tr_poll(id_, options_.batch_size != 0 ? options_.batch_size : 512, 20, &batch);
    if (polled < 0) return;
    if (polled == 0) continue;
    if (batch->state != nullptr) note_restored(batch->run_id, batch->state, batch->state_size);
    const size_t before = kept_count();
    const std::string state = std::to_string(batch->records[batch->count - 1]->sequence);
    const int result = take_batch(*batch);
    if (kept_count() != before) continue;
    tr_poll_ack(batch, result, options_.save_state ? state.data() : nullptr, options_.save_state ? state.size() : 0);
  }
}

int Probe::acknowledge(size_t index, int result, const std::string& state) {
  tr_batch* batch = nullptr;
  {
    const std::lock_guard lock(mutex_);
    batch = kept_.at(index);
    kept_.erase(kept_.begin() + static_cast<ptrdiff_t>(index));
    if (result == TR_OK) {
      for (size_t i = 0; i < batch->count; ++i) taken_.push_back(seen_of(*batch->records[i], batch->run_id));
    }
    changed_.notify_all();
  }
  if (kind_ != Kind::kPolled) return tr_batch_ack(batch, result);
  return tr_poll_ack(batch, result, state.empty() ? nullptr : state.data(), state.size());
}

std::vector<uint64_t> Probe::kept_firsts() const {
  const std::lock_guard lock(mutex_);
  std::vector<uint64_t> firsts;
  for (const tr_batch* batch : kept_) firsts.push_back(batch->records[0]->sequence);
  return firsts;
}

std::vector<Seen> Probe::offered() const {
  const std::lock_guard lock(mutex_);
  return offered_;
}

std::vector<Seen> Probe::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

std::vector<Probe::Restored> Probe::restored() const {
  const std::lock_guard lock(mutex_);
  return restored_;
}

std::vector<size_t> Probe::batch_sizes() const {
  const std::lock_guard lock(mutex_);
  return batch_sizes_;
}

size_t Probe::taken_count() const {
  const std::lock_guard lock(mutex_);
  return taken_.size();
}

size_t Probe::kept_count() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

size_t Probe::kept_records() const {
  const std::lock_guard lock(mutex_);
  size_t records = 0;
  for (const tr_batch* batch : kept_) records += batch->count;
  return records;
}

bool Probe::wait_taken(size_t count, int timeout_ms) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return taken_.size() >= count; });
}

}  // namespace trunkline::conformance
