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
    Instance::count(&counts);
    write_struct(counts, stats);
    return TR_OK;
  });
}

int tr_processor_stats_get(tr_processor_id id, tr_processor_stats* stats) {
  if (stats == nullptr || stats->struct_size < sizeof(uint32_t) * 2) return TR_EINVAL;
  return guarded([&] {
    tr_processor_stats counts{};
    if (!Instance::count(id, &counts)) return TR_ENOENT;
    write_struct(counts, stats);
    return TR_OK;
  });
}
