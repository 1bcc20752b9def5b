// Random ids from a thread's own generator (xorshift128+, seeded by the kernel), and trace ids in UUIDv7 form: 48 bits
// of Unix milliseconds, then random bits, so that they are valid everywhere and sort by time.
#pragma once

#include <cstdint>

#include "model/record_header.hpp"

namespace trunkline::record {

inline uint64_t next_random(uint64_t state[2]) {
  uint64_t a = state[0];
  const uint64_t b = state[1];
  const uint64_t result = a + b;
  state[0] = b;
  a ^= a << 23;
  state[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
  return result;
}

// Never zero: all-zero ids are invalid in W3C trace context.
inline uint64_t random_span_id(uint64_t state[2]) {
  uint64_t id;
  do {
    id = next_random(state);
  } while (id == 0);
  return id;
}

inline TraceId random_trace_id(uint64_t state[2], int64_t unix_ns) {
  const auto milliseconds = static_cast<uint64_t>(unix_ns / 1'000'000);
  const uint64_t high = milliseconds << 16 | 0x7000 | (next_random(state) & 0xFFF);
  const uint64_t low = 0x8000000000000000u | (next_random(state) >> 2);
  return {__builtin_bswap64(high), __builtin_bswap64(low)};
}

// The 56 random bits that W3C trace context level 2 promises, as a number.
inline uint64_t sampling_bits(const TraceId& id) { return __builtin_bswap64(id.low) & ((1ull << 56) - 1); }

}  // namespace trunkline::record
