#include "causal_check.hpp"

#include <map>
#include <set>

namespace trunkline::conformance {

std::string why_not_causal(const std::vector<Logged>& log) {
  uint64_t last_sequence = 0;
  std::map<int, int64_t> last_place;
  std::set<std::string> ended;
  for (const Logged& record : log) {
    const std::string at = " at sequence " + std::to_string(record.sequence);
    if (record.sequence <= last_sequence) return "sequences do not increase" + at;
    last_sequence = record.sequence;
    if (ended.count(record.trace) != 0) return "after the end of its trace" + at;
    if (record.ends_trace) ended.insert(record.trace);
    if (record.place < 0) continue;
    const auto [place, first] = last_place.try_emplace(record.chain, -1);
    if (record.place <= place->second) {
      return "place " + std::to_string(record.place) + " after place " + std::to_string(place->second) + " of chain " +
             std::to_string(record.chain) + at;
    }
    place->second = record.place;
  }
  return "";
}

}  // namespace trunkline::conformance
