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

int run(const Arguments& arguments, Session* session) {
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  if (!*opened) return session->fail({TR_ENOENT, no_traces(*session)});
  store::Store& store = **opened;
  const auto trace = find_trace(&store, arguments.operands()[0], *session);
  if (!trace) return session->fail(trace.error());
  const auto spans = store.spans_of(trace->id);
  if (!spans) return session->fail(spans.error());
  const auto events = store.events_of(trace->id);
  if (!events) return session->fail(events.error());
  if (session->json()) {
    write_json(*trace, *spans, *events, session->output());
  } else {
    write_header(*trace, session->terminal(), session->output());
    write_spans(*trace, *spans, session->terminal(), session->output());
    write_events(*trace, *events, session->terminal(), session->output());
  }
  return kSuccess;
}

}  // namespace

const Command kShow = {"show",
                       "Show one trace and the tree of its spans.",
                       "Shows a trace: what it is and how it ended, then its spans as a tree with when they started "
                       "(after the trace), how long they took, their kind, name, model, tokens, score, step and "
                       "error, then the trace's own events. With --json everything that is stored.",
                       kOperands,
                       {},
                       Paging::kOnTerminals,
                       run};

}  // namespace trunkline::cli
