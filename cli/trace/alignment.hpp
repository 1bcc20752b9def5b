// Two sequences side by side: which element of the one goes with which of the other, in order, with as many pairs of
// equal elements as can be found in reasonable time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trunkline::cli {

struct AlignedPair {
  static constexpr size_t kNone = SIZE_MAX;
  size_t a;  // kNone: only in b
  size_t b;  // kNone: only in a
};

// Equal numbers stand for equal elements. What is only in a comes before what is only in b.
std::vector<AlignedPair> align(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);

}  // namespace trunkline::cli
