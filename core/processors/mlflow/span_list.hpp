// The spans of one trace as the objects of its file traces.json: gathered over the parts in which they are told, and
// what MLflow wants to know of the whole - what was asked and answered, and the tokens of all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

// The span of the trace itself. Inputs and outputs are JSON text; empty: there are none.
struct RootSpan {
  std::string name;
  std::string inputs;
  std::string outputs;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  bool failed = false;
};

// What the spans of one trace may take in all: they are held in memory when it ends.
inline constexpr size_t kMostSpanBytes = size_t{64} << 20;

// What is said of the spans that go beyond it.
Refusal too_many_spans(size_t most_bytes, uint64_t spans);

// Spans in the order in which they were first told, each once, as it was told last.
class SpanList {
 public:
  explicit SpanList(size_t most_bytes = kMostSpanBytes);
  ~SpanList();
  SpanList(const SpanList&) = delete;
  SpanList& operator=(const SpanList&) = delete;

  // One object a line; what is none is left out, and so is what there is no room for.
  void add_lines(std::string_view lines);
  // The content of a traces.json.
  void add_file(const std::string& text);
  // The span of the trace itself, for which there is always room.
  void add_root(std::string_view line);

  // All spans are there: gives the first that nothing is above what the trace was asked and what it answered, of its
  // first and its last step that say so. Nothing: there are no spans.
  std::optional<RootSpan> complete();

  // Spans for which there was no room.
  uint64_t refused() const;
  bool empty() const;
  // The content of traces.json.
  std::string file() const;
  // The sums of the tokens of all spans, as JSON; empty: none tells any.
  std::string usage() const;

 private:
  struct Spans;
  const std::unique_ptr<Spans> spans_;
};

}  // namespace trunkline::mlflow
