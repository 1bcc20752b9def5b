// The spans of a trace in the order of a tree. Any set of spans has one: those without a known parent are at the top,
// and a circle of parents is opened at its first span.
#pragma once

#include <cstddef>
#include <vector>

#include "store/store_reader.hpp"

namespace trunkline::cli {

struct TreeNode {
  size_t span;   // index into the spans
  size_t depth;  // 0: at the top
  bool last;     // of its parent's children
  bool orphan;   // it names a parent that is not there
  bool has_children;
};

// Parents before their children, children in the order of `spans`. Takes linear time and no deep stack.
std::vector<TreeNode> span_tree(const std::vector<store::StoredSpan>& spans);

}  // namespace trunkline::cli
