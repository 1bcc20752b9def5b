// trunkline stats: what the store and the directory hold, in numbers.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/directory.hpp"
#include "reading/reading.hpp"
#include "reading/runs.hpp"
#include "session.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

void write_json(const std::string& directory, const store::StoreTotals& totals, uint64_t bytes, const RunCounts& runs,
                Output* output) {
  std::string text;
  JsonMembers members(&text);
  members.text("directory", directory);
  members.number("traces", totals.traces);
  members.number("running", totals.running);
  members.number("failed", totals.failed);
  members.number("incomplete", totals.incomplete);
  members.number("spans", totals.spans);
  members.number("metric_runs", totals.runs);
  members.number("input_tokens", totals.input_tokens);
  members.number("output_tokens", totals.output_tokens);
  members.number("total_tokens", totals.total_tokens);
  members.number_or_null("oldest_ns", totals.oldest_ns);
  members.number_or_null("newest_ns", totals.newest_ns);
  members.number("store_bytes", as_number(bytes));
  members.number("store_free_bytes", totals.free_bytes);
  members.number("run_bytes", as_number(runs.bytes));
  members.number("live_runs", as_number(runs.live));
  members.number("dead_runs", as_number(runs.dead));
  members.close();
  output->write(text + "\n");
}

void write_text(const std::string& directory, const store::StoreTotals& totals, uint64_t bytes, const RunCounts& runs,
                Session* session) {
  const auto add = [session](std::string_view label, const std::string& text) {
    Line line;
    line.add(std::string(label) + std::string(11 - label.size(), ' '), Colour::kDim);
    line.add(text);
    session->output()->write(line.text(session->terminal()));
  };
  const auto number = [](auto count) { return std::to_string(count); };
  add("directory", visible(directory));
  add("traces", number(totals.traces) + " (" + number(totals.running) + " running, " + number(totals.failed) +
                    " failed, " + number(totals.incomplete) + " incomplete)");
  add("spans", number(totals.spans));
  add("tokens", number(totals.total_tokens) + " (" + number(totals.input_tokens) + " in, " +
                    number(totals.output_tokens) + " out)");
  if (totals.oldest_ns && totals.newest_ns) {
    add("started", time_text(*totals.oldest_ns) + " to " + time_text(*totals.newest_ns));
  }
  add("store", bytes_text(bytes) + ", " + bytes_text(static_cast<uint64_t>(totals.free_bytes)) + " of it free");
  add("runs", number(runs.live) + " live, " + number(runs.dead) + " dead, " + bytes_text(runs.bytes));
}

int run(const Arguments& /*arguments*/, Session* session) {
  auto store = open_store(session);
  if (!store) {
    return session->fail(store.error());
  }
  store::StoreTotals totals;
  if (*store) {
    const auto counted = (*store)->totals();
    if (!counted) {
      return session->fail(counted.error());
    }
    totals = *counted;
  }
  const uint64_t bytes = store_bytes(store_path(session->directory()));
  const RunCounts runs = count_runs(session->directory());
  if (session->json()) {
    write_json(session->directory(), totals, bytes, runs, session->output());
  } else {
    write_text(session->directory(), totals, bytes, runs, session);
  }
  return kSuccess;
}

}  // namespace

const Command kStats = {"stats",
                        "Count what is stored.",
                        "Counts the traces, spans and tokens of the store, what it and the run directories take up on "
                        "the disk, and the runs: live ones, whose process records, and dead ones, which wait for a "
                        "processor that has not come for them yet.",
                        {},
                        {},
                        Paging::kNever,
                        run};

}  // namespace trunkline::cli
