// The spans of one trace, drawn as a tree when it ends. Works without recursion, whatever the parents say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trunkline::processors {

// One line of the tree, rendered but for its branches.
struct TreeLine {
  uint64_t id = 0;  // 0: nothing can be below it
  uint64_t parent = 0;
  int64_t start_ns = 0;
  std::string text;
};

// Lines whose parent is not among them stand at the top; siblings in the order of their start.
void append_tree(std::string* out, std::vector<TreeLine> lines);

}  // namespace trunkline::processors
