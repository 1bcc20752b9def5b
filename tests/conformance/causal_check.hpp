// Whether a log tells what happened in an order in which it can have happened.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace trunkline::conformance {

// One record as a processor saw it: its sequence, the trace, whether it ends it, and its place in the program's order.
struct Logged {
  uint64_t sequence;
  std::string trace;
  bool ends_trace;
  int64_t place;  // what happened before it in the program has a lower one, and `chain` in common; -1: of no chain
  int chain;
};

// Empty: fine. Else the first thing that is wrong.
std::string why_not_causal(const std::vector<Logged>& log);

}  // namespace trunkline::conformance
