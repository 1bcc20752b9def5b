#include "reading/adopt.hpp"

#include "model/environment.hpp"
#include "os/time.hpp"
#include "pipeline/adopt_now.hpp"
#include "pipeline/processor.hpp"
#include "processors/local/local_processor.hpp"
#include "processors/mlflow/mlflow_processor.hpp"
#include "processors/wandb/wandb_processor.hpp"
#include "reading/counting_processor.hpp"
#include "reading/runs.hpp"
#include "session.hpp"
#include "terminal/output.hpp"
#include "terminal/text.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

void forward_message(void* /*user_data*/, tr_level /*level*/, const char* message, size_t size) {
  warn({message, size});
}

}  // namespace

std::shared_ptr<const Redactor> make_redactor() {
  const ConfigEnvironment environment = read_environment();
  Redactor::Options options;
  if (environment.redact_keys != nullptr) options.keys = environment.redact_keys;
  if (environment.redact_patterns != nullptr) options.patterns = environment.redact_patterns;
  return std::make_shared<const Redactor>(options);
}

namespace {

Adopted adopt(const std::string& directory, const tr_processor& table, int64_t timeout_ms,
              pipeline::Expired expired = pipeline::Expired::kRemoved) {
  Adopted adopted;
  const auto counts = std::make_shared<TakenCounts>();
  pipeline::MessageLog messages(TR_LEVEL_WARN, forward_message, nullptr);
  const pipeline::AdoptionReport report =
      pipeline::adopt_now(directory, {counting_processor(table, counts)}, make_redactor(), &messages,
                          os::monotonic_now() + timeout_ms * 1'000'000, expired);
  adopted.runs = report.runs;
  adopted.recovered = report.recovered;
  adopted.incomplete = counts->incomplete;
  adopted.corrupt = report.corrupt;
  adopted.expired = report.expired;
  adopted.delivered = report.delivered;
  adopted.spans = report.spans;
  adopted.waiting = report.waiting;
  adopted.complete = report.complete;
  return adopted;
}

void say_to_people(tr_level level, std::string_view sentence) {
  if (level >= TR_LEVEL_WARN) warn(sentence);
}

constexpr processors::ProcessorHost kHost = {&pipeline::Processor::save_from_hook, &say_to_people,
                                             &pipeline::Processor::hook_time_left_ms,
                                             &pipeline::Processor::hook_is_awaited};

std::string counted(uint64_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

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
  members.text_or_null("destination", found.destination);
  members.number("delivered", as_number(found.delivered));
  members.number("spans", as_number(found.spans));
  members.boolean("complete", found.complete);
  members.close();
  output->write(text + "\n");
}

void write_text(const Adopted& found, std::string_view place, Output* output) {
  const std::string to = std::string(place) + (found.destination.empty() ? "" : " at " + visible(found.destination));
  if (found.runs == 0 && found.complete) {
    output->write(found.destination.empty() ? "nothing to recover\n" : "nothing waits for " + to + "\n");
    return;
  }
  output->write(counted(found.runs, "dead run") + "\n");
  output->write("  " + counted(found.recovered, "record") + " recovered from memory\n");
  output->write("  " + counted(found.delivered, "record") + " delivered to " + to + ", " +
                counted(found.spans, "span") + " among them\n");
  output->write("  " + std::to_string(found.incomplete) + " of them incomplete\n");
  output->write("  " + std::to_string(found.corrupt) + " corrupt\n");
  if (found.waiting != 0) {
    output->write("  " + counted(found.waiting, "run") +
                  " with something for other processors, kept (trunkline sync --list)\n");
  }
  if (found.expired != 0) output->write("  " + counted(found.expired, "run") + " expired\n");
}

}  // namespace

Adopted adopt_for_store(const std::string& directory, int64_t timeout_ms, pipeline::Expired expired) {
  tr_processor local{};
  local.struct_size = sizeof local;
  if (const Error error = make_local_processor({}, directory, &local)) {
    warn(error.message);
    Adopted none;
    none.complete = false;
    return none;
  }
  return adopt(directory, local, timeout_ms, expired);
}

Expected<Adopted> adopt_for(std::string_view target, std::string_view options_json, const std::string& from,
                            const std::string& directory, int64_t timeout_ms) {
  tr_processor table{};
  table.struct_size = sizeof table;
  const auto make = target == "mlflow" ? &make_mlflow_processor : target == "wandb" ? &make_wandb_processor : nullptr;
  if (make == nullptr) return Error{TR_EINVAL, "nothing can be delivered to " + std::string(target)};
  processors::ProcessorHost host = kHost;
  const bool any = has_runs(directory);
  if (!any)
    host.message = [](tr_level, std::string_view) {};  // it will not work: what it says of its work says nothing
  if (Error error = make(options_json, directory, &table, host)) return error;
  const std::string destination = table.destination;
  Adopted adopted;
  adopted.destination = destination;
  if (!any) {
    table.release(table.user_data);
    return adopted;
  }
  // What was remembered of runs at another server is known as such by the processor.
  if (!from.empty()) table.destination = from.c_str();
  adopted = adopt(directory, table, timeout_ms);
  adopted.destination = destination;
  return adopted;
}

Adopted discard_for(const std::string& name, const std::string& destination, const std::string& directory,
                    int64_t timeout_ms) {
  tr_processor table{};
  table.struct_size = sizeof table;
  table.flags = TR_PROCESSOR_DURABLE;
  table.name = name.c_str();
  table.destination = destination.empty() ? nullptr : destination.c_str();
  table.on_batch = [](void*, const tr_batch*) -> int { return TR_OK; };
  return adopt(directory, table, timeout_ms, pipeline::Expired::kKept);
}

int report(const Adopted& found, std::string_view place, Session* session) {
  if (session->json()) {
    write_json(session->directory(), found, session->output());
  } else {
    write_text(found, place, session->output());
  }
  if (found.complete) return kSuccess;
  return session->fail({TR_ETIMEDOUT, "not everything could be recovered; what is left waits for another try"});
}

}  // namespace trunkline::cli
