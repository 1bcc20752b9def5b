// trunkline recover: takes up what dead processes left behind, and tells what that was.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/adopt.hpp"
#include "reading/runs.hpp"
#include "session.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualTimeout = 60;

constexpr Option kOptions[] = {
    {"timeout", 0, OptionType::kCount, "SECONDS", "How long to wait at most. Default: 60."},
};

int run(const Arguments& arguments, Session* session) {
  Adopted found;
  if (has_runs(session->directory())) {
    found = adopt_for_store(session->directory(), arguments.number("timeout").value_or(kUsualTimeout) * 1'000);
  }
  return report(found, "the store", session);
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
