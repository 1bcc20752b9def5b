#include "pipeline/adopt_now.hpp"

#include "pipeline/delivery_thread.hpp"
#include "pipeline/identity.hpp"

namespace trunkline::pipeline {

AdoptionReport adopt_now(const std::string& directory, const std::vector<tr_processor>& tables,
                         std::shared_ptr<const Redactor> redactor, MessageLog* messages, int64_t deadline,
                         Expired expired) {
  AdoptionReport report;
  Registry registry;
  tr_processor_id id = 1;
  const std::shared_ptr<DeliveryThread> thread = DeliveryThread::start();
  for (const tr_processor& table : tables) {
    const auto processor = std::make_shared<Processor>(table, id++, identity_of(table), nullptr);
    if (thread == nullptr || !thread->add(processor)) {
      report.complete = false;
      continue;
    }
    registry.add(processor);
  }
  Adoption adoption(directory, std::string(), std::move(redactor), &registry, messages, expired);
  if (const Error error = adoption.start()) {
    messages->error("nothing can be taken up: " + error.message);
    report.complete = false;
  }
  report.complete = adoption.wait_until_done(deadline) && report.complete;
  for (const auto& processor : registry.all()) {
    processor->close(deadline);
    report.complete = processor->wait_closed(deadline) && report.complete;
    const tr_processor_stats stats = processor->stats();
    report.delivered += stats.adopted.records;
    report.spans += stats.adopted.spans;
  }
  adoption.stop(INT64_MAX, INT64_MAX);
  const AdoptionCounters& counters = adoption.counters();
  report.runs = counters.runs_adopted;
  report.recovered = counters.records_recovered;
  report.corrupt = counters.records_corrupt;
  report.expired = counters.runs_expired;
  report.waiting = counters.runs_waiting;
  report.complete = report.complete && counters.failures == 0;
  return report;
}

}  // namespace trunkline::pipeline
