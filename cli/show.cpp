// trunkline show: one trace, with the tree of its spans.
#include <algorithm>
#include <cctype>

#include "arguments.hpp"
#include "commands.hpp"
#include "reading.hpp"
#include "session.hpp"
#include "show_text.hpp"
#include "text.hpp"
#include "time_text.hpp"
#include "trace_ids.hpp"
#include "trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kMostCandidates = 10;

constexpr Operand kOperands[] = {{"TRACE", "The id of the trace, or as much of its beginning as is unique."}};

// Ids are written with dashes, too, and in upper case. Empty: not hexadecimal.
std::string normal_id(const std::string& given) {
  std::string id;
  for (const char c : given) {
    if (c == '-') continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return "";
    id.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return id.size() > 32 ? "" : id;
}

int refuse(const Error& error) {
  complain(error.message);
  return kFailure;
}

int refuse_ambiguous(store::Store* store, const std::string& id) {
  const auto candidates = traces_with_prefix(store, id, kMostCandidates + 1);
  complain("several traces have ids that begin with " + id + ":");
  for (size_t i = 0; i < std::min(candidates.size(), kMostCandidates); ++i) {
    note("  " + candidates[i].id + "  " + time_text(candidates[i].start_ns) + "  " + candidates[i].name);
  }
  if (candidates.size() > kMostCandidates) note("  and more");
  return kFailure;
}

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
  const std::string& given = arguments.operands()[0];
  const std::string id = normal_id(given);
  if (id.empty()) return refuse({TR_EINVAL, "'" + given + "' is no trace id: those are 1 to 32 hexadecimal digits"});
  auto opened = open_store(session);
  if (!opened) return refuse(opened.error());
  if (!*opened) return refuse({TR_ENOENT, no_traces(*session)});
  store::Store& store = **opened;
  const auto trace = store.get_trace(id);
  if (!trace && trace.error().code == TR_EINVAL) return refuse_ambiguous(&store, id);
  if (!trace) return refuse(trace.error());
  const auto spans = store.spans_of(trace->id);
  if (!spans) return refuse(spans.error());
  const auto events = store.events_of(trace->id);
  if (!events) return refuse(events.error());
  if (arguments.has("json")) {
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
                       run};

}  // namespace trunkline::cli
