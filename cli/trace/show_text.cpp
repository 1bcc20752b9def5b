#include "trace/show_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "encode/json_scan.hpp"
#include "model/kinds.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/span_line.hpp"
#include "trace/span_tree.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kLabelWidth = 10;
constexpr size_t kTimeWidth = 9;
constexpr size_t kMostIndents = 24;    // deeper spans stand below each other, with their depth
constexpr size_t kWidthForStart = 60;  // narrower terminals go without these columns
constexpr size_t kWidthForDuration = 40;

std::string right(const std::string& text, size_t width) {
  const size_t used = columns(text);
  return used < width ? std::string(width - used, ' ') + text : text;
}

class Header {
 public:
  Header(const Terminal& terminal, Output* output) : terminal_(terminal), output_(output) {}

  void add(const std::string& label, std::string_view text, Colour colour = Colour::kNone) {
    if (text.empty()) return;
    Line line;
    line.add("  " + label + std::string(kLabelWidth - label.size(), ' '), Colour::kDim);
    line.add(visible(text), colour);
    output_->write(line.text(terminal_));
  }

 private:
  const Terminal& terminal_;
  Output* output_;
};

void add_metadata(const std::string& text, Header* header) {
  if (encode::json_check(text, encode::kMaxJsonDepth + 8) != encode::JsonCheck::Valid) return;
  const auto metadata = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!metadata.is_object()) return;
  std::string label = "metadata";
  for (const auto& [key, value] : metadata.items()) {
    if (key == "stop_reason") continue;  // has a line of its own
    header->add(label, key + " = " + (value.is_string() ? value.get<std::string>() : value.dump()));
    label = "";
  }
}

std::string token_text(const store::TraceSummary& trace) {
  if (trace.total_tokens == 0 && trace.input_tokens == 0 && trace.output_tokens == 0) return "";
  return std::to_string(trace.total_tokens) + " (" + std::to_string(trace.input_tokens) + " in, " +
         std::to_string(trace.output_tokens) + " out)";
}

std::string count_text(const store::TraceSummary& trace) {
  std::string text = std::to_string(trace.span_count);
  if (trace.error_count != 0) text += ", " + std::to_string(trace.error_count) + " failed";
  if (trace.pruned_spans != 0) text += ", " + std::to_string(trace.pruned_spans) + " removed to save space";
  return text;
}

// What stands left of a span: the lines that lead down to its brothers and to itself.
class Branches {
 public:
  // The first line of a node, and what its further lines begin with.
  std::string first(const TreeNode& node) {
    const size_t depth = std::min(node.depth, kMostIndents);
    last_.resize(depth);
    std::string text = above();
    last_.push_back(node.last);
    if (node.depth > kMostIndents) return text + "…" + std::to_string(node.depth) + " ";
    return text + (node.last ? "└─ " : "├─ ");
  }
  std::string further(const TreeNode& node) const {
    return above() + (node.has_children && node.depth < kMostIndents ? "│  " : "   ");
  }

 private:
  std::string above() const {
    std::string text;
    for (const bool last : last_) text += last ? "   " : "│  ";
    return text;
  }
  std::vector<bool> last_;  // whether the node at each depth was the last of its brothers
};

class SpanWriter {
 public:
  SpanWriter(int64_t origin_ns, const Terminal& terminal, Output* output)
      : origin_ns_(origin_ns),
        terminal_(terminal),
        output_(output),
        with_start_(terminal.width == 0 || terminal.width >= kWidthForStart),
        with_duration_(terminal.width == 0 || terminal.width >= kWidthForDuration) {}

  void write_titles() {
    Line line;
    if (with_start_) line.add(right("START", kTimeWidth) + "  ", Colour::kDim);
    if (with_duration_) line.add(right("DURATION", kTimeWidth) + "  ", Colour::kDim);
    line.add("SPAN", Colour::kDim);
    output_->write("\n" + line.text(terminal_));
  }

  void write(const store::StoredSpan& span, const TreeNode& node) {
    Line line;
    if (with_start_) line.add(right("+" + duration_text(span.start_ns - origin_ns_), kTimeWidth) + "  ", Colour::kDim);
    if (with_duration_) line.add(right(span_duration_text(span), kTimeWidth) + "  ");
    line.add(branches_.first(node), Colour::kDim);
    line.add(kind_name(span.kind) + " ", Colour::kCyan);
    line.add(visible(span.name), Colour::kBold);
    add_span_details(span, &line);
    if (node.orphan) line.add_apart("parent " + visible(span.parent_id) + " is not in the store", Colour::kYellow);
    output_->write(line.text(terminal_));
    const std::string error = error_line(span.error_type, span.error_message);
    if (!error.empty()) write_error(error, node);
  }

 private:
  void write_error(const std::string& error, const TreeNode& node) {
    const size_t left = (with_start_ ? kTimeWidth + 2 : 0) + (with_duration_ ? kTimeWidth + 2 : 0);
    Line line;
    line.add(std::string(left, ' ') + branches_.further(node), Colour::kDim);
    line.add("! " + error, Colour::kRed);
    output_->write(line.text(terminal_));
  }

  const int64_t origin_ns_;
  const Terminal& terminal_;
  Output* output_;
  const bool with_start_;
  const bool with_duration_;
  Branches branches_;
};

}  // namespace

void write_header(const store::TraceSummary& trace, const Terminal& terminal, Output* output) {
  Line title;
  title.add(trace.name.empty() ? "(no name)" : visible(trace.name), Colour::kBold);
  output->write(title.text(terminal));
  Header header(terminal, output);
  header.add("id", trace.id);
  header.add("status", trace.status, status_colour(trace.status));
  header.add("error", error_line(trace.error_type, trace.error_message), Colour::kRed);
  header.add("stopped", trace.stop_reason);
  header.add("started", time_text(trace.start_ns));
  if (trace.end_ns) header.add("duration", duration_text(*trace.end_ns - trace.start_ns));
  header.add("spans", count_text(trace));
  header.add("tokens", token_text(trace));
  header.add("group", trace.group_id);
  header.add("foreign", trace.foreign_id);
  add_metadata(trace.metadata, &header);
}

void write_spans(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                 const Terminal& terminal, Output* output) {
  if (spans.empty()) return;
  SpanWriter writer(trace.start_ns, terminal, output);
  writer.write_titles();
  for (const TreeNode& node : span_tree(spans)) {
    if (output->closed()) return;
    writer.write(spans[node.span], node);
  }
}

void write_events(const store::TraceSummary& trace, const std::vector<store::StoredEvent>& events,
                  const Terminal& terminal, Output* output) {
  if (events.empty()) return;
  Line title;
  title.add(right("TIME", kTimeWidth) + "  EVENT", Colour::kDim);
  output->write("\n" + title.text(terminal));
  for (const auto& event : events) {
    if (output->closed()) return;
    Line line;
    line.add(right("+" + duration_text(event.time_ns - trace.start_ns), kTimeWidth) + "  ", Colour::kDim);
    line.add(visible(event.name));
    if (event.attributes != "{}") line.add_apart(visible(event.attributes), Colour::kDim);
    output->write(line.text(terminal));
  }
}

}  // namespace trunkline::cli
