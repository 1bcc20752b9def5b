// trunkline show: one trace, with the tree of its spans.
#include <algorithm>
#include <cctype>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/reading.hpp"
#include "reading/trace_ids.hpp"
#include "session.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/conversation_text.hpp"
#include "trace/show_text.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr Operand kOperands[] = {{"TRACE", "The id of the trace, or as much of its beginning as is unique."}};

template <class T, class Append>
void write_array(std::string_view key, const std::vector<T>& items, Append append, Output* output) {
  output->write(",\"" + std::string(key) + "\":[");
  std::string text;
  for (const T& item : items) {
    if (output->closed()) return;
    append(&text, item);
    output->write(text);
    text = ",";
  }
  output->write("]");
}

// In pieces: the spans of a long trace make hundreds of megabytes.
void write_json(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                const std::vector<store::StoredEvent>& events, Output* output) {
  std::string text = "{\"trace\":";
  JsonMembers members(&text);
  add_trace(&members, trace);
  members.close();
  output->write(text);
  write_array("spans", spans, append_span, output);
  write_array("events", events, append_event, output);
  output->write("}\n");
}

constexpr Option kOptions[] = {
    {"messages", 'm', OptionType::kFlag, "",
     "What was said: the messages in the inputs and outputs of generations, each once."},
    {"span", 's', OptionType::kText, "ID", "One span whole: its id, or as much of the beginning as is unique."},
};

// Of the spans the one that is meant by the beginning of an id.
Expected<const store::StoredSpan*> find_span(const std::vector<store::StoredSpan>& spans, const std::string& given) {
  std::string id;
  for (const char c : given) id.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
  const store::StoredSpan* found = nullptr;
  for (const auto& span : spans) {
    if (span.span_id.compare(0, id.size(), id) != 0) continue;
    if (found != nullptr) return Error{TR_EINVAL, "several spans have ids that begin with " + id};
    found = &span;
  }
  if (found == nullptr) return Error{TR_ENOENT, "no span of the trace has an id that begins with " + id};
  return found;
}

int show_span(store::Store* store, const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
              const std::string& given, Session* session) {
  const auto found = find_span(spans, given);
  if (!found) return session->fail(found.error());
  const auto span = store->get_span(trace.id, (*found)->span_id);
  if (!span) return session->fail(span.error());
  if (session->json()) {
    std::string text;
    append_span(&text, *span);
    session->output()->write(text + "\n");
  } else {
    write_whole_span(trace, *span, session);
  }
  return kSuccess;
}

int show_messages(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans, Session* session) {
  if (session->json()) {
    write_conversation_json(trace, spans, session->output());
  } else if (!write_conversation(trace, spans, session)) {
    note("no generation of this trace has recorded messages");
  }
  return kSuccess;
}

int show_tree(store::Store* store, const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
              Session* session) {
  const auto events = store->events_of(trace.id);
  if (!events) return session->fail(events.error());
  if (session->json()) {
    write_json(trace, spans, *events, session->output());
  } else {
    write_header(trace, session->terminal(), session->output());
    write_spans(trace, spans, session->terminal(), session->output());
    write_events(trace, *events, session->terminal(), session->output());
  }
  return kSuccess;
}

int run(const Arguments& arguments, Session* session) {
  const bool messages = arguments.has("messages");
  const bool one_span = arguments.has("span");
  if (messages && one_span) return session->refuse("--messages and --span exclude each other");
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  if (!*opened) return session->fail({TR_ENOENT, no_traces(*session)});
  store::Store& store = **opened;
  const auto trace = find_trace(&store, arguments.operands()[0], *session);
  if (!trace) return session->fail(trace.error());
  const bool whole = messages || (session->json() && !one_span);
  const auto spans = store.spans_of(trace->id, whole ? store::SpanDetail::kAll : store::SpanDetail::kOutline);
  if (!spans) return session->fail(spans.error());
  if (one_span) return show_span(&store, *trace, *spans, arguments.text("span"), session);
  if (messages) return show_messages(*trace, *spans, session);
  return show_tree(&store, *trace, *spans, session);
}

}  // namespace

const Command kShow = {"show",
                       "Show one trace and the tree of its spans.",
                       "Shows a trace: what it is and how it ended, then its spans as a tree with when they started "
                       "(after the trace), how long they took, their kind, name, model, tokens, score, step and "
                       "error, then the trace's own events. Or, with --messages, as a conversation; or, with "
                       "--span, one span with its input, output, attributes and events. With --json "
                       "everything that is stored.",
                       kOperands,
                       kOptions,
                       Paging::kOnTerminals,
                       run};

}  // namespace trunkline::cli
