// What the tests of the MLflow sink share: a backend in memory that keeps what it is told and fails when it is told to,
// and records made from the recorded events of QitOS's own processor.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "processors/mlflow/mlflow_sink.hpp"
#include "qitos_events.hpp"
#include "store_support.hpp"

namespace trunkline::mlflow_test {

using mlflow::Item;
using mlflow::Metric;
using mlflow::NewRun;
using mlflow::Refusal;
using mlflow::RunItems;
using mlflow::RunStatus;
using mlflow::TracePart;
using nlohmann::json;

struct StoredRun {
  NewRun begin;
  std::vector<Metric> metrics;
  std::map<std::string, std::string> params;
  std::map<std::string, std::string> tags;
  std::map<std::string, std::string> artifacts;  // their bytes
  RunStatus status = RunStatus::kRunning;
  int64_t end_ms = 0;
  int batches = 0;

  bool has(const Metric& metric) const {
    for (const Metric& each : metrics) {
      const bool same = each.value == metric.value || (each.value != each.value && metric.value != metric.value);
      if (each.key == metric.key && each.step == metric.step && each.timestamp_ms == metric.timestamp_ms && same) {
        return true;
      }
    }
    return false;
  }
};

// What outlives a processor: the server.
struct Stored {
  std::vector<std::string> experiments;
  std::vector<StoredRun> runs;  // the id is the index
  std::vector<std::string> calls;
  std::vector<TracePart> parts;  // of traces, as they came
  int spans = 0;
  int searches = 0;
  // Before ("create_run", false) and after ("create_run", true) a call is carried out: what it returns.
  std::function<Error(const std::string& call, bool after)> fail;

  StoredRun& run(const std::string& id) { return runs.at(std::stoul(id)); }
};

class MemoryBackend final : public mlflow::Backend {
 public:
  explicit MemoryBackend(Stored* stored) : stored_(stored) {}

  std::string destination() const override { return "memory"; }
  Expected<std::string> find_or_create_experiment(const std::string& name) override {
    if (Error error = call("experiment", false)) return error;
    for (size_t i = 0; i < stored_->experiments.size(); ++i) {
      if (stored_->experiments[i] == name) return std::to_string(i);
    }
    stored_->experiments.push_back(name);
    return std::to_string(stored_->experiments.size() - 1);
  }
  Expected<std::string> find_run(const std::string& experiment_id, const Item& tag) override {
    if (Error error = call("find_run", false)) return error;
    ++stored_->searches;
    for (size_t i = stored_->runs.size(); i-- > 0;) {
      const StoredRun& run = stored_->runs[i];
      const auto found = run.tags.find(tag.key);
      if (run.begin.experiment_id == experiment_id && found != run.tags.end() && found->second == tag.value) {
        return std::to_string(i);
      }
    }
    return std::string();
  }
  Expected<std::string> read_tag(const std::string& run_id, const std::string& key) override {
    const auto& tags = stored_->run(run_id).tags;
    const auto found = tags.find(key);
    return found == tags.end() ? std::string() : found->second;
  }
  Expected<std::string> find_experiment_of(const std::string& run_id) override {
    if (std::stoul(run_id) >= stored_->runs.size()) return Error{TR_ENOENT, "no such run"};
    return stored_->run(run_id).begin.experiment_id;
  }
  Expected<std::string> create_run(const NewRun& run) override {
    if (Error error = call("create_run", false)) return error;
    StoredRun fresh;
    fresh.begin = run;
    for (const Item& tag : run.tags) fresh.tags[tag.key] = tag.value;
    stored_->runs.push_back(std::move(fresh));
    if (Error error = call("create_run", true)) return error;
    return std::to_string(stored_->runs.size() - 1);
  }
  Error log_batch(const std::string& run_id, const RunItems& items, std::vector<Refusal>* refused) override {
    if (Error error = call("log_batch", false)) return error;
    StoredRun& run = stored_->run(run_id);
    ++run.batches;
    for (const Metric& metric : items.metrics) {
      if (!run.has(metric)) run.metrics.push_back(metric);
    }
    for (const Item& param : items.params) {
      const auto [at, fresh] = run.params.emplace(param.key, param.value);
      if (!fresh && at->second != param.value) refused->push_back({"param " + param.key, "it cannot change"});
    }
    for (const Item& tag : items.tags) run.tags[tag.key] = tag.value;
    return call("log_batch", true);
  }
  Error update_run(const std::string& run_id, RunStatus status, int64_t end_ms) override {
    if (Error error = call("update_run", false)) return error;
    stored_->run(run_id).status = status;
    stored_->run(run_id).end_ms = end_ms;
    return call("update_run", true);
  }
  Error log_artifact(const std::string& run_id, const std::string& path, const std::string& file) override {
    if (Error error = call("log_artifact", false)) return error;
    std::ifstream in(file, std::ios::binary);
    stored_->run(run_id).artifacts[path] = std::string(std::istreambuf_iterator<char>(in), {});
    return call("log_artifact", true);
  }
  Error send_traces(const std::vector<TracePart>& parts, std::vector<Refusal>* /*refused*/) override {
    if (Error error = call("send_traces", false)) return error;
    stored_->parts.insert(stored_->parts.end(), parts.begin(), parts.end());
    for (const TracePart& part : parts) stored_->spans += static_cast<int>(part.spans.size());
    return Error::none();
  }

 private:
  Error call(const std::string& name, bool after) {
    if (!after) stored_->calls.push_back(name);
    return stored_->fail ? stored_->fail(name, after) : Error::none();
  }

  Stored* const stored_;
};

inline mlflow::SinkOptions options() {
  mlflow::SinkOptions options;
  options.experiment_name = "exp";
  options.user = "me";
  options.tags = {{"env", "dev"}};
  return options;
}

// One scenario, and what QitOS logged of it.
class Scenario : public test::QitosEvents {
 public:
  explicit Scenario(const std::string& name) : QitosEvents("qitos_mlflow.json", name) {}

  // What QitOS logged: (key, value, step) in order, over all runs.
  std::vector<std::tuple<std::string, double, int64_t>> metrics() const {
    std::vector<std::tuple<std::string, double, int64_t>> all;
    for (const json& entry : timeline()) {
      if (entry[0] != "mlflow.log_metrics") continue;
      for (const auto& [key, value] : entry[1][0].items()) all.emplace_back(key, value, entry[2].value("step", 0));
    }
    return all;
  }
  std::map<std::string, std::string> pairs(const std::string& call) const {
    std::map<std::string, std::string> all;
    for (const json& entry : timeline()) {
      const json value = entry[0] == call ? entry[1][1] : json();
      if (entry[0] == call) all[entry[1][0]] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    return all;
  }
  size_t count(const std::string& call) const {
    return static_cast<size_t>(
        std::count_if(timeline().begin(), timeline().end(), [&](const json& entry) { return entry[0] == call; }));
  }
};

}  // namespace trunkline::mlflow_test
