// trunkline recover: takes up what dead processes left behind, and tells what that was.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/adopt.hpp"
#include "reading/runs.hpp"
#include "session.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualTimeout = 60;

constexpr Option kOptions[] = {
    {"timeout", 0, OptionType::kCount, "SECONDS", "How long to wait at most. Default: 60."},
};

void write_json(const std::string& directory, const Adopted& found, Output* output) {
  std::string text;
  JsonMembers members(&text);
  members.text("directory", directory);
  members.number("runs", as_number(found.runs));
  members.number("recovered", as_number(found.recovered));
  members.number("incomplete", as_number(found.incomplete));
  members.number("corrupt", as_number(found.corrupt));
  members.number("expired", as_number(found.expired));
  members.number("waiting", as_number(found.waiting));
  members.number("delivered", as_number(found.delivered));
  members.number("spans", as_number(found.spans));
  members.boolean("complete", found.complete);
  members.close();
  output->write(text + "\n");
}

std::string counted(uint64_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

void write_text(const Adopted& found, Output* output) {
  if (found.runs == 0 && found.complete) {
    output->write("nothing to recover\n");
    return;
  }
  output->write(counted(found.runs, "dead run") + "\n");
  output->write("  " + counted(found.recovered, "record") + " recovered from memory\n");
  output->write("  " + counted(found.delivered, "record") + " delivered to the store, " + counted(found.spans, "span") +
                " among them\n");
  output->write("  " + std::to_string(found.incomplete) + " of them incomplete\n");
  output->write("  " + std::to_string(found.corrupt) + " corrupt\n");
  if (found.waiting != 0) {
    output->write("  " + counted(found.waiting, "run") + " with something for processors other than the store, kept\n");
  }
  if (found.expired != 0) output->write("  " + counted(found.expired, "run") + " expired\n");
}

int run(const Arguments& arguments, Session* session) {
  Adopted found;
  if (has_runs(session->directory())) {
    found = adopt_for_store(session->directory(), arguments.number("timeout").value_or(kUsualTimeout) * 1'000);
  }
  if (session->json()) {
    write_json(session->directory(), found, session->output());
  } else {
    write_text(found, session->output());
  }
  if (found.complete) return kSuccess;
  return session->fail({TR_ETIMEDOUT, "not everything could be recovered; what is left waits for another try"});
}

}  // namespace

const Command kRecover = {"recover",
                          "Put what dead processes left behind into the store.",
                          "Takes up the runs of processes that died without a goodbye, puts their records into the "
                          "store and tells what was found. The commands that read do so first, too, but wait only a "
                          "moment for it. Runs whose process lives are left alone.",
                          {},
                          kOptions,
                          Paging::kNever,
                          run};

}  // namespace trunkline::cli
