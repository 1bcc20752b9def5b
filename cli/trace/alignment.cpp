#include "trace/alignment.hpp"

#include <algorithm>
#include <unordered_map>

namespace trunkline::cli {
namespace {

constexpr int kMostEdits = 2'000;

using Pairs = std::vector<AlignedPair>;

// The shortest edit script (Myers' greedy algorithm). False: it would take more than kMostEdits edits. `first_a` and
// `first_b` are where the parts begin in the whole.
class ShortestEdit {
 public:
  ShortestEdit(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b, size_t first, size_t end_a, size_t end_b)
      : a_(a), b_(b), first_(first), n_(static_cast<int>(end_a - first)), m_(static_cast<int>(end_b - first)) {}

  bool find(Pairs* pairs) {
    const int most = std::min(n_ + m_, kMostEdits);
    std::vector<int> furthest(2 * static_cast<size_t>(most) + 3);
    const auto at = [&](int k) -> int& { return furthest[static_cast<size_t>(int64_t{k} + most + 1)]; };
    for (int d = 0; d <= most; ++d) {
      // Only what was reached so far is needed on the way back.
      trace_.emplace_back(furthest.begin() + (most + 1 - d), furthest.begin() + (most + 2 + d));
      for (int k = -d; k <= d; k += 2) {
        int x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
        while (x < n_ && x - k < m_ && equal(x, x - k)) ++x;
        at(k) = x;
        if (x >= n_ && x - k >= m_) {
          walk_back(d, pairs);
          return true;
        }
      }
    }
    return false;
  }

 private:
  bool equal(int x, int y) const { return a_[first_ + static_cast<size_t>(x)] == b_[first_ + static_cast<size_t>(y)]; }

  void walk_back(int edits, Pairs* pairs) const {
    int x = n_;
    int y = m_;
    const auto meet = [&](int until_x, int until_y) {
      while (x > until_x && y > until_y) {
        --x;
        --y;
        pairs->push_back({first_ + static_cast<size_t>(x), first_ + static_cast<size_t>(y)});
      }
    };
    for (int d = edits; d > 0; --d) {
      const std::vector<int>& before = trace_[static_cast<size_t>(d)];
      const auto at = [&](int k) { return before[static_cast<size_t>(int64_t{k} + d)]; };
      const int k = x - y;
      const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
      const int previous_k = down ? k + 1 : k - 1;
      const int previous_x = at(previous_k);
      const int previous_y = previous_x - previous_k;
      meet(down ? previous_x : previous_x + 1, down ? previous_y + 1 : previous_y);
      x = previous_x;
      y = previous_y;
    }
    meet(0, 0);
    std::reverse(pairs->begin(), pairs->end());
  }

  const std::vector<uint32_t>& a_;
  const std::vector<uint32_t>& b_;
  const size_t first_;
  const int n_;
  const int m_;
  std::vector<std::vector<int>> trace_;
};

// For sequences that differ a lot: the n-th of equal elements goes with the n-th, as far as that keeps the order.
Pairs by_occurrence(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b, size_t first, size_t end_a,
                    size_t end_b) {
  std::unordered_map<uint32_t, std::vector<size_t>> places;
  for (size_t i = first; i < end_b; ++i) places[b[i]].push_back(i);
  std::unordered_map<uint32_t, size_t> used;
  Pairs candidates;
  for (size_t i = first; i < end_a; ++i) {
    const auto found = places.find(a[i]);
    if (found == places.end()) continue;
    size_t& count = used[a[i]];
    if (count < found->second.size()) candidates.push_back({i, found->second[count++]});
  }
  // The longest increasing subsequence of the places in b.
  std::vector<size_t> ends;  // of the subsequences of each length the one with the lowest end
  std::vector<size_t> before(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) {
    const auto place = std::lower_bound(ends.begin(), ends.end(), candidates[i].b,
                                        [&](size_t end, size_t value) { return candidates[end].b < value; });
    before[i] = place == ends.begin() ? AlignedPair::kNone : *(place - 1);
    if (place == ends.end()) {
      ends.push_back(i);
    } else {
      *place = i;
    }
  }
  Pairs pairs;
  for (size_t at = ends.empty() ? AlignedPair::kNone : ends.back(); at != AlignedPair::kNone; at = before[at]) {
    pairs.push_back(candidates[at]);
  }
  std::reverse(pairs.begin(), pairs.end());
  return pairs;
}

}  // namespace

std::vector<AlignedPair> align(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  size_t first = 0;
  while (first < a.size() && first < b.size() && a[first] == b[first]) ++first;
  size_t last = 0;
  while (last < a.size() - first && last < b.size() - first && a[a.size() - 1 - last] == b[b.size() - 1 - last]) ++last;
  Pairs equal;
  for (size_t i = 0; i < first; ++i) equal.push_back({i, i});
  Pairs middle;
  const size_t end_a = a.size() - last;
  const size_t end_b = b.size() - last;
  if (!ShortestEdit(a, b, first, end_a, end_b).find(&middle)) middle = by_occurrence(a, b, first, end_a, end_b);
  equal.insert(equal.end(), middle.begin(), middle.end());
  for (size_t i = last; i > 0; --i) equal.push_back({a.size() - i, b.size() - i});
  Pairs all;
  size_t at_a = 0;
  size_t at_b = 0;
  equal.push_back({a.size(), b.size()});
  for (const AlignedPair& pair : equal) {
    while (at_a < pair.a) all.push_back({at_a++, AlignedPair::kNone});
    while (at_b < pair.b) all.push_back({AlignedPair::kNone, at_b++});
    if (pair.a < a.size()) all.push_back({at_a++, at_b++});
  }
  return all;
}

}  // namespace trunkline::cli
