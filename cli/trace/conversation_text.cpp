#include "trace/conversation_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "encode/json_scan.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/span_line.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kLabelWidth = 12;

Colour colour_of(const std::string& role) {
  if (role == "user") return Colour::kGreen;
  if (role == "assistant") return Colour::kCyan;
  return role == "tool" ? Colour::kYellow : Colour::kDim;
}

// Lines of a text as they are, broken at the width of the terminal, behind an indentation.
void write_text(std::string_view text, std::string_view indent, Colour colour, Session* session) {
  const Terminal& terminal = session->terminal();
  const size_t room = terminal.width > indent.size() + 10 ? terminal.width - indent.size() : 10;
  while (!text.empty() && !session->output()->closed()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view raw = text.substr(0, end);
    if (!raw.empty() && raw.back() == '\r') raw.remove_suffix(1);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::string rest = visible_line(raw);
    do {
      const size_t size = terminal.width == 0 ? rest.size() : fitting(rest, room);
      Line line;
      line.add(indent);
      line.add(rest.substr(0, size), colour);
      session->output()->write(line.text(terminal));
      rest.erase(0, size);
    } while (!rest.empty());
  }
}

void write_heading(const store::TraceSummary& trace, const store::StoredSpan& span, size_t conversation,
                   Session* session) {
  Line line;
  line.add("── ", Colour::kDim);
  line.add(visible(span.name), Colour::kBold);
  if (conversation > 0) line.add_apart("conversation " + std::to_string(conversation + 1), Colour::kDim);
  line.add_apart("+" + duration_text(span.start_ns - trace.start_ns), Colour::kDim);
  line.add_apart(span_duration_text(span));
  add_span_details(span, &line);
  line.add_apart(visible(span.span_id), Colour::kDim);
  session->output()->write("\n" + line.text(session->terminal()));
  const std::string error = error_line(span.error_type, span.error_message);
  if (!error.empty()) write_text("! " + error, "   ", Colour::kRed, session);
}

void write_message(const Message& message, Session* session) {
  Line line;
  line.add(message.role.empty() ? "?" : visible(message.role), colour_of(message.role));
  if (!message.name.empty()) line.add(" " + visible(message.name));
  if (!message.call_id.empty()) line.add_apart(visible(message.call_id), Colour::kDim);
  session->output()->write(line.text(session->terminal()));
  write_text(message.reasoning, "  ", Colour::kDim, session);
  write_text(message.text, "  ", Colour::kNone, session);
  for (const ToolCall& call : message.calls) {
    write_text("→ " + call.name + "(" + call.arguments + ")", "  ", Colour::kYellow, session);
  }
}

// Of JSON an indented form; anything else as it is.
std::string readable(const std::string& content, const std::string& type) {
  if (type == "bytes") return "(" + bytes_text(content.size()) + " of bytes)";
  if (type == "str" || encode::json_check(content, encode::kMaxJsonDepth + 8) != encode::JsonCheck::Valid)
    return content;
  const auto value = nlohmann::ordered_json::parse(content, nullptr, false);
  return value.is_structured() ? value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) : content;
}

class Fields {
 public:
  explicit Fields(Session* session) : session_(session) {}

  void add(const std::string& label, const std::string& text, Colour colour = Colour::kNone) {
    if (text.empty()) return;
    Line line;
    line.add("  " + label + std::string(kLabelWidth - std::min(kLabelWidth, label.size()), ' '), Colour::kDim);
    line.add(visible(text), colour);
    session_->output()->write(line.text(session_->terminal()));
  }
  void add(const std::string& label, const std::optional<int64_t>& number) {
    if (number) add(label, std::to_string(*number));
  }
  void block(const std::string& label, const std::string& text) {
    if (text.empty()) return;
    Line line;
    line.add(label, Colour::kDim);
    session_->output()->write("\n" + line.text(session_->terminal()));
    write_text(text, "  ", Colour::kNone, session_);
  }

 private:
  Session* session_;
};

void write_title(const store::TraceSummary& trace, Session* session) {
  Line title;
  title.add(trace.name.empty() ? "(no name)" : visible(trace.name), Colour::kBold);
  title.add_apart(visible(trace.id), Colour::kDim);
  session->output()->write(title.text(session->terminal()));
}

void append_turn(std::string* out, const store::StoredSpan& span, const Turn& turn) {
  JsonMembers message(out);
  message.number("conversation", static_cast<int64_t>(turn.conversation));
  message.text("span_id", span.span_id);
  message.text("from", turn.is_output ? "output" : "input");
  message.text("role", turn.message.role);
  message.text("text", turn.message.text);
  message.text_or_null("reasoning", turn.message.reasoning);
  message.text_or_null("name", turn.message.name);
  message.text_or_null("call_id", turn.message.call_id);
  std::string* calls = message.member("calls");
  calls->push_back('[');
  for (const ToolCall& call : turn.message.calls) {
    if (&call != &turn.message.calls.front()) calls->push_back(',');
    JsonMembers each(calls);
    each.text_or_null("id", call.id);
    each.text("name", call.name);
    each.text("arguments", call.arguments);
    each.close();
  }
  calls->push_back(']');
  message.close();
}

}  // namespace

bool write_conversation(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                        Session* session) {
  Conversations conversations;
  bool any = false;
  for (const auto& span : spans) {
    const std::vector<Turn> turns = conversations.add(span);
    if (session->output()->closed()) break;
    if (turns.empty()) continue;
    if (!any) write_title(trace, session);
    any = true;
    write_heading(trace, span, turns[0].conversation, session);
    for (const Turn& turn : turns) write_message(turn.message, session);
  }
  return any;
}

void write_conversation_json(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                             Output* output) {
  std::string text = "{\"trace\":";
  JsonMembers members(&text);
  add_trace(&members, trace);
  members.close();
  output->write(text + ",\"messages\":[");
  Conversations conversations;
  bool any = false;
  for (const auto& span : spans) {
    for (const Turn& turn : conversations.add(span)) {
      if (output->closed()) return;
      text = any ? ",\n" : "\n";
      append_turn(&text, span, turn);
      output->write(text);
      any = true;
    }
  }
  output->write(any ? "\n]}\n" : "]}\n");
}

void write_whole_span(const store::TraceSummary& trace, const store::StoredSpan& span, Session* session) {
  Line title;
  title.add(visible(span.kind_name) + " ", Colour::kCyan);
  title.add(visible(span.name), Colour::kBold);
  session->output()->write(title.text(session->terminal()));
  Fields fields(session);
  fields.add("span", span.span_id);
  fields.add("parent", span.parent_id);
  fields.add("trace", trace.id + "  " + trace.name);
  fields.add("status", span.status, status_colour(span.status));
  fields.add("started", time_text(span.start_ns) + "  (+" + duration_text(span.start_ns - trace.start_ns) + ")");
  fields.add("duration", span_duration_text(span));
  fields.add("model", span.model);
  fields.add("input", span.input_tokens);
  fields.add("output", span.output_tokens);
  fields.add("total", span.total_tokens);
  fields.add("cache read", span.cache_read_tokens);
  fields.add("cache write", span.cache_write_tokens);
  fields.add("reasoning", span.reasoning_tokens);
  if (span.score)
    fields.add("score", (span.score_name.empty() ? "" : span.score_name + " ") + number_text(*span.score));
  fields.add("step", span.step);
  fields.add("foreign", span.foreign_id);
  if (span.dropped_attributes != 0) fields.add("dropped", std::to_string(span.dropped_attributes) + " attributes");
  const std::string separator = span.error_type.empty() || span.error_message.empty() ? "" : ": ";
  fields.block("ERROR", span.error_type + separator + span.error_message);
  fields.block("INPUT", readable(span.input, span.input_type));
  fields.block("OUTPUT", readable(span.output, span.output_type));
  if (span.attributes != "{}") fields.block("ATTRIBUTES", readable(span.attributes, "json"));
  if (span.events != "[]") fields.block("EVENTS", readable(span.events, "json"));
}

}  // namespace trunkline::cli
