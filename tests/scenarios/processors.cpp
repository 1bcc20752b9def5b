// The steps about processors and the life of the library, and what is compared at its end.
#include <array>
#include <map>

#include "scenarios/player.hpp"

namespace trunkline::scenarios {
namespace {

constexpr uint32_t kPatienceMs = 20'000;

struct TallyName {
  const char* name;
  tr_tally tr_processor_stats::*field;
};
constexpr TallyName kTallies[] = {
    {"offered", &tr_processor_stats::offered},       {"delivered", &tr_processor_stats::delivered},
    {"rejected", &tr_processor_stats::rejected},     {"poisoned", &tr_processor_stats::poisoned},
    {"removed", &tr_processor_stats::removed},       {"overflowed", &tr_processor_stats::overflowed},
    {"unreadable", &tr_processor_stats::unreadable}, {"left_behind", &tr_processor_stats::left_behind},
    {"pending", &tr_processor_stats::pending}};

const std::map<std::string, uint64_t tr_stats::*>& library_counts() {
  static const std::map<std::string, uint64_t tr_stats::*> counts = {
      {"traces_started", &tr_stats::traces_started},         {"traces_ended", &tr_stats::traces_ended},
      {"traces_sampled_out", &tr_stats::traces_sampled_out}, {"traces_refused", &tr_stats::traces_refused},
      {"spans_started", &tr_stats::spans_started},           {"spans_ended", &tr_stats::spans_ended},
      {"spans_incomplete", &tr_stats::spans_incomplete},     {"spans_refused", &tr_stats::spans_refused},
      {"stale_handles", &tr_stats::stale_handles},           {"misuse", &tr_stats::misuse},
      {"values_truncated", &tr_stats::values_truncated},     {"values_dropped", &tr_stats::values_dropped},
      {"attributes_dropped", &tr_stats::attributes_dropped}, {"values_redacted", &tr_stats::values_redacted},
      {"records_logged", &tr_stats::records_logged}};
  return counts;
}

// Whether each record that was offered is accounted for.
bool law_holds(const tr_processor_stats& stats, uint64_t tr_tally::*part) {
  uint64_t sum = 0;
  for (const TallyName& each : kTallies) {
    if (each.field != &tr_processor_stats::offered) sum += stats.*each.field.*part;
  }
  return stats.offered.*part == sum;
}

}  // namespace

const std::map<std::string, Player::Step>& Player::steps() {
  static const std::map<std::string, Step> all = {{"trace_start", &Player::trace_start},
                                                  {"trace_set", &Player::trace_set},
                                                  {"trace_set_error", &Player::trace_set_error},
                                                  {"trace_event", &Player::trace_event},
                                                  {"trace_end", &Player::trace_end},
                                                  {"span_start", &Player::span_start},
                                                  {"span_set", &Player::span_set},
                                                  {"span_set_many", &Player::span_set_many},
                                                  {"span_set_usage", &Player::span_set_usage},
                                                  {"span_set_model", &Player::span_set_model},
                                                  {"span_set_score", &Player::span_set_score},
                                                  {"span_set_step", &Player::span_set_step},
                                                  {"span_set_input", &Player::span_set_input},
                                                  {"span_set_output", &Player::span_set_output},
                                                  {"span_set_error", &Player::span_set_error},
                                                  {"span_set_foreign_id", &Player::span_set_foreign_id},
                                                  {"span_event", &Player::span_event},
                                                  {"span_end", &Player::span_end},
                                                  {"span_record", &Player::span_record},
                                                  {"inject", &Player::inject},
                                                  {"extract", &Player::extract},
                                                  {"run_start", &Player::run_start},
                                                  {"run_log", &Player::run_log},
                                                  {"run_set_summary", &Player::run_set_summary},
                                                  {"run_set_config", &Player::run_set_config},
                                                  {"run_set_tag", &Player::run_set_tag},
                                                  {"run_log_artifact", &Player::run_log_artifact},
                                                  {"run_log_media", &Player::run_log_media},
                                                  {"run_add_artifact", &Player::run_add_artifact},
                                                  {"run_use_artifact", &Player::run_use_artifact},
                                                  {"run_finish", &Player::run_finish},
                                                  {"add_processor", &Player::add_processor},
                                                  {"set_processors", &Player::set_processors},
                                                  {"remove_processor", &Player::remove_processor},
                                                  {"wait", &Player::wait},
                                                  {"ack", &Player::ack},
                                                  {"poll", &Player::poll},
                                                  {"poll_ack", &Player::poll_ack},
                                                  {"poll_ack_part", &Player::poll_ack_part},
                                                  {"flush", &Player::flush},
                                                  {"shutdown", &Player::shutdown},
                                                  {"init", &Player::init}};
  return all;
}

void Player::add_processor(Fields& step) {
  json description = json::object();
  for (const char* member : {"as", "shape", "span_starts", "batch_size", "answers"}) {
    if (step.has(member)) description[member] = step.take(member);
  }
  Collector& added = new_collector(description);
  const tr_processor table = added.table();
  tr_processor_id id = 0;
  check(step, tr_add_processor(&table, &id));
  added.set_id(id);
}

void Player::set_processors(Fields& step) {
  std::vector<Collector*> added;
  std::vector<tr_processor> tables;
  for (const json& each : step.take("processors")) {
    added.push_back(&new_collector(each));
    tables.push_back(added.back()->table());
  }
  std::vector<tr_processor_id> ids(tables.size());
  check(step, tr_replace_processors(tables.data(), tables.size(), ids.data()));
  for (size_t i = 0; i < added.size(); ++i) added[i]->set_id(ids[i]);
}

void Player::remove_processor(Fields& step) {
  check(step, tr_remove_processor(collector(step.text("processor")).id()));
}

void Player::wait(Fields& step) {
  const Collector& waited = collector(step.text("processor"));
  const auto records = static_cast<size_t>(step.integer("records"));
  if (!waited.wait_taken(records)) {
    fail(step.what() + ": it has taken " + std::to_string(waited.taken().size()));
  }
}

void Player::ack(Fields& step) {
  Collector& keeper = collector(step.text("processor"));
  const int result = code_of(step.text("result"));
  tr_batch* kept = keeper.wait_kept();
  if (kept == nullptr) return fail(step.what() + ": no batch was kept");
  if (result == TR_OK) keeper.take(*kept, kept->count);
  check(step, tr_batch_ack(kept, result));
}

void Player::poll(Fields& step) {
  Collector& polled = collector(step.text("processor"));
  const auto most = static_cast<uint32_t>(step.integer("most"));
  const std::string name = step.text("as");
  tr_batch* batch = nullptr;
  const int result = tr_poll(polled.id(), most, kPatienceMs, &batch);
  if (result < 0 || step.has("returns")) return check(step, result);
  if (result == 0) return fail(step.what() + ": there is nothing");
  if (!batches_.emplace(name, std::pair(batch, &polled)).second) throw Refused("two batches are called " + name);
}

void Player::poll_ack(Fields& step) {
  const int result = code_of(step.text("result"));
  const auto found = batches_.find(step.text("batch"));
  if (found == batches_.end()) throw Refused("no batch is called so: " + step.what());
  const auto [batch, polled] = found->second;
  batches_.erase(found);
  if (result == TR_OK) polled->take(*batch, batch->count);
  check(step, tr_poll_ack(batch, result, nullptr, 0));
}

void Player::poll_ack_part(Fields& step) {
  const auto taken = static_cast<size_t>(step.integer("taken"));
  const int result = code_of(step.text("result"));
  const auto found = batches_.find(step.text("batch"));
  if (found == batches_.end()) throw Refused("no batch is called so: " + step.what());
  const auto [batch, polled] = found->second;
  batches_.erase(found);
  polled->take(*batch, taken);
  check(step, tr_poll_ack_part(batch, taken, result, nullptr, 0));
}

void Player::flush(Fields& step) { check(step, tr_flush(kPatienceMs)); }

void Player::shutdown(Fields& step) {
  if (step.has("returns")) return check(step, tr_shutdown(kPatienceMs));
  end_life();
}

void Player::init(Fields&) { start_library(); }

void Player::compare_counts(const Collector& collector, Fields expected) {
  const auto found = counts_.find(collector.name());
  if (found == counts_.end()) return fail("there are no counts of " + collector.name());
  const tr_processor_stats& stats = found->second;
  if (!law_holds(stats, &tr_tally::records) || !law_holds(stats, &tr_tally::spans)) {
    fail("not all that was offered to " + collector.name() + " is accounted for");
  }
  const auto count = [&](Fields& fields, const char* member, uint64_t actual) {
    if (!fields.has(member)) return;
    const auto wanted = fields.take(member).get<uint64_t>();
    if (wanted != actual) {
      fail(fields.what() + ": " + member + " is " + std::to_string(actual) + " and not " + std::to_string(wanted));
    }
  };
  for (const TallyName& each : kTallies) {
    if (!expected.has(each.name)) continue;
    Fields tally(expected.take(each.name), expected.what() + ", " + each.name);
    count(tally, "records", (stats.*each.field).records);
    count(tally, "spans", (stats.*each.field).spans);
    tally.finish();
  }
  count(expected, "retries", stats.retries);
  count(expected, "poisoned_now", stats.poisoned_now);
  expected.finish();
}

void Player::compare() {
  Fields expect(scenario_["expect"], "the expectation");
  Fields deliveries(expect.take("deliveries"), "the expected deliveries");
  Fields counts(expect.take("processors", json::object()), "the expected counts");
  for (const auto& each : collectors_) {
    const json expected = deliveries.take(each->name());
    const std::vector<json> taken = each->taken();
    if (expected.size() != taken.size()) {
      fail(each->name() + " took " + std::to_string(taken.size()) + " records and not " +
           std::to_string(expected.size()));
    }
    uint64_t before = 0;
    for (size_t i = 0; i < taken.size(); ++i) {
      const std::string where = each->name() + ", record " + std::to_string(i);
      if (i < expected.size()) {
        if (const std::string what = difference(expected[i], taken[i], &names_); !what.empty()) {
          fail(where + ": " + what);
        }
      } else {
        fail(where + ": unexpected " + taken[i].dump());
      }
      if (const std::string what = insane(taken[i]); !what.empty()) fail(where + ": " + what);
      const auto sequence = taken[i]["sequence"].get<uint64_t>();
      if (sequence <= before) fail(where + ": its sequence does not rise");
      before = sequence;
    }
    if (each->id() != 0) compare_counts(*each, Fields(counts.take(each->name(), json::object()), each->name()));
  }
  deliveries.finish();
  counts.finish();
  Fields stats(expect.take("stats", json::object()), "the expected stats");
  tr_stats actual{};
  actual.struct_size = sizeof actual;
  tr_stats_get(&actual);
  for (const auto& [name, field] : library_counts()) {
    if (!stats.has(name)) continue;
    const auto wanted = stats.take(name).get<uint64_t>();
    if (wanted != actual.*field) {
      fail(name + " is " + std::to_string(actual.*field) + " and not " + std::to_string(wanted));
    }
  }
  stats.finish();
  expect.finish();
}

}  // namespace trunkline::scenarios
