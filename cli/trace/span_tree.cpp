#include "trace/span_tree.hpp"

#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace trunkline::cli {
namespace {

constexpr size_t kNone = SIZE_MAX;

std::vector<size_t> parents_of(const std::vector<store::StoredSpan>& spans) {
  std::unordered_map<std::string_view, size_t> by_id;
  for (size_t i = 0; i < spans.size(); ++i) by_id.emplace(spans[i].span_id, i);
  std::vector<size_t> parents(spans.size(), kNone);
  for (size_t i = 0; i < spans.size(); ++i) {
    const auto found = by_id.find(spans[i].parent_id);
    if (!spans[i].parent_id.empty() && found != by_id.end()) parents[i] = found->second;
  }
  return parents;
}

// Follows every span upwards; whoever meets a span of the same walk again has found a circle.
void open_circles(std::vector<size_t>* parents) {
  std::vector<size_t> walk_of(parents->size(), kNone);
  for (size_t i = 0; i < parents->size(); ++i) {
    size_t at = i;
    while (at != kNone && walk_of[at] == kNone) {
      walk_of[at] = i;
      at = (*parents)[at];
    }
    if (at == kNone || walk_of[at] != i) continue;
    size_t first = at;
    for (size_t each = (*parents)[at]; each != at; each = (*parents)[each]) first = each < first ? each : first;
    (*parents)[first] = kNone;
  }
}

}  // namespace

std::vector<TreeNode> span_tree(const std::vector<store::StoredSpan>& spans) {
  std::vector<size_t> parents = parents_of(spans);
  open_circles(&parents);
  // The place after the last stands for the trace itself.
  const size_t top = spans.size();
  std::vector<size_t> first_child(spans.size() + 1, kNone);
  std::vector<size_t> next_sibling(spans.size(), kNone);
  for (size_t i = spans.size(); i-- > 0;) {
    const size_t parent = parents[i] == kNone ? top : parents[i];
    next_sibling[i] = first_child[parent];
    first_child[parent] = i;
  }
  std::vector<TreeNode> nodes;
  nodes.reserve(spans.size());
  std::vector<size_t> path;  // from the top to where we are
  for (size_t at = first_child[top]; at != kNone;) {
    const bool orphan = parents[at] == kNone && !spans[at].parent_id.empty();
    nodes.push_back({at, path.size(), next_sibling[at] == kNone, orphan, first_child[at] != kNone});
    if (first_child[at] != kNone) {
      path.push_back(at);
      at = first_child[at];
      continue;
    }
    while (next_sibling[at] == kNone && !path.empty()) {
      at = path.back();
      path.pop_back();
    }
    at = next_sibling[at];
  }
  return nodes;
}

}  // namespace trunkline::cli
