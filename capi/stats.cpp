// Statistics.
#include "guard.hpp"
#include "instance_access.hpp"

using trunkline::capi::guarded;
using trunkline::capi::write_struct;
using trunkline::pipeline::Instance;

int tr_stats_get(tr_stats* stats) {
  if (stats == nullptr || stats->struct_size < sizeof(uint32_t) * 2) return TR_EINVAL;
  return guarded([&] {
    tr_stats counts{};
    if (const auto instance = Instance::current()) instance->stats(&counts);
    write_struct(counts, stats);
    return TR_OK;
  });
}

int tr_processor_stats_get(tr_processor_id id, tr_processor_stats* stats) {
  if (stats == nullptr || stats->struct_size < sizeof(uint32_t) * 2) return TR_EINVAL;
  return guarded([&] {
    const auto instance = Instance::current();
    if (instance == nullptr) return TR_ENOENT;
    auto processor = instance->registry().find(id);
    if (processor == nullptr) processor = instance->registry().find_removed(id);
    if (processor == nullptr) return TR_ENOENT;
    write_struct(processor->stats(), stats);
    return TR_OK;
  });
}
