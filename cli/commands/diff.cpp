// trunkline diff: two traces side by side, step by step.
#include <algorithm>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/reading.hpp"
#include "session.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/comparison.hpp"
#include "trace/span_line.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualContext = 3;
constexpr size_t kMostIndents = 24;
constexpr size_t kPartWidth = 200;  // of a text that differs, where no terminal sets a bound

constexpr Operand kOperands[] = {{"A", "The id of a trace, or as much of its beginning as is unique."},
                                 {"B", "The trace it is compared with."}};

constexpr Option kOptions[] = {
    {"context", 'U', OptionType::kCount, "N", "Show N equal steps around what differs. Default: 3."},
    {"exit-code", 0, OptionType::kFlag, "", "The exit code is 3 if anything differs."},
};

// Two texts from shortly before the first character in which they differ.
void cut_to_difference(std::string* a, std::string* b, size_t width) {
  const size_t limit = std::min(a->size(), b->size());
  size_t at = 0;
  while (at < limit && (*a)[at] == (*b)[at]) ++at;
  size_t begin = at > width / 4 ? at - width / 4 : 0;
  while (begin > 0 && (static_cast<unsigned char>((*a)[begin]) & 0xC0) == 0x80) --begin;
  for (std::string* text : {a, b}) {
    if (begin > 0) *text = "…" + text->substr(std::min(begin, text->size()));
    *text = cut(visible(text->substr(0, 4 * width)), width);
  }
}

class TextWriter {
 public:
  explicit TextWriter(Session* session) : output_(session->output()), terminal_(session->terminal()) {}

  void totals(const store::TraceSummary& a, const store::TraceSummary& b) {
    Line titles;
    titles.add("- " + visible(a.name), Colour::kRed);
    titles.add("  " + a.id, Colour::kDim);
    write(titles);
    Line other;
    other.add("+ " + visible(b.name), Colour::kGreen);
    other.add("  " + b.id, Colour::kDim);
    write(other);
    const auto duration = [](const store::TraceSummary& t) {
      return t.end_ns ? duration_text(*t.end_ns - t.start_ns) : std::string("-");
    };
    total("status", a.status, b.status);
    total("error", error_line(a.error_type, a.error_message), error_line(b.error_type, b.error_message));
    total("stopped", a.stop_reason, b.stop_reason);
    total("duration", duration(a), duration(b));
    total("spans", std::to_string(a.span_count), std::to_string(b.span_count));
    total("failed", std::to_string(a.error_count), std::to_string(b.error_count));
    total("tokens", std::to_string(a.total_tokens), std::to_string(b.total_tokens));
    output_->write("\n");
  }

  void skipped(size_t count) {
    Line line;
    line.add("  … " + std::to_string(count) + (count == 1 ? " equal step" : " equal steps"), Colour::kDim);
    write(line);
  }

  void step(const ComparedStep& step) {
    const store::StoredSpan& span = step.a != nullptr ? *step.a : *step.b;
    const char* mark = step.b == nullptr ? "- " : step.a == nullptr ? "+ " : step.same() ? "  " : "~ ";
    const Colour colour = step.b == nullptr   ? Colour::kRed
                          : step.a == nullptr ? Colour::kGreen
                          : step.same()       ? Colour::kNone
                                              : Colour::kYellow;
    Line line;
    line.add(mark + indent(step), colour);
    line.add(visible(span.kind_name) + " ", Colour::kCyan);
    line.add(visible(span.name), colour == Colour::kNone ? Colour::kBold : colour);
    const bool both = step.a != nullptr && step.b != nullptr;
    line.add_apart(both ? span_duration_text(*step.a) + " → " + span_duration_text(*step.b) : span_duration_text(span),
                   Colour::kDim);
    if (!both) add_span_details(span, &line);
    write(line);
    for (const Difference& difference : step.differences) write_difference(difference, indent(step));
  }

 private:
  static std::string indent(const ComparedStep& step) {
    return std::string(2 * std::min(step.depth, kMostIndents), ' ');
  }

  void write(const Line& line) { output_->write(line.text(terminal_)); }

  void total(const std::string& label, const std::string& a, const std::string& b) {
    if (a.empty() && b.empty()) return;
    Line line;
    line.add("  " + label + std::string(10 - label.size(), ' '), Colour::kDim);
    line.add(visible(a));
    if (a != b) line.add(" → " + (b.empty() ? "(none)" : visible(b)), Colour::kYellow);
    write(line);
  }

  // A short one in a line, a long one in two.
  void write_difference(const Difference& difference, const std::string& before) {
    const size_t room = terminal_.width == 0 ? kPartWidth : terminal_.width;
    std::string a = difference.a.empty() ? "(none)" : visible(difference.a);
    std::string b = difference.b.empty() ? "(none)" : visible(difference.b);
    const std::string start = "    " + before + difference.field + ": ";
    if (columns(start) + columns(a) + columns(b) + 3 <= std::min<size_t>(room, 100)) {
      Line line;
      line.add(start, Colour::kDim);
      line.add(a, Colour::kRed);
      line.add(" → ", Colour::kDim);
      line.add(b, Colour::kGreen);
      return write(line);
    }
    a = difference.a;
    b = difference.b;
    cut_to_difference(&a, &b, std::max<size_t>(room > start.size() + 2 ? room - start.size() - 2 : 0, 16));
    for (const bool first : {true, false}) {
      Line line;
      line.add(first ? start : std::string(columns(start), ' '), Colour::kDim);
      line.add(first ? "- " + a : "+ " + b, first ? Colour::kRed : Colour::kGreen);
      write(line);
    }
  }

  Output* output_;
  const Terminal& terminal_;
};

void write_text(const std::vector<ComparedStep>& steps, size_t context, TextWriter* writer, const Output& output) {
  // Whether each step is near one that differs.
  std::vector<bool> near(steps.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].same()) continue;
    const size_t end = std::min(steps.size(), i + std::min(context, steps.size()) + 1);
    for (size_t at = i - std::min(i, context); at < end; ++at) near[at] = true;
  }
  size_t skipped = 0;
  for (size_t i = 0; i < steps.size() && !output.closed(); ++i) {
    if (!near[i]) {
      ++skipped;
      continue;
    }
    if (skipped > 0) writer->skipped(skipped);
    skipped = 0;
    writer->step(steps[i]);
  }
  if (skipped > 0) writer->skipped(skipped);
}

void append_side(JsonMembers* members, const char* key, const store::StoredSpan* span) {
  std::string* out = members->member(key);
  if (span == nullptr) {
    out->append("null");
    return;
  }
  JsonMembers side(out);
  side.text("span_id", span->span_id);
  side.text("status", span->status);
  side.number("duration_ns", span->end_ns - span->start_ns);
  side.close();
}

void append_step(std::string* out, const ComparedStep& step) {
  const store::StoredSpan& span = step.a != nullptr ? *step.a : *step.b;
  JsonMembers members(out);
  members.text("change", step.b == nullptr   ? "removed"
                         : step.a == nullptr ? "added"
                         : step.same()       ? "none"
                                             : "changed");
  members.number("depth", static_cast<int64_t>(step.depth));
  members.text("kind_name", span.kind_name);
  members.text("name", span.name);
  append_side(&members, "a", step.a);
  append_side(&members, "b", step.b);
  std::string* list = members.member("differences");
  list->push_back('[');
  for (const Difference& difference : step.differences) {
    if (&difference != &step.differences.front()) list->push_back(',');
    JsonMembers each(list);
    each.text("field", difference.field);
    each.text("a", difference.a);
    each.text("b", difference.b);
    each.close();
  }
  list->push_back(']');
  members.close();
}

void write_json(const store::TraceSummary& a, const store::TraceSummary& b, const std::vector<ComparedStep>& steps,
                Output* output) {
  std::string text = "{";
  for (const bool first : {true, false}) {
    text += first ? "\"a\":" : ",\"b\":";
    JsonMembers members(&text);
    add_trace(&members, first ? a : b);
    members.close();
  }
  output->write(text + ",\"steps\":[");
  for (const ComparedStep& step : steps) {
    if (output->closed()) return;
    text = &step == &steps.front() ? "\n" : ",\n";
    append_step(&text, step);
    output->write(text);
  }
  output->write("]}\n");
}

int run(const Arguments& arguments, Session* session) {
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  if (!*opened) return session->fail({TR_ENOENT, no_traces(*session)});
  store::Store& store = **opened;
  const auto a = find_trace(&store, arguments.operands()[0], *session);
  if (!a) return session->fail(a.error());
  const auto b = find_trace(&store, arguments.operands()[1], *session);
  if (!b) return session->fail(b.error());
  const auto spans_a = store.spans_of(a->id);
  if (!spans_a) return session->fail(spans_a.error());
  const auto spans_b = store.spans_of(b->id);
  if (!spans_b) return session->fail(spans_b.error());
  const std::vector<ComparedStep> steps = compare(*spans_a, *spans_b);
  if (session->json()) {
    write_json(*a, *b, steps, session->output());
  } else {
    TextWriter writer(session);
    writer.totals(*a, *b);
    const auto context = static_cast<size_t>(arguments.number("context").value_or(kUsualContext));
    write_text(steps, context, &writer, *session->output());
  }
  const bool differs = !std::all_of(steps.begin(), steps.end(), [](const ComparedStep& step) { return step.same(); });
  return differs && arguments.has("exit-code") ? kNegative : kSuccess;
}

}  // namespace

const Command kDiff = {"diff",
                       "Compare two traces step by step.",
                       "Aligns the spans of two traces by their place in the tree, kind and name, and shows the steps "
                       "that only one has (- and +) and those that differ (~): in status, error, model, tokens, score, "
                       "input, output or attributes. Times always differ and count for nothing.",
                       kOperands,
                       kOptions,
                       Paging::kOnTerminals,
                       run};

}  // namespace trunkline::cli
