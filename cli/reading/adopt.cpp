#include "reading/adopt.hpp"

#include "model/environment.hpp"
#include "os/time.hpp"
#include "pipeline/adopt_now.hpp"
#include "processors/local/local_processor.hpp"
#include "reading/counting_processor.hpp"
#include "terminal/output.hpp"

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

Adopted adopt_for_store(const std::string& directory, int64_t timeout_ms) {
  Adopted adopted;
  tr_processor local{};
  local.struct_size = sizeof local;
  if (const Error error = make_local_processor({}, directory, &local)) {
    warn(error.message);
    adopted.complete = false;
    return adopted;
  }
  const auto counts = std::make_shared<TakenCounts>();
  pipeline::MessageLog messages(TR_LEVEL_WARN, forward_message, nullptr);
  const pipeline::AdoptionReport report =
      pipeline::adopt_now(directory, {counting_processor(local, counts)}, make_redactor(), &messages,
                          os::monotonic_now() + timeout_ms * 1'000'000);
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

}  // namespace trunkline::cli
