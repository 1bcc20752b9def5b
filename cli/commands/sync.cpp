// trunkline sync: delivers to a server what dead processes had not delivered to it, and W&B runs that are files.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "processors/wandb/wandb_upload.hpp"
#include "reading/adopt.hpp"
#include "reading/runs.hpp"
#include "session.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualTimeout = 300;

constexpr Operand kOperands[] = {
    {"LOG",
     "With --to wandb: folders of runs that are files (wandb/offline-run-...), or such files, to upload in place "
     "of what dead processes left.",
     Quantity::kAny},
};
constexpr Option kOptions[] = {
    {"to", 0, OptionType::kChoice, kSyncTargets, "Where to. Default: mlflow."},
    {"options", 0, OptionType::kText, "JSON",
     "The options of the processor, as the process that died had them. What they do not say is taken from the same "
     "environment variables."},
    {"timeout", 0, OptionType::kCount, "SECONDS", "How long to wait at most. Default: 300."},
};

void tell(const std::string& log, const UploadedLog& done, Session* session) {
  if (session->json()) {
    std::string text;
    JsonMembers members(&text);
    members.text("log", log);
    members.text("run", done.run_id);
    members.number("rows", static_cast<int64_t>(done.rows));
    members.number("left_out", static_cast<int64_t>(done.left_out));
    members.boolean("ended", done.ended);
    members.boolean("already", done.already);
    members.close();
    session->output()->write(text + "\n");
    return;
  }
  std::string sentence = "run " + done.run_id + ": " + std::to_string(done.rows) + " rows";
  if (done.already) sentence += ", uploaded before";
  if (!done.ended) sentence += ", its end is not known";
  if (done.left_out != 0) sentence += ", " + std::to_string(done.left_out) + " records of other kinds left out";
  session->output()->write(sentence + "\n");
}

int upload(const Arguments& arguments, int64_t timeout_ms, Session* session) {
  int result = kSuccess;
  for (const std::string& log : arguments.operands()) {
    const auto done = upload_wandb_log(log, arguments.text("options"), timeout_ms);
    if (done) {
      tell(log, *done, session);
    } else {
      result = session->fail({done.error().code, log + ": " + done.error().message});
    }
  }
  return result;
}

int run(const Arguments& arguments, Session* session) {
  const std::string target = arguments.has("to") ? arguments.text("to") : "mlflow";
  const int64_t timeout_ms = arguments.number("timeout").value_or(kUsualTimeout) * 1'000;
  if (!arguments.operands().empty()) {
    return target == "wandb" ? upload(arguments, timeout_ms, session) : session->refuse("LOG is for --to wandb");
  }
  Adopted found;
  if (has_runs(session->directory())) {
    const auto result = adopt_for(target, arguments.text("options"), session->directory(), timeout_ms);
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
                       "so by itself. Runs whose process lives are left alone. With LOG it uploads W&B runs that were "
                       "written to files, of this library or of W&B's own, as far as they hold metrics, summaries and "
                       "configurations.",
                       kOperands,
                       kOptions,
                       Paging::kNever,
                       run};

}  // namespace trunkline::cli
