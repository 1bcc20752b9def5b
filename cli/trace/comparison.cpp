#include "trace/comparison.hpp"

#include <cstdint>
#include <unordered_map>

#include "terminal/text.hpp"
#include "trace/span_line.hpp"
#include "trace/span_tree.hpp"

namespace trunkline::cli {
namespace {

struct Steps {
  std::vector<const store::StoredSpan*> spans;
  std::vector<size_t> depths;
  std::vector<uint32_t> keys;
};

Steps steps_of(const std::vector<store::StoredSpan>& spans, std::unordered_map<std::string, uint32_t>* keys) {
  Steps steps;
  for (const TreeNode& node : span_tree(spans)) {
    const store::StoredSpan& span = spans[node.span];
    const std::string key = std::to_string(node.depth) + ' ' + std::to_string(span.kind) + ' ' + span.name;
    steps.spans.push_back(&span);
    steps.depths.push_back(node.depth);
    steps.keys.push_back(keys->emplace(key, static_cast<uint32_t>(keys->size())).first->second);
  }
  return steps;
}

std::string number(const std::optional<int64_t>& value) { return value ? std::to_string(*value) : ""; }

std::string score(const store::StoredSpan& span) {
  return span.score ? (span.score_name.empty() ? "" : span.score_name + " ") + number_text(*span.score) : "";
}

std::vector<Difference> differences_of(const store::StoredSpan& a, const store::StoredSpan& b) {
  std::vector<Difference> found;
  const auto add = [&](const char* field, const std::string& in_a, const std::string& in_b) {
    if (in_a != in_b) found.push_back({field, in_a, in_b});
  };
  add("status", a.status, b.status);
  add("error", error_line(a.error_type, a.error_message), error_line(b.error_type, b.error_message));
  add("model", a.model, b.model);
  add("input tokens", number(a.input_tokens), number(b.input_tokens));
  add("output tokens", number(a.output_tokens), number(b.output_tokens));
  add("score", score(a), score(b));
  add("step", number(a.step), number(b.step));
  add("input", a.input, b.input);
  add("output", a.output, b.output);
  add("attributes", a.attributes, b.attributes);
  return found;
}

}  // namespace

std::vector<ComparedStep> compare(const std::vector<store::StoredSpan>& a, const std::vector<store::StoredSpan>& b) {
  std::unordered_map<std::string, uint32_t> keys;
  const Steps in_a = steps_of(a, &keys);
  const Steps in_b = steps_of(b, &keys);
  std::vector<ComparedStep> steps;
  for (const AlignedPair& pair : align(in_a.keys, in_b.keys)) {
    ComparedStep step;
    if (pair.a != AlignedPair::kNone) step.a = in_a.spans[pair.a];
    if (pair.b != AlignedPair::kNone) step.b = in_b.spans[pair.b];
    step.depth = step.a != nullptr ? in_a.depths[pair.a] : in_b.depths[pair.b];
    if (step.a != nullptr && step.b != nullptr) step.differences = differences_of(*step.a, *step.b);
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace trunkline::cli
