#include "reading/trace_ids.hpp"

#include <algorithm>

namespace trunkline::cli {
namespace {

constexpr size_t kIdLength = 32;
constexpr size_t kFew = 200;

size_t common_length(const std::string& a, const std::string& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

// Ids begin with the time, so those that are listed together are also those that are most alike: of few traces the
// store is asked about each only to be sure, of many it is read through once.
size_t unique_length(store::Store* store, const std::vector<store::TraceSummary>& traces) {
  std::vector<std::string> ids;
  if (traces.size() > kFew) {
    auto all = store->trace_ids();
    if (all) ids = std::move(*all);
  }
  const bool complete = !ids.empty();
  if (!complete) {
    for (const auto& trace : traces) ids.push_back(trace.id);
    std::sort(ids.begin(), ids.end());
  }
  size_t length = kShortestId;
  for (size_t i = 1; i < ids.size(); ++i) length = std::max(length, common_length(ids[i - 1], ids[i]) + 1);
  for (size_t i = 0; i < ids.size() && !complete; ++i) {
    while (length < kIdLength) {
      const auto found = store->get_trace(ids[i].substr(0, length));
      if (found || found.error().code != TR_EINVAL) break;
      ++length;
    }
  }
  return std::min(length, kIdLength);
}

std::vector<store::TraceSummary> traces_with_prefix(store::Store* store, const std::string& prefix, size_t limit) {
  std::vector<store::TraceSummary> found;
  std::vector<std::string> open{prefix};
  while (!open.empty() && found.size() < limit) {
    const std::string next = open.back();
    open.pop_back();
    const auto trace = store->get_trace(next);
    if (trace) {
      found.push_back(*trace);
    } else if (trace.error().code == TR_EINVAL && next.size() < kIdLength) {
      for (const char digit : {'f', 'e', 'd', 'c', 'b', 'a', '9', '8', '7', '6', '5', '4', '3', '2', '1', '0'}) {
        open.push_back(next + digit);
      }
    }
  }
  return found;
}

}  // namespace trunkline::cli
