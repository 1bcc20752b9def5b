#include "scenarios/player.hpp"

#include <array>

namespace trunkline::scenarios {
namespace {

constexpr uint32_t kPatienceMs = 20'000;

constexpr std::array kCodes = {"TR_OK",        "TR_EINVAL", "TR_ESTALE",     "TR_ESTATE",  "TR_ENOMEM",
                               "TR_ETIMEDOUT", "TR_EAGAIN", "TR_EREENTRANT", "TR_EPARENT", "TR_EUNSUPPORTED",
                               "TR_EIO",       "TR_ELIMIT", "TR_ECLOSED",    "TR_ENOENT",  "TR_EINTERNAL"};

// All that a scenario may need is to be had in C++.
constexpr std::array kNeeds = {"after_shutdown", "bad_utf8",      "calls_in_hooks", "chosen_ids", "double_end",
                               "extract",        "handle_misuse", "poll",           "raw_json",   "raw_json_attributes",
                               "retain",         "throw",         "unknown_kinds"};

uint32_t choice(const json& given, std::initializer_list<const char*> names) {
  uint32_t number = 1;
  for (const char* name : names) {
    if (given == name) return number;
    ++number;
  }
  throw Refused("an unknown choice: " + given.dump());
}

std::string joined(const json& texts) {
  std::string all;
  for (const json& each : texts) all += (all.empty() ? "" : ",") + each.get<std::string>();
  return all;
}

}  // namespace

int code_of(const std::string& name) {
  for (size_t i = 0; i < kCodes.size(); ++i) {
    if (name == kCodes[i]) return -static_cast<int>(i);
  }
  throw Refused("the unknown code " + name);
}

std::string name_of(int code) {
  return code <= 0 && static_cast<size_t>(-code) < kCodes.size() ? kCodes[static_cast<size_t>(-code)]
                                                                 : std::to_string(code);
}

Player::Player(const json& scenario) : scenario_(scenario) {
  Fields fields(scenario, "the scenario");
  fields.text("shows");
  for (const json& need : fields.take("needs", json::array())) {
    bool known = false;
    for (const char* each : kNeeds) known = known || need == each;
    if (!known) throw Refused("the unknown need " + need.dump());
  }
  config_ = fields.take("config", json::object());
  fields.take("processors", json::array());
  fields.take("steps");
  fields.take("expect");
  fields.finish();
  handles_ = {{"0", 0}, {"invented", (uint64_t{1} << 52) + 12'345}};
}

Player::~Player() { tr_shutdown(kPatienceMs); }

void Player::fail(const std::string& what) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(what);
}

void Player::start_library() {
  Fields given(config_, "the configuration");
  tr_config config;
  tr_config_init(&config, sizeof config);
  directories_.emplace_back();
  config.directory = directories_.back().path().c_str();
  config.processors = "none";
  config.log = [](void*, tr_level, const char*, size_t) {};
  config.flags |= TR_CONFIG_NO_EXIT_HOOK;
  if (!given.take("default_redaction", true).get<bool>()) config.flags |= TR_CONFIG_NO_DEFAULT_REDACTION;
  if (given.take("disabled", false).get<bool>()) config.flags |= TR_CONFIG_DISABLED;
  if (given.has("content")) config.content = choice(given.take("content"), {"on", "off"});
  if (given.has("durability")) config.durability = choice(given.take("durability"), {"memory", "log", "fsync"});
  if (given.has("recorder")) config.recorder = choice(given.take("recorder"), {"file", "memory"});
  config.max_memory = static_cast<uint64_t>(given.integer("max_memory", static_cast<int64_t>(config.max_memory)));
  config.max_value_bytes =
      static_cast<uint64_t>(given.integer("max_value_bytes", static_cast<int64_t>(config.max_value_bytes)));
  config.max_attributes = static_cast<uint32_t>(given.integer("max_attributes", config.max_attributes));
  config.end_grace_ms = static_cast<uint32_t>(given.integer("end_grace_ms", config.end_grace_ms));
  config.sample_ratio = given.take("sample_ratio", config.sample_ratio).get<double>();
  const std::string keys = joined(given.take("redact_keys", json::array()));
  const std::string patterns = joined(given.take("redact_patterns", json::array()));
  if (!keys.empty()) config.redact_keys = keys.c_str();
  if (!patterns.empty()) config.redact_patterns = patterns.c_str();
  given.finish();
  tr_error error{sizeof error, 0, {}};
  if (tr_init(&config, &error) != TR_OK) throw std::runtime_error(std::string("tr_init: ") + error.message);
  alive_ = true;
}

std::vector<std::string> Player::run() {
  start_library();
  for (const json& each : scenario_.value("processors", json::parse(R"([{"as": "p"}])"))) {
    json step = each;
    step["do"] = "add_processor";
    play(step);
  }
  for (const json& step : scenario_["steps"]) play(step);
  if (alive_) {
    if (const int result = tr_flush(kPatienceMs); result != TR_OK) fail("the last flush gives " + name_of(result));
    end_life();
  }
  compare();
  return failures_;
}

void Player::play(const json& step) {
  Fields fields(step, "step " + step.dump());
  const std::string what = fields.text("do");
  const auto found = steps().find(what);
  if (found == steps().end()) throw Refused("the unknown step " + what);
  (this->*found->second)(fields);
  fields.finish();
}

void Player::play_inside(const json& steps) {
  try {
    for (const json& step : steps) play(step);
  } catch (const std::exception& error) {
    fail(std::string("inside a hook: ") + error.what());
  }
}

// The counts of a life stay readable until the next begins.
void Player::end_life() {
  if (const int result = tr_shutdown(kPatienceMs); result != TR_OK) fail("the shutdown gives " + name_of(result));
  alive_ = false;
  for (const auto& each : collectors_) {
    if (each->released() != 1) fail(each->name() + " was released " + std::to_string(each->released()) + " times");
    tr_processor_stats stats{};
    stats.struct_size = sizeof stats;
    if (each->id() != 0 && counts_.count(each->name()) == 0 && tr_processor_stats_get(each->id(), &stats) == TR_OK) {
      counts_[each->name()] = stats;
    }
  }
}

void Player::check(Fields& step, int result) {
  const int expected = code_of(step.text("returns", "TR_OK"));
  if (result != expected) fail(step.what() + " gives " + name_of(result) + " and not " + name_of(expected));
}

void Player::started(Fields& step, uint64_t handle) {
  const std::string name = step.text("as");
  const std::string expected = step.text("returns", "handle");
  if (expected != "handle" && expected != "none") throw Refused("a start returns " + expected);
  if ((handle != 0) != (expected == "handle")) fail(step.what() + " gives the handle " + std::to_string(handle));
  const std::lock_guard lock(mutex_);
  if (!handles_.emplace(name, handle).second) throw Refused("the name " + name + " is given twice");
  uint8_t trace_id[16];
  uint8_t span_id[8];
  if (handle == 0) return;
  if (tr_span_get_ids(handle, nullptr, span_id) == TR_OK) {
    names_.bind(name, hex_of(span_id, sizeof span_id));
  } else if (tr_trace_get_id(handle, trace_id) == TR_OK) {
    names_.bind(name, hex_of(trace_id, sizeof trace_id));
  }
}

uint64_t Player::handle(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = handles_.find(name);
  if (found == handles_.end()) throw Refused("nothing is called " + name);
  return found->second;
}

uint64_t Player::handle_or_none(Fields& step, const char* member) {
  return step.has(member) ? handle(step, member) : 0;
}

Collector& Player::collector(const std::string& name) const {
  for (const auto& each : collectors_) {
    if (each->name() == name) return *each;
  }
  throw Refused("no processor is called " + name);
}

Collector& Player::new_collector(const json& description) {
  auto made = std::make_unique<Collector>(description, [this](const json& steps) { play_inside(steps); });
  for (const auto& each : collectors_) {
    if (each->name() == made->name()) throw Refused("two processors are called " + made->name());
  }
  return *collectors_.emplace_back(std::move(made));
}

}  // namespace trunkline::scenarios
