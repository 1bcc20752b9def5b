// A trace for people: what it is and how it ended, then its spans as a tree.
#pragma once

#include <vector>

#include "store/store_reader.hpp"
#include "terminal/output.hpp"
#include "terminal/terminal.hpp"

namespace trunkline::cli {

void write_header(const store::TraceSummary& trace, const Terminal& terminal, Output* output);
void write_spans(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                 const Terminal& terminal, Output* output);
void write_events(const store::TraceSummary& trace, const std::vector<store::StoredEvent>& events,
                  const Terminal& terminal, Output* output);

}  // namespace trunkline::cli
