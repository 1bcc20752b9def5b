// trunkline sync: delivers to a server what dead processes had not delivered to it, and W&B runs that are files; tells
// what waits for whom, and gives it up when it is told to.
#include <algorithm>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "pipeline/adoption.hpp"
#include "processors/wandb/wandb_upload.hpp"
#include "reading/adopt.hpp"
#include "reading/runs.hpp"
#include "reading/waiting.hpp"
#include "session.hpp"
#include "terminal/confirm.hpp"
#include "terminal/table.hpp"
#include "terminal/text.hpp"
#include "terminal/time_text.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

constexpr int64_t kUsualTimeout = 300;
constexpr int64_t kLookMs = 2'000;

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
    {"list", 0, OptionType::kFlag, "", "Only tell what waits: for which processor, for which destination, how much."},
    {"from", 0, OptionType::kText, "DESTINATION",
     "What waits for this destination, as --list shows it. It is delivered to that of the options and the "
     "environment."},
    {"discard", 0, OptionType::kText, "PROCESSOR",
     "Give up what waits for the processor of this name; with --from, what waits for this destination alone."},
    {"yes", 'y', OptionType::kFlag, "", "With --discard: do not ask."},
    {"timeout", 0, OptionType::kCount, "SECONDS", "How long to wait at most. Default: 300."},
};

void tell(const std::string& log, const UploadedLog& done, Session* session) {
  if (session->json()) {
    std::string text;
    JsonMembers members(&text);
    members.text("log", log);
    members.text("run", done.run_id);
    members.number("rows", static_cast<int64_t>(done.rows));
    members.number("files", static_cast<int64_t>(done.files));
    members.number("lost", static_cast<int64_t>(done.lost.size()));
    members.number("left_out", static_cast<int64_t>(done.left_out));
    members.boolean("ended", done.ended);
    members.boolean("already", done.already);
    members.close();
    session->output()->write(text + "\n");
    return;
  }
  std::string sentence = "run " + done.run_id + ": " + std::to_string(done.rows) + " rows";
  if (done.files != 0) sentence += ", " + std::to_string(done.files) + " files";
  if (done.already) sentence += ", uploaded before";
  if (!done.ended) sentence += ", its end is not known";
  if (done.left_out != 0) sentence += ", " + std::to_string(done.left_out) + " records of other kinds left out";
  session->output()->write(sentence + "\n");
}

int tell_outcome(const std::string& log, const Expected<UploadedLog>& done, Session* session) {
  int result = kSuccess;
  const auto fail = [&](int code, const std::string& why) {
    std::string sentence = log;
    result = session->fail({code, sentence.append(": ").append(why)});
  };
  if (done) {
    tell(log, *done, session);
    for (const std::string& lost : done->lost) fail(TR_EIO, lost);
  } else {
    fail(done.error().code, done.error().message);
  }
  return result;
}

struct Upload {
  std::string log;
  UploadedLog done;
};

// What uses an artifact of a run that comes behind it is uploaded again behind that, as long as that helps.
int upload(const Arguments& arguments, int64_t timeout_ms, Session* session) {
  int result = kSuccess;
  std::vector<Upload> left;
  for (const std::string& log : arguments.operands()) left.push_back({log, {}});
  for (size_t before = left.size() + 1; left.size() < before;) {
    before = left.size();
    std::vector<Upload> waiting;
    for (Upload& each : left) {
      auto done = upload_wandb_log(each.log, arguments.text("options"), timeout_ms);
      if (done && done->waits) {
        waiting.push_back({std::move(each.log), std::move(*done)});
      } else {
        result = std::max(result, tell_outcome(each.log, done, session));
      }
    }
    left = std::move(waiting);
  }
  for (const Upload& each : left) result = std::max(result, tell_outcome(each.log, each.done, session));
  return result;
}

void write_json(const std::vector<Waiting>& all, Output* output) {
  std::string text = "[";
  for (const Waiting& waiting : all) {
    if (text.size() > 1) text += ",";
    JsonMembers members(&text);
    members.text("processor", waiting.processor());
    members.text_or_null("destination", waiting.destination());
    members.number("records", as_number(waiting.records));
    members.number("runs", as_number(waiting.runs));
    members.number("oldest_ns", waiting.oldest_ns);
    members.number("expires_ns", waiting.oldest_ns + pipeline::kExpiryNs);
    members.close();
  }
  output->write(text + "]\n");
}

std::string age_text(int64_t age_ns) {
  return duration_text(std::max<int64_t>(0, age_ns)) + (age_ns > pipeline::kExpiryNs ? ", expired" : "");
}

void write_table(const std::vector<Waiting>& all, Session* session) {
  Table table({{"PROCESSOR", false, Column::kAlways},
               {"RECORDS", true, 3},
               {"RUNS", true, 1},
               {"AGE", true, 2},
               {"DESTINATION", false, Column::kAlways}});
  for (const Waiting& waiting : all) {
    table.add({{visible(waiting.processor()), Colour::kCyan},
               {std::to_string(waiting.records)},
               {std::to_string(waiting.runs)},
               {age_text(session->now_ns() - waiting.oldest_ns)},
               {waiting.destination().empty() ? "-" : visible(waiting.destination())}});
  }
  table.print(session->output(), session->terminal());
}

// What lies in the recorders of the dead is counted only when it is in their logs. Who asks what waits removes nothing.
std::vector<Waiting> look(const Session& session) {
  if (!has_runs(session.directory())) return {};
  static_cast<void>(adopt_for_store(session.directory(), kLookMs, pipeline::Expired::kKept));
  return list_waiting(session.directory()).processors;
}

// Of the processor, and of the destination if one is named.
std::vector<Waiting> waiting_for(std::string_view processor, std::string_view destination, const Session& session) {
  std::vector<Waiting> chosen;
  for (Waiting& waiting : look(session)) {
    if (waiting.processor() != processor) continue;
    if (destination.empty() || waiting.destination() == destination) chosen.push_back(std::move(waiting));
  }
  return chosen;
}

int fail_for_nothing(std::string_view processor, const std::string& from, Session* session) {
  const std::string place = from.empty() ? "" : " at " + visible(from);
  return session->fail({TR_ENOENT, "nothing waits for " + visible(processor) + place +
                                       "; trunkline sync --list shows the processors and destinations"});
}

int list(Session* session) {
  const std::vector<Waiting> all = look(*session);
  if (session->json()) {
    write_json(all, session->output());
  } else if (all.empty()) {
    session->output()->write("nothing waits\n");
  } else {
    write_table(all, session);
  }
  return kSuccess;
}

int discard(const Arguments& arguments, int64_t timeout_ms, Session* session) {
  const std::string name = arguments.text("discard");
  const std::string from = arguments.text("from");
  const std::vector<Waiting> chosen = waiting_for(name, from, *session);
  if (chosen.empty()) return fail_for_nothing(name, from, session);
  if (!arguments.has("yes")) {
    if (!can_ask()) return session->refuse("standard input is no terminal to ask on; use --yes");
    for (const Waiting& waiting : chosen) {
      note("Discarding " + std::to_string(waiting.records) + " records for " + visible(waiting.processor()) + " " +
           visible(waiting.destination()));
    }
    if (!is_confirmed()) return session->fail({TR_ESTATE, "nothing was discarded"});
  }
  uint64_t records = 0;
  bool complete = true;
  for (const Waiting& waiting : chosen) {
    const Adopted gone = discard_for(std::string(waiting.processor()), std::string(waiting.destination()),
                                     session->directory(), timeout_ms);
    records += gone.delivered;
    complete = complete && gone.complete;
  }
  session->output()->write(session->json() ? "{\"discarded\":" + std::to_string(records) + "}\n"
                                           : "discarded " + std::to_string(records) + " records\n");
  return complete ? kSuccess : session->fail({TR_ETIMEDOUT, "not everything could be discarded"});
}

int run(const Arguments& arguments, Session* session) {
  const std::string target = arguments.has("to") ? arguments.text("to") : "mlflow";
  const int64_t timeout_ms = arguments.number("timeout").value_or(kUsualTimeout) * 1'000;
  if (arguments.has("list")) return list(session);
  if (arguments.has("discard")) return discard(arguments, timeout_ms, session);
  if (!arguments.operands().empty()) {
    return target == "wandb" ? upload(arguments, timeout_ms, session) : session->refuse("LOG is for --to wandb");
  }
  const std::string from = arguments.text("from");
  if (!from.empty() && waiting_for(target, from, *session).empty()) return fail_for_nothing(target, from, session);
  const auto found = adopt_for(target, arguments.text("options"), from, session->directory(), timeout_ms);
  return found ? report(*found, target, session) : session->fail(found.error());
}

}  // namespace

const Command kSync = {"sync",
                       "Deliver to a server what dead processes left undelivered.",
                       "Takes up the runs of processes that died, or ended while their server was away, and delivers "
                       "what the processor of that server had not taken. The next process with the same processor does "
                       "so by itself. Runs whose process lives are left alone. What waits for another server, --list "
                       "tells, --from delivers all the same and --discard gives up. With LOG it uploads W&B runs that "
                       "were written to files, of this library or of W&B's own, with their metrics, summaries, "
                       "configurations, files and artifacts.",
                       kOperands,
                       kOptions,
                       Paging::kNever,
                       run};

}  // namespace trunkline::cli
