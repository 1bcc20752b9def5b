#include "reading/counting_processor.hpp"

namespace trunkline::cli {
namespace {

struct Counting {
  tr_processor inner;
  std::shared_ptr<TakenCounts> counts;
};

Counting* self(void* user_data) { return static_cast<Counting*>(user_data); }

int on_batch(void* user_data, const tr_batch* batch) {
  const Counting* counting = self(user_data);
  uint64_t incomplete = 0;
  for (size_t i = 0; i < batch->count; ++i) {
    if ((batch->records[i]->flags & TR_RECORD_INCOMPLETE) != 0) ++incomplete;
  }
  const int result = counting->inner.on_batch(counting->inner.user_data, batch);
  if (result == TR_OK) counting->counts->incomplete += incomplete;
  return result;
}

int on_tick(void* user_data, int64_t unix_ns) {
  return self(user_data)->inner.on_tick(self(user_data)->inner.user_data, unix_ns);
}

int restore(void* user_data, const char* run_id, const void* state, size_t size) {
  return self(user_data)->inner.restore(self(user_data)->inner.user_data, run_id, state, size);
}

int force_flush(void* user_data, uint32_t timeout_ms) {
  return self(user_data)->inner.force_flush(self(user_data)->inner.user_data, timeout_ms);
}

int shut_down(void* user_data, uint32_t timeout_ms) {
  return self(user_data)->inner.shutdown(self(user_data)->inner.user_data, timeout_ms);
}

void release(void* user_data) {
  const std::unique_ptr<Counting> counting(self(user_data));
  if (counting->inner.release != nullptr) counting->inner.release(counting->inner.user_data);
}

}  // namespace

tr_processor counting_processor(const tr_processor& inner, std::shared_ptr<TakenCounts> counts) {
  tr_processor table = inner;
  table.user_data = new Counting{inner, std::move(counts)};
  table.on_batch = on_batch;
  if (inner.on_tick != nullptr) table.on_tick = on_tick;
  if (inner.restore != nullptr) table.restore = restore;
  if (inner.force_flush != nullptr) table.force_flush = force_flush;
  if (inner.shutdown != nullptr) table.shutdown = shut_down;
  table.release = release;
  return table;
}

}  // namespace trunkline::cli
