// trunkline ls: the traces of the store, one line each.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/reading.hpp"
#include "reading/trace_filter.hpp"
#include "reading/trace_ids.hpp"
#include "session.hpp"
#include "terminal/table.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualLimit = 50;
constexpr size_t kRowsAtOnce = 1'000;  // by which columns get their widths

constexpr Option kOwnOptions[] = {
    {"sort", 0, OptionType::kChoice, "newest|oldest|longest|tokens|spans", "What comes first. Default: newest."},
    {"limit", 'n', OptionType::kCount, "N", "At most N traces; 0: all. Default: 50."},
    {"quiet", 'q', OptionType::kFlag, "", "Only the ids, one a line."},
};
constexpr auto kOptions = joined(kFilterOptions, kOwnOptions);

store::TraceSort sort_of(const std::string& word) {
  if (word == "oldest") return store::TraceSort::kOldestFirst;
  if (word == "longest") return store::TraceSort::kLongestFirst;
  if (word == "tokens") return store::TraceSort::kMostTokensFirst;
  return word == "spans" ? store::TraceSort::kMostSpansFirst : store::TraceSort::kNewestFirst;
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
  size_t rows = 0;
  for (const auto& trace : traces) {
    if (++rows % kRowsAtOnce == 0) table.print(session->output(), session->terminal());
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
  auto filter = filter_of(arguments, *session);
  if (!filter) return session->refuse(filter.error().message);
  filter->sort = sort_of(arguments.text("sort"));
  filter->limit = limit_of(arguments, kUsualLimit);
  filter->outline = !session->json();
  auto store = open_store(session);
  if (!store) return session->fail(store.error());
  std::vector<store::TraceSummary> traces;
  if (*store) {
    if (!filter->text.empty()) update_search_index(&**store, *session);
    auto listed = (*store)->list_traces(*filter);
    if (!listed) return session->fail(listed.error());
    traces = std::move(*listed);
  }
  if (session->json()) {
    write_json(traces, session->output());
  } else if (arguments.has("quiet")) {
    for (const auto& trace : traces) session->output()->write(trace.id + "\n");
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
    Paging::kOnTerminals,
    run};

}  // namespace trunkline::cli
