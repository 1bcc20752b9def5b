// trunkline ls: the traces of the store, one line each.
#include "arguments.hpp"
#include "commands.hpp"
#include "reading.hpp"
#include "session.hpp"
#include "table.hpp"
#include "text.hpp"
#include "time_text.hpp"
#include "trace_ids.hpp"
#include "trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualLimit = 50;

constexpr Option kOptions[] = {
    {"name", 0, OptionType::kText, "TEXT", "Only traces whose name contains TEXT, in upper or lower case."},
    {"status", 0, OptionType::kChoice, "running|ok|error|incomplete", "Only traces of this status."},
    {"group", 0, OptionType::kText, "ID", "Only traces of this group, a conversation for example."},
    {"since", 0, OptionType::kTime, "WHEN",
     "Only traces that started then or later: 2026-11-21, 2026-11-21T10:00 (local time; with a Z at the end UTC), or "
     "45s, 30m, 2h, 7d, 2w ago."},
    {"until", 0, OptionType::kTime, "WHEN", "Only traces that started before."},
    {"sort", 0, OptionType::kChoice, "newest|oldest|longest|tokens|spans", "What comes first. Default: newest."},
    {"limit", 'n', OptionType::kCount, "N", "At most N traces; 0: all. Default: 50."},
};

store::TraceSort sort_of(const std::string& word) {
  if (word == "oldest") return store::TraceSort::kOldestFirst;
  if (word == "longest") return store::TraceSort::kLongestFirst;
  if (word == "tokens") return store::TraceSort::kMostTokensFirst;
  return word == "spans" ? store::TraceSort::kMostSpansFirst : store::TraceSort::kNewestFirst;
}

store::TraceFilter filter_of(const Arguments& arguments) {
  store::TraceFilter filter;
  filter.name = arguments.text("name");
  filter.status = arguments.text("status");
  filter.group_id = arguments.text("group");
  filter.since_ns = arguments.number("since");
  filter.until_ns = arguments.number("until");
  filter.sort = sort_of(arguments.text("sort"));
  const int64_t limit = arguments.number("limit").value_or(kUsualLimit);
  filter.limit = limit == 0 ? UINT32_MAX : static_cast<uint32_t>(limit);
  return filter;
}

void write_json(const std::vector<store::TraceSummary>& traces, Output* output) {
  std::string text = "[";
  for (const auto& trace : traces) {
    if (output->closed()) return;
    text += text.size() == 1 ? "\n" : ",\n";
    JsonMembers members(&text);
    add_trace(&members, trace);
    members.close();
    output->write(text);
    text = "";
  }
  output->write(text + (traces.empty() ? "]\n" : "\n]\n"));
}

std::string count_text(int64_t count) { return count == 0 ? "-" : std::to_string(count); }

void write_table(const std::vector<store::TraceSummary>& traces, size_t id_length, Session* session) {
  Table table({{"ID", false, 9},
               {"STARTED", false, 5},
               {"DURATION", true, 4},
               {"STATUS", false, 6},
               {"SPANS", true, 2},
               {"ERRORS", true, 1},
               {"TOKENS", true, 3},
               {"NAME", false, 9}});
  const bool on_terminal = session->terminal().width != 0;
  for (const auto& trace : traces) {
    table.add({{visible(trace.id.substr(0, id_length)), Colour::kCyan},
               {on_terminal ? short_time_text(trace.start_ns, session->now_ns()) : time_text(trace.start_ns)},
               {trace.end_ns ? duration_text(*trace.end_ns - trace.start_ns) : "-"},
               {visible(trace.status), status_colour(trace.status)},
               {std::to_string(trace.span_count)},
               {count_text(trace.error_count), trace.error_count == 0 ? Colour::kNone : Colour::kRed},
               {count_text(trace.total_tokens)},
               {visible(trace.name)}});
  }
  table.print(session->output(), session->terminal());
}

int run(const Arguments& arguments, Session* session) {
  auto store = open_store(session);
  if (!store) {
    complain(store.error().message);
    return kFailure;
  }
  std::vector<store::TraceSummary> traces;
  if (*store) {
    auto listed = (*store)->list_traces(filter_of(arguments));
    if (!listed) {
      complain(listed.error().message);
      return kFailure;
    }
    traces = std::move(*listed);
  }
  if (arguments.has("json")) {
    write_json(traces, session->output());
  } else if (!*store) {
    note(no_traces(*session));
  } else if (traces.empty()) {
    const auto totals = (*store)->totals();
    note(totals && totals->traces > 0 ? "no trace fits" : no_traces(*session));
  } else {
    write_table(traces, unique_length(&**store, traces), session);
  }
  return kSuccess;
}

}  // namespace

const Command kLs = {
    "ls",
    "List traces.",
    "Lists traces, the newest first: the beginning of the id that is enough to name the trace, when it "
    "started (local time), how long it took, its status, how many spans it has and how many of them "
    "failed, the tokens used, and its name. On a narrow terminal columns are left out.",
    {},
    kOptions,
    run};

}  // namespace trunkline::cli
