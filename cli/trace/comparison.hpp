// What differs between two traces, step by step: their spans in the order of the tree, aligned by depth, kind and name.
#pragma once

#include <string>
#include <vector>

#include "store/store_reader.hpp"
#include "trace/alignment.hpp"

namespace trunkline::cli {

struct Difference {
  std::string field;  // "status", "model", "input", ...
  std::string a;
  std::string b;
};

struct ComparedStep {
  const store::StoredSpan* a = nullptr;  // nullptr: the step is only in the other trace
  const store::StoredSpan* b = nullptr;
  size_t depth = 0;
  std::vector<Difference> differences;  // never in times and durations, which always differ
  bool same() const { return a != nullptr && b != nullptr && differences.empty(); }
};

std::vector<ComparedStep> compare(const std::vector<store::StoredSpan>& a, const std::vector<store::StoredSpan>& b);

}  // namespace trunkline::cli
