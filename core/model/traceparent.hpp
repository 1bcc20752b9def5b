// The `traceparent` of W3C trace context, level 2. Version 00 is written; any later version is read by its first four
// fields and sent on as 00.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "trunkline.h"

namespace trunkline {

inline constexpr uint8_t kTraceFlagSampled = 1;
inline constexpr uint8_t kTraceFlagRandom = 2;

struct TraceParent {
  uint8_t trace_id[16];
  uint8_t span_id[8];
  uint8_t flags;  // of those above; unknown bits are dropped
};

// Blanks around the text are allowed, upper-case digits and zero ids are not.
std::optional<TraceParent> parse_traceparent(std::string_view text);

// Writes TR_TRACEPARENT_SIZE characters and a NUL.
void format_traceparent(const TraceParent& parent, char out[TR_TRACEPARENT_SIZE + 1]);

}  // namespace trunkline
