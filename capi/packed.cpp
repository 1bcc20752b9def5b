// Spans with packed attributes.
#include "instance_access.hpp"
#include "model/packed_attributes.hpp"

using trunkline::PackedAttributes;
using trunkline::record::Entry;

tr_span tr_span_start_packed(tr_trace trace, tr_span parent, tr_kind kind, const char* name, size_t name_size,
                             const void* packed, size_t packed_size) {
  if (trace == 0) return 0;
  const PackedAttributes attributes(packed, packed_size);
  if (attributes.result() != TR_OK) {
    const Entry entry;
    if (entry) entry.thread().counters.misuse.add();
  }
  return tr_span_start_with(trace, parent, kind, name, name_size, attributes.data(), attributes.count());
}

int tr_span_set_packed(tr_span span, const void* packed, size_t packed_size) {
  if (span == 0) return TR_OK;
  const PackedAttributes attributes(packed, packed_size);
  const int set = tr_span_set_values(span, attributes.data(), attributes.count());
  return set != TR_OK ? set : attributes.result();
}

int tr_span_end_packed(tr_span span, const void* packed, size_t packed_size) {
  if (span == 0) return TR_OK;
  const PackedAttributes attributes(packed, packed_size);
  const int ended = tr_span_end_with(span, attributes.data(), attributes.count());
  return ended != TR_OK ? ended : attributes.result();
}
