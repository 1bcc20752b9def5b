// trunkline rm: removes traces from the store.
#include <algorithm>
#include <set>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/directory.hpp"
#include "reading/reading.hpp"
#include "session.hpp"
#include "terminal/confirm.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kMostNamed = 10;

constexpr Operand kOperands[] = {
    {"TRACE", "The id of a trace, or as much of its beginning as is unique.", Quantity::kAny}};

constexpr Option kOptions[] = {
    {"older-than", 0, OptionType::kTime, "WHEN", "Remove the traces that started before: 30d, 2026-11-21 (as of ls)."},
    {"keep", 0, OptionType::kCount, "N", "Remove all but the newest N traces; with --older-than, never one of these."},
    {"yes", 'y', OptionType::kFlag, "", "Do not ask."},
    {"dry-run", 0, OptionType::kFlag, "", "Only say what would be removed."},
};

struct Choice {
  std::vector<store::TraceSummary> traces;
  uint64_t running = 0;  // left out because they still run
  int64_t spans() const {
    int64_t sum = 0;
    for (const auto& trace : traces) sum += trace.span_count - trace.pruned_spans;
    return sum;
  }
};

Error add_by_age(store::Store* store, const Arguments& arguments, Choice* choice) {
  store::TraceFilter filter;
  filter.until_ns = arguments.number("older-than");
  filter.limit = UINT32_MAX;
  filter.outline = true;
  const auto keep = arguments.number("keep").value_or(0);
  std::set<std::string> kept;
  if (keep > 0) {
    store::TraceFilter newest;
    newest.outline = true;
    newest.limit = static_cast<uint32_t>(std::min<int64_t>(keep, UINT32_MAX));
    const auto traces = store->list_traces(newest);
    if (!traces) return traces.error();
    for (const auto& trace : *traces) kept.insert(trace.id);
  }
  auto traces = store->list_traces(filter);
  if (!traces) return traces.error();
  for (auto& trace : *traces) {
    if (kept.count(trace.id) != 0) continue;
    if (trace.status == "running") {
      ++choice->running;
    } else {
      choice->traces.push_back(std::move(trace));
    }
  }
  return Error::none();
}

Error add_by_id(store::Store* store, const Arguments& arguments, const Session& session, Choice* choice) {
  std::set<std::string> known;
  for (const auto& trace : choice->traces) known.insert(trace.id);
  for (const std::string& given : arguments.operands()) {
    auto trace = find_trace(store, given, session);
    if (!trace) return trace.error();
    if (trace->status == "running") return {TR_ESTATE, "the trace " + trace->id + " is still running"};
    if (known.insert(trace->id).second) choice->traces.push_back(std::move(*trace));
  }
  return Error::none();
}

std::string counted(int64_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

std::string summary(const Choice& choice) {
  return counted(static_cast<int64_t>(choice.traces.size()), "trace") + " with " + counted(choice.spans(), "span");
}

void name_some(const Choice& choice) {
  for (size_t i = 0; i < std::min(choice.traces.size(), kMostNamed); ++i) {
    const auto& trace = choice.traces[i];
    note("  " + trace.id + "  " + time_text(trace.start_ns) + "  " + trace.name);
  }
  if (choice.traces.size() > kMostNamed) {
    note("  and " + std::to_string(choice.traces.size() - kMostNamed) + " more");
  }
}

void write_result(const Choice& choice, bool removed, Session* session) {
  Output* output = session->output();
  if (!session->json()) {
    if (!removed) name_some(choice);
    output->write((removed ? "removed " : "would remove ") + summary(choice) + "\n");
    if (choice.running != 0) {
      output->write("kept " + counted(static_cast<int64_t>(choice.running), "running trace") + "\n");
    }
    return;
  }
  std::string text;
  JsonMembers members(&text);
  members.boolean("removed", removed);
  members.number("traces", static_cast<int64_t>(choice.traces.size()));
  members.number("spans", choice.spans());
  members.number("running", as_number(choice.running));
  std::string* ids = members.member("ids");
  for (const auto& trace : choice.traces) {
    ids->append(&trace == &choice.traces.front() ? "[" : ",");
    encode::append_json_string(ids, trace.id);
  }
  ids->append(choice.traces.empty() ? "[]" : "]");
  members.close();
  output->write(text + "\n");
}

Error remove_all(const Choice& choice, const Session& session) {
  auto writable = store::Store::open(store_path(session.directory()), store::Access::kWrite);
  if (!writable) return writable.error();
  for (const auto& trace : choice.traces) {
    if (Error error = writable->remove(trace.id)) return error;
  }
  return choice.traces.empty() ? Error::none() : writable->shrink();
}

int run(const Arguments& arguments, Session* session) {
  const bool by_age = arguments.has("older-than") || arguments.has("keep");
  if (!by_age && arguments.operands().empty()) return session->refuse("which traces? Give ids, --older-than or --keep");
  auto opened = open_store(session);
  if (!opened) return session->fail(opened.error());
  Choice choice;
  if (*opened) {
    Error error = by_age ? add_by_age(&**opened, arguments, &choice) : Error::none();
    if (!error) error = add_by_id(&**opened, arguments, *session, &choice);
    if (error) return session->fail(error);
  } else if (!arguments.operands().empty()) {
    return session->fail({TR_ENOENT, no_traces(*session)});
  }
  const bool dry = arguments.has("dry-run");
  if (!dry && !arguments.has("yes") && !choice.traces.empty()) {
    if (!can_ask()) return session->refuse("standard input is no terminal to ask on; use --yes");
    note("Removing " + summary(choice) + ":");
    name_some(choice);
    if (!is_confirmed()) return session->fail({TR_ESTATE, "nothing was removed"});
  }
  opened->reset();
  if (!dry) {
    if (const Error error = remove_all(choice, *session)) return session->fail(error);
  }
  write_result(choice, !dry, session);
  return kSuccess;
}

}  // namespace

const Command kRm = {
    "rm",
    "Remove traces from the store.",
    "Removes traces with their spans, events and metric runs, and gives the room back to the disk: those "
    "named, those older than a time, or all but the newest. Asks first on a terminal, and wants --yes "
    "elsewhere. Traces that still run stay.",
    kOperands,
    kOptions,
    Paging::kNever,
    run};

}  // namespace trunkline::cli
