// What dead runs hold for processors that have not taken it: for whom, how much, and since when. Looked at without
// touching it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::cli {

// For one processor, which is known by its name and where it delivers to.
struct Waiting {
  std::string identity;
  uint64_t runs = 0;
  uint64_t records = 0;
  int64_t oldest_ns = 0;  // when the oldest of the runs was made

  std::string_view processor() const { return std::string_view(identity).substr(0, identity.find('|')); }
  // Empty: it has none.
  std::string_view destination() const {
    const size_t bar = identity.find('|');
    return bar == std::string::npos ? std::string_view{} : std::string_view(identity).substr(bar + 1);
  }
};

struct WaitingRecords {
  std::vector<Waiting> processors;  // by identity
  uint64_t unrecovered = 0;         // runs that hold records in their recorder still, which nobody has counted
};

WaitingRecords list_waiting(const std::string& directory);

}  // namespace trunkline::cli
