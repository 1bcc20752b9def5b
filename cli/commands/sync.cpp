// trunkline sync: delivers to a server what dead processes had not delivered to it.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "reading/adopt.hpp"
#include "reading/runs.hpp"
#include "session.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualTimeout = 300;

constexpr Option kOptions[] = {
    {"to", 0, OptionType::kChoice, kSyncTargets, "Where to. Default: mlflow."},
    {"options", 0, OptionType::kText, "JSON",
     "The options of the processor, as the process that died had them. What they do not say is taken from the same "
     "environment variables."},
    {"timeout", 0, OptionType::kCount, "SECONDS", "How long to wait at most. Default: 300."},
};

int run(const Arguments& arguments, Session* session) {
  const std::string target = arguments.has("to") ? arguments.text("to") : "mlflow";
  Adopted found;
  if (has_runs(session->directory())) {
    const auto result = adopt_for(target, arguments.text("options"), session->directory(),
                                  arguments.number("timeout").value_or(kUsualTimeout) * 1'000);
    if (!result) return session->fail(result.error());
    found = *result;
  }
  return report(found, target, session);
}

}  // namespace

const Command kSync = {"sync",
                       "Deliver to a server what dead processes left undelivered.",
                       "Takes up the runs of processes that died, or ended while their server was away, and delivers "
                       "what the processor of that server had not taken. The next process with the same processor does "
                       "so by itself. Runs whose process lives are left alone.",
                       {},
                       kOptions,
                       Paging::kNever,
                       run};

}  // namespace trunkline::cli
