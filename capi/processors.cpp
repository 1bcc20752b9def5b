// Processors.
#include <algorithm>
#include <utility>
#include <vector>

#include "guard.hpp"
#include "instance_access.hpp"

using trunkline::capi::guarded;
using trunkline::capi::view_of;
using trunkline::pipeline::Instance;
using trunkline::pipeline::OwnedBatch;
using trunkline::pipeline::Processor;

namespace {

constexpr size_t kMaxStateBytes = 65536;
constexpr uint32_t kKnownFlags =
    TR_PROCESSOR_DURABLE | TR_PROCESSOR_POLL | TR_PROCESSOR_SPAN_STARTS | TR_PROCESSOR_SHARED | TR_PROCESSOR_AT_EXIT;

// Copies a table and checks it. Whatever the result, `known.release` is set when the caller's table has one.
int read_table(const tr_processor* table, tr_processor* known) {
  const int read = trunkline::capi::read_struct(table, known, offsetof(tr_processor, tick_ms));
  if (read != TR_OK) return read;
  if ((known->flags & ~kKnownFlags) != 0) return TR_EUNSUPPORTED;
  if (known->name == nullptr) return TR_EINVAL;
  const size_t name_size = std::strlen(known->name);
  if (name_size == 0 || name_size > 64) return TR_EINVAL;
  if (known->destination != nullptr && std::strlen(known->destination) > 2048) return TR_EINVAL;
  const bool has_hook = known->on_trace_start != nullptr || known->on_span_start != nullptr ||
                        known->on_span_end != nullptr || known->on_trace_end != nullptr || known->on_run != nullptr ||
                        known->on_batch != nullptr;
  return has_hook || (known->flags & TR_PROCESSOR_POLL) != 0 ? TR_OK : TR_EINVAL;
}

void release(const tr_processor& table) {
  if (table.release == nullptr) return;
  try {
    table.release(table.user_data);
  } catch (...) {  // a host's exception ends here
  }
}

std::shared_ptr<Processor> find(tr_processor_id id) {
  const auto instance = Instance::serving();
  return instance == nullptr ? nullptr : instance->registry().find(id);
}

}  // namespace

int tr_add_processor(const tr_processor* processor, tr_processor_id* id) {
  if (id != nullptr) *id = 0;
  if (processor == nullptr) return TR_EINVAL;
  return guarded([&] {
    tr_processor known{};  // a table that cannot be read has no release
    const int read = read_table(processor, &known);
    const auto instance = Instance::current();
    if (read != TR_OK || instance == nullptr) {
      release(known);
      return read != TR_OK ? read : TR_ESTATE;
    }
    return instance->add_processor(known, id);
  });
}

int tr_find_processor(const char* name, size_t size, tr_processor_id* id) {
  if (id == nullptr) return TR_EINVAL;
  *id = 0;
  std::string_view text;
  if (!view_of(name, size, &text) || text.empty()) return TR_EINVAL;
  return guarded([&] {
    const auto instance = Instance::serving();
    if (instance == nullptr) return TR_ENOENT;
    for (const auto& processor : instance->registry().all()) {
      if (processor->name() != text) continue;
      *id = processor->id();
      return TR_OK;
    }
    return TR_ENOENT;
  });
}

int tr_remove_processor(tr_processor_id id) {
  return guarded([&] {
    const auto instance = Instance::current();
    return instance == nullptr ? TR_ESTATE : instance->remove_processor(id);
  });
}

int tr_set_processors(const tr_processor* processors, size_t count) {
  return tr_replace_processors(processors, count, nullptr);
}

int tr_replace_processors(const tr_processor* processors, size_t count, tr_processor_id* ids) {
  if (processors == nullptr && count != 0) return TR_EINVAL;
  if (ids != nullptr) std::fill_n(ids, count, 0);
  return guarded([&] {
    std::vector<tr_processor> known(count);
    int result = TR_OK;
    // Tables of one array have one size.
    const size_t stride = count == 0 ? 0 : processors->struct_size;
    const auto* at = reinterpret_cast<const char*>(processors);
    for (size_t i = 0; i < count; ++i) {
      const int read = read_table(reinterpret_cast<const tr_processor*>(at + i * stride), &known[i]);
      if (result == TR_OK) result = read;
    }
    const auto instance = Instance::current();
    if (result == TR_OK && instance == nullptr) result = TR_ESTATE;
    if (result != TR_OK) {
      for (const tr_processor& table : known) release(table);
      return result;
    }
    return instance->set_processors(known.data(), count, ids);
  });
}

int tr_processor_save(const void* state, size_t size) {
  if (state == nullptr && size != 0) return TR_EINVAL;
  if (size > kMaxStateBytes) return TR_ELIMIT;
  return guarded([&] {
    const auto processor = Instance::processor_in_hook();
    if (processor == nullptr) return TR_ESTATE;
    return processor->save_state({static_cast<const char*>(state), size});
  });
}

tr_batch* tr_batch_retain(const tr_batch* batch) {
  if (batch == nullptr) return nullptr;
  const auto processor = Instance::processor_in_hook();
  if (processor == nullptr || !processor->retain(batch)) return nullptr;
  return const_cast<tr_batch*>(batch);
}

int tr_batch_ack(tr_batch* batch, int result) {
  if (batch == nullptr || result > 0) return TR_EINVAL;
  return guarded([&] { return Processor::acknowledge(static_cast<OwnedBatch*>(batch), result, std::nullopt); });
}

int tr_poll(tr_processor_id id, uint32_t max_records, uint32_t timeout_ms, tr_batch** batch) {
  if (batch == nullptr) return TR_EINVAL;
  *batch = nullptr;
  return guarded([&] {
    const auto processor = find(id);
    if (processor == nullptr) {
      // After a removal or a shutdown the host's loop should end, not fail.
      return Instance::was_known(id) ? TR_ECLOSED : TR_ENOENT;
    }
    // A hook that waited would stop the thread that others may need.
    if (timeout_ms != 0 && Instance::processor_in_hook() != nullptr) timeout_ms = 0;
    OwnedBatch* polled = nullptr;
    const int result = processor->poll(max_records, timeout_ms, &polled);
    *batch = polled;
    return result;
  });
}

int tr_poll_fd(tr_processor_id id) {
  return guarded([&] {
    const auto processor = find(id);
    return processor == nullptr ? TR_ENOENT : processor->poll_fd();
  });
}

int tr_poll_ack(tr_batch* batch, int result, const void* state, size_t state_size) {
  if (batch == nullptr || result > 0 || (state == nullptr && state_size != 0)) return TR_EINVAL;
  if (state_size > kMaxStateBytes) return TR_ELIMIT;
  return guarded([&] {
    std::optional<std::string> saved;
    if (state != nullptr) saved.emplace(static_cast<const char*>(state), state_size);
    return Processor::acknowledge(static_cast<OwnedBatch*>(batch), result, std::move(saved));
  });
}

int tr_poll_ack_part(tr_batch* batch, size_t taken, int result, const void* state, size_t state_size) {
  if (batch == nullptr || taken >= batch->count || result >= 0 || (state == nullptr && state_size != 0)) {
    return TR_EINVAL;
  }
  if (state_size > kMaxStateBytes) return TR_ELIMIT;
  return guarded([&] {
    std::optional<std::string> saved;
    if (state != nullptr) saved.emplace(static_cast<const char*>(state), state_size);
    return Processor::acknowledge_part(static_cast<OwnedBatch*>(batch), taken, result, std::move(saved));
  });
}
