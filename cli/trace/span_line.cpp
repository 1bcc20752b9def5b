#include "trace/span_line.hpp"

#include "terminal/text.hpp"
#include "terminal/time_text.hpp"

namespace trunkline::cli {

void add_span_details(const store::StoredSpan& span, Line* line) {
  line->add_apart(visible(span.model), Colour::kDim);
  if (span.input_tokens || span.output_tokens) {
    const auto text = [](const std::optional<int64_t>& count) { return count ? std::to_string(*count) : "?"; };
    line->add_apart(text(span.input_tokens) + " in, " + text(span.output_tokens) + " out");
  }
  if (span.score) {
    line->add_apart((span.score_name.empty() ? "score" : visible(span.score_name)) + " " + number_text(*span.score));
  }
  if (span.step) line->add_apart("step " + std::to_string(*span.step), Colour::kDim);
  if (span.status == "running") line->add_apart("running", Colour::kCyan);
  if (span.status == "error") line->add_apart("failed", Colour::kRed);
  // A span that failed may also be incomplete.
  if (span.status == "incomplete" || (span.flags & TR_RECORD_INCOMPLETE) != 0) {
    line->add_apart("incomplete", Colour::kYellow);
  }
}

std::string error_line(const std::string& type, const std::string& message) {
  const std::string line(first_line(message));
  return visible(type.empty() || line.empty() ? type + line : type + ": " + line);
}

std::string span_duration_text(const store::StoredSpan& span) {
  const bool known = span.status != "running" && (span.status != "incomplete" || span.end_ns > span.start_ns);
  return known ? duration_text(span.end_ns - span.start_ns) : "-";
}

}  // namespace trunkline::cli
