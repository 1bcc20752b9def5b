// A trace as W&B's trace tree: one value of the history, with the spans in one another. Spans are written down as they
// end, a line each, and put together when the trace has ended.
#pragma once

#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline::wandb {

inline constexpr const char* kTreeKey = "trace";

// Appends the line of a finished span.
void append_tree_line(std::string* out, const tr_record& span);

// The value of a trace that has ended, of the lines among which its spans are.
std::string trace_tree(std::string_view lines, const tr_record& trace_end);

}  // namespace trunkline::wandb
