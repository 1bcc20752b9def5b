#include "scenarios/collector.hpp"

#include <chrono>
#include <stdexcept>

#include "scenarios/records.hpp"

namespace trunkline::scenarios {
namespace {

constexpr std::chrono::seconds kPatience{20};

}  // namespace

Collector::Collector(const json& description, Play play) : play_(std::move(play)) {
  Fields fields(description, "a processor");
  name_ = fields.text("as");
  shape_ = fields.text("shape", "hooks");
  if (shape_ != "hooks" && shape_ != "batch" && shape_ != "poll") throw Refused("the unknown shape " + shape_);
  span_starts_ = fields.take("span_starts", false).get<bool>();
  batch_size_ = static_cast<uint32_t>(fields.integer("batch_size", 0));
  for (const json& each : fields.take("answers", json::array())) rules_.push_back(rule_of(each));
  fields.finish();
}

Collector::Rule Collector::rule_of(const json& description) {
  Fields fields(description, "an answer");
  Rule rule{fields.take("to"), fields.text("answer"), fields.integer("times", -1), fields.take("calls", json::array())};
  fields.finish();
  Fields to(rule.to, "what is answered");
  to.text("type", "");
  to.text("name", "");
  to.finish();
  for (const char* known : {"take", "again", "fail", "throw", "retain"}) {
    if (rule.answer == known) return rule;
  }
  throw Refused("the unknown answer " + rule.answer);
}

tr_processor Collector::table() {
  tr_processor table{};
  table.struct_size = sizeof table;
  table.user_data = this;
  table.name = name_.c_str();
  table.batch_size = batch_size_;
  table.release = [](void* user) { self(user).released_.fetch_add(1); };
  if (shape_ == "poll") table.flags |= TR_PROCESSOR_POLL;
  if (span_starts_ && shape_ != "hooks") table.flags |= TR_PROCESSOR_SPAN_STARTS;
  if (shape_ == "batch") {
    table.on_batch = [](void* user, const tr_batch* batch) { return self(user).on_batch(*batch); };
  } else if (shape_ == "hooks") {
    table.on_run = [](void* user, const tr_record* record) { return self(user).hook(*record); };
    table.on_trace_start = table.on_trace_end = table.on_span_end = table.on_run;
    if (span_starts_) table.on_span_start = table.on_run;
  }
  return table;
}

// Plays what the rule for a record says is to be called, and tells its answer.
std::string Collector::answer_for(const json& record) {
  json calls;
  std::string answer = "take";
  {
    const std::lock_guard lock(mutex_);
    for (Rule& rule : rules_) {
      const bool fits = (!rule.to.contains("type") || rule.to["type"] == record["type"]) &&
                        (!rule.to.contains("name") || rule.to["name"] == record.value("name", ""));
      if (!fits || rule.times == 0) continue;
      if (rule.times > 0) --rule.times;
      calls = rule.calls;
      answer = rule.answer;
      break;
    }
  }
  if (!calls.empty()) play_(calls);
  return answer;
}

int Collector::result_of(const std::string& answer) {
  if (answer == "again") return TR_EAGAIN;
  if (answer == "fail") return TR_EIO;
  if (answer == "throw") throw std::runtime_error("as the scenario wants it");
  return TR_OK;
}

int Collector::hook(const tr_record& record) {
  json normal = normal_record(record);
  const int result = result_of(answer_for(normal));
  if (result != TR_OK) return result;
  const std::lock_guard lock(mutex_);
  taken_.push_back(std::move(normal));
  changed_.notify_all();
  return TR_OK;
}

int Collector::on_batch(const tr_batch& batch) {
  std::string answer = "take";
  for (size_t i = 0; i < batch.count && answer == "take"; ++i) answer = answer_for(normal_record(*batch.records[i]));
  const int result = result_of(answer);
  if (result != TR_OK) return result;
  if (answer == "retain") {
    tr_batch* kept = tr_batch_retain(&batch);
    const std::lock_guard lock(mutex_);
    kept_.push_back(kept);
    changed_.notify_all();
    return TR_OK;
  }
  take(batch, batch.count);
  return TR_OK;
}

void Collector::take(const tr_batch& batch, size_t count) {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < count; ++i) taken_.push_back(normal_record(*batch.records[i]));
  changed_.notify_all();
}

std::vector<json> Collector::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

bool Collector::wait_taken(size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return taken_.size() >= count; });
}

tr_batch* Collector::wait_kept() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [&] { return !kept_.empty(); })) return nullptr;
  tr_batch* oldest = kept_.front();
  kept_.pop_front();
  return oldest;
}

}  // namespace trunkline::scenarios
