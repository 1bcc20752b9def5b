// The fixed part of every record, in the recorder and in the log alike, followed by its items (model/item.hpp). In the
// recorder times are readings of the recorder's clock; the worker turns them into Unix time when it logs the record.
#pragma once

#include <cstdint>
#include <cstring>

#include "trunkline.h"

namespace trunkline {

struct TraceId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool operator==(const TraceId&) const = default;
};

// Ids are kept as the eight or sixteen bytes they are on the wire.
inline void store_bytes(const TraceId& id, uint8_t out[16]) { std::memcpy(out, &id, sizeof id); }
inline TraceId load_trace_id(const uint8_t in[16]) {
  TraceId id;
  std::memcpy(&id, in, sizeof id);
  return id;
}

struct TraceIdHash {
  size_t operator()(const TraceId& id) const { return static_cast<size_t>(id.high * 0x9E3779B97F4A7C15u ^ id.low); }
};

// In RecordHeader::flags, inside the library only: the times are Unix time already.
inline constexpr uint32_t kExplicitTimes = 1u << 31;

struct RecordHeader {
  uint32_t type;        // tr_record_type
  uint32_t flags;       // TR_RECORD_...
  uint32_t kind;        // tr_kind
  uint32_t item_bytes;  // what follows, without padding
  TraceId trace_id;
  uint64_t span_id;
  uint64_t parent_id;
  int64_t start;  // recorder: clock reading; log: Unix nanoseconds
  int64_t end;
  uint64_t uid;    // unique within the run: how recovery knows that two copies are one record
  uint64_t stamp;  // recorder: clock reading of the commit; log: sequence of the trace's first record
};
static_assert(sizeof(RecordHeader) == 80);

}  // namespace trunkline
