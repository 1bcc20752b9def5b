#include "processors/console/console_tree.hpp"

#include <algorithm>
#include <unordered_map>

namespace trunkline::processors {
namespace {

constexpr size_t kDeepestDrawn = 24;  // deeper lines keep this indentation and say how deep they are

struct Pending {
  size_t index;
  bool last;  // of its siblings
  size_t depth;
};

class Drawing {
 public:
  Drawing(std::string* out, const std::vector<TreeLine>& lines)
      : out_(out), lines_(lines), drawn_(lines.size(), false) {
    std::unordered_map<uint64_t, size_t> by_id;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].id != 0) by_id.emplace(lines[i].id, i);
    }
    children_.resize(lines.size());
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto parent = by_id.find(lines[i].parent);
      const bool has_parent = lines[i].parent != 0 && parent != by_id.end() && parent->second != i;
      (has_parent ? children_[parent->second] : roots_).push_back(i);
    }
  }

  void draw() {
    draw_below(roots_);
    // Spans that are each other's ancestors hang on no root.
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (!drawn_[i]) draw_below({i});
    }
  }

 private:
  void push(const std::vector<size_t>& siblings, size_t depth) {
    for (size_t i = siblings.size(); i-- > 0;) stack_.push_back({siblings[i], i + 1 == siblings.size(), depth});
  }

  void draw_below(const std::vector<size_t>& roots) {
    push(roots, 0);
    while (!stack_.empty()) {
      const Pending next = stack_.back();
      stack_.pop_back();
      if (drawn_[next.index]) continue;
      drawn_[next.index] = true;
      draw_line(next);
      push(children_[next.index], next.depth + 1);
    }
  }

  void draw_line(const Pending& line) {
    bars_.resize(line.depth + 1);
    bars_[line.depth] = !line.last;
    const size_t shown = std::min(line.depth, kDeepestDrawn);
    for (size_t i = 0; i < shown; ++i) out_->append(bars_[i] ? "│  " : "   ");
    out_->append(line.last ? "└─ " : "├─ ");
    if (line.depth > shown) out_->append("(" + std::to_string(line.depth) + " deep) ");
    out_->append(lines_[line.index].text);
    out_->push_back('\n');
  }

  std::string* out_;
  const std::vector<TreeLine>& lines_;
  std::vector<bool> drawn_;
  std::vector<std::vector<size_t>> children_;
  std::vector<size_t> roots_;
  std::vector<Pending> stack_;
  std::vector<bool> bars_;  // whether a line comes down at each depth
};

}  // namespace

void append_tree(std::string* out, std::vector<TreeLine> lines) {
  std::stable_sort(lines.begin(), lines.end(),
                   [](const TreeLine& a, const TreeLine& b) { return a.start_ns < b.start_ns; });
  Drawing(out, lines).draw();
}

}  // namespace trunkline::processors
