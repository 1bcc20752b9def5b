#include "processors/mlflow/mlflow_sink.hpp"

#include <unistd.h>

#include <algorithm>

#include "encode/json_writer.hpp"
#include "processors/mlflow/mlflow_keys.hpp"

namespace trunkline::mlflow {
namespace {

constexpr size_t kMostStateBytes = 60'000;  // of 64 KiB
constexpr size_t kGrowthOfAState = 200;     // numbers and ids that are not there yet
constexpr size_t kMostSaid = 100;
constexpr const char* kKeyTag = "trunkline.key";
constexpr const char* kTraceTag = "trunkline.trace_id";
constexpr const char* kGroupTag = "trunkline.group_id";
constexpr const char* kStateTag = "trunkline.state";
constexpr const char* kJoined = "joined";

bool begins_something(const tr_record& record) {
  return record.type == TR_RECORD_TRACE_START || record.type == TR_RECORD_RUN_START;
}

}  // namespace

Sink::Sink(SinkOptions options, std::unique_ptr<Backend> backend, const processors::ProcessorHost& host)
    : options_(std::move(options)), backend_(std::move(backend)), host_(host) {}

Sink::~Sink() {
  if (refused_ > 0) say(host_, TR_LEVEL_WARN, "MLflow refused " + std::to_string(refused_) + " items in all");
}

// What costs a few items and would else be said for each of them.
void Sink::remark(const std::string& sentence) {
  if (said_.size() < kMostSaid && said_.insert(sentence).second) say(host_, TR_LEVEL_WARN, sentence);
}

void Sink::refused(const std::vector<Refusal>& items) {
  for (const Refusal& item : items) {
    remark("MLflow refuses " + item.what + ": " + item.why);
    refused_now_ += item.items;
  }
}

// A run of the host inside a trace is the trace's.
std::string Sink::key_of(const tr_record& record) const {
  return options_.run_id.empty() ? processors::run_key(record) : kJoined;
}

void Sink::restore(const std::string& directory, std::string_view state) {
  const std::string& mark = options_.state_mark;
  if (state.substr(0, mark.size()) == mark) states_[directory] = parse_run_states(state.substr(mark.size()));
}

int Sink::on_batch(const tr_batch& batch) {
  directory_ = batch.run_id == nullptr ? "" : batch.run_id;
  const Error error = take(batch);
  if (!error) return TR_OK;
  // Whatever it is: the records wait until somebody has mended it.
  if (error.code != TR_EAGAIN) remark("MLflow: " + error.message);
  return TR_EAGAIN;
}

Error Sink::take(const tr_batch& batch) {
  refused_now_ = 0;
  RunStates& known = states_[directory_];
  Works works;
  std::vector<std::string> order;
  for (size_t i = 0; i < batch.count; ++i) {
    const tr_record& record = *batch.records[i];
    const std::string key = key_of(record);
    RunWork* work = nullptr;
    if (works.find(key) == works.end()) order.push_back(key);
    if (Error error = work_for(key, record, (batch.flags & TR_BATCH_ADOPTED) != 0, &known, &works, &work)) {
      return error;
    }
    work->add(record, !options_.auto_end_run || key == kJoined);
  }
  if (Error error = ensure_runs(order, &works)) return error;
  name_services(&works);
  choose_where_state_lies(known, &works);
  if (Error error = send(order, &works)) return error;
  if (options_.traces) {
    if (Error error = send_traces(&works, (batch.flags & TR_BATCH_ADOPTED) != 0)) return error;
  }
  commit(&works, &known);
  const std::string text = options_.state_mark + run_states_text(known);
  (void)host_.save(text.data(), text.size());
  if (known.empty()) states_.erase(directory_);
  stored_.erase(directory_);
  return Error::none();
}

// Works on a copy: a batch that is offered again begins with the state of the first time.
Error Sink::work_for(const std::string& key, const tr_record& record, bool adopted, RunStates* known, Works* works,
                     RunWork** out) {
  const auto there = works->find(key);
  if (there != works->end()) {
    *out = &there->second;
    return Error::none();
  }
  RunWork work;
  const auto state = known->find(key);
  if (state != known->end()) {
    work.state = state->second;
  } else {
    // What goes on without having begun here began in a process that died, or has been forgotten.
    const bool may_be_there = adopted || attempted_.count(unique_key(key)) != 0 || !begins_something(record);
    if (Error error = find_run(key, may_be_there, &work)) return error;
  }
  *out = &works->emplace(key, std::move(work)).first->second;
  return Error::none();
}

Error Sink::find_run(const std::string& key, bool may_be_there, RunWork* work) {
  RunState& state = work->state;
  if (key == kJoined) {
    const auto experiment = backend_->find_experiment_of(options_.run_id);
    if (!experiment)
      return {experiment.error().code, "the run to join, " + options_.run_id + ": " + experiment.error().message};
    state.run_id = options_.run_id;
    state.experiment_id = *experiment;
    return Error::none();
  }
  const auto made = made_.find(unique_key(key));
  if (made != made_.end()) {
    state.run_id = made->second.run_id;
    state.experiment_id = made->second.experiment_id;
    return Error::none();
  }
  if (!may_be_there) return Error::none();
  const auto experiment = experiment_for(*work);
  if (!experiment) return experiment.error();
  auto found = backend_->find_run(*experiment, {kKeyTag, unique_key(key)});
  if (!found) return found.error();
  if (found->empty()) return Error::none();
  const auto text = backend_->read_tag(*found, kStateTag);
  if (!text) return text.error();
  RunStates spilled = parse_run_states(*text);
  if (const auto saved = spilled.find(key); saved != spilled.end()) {
    state = std::move(saved->second);
    state.spilled = true;
  }
  state.run_id = std::move(*found);
  state.experiment_id = *experiment;
  return Error::none();
}

Expected<std::string> Sink::experiment_for(const RunWork& work) {
  if (work.project.empty() && !options_.experiment_id.empty()) return options_.experiment_id;
  const std::string& name = work.project.empty() ? options_.experiment_name : work.project;
  const auto known = experiments_.find(name);
  if (known != experiments_.end()) return known->second;
  auto id = backend_->find_or_create_experiment(name);
  if (id) experiments_[name] = *id;
  return id;
}

NewRun Sink::new_run(const std::string& key, const RunState& state) const {
  NewRun run;
  run.experiment_id = state.experiment_id;
  run.name = options_.run_name.empty() ? state.name : options_.run_name;
  run.user = options_.user;
  run.start_ms = state.start_ns / 1'000'000;
  run.tags = options_.tags;
  if (key.rfind("trace-", 0) == 0) put_tag(&run.tags, kTraceTag, key.substr(6));
  if (!state.group_id.empty()) put_tag(&run.tags, kGroupTag, state.group_id);
  put_tag(&run.tags, kKeyTag, unique_key(key));
  return run;
}

// Of those that are begun at once some may fail: what the others made is remembered.
Error Sink::ensure_runs(const std::vector<std::string>& order, Works* works) {
  std::vector<std::string> keys;
  std::vector<NewRun> runs;
  for (const std::string& key : order) {
    RunWork& work = works->at(key);
    if (!work.state.run_id.empty() || work.state.lost) continue;
    const auto experiment = experiment_for(work);
    if (!experiment) return experiment.error();
    work.state.experiment_id = *experiment;
    keys.push_back(key);
    runs.push_back(new_run(key, work.state));
  }
  Error first;
  auto ids = backend_->create_runs(runs);
  for (size_t i = 0; i < ids.size(); ++i) {
    attempted_.insert(unique_key(keys[i]));
    if (!ids[i]) {
      if (!first) first = ids[i].error();
      continue;
    }
    RunState& state = works->at(keys[i]).state;
    state.run_id = std::move(*ids[i]);
    made_[unique_key(keys[i])] = {state.run_id, state.experiment_id};
  }
  if (first) experiments_.clear();  // it may be the experiment that is not there any more
  return first;
}

// Saved with the cursor, while there is room; else in a tag of the run, which goes with the metrics.
void Sink::choose_where_state_lies(const RunStates& known, Works* works) {
  size_t bytes = 0;
  for (const auto& [key, state] : known) {
    if (!state.spilled) bytes += run_state_text(key, state).size() + kGrowthOfAState;
  }
  for (auto& [key, work] : *works) {
    RunState& state = work.state;
    if (!state.spilled && known.find(key) == known.end() && !work.ends_as) {
      bytes += run_state_text(key, state).size() + kGrowthOfAState;
      state.spilled = bytes > kMostStateBytes;
    }
    if (state.spilled && !state.lost) put_tag(&work.items.tags, kStateTag, run_state_text(key, state));
  }
}

// What was said of each run, in their order. Remembers what it means for a run; returns what is to be tried later.
Error Sink::settle(const std::vector<RunWork*>& works, std::vector<Error>* errors) {
  Error later;
  for (size_t i = 0; i < errors->size(); ++i) {
    Error& error = (*errors)[i];
    if (!error) continue;
    RunWork& work = *works[i];
    work.refused = true;
    if (error.code == TR_EAGAIN) {
      if (!later) later = std::move(error);
    } else if (error.code == TR_ENOENT) {
      work.state.lost = true;
      remark("a run was deleted at MLflow while it was written: nothing more of it is sent");
    } else {
      remark("MLflow: " + error.message);
      ++refused_now_;
    }
  }
  return later;
}

// Of one run: what it logged, then its files, then its end. Of different runs each goes at once.
Error Sink::send(const std::vector<std::string>& order, Works* works) {
  for (const std::string& key : order) {
    for (const std::string& sentence : works->at(key).remarks) remark(sentence);
  }
  if (Error error = send_items(order, works)) return error;
  for (const std::string& key : order) {
    RunWork& work = works->at(key);
    if (work.state.lost || work.refused || work.artifacts.empty()) continue;
    std::vector<Error> errors;
    errors.push_back(send_artifacts(&work));
    if (Error error = settle({&work}, &errors)) return error;
  }
  return send_ends(order, works);
}

Error Sink::send_items(const std::vector<std::string>& order, Works* works) {
  std::vector<RunWork*> told;
  std::vector<RunBatch> batches;
  for (const std::string& key : order) {
    RunWork& work = works->at(key);
    if (work.state.lost || work.items.empty()) continue;
    told.push_back(&work);
    batches.push_back({work.state.run_id, &work.items, {}});
  }
  std::vector<Error> errors = backend_->log_batches(&batches);
  Error later = settle(told, &errors);
  for (const RunBatch& batch : batches) refused(batch.refused);
  return later;
}

Error Sink::send_ends(const std::vector<std::string>& order, Works* works) {
  std::vector<RunWork*> told;
  std::vector<RunUpdate> updates;
  for (const std::string& key : order) {
    RunWork& work = works->at(key);
    if (work.state.lost || work.refused || !work.ends_as || key == kJoined) continue;
    told.push_back(&work);
    updates.push_back({work.state.run_id, *work.ends_as, work.end_ms});
  }
  std::vector<Error> errors = backend_->update_runs(updates);
  return settle(told, &errors);
}

// What costs an artifact alone is said and counted; what is left over is an error of the run.
Error Sink::send_artifacts(RunWork* work) {
  for (const Artifact& artifact : work->artifacts) {
    if (stored_[directory_].count({artifact.sequence, artifact.file.path}) != 0) continue;
    Error error = send_artifact(work->state.run_id, artifact);
    if (error.code == TR_EAGAIN || error.code == TR_ENOENT) return error;
    if (error) {
      remark((error.code == TR_EUNSUPPORTED ? "artifacts are not stored: "
                                            : "the artifact " + artifact.file.path + " is not stored: ") +
             error.message);
      ++refused_;
    }
    stored_[directory_].emplace(artifact.sequence, artifact.file.path);
  }
  return Error::none();
}

// The file is read where it lies: it must be what it was when it was named, before and after.
Error Sink::send_artifact(const std::string& run_id, const Artifact& artifact) {
  if (Error error = processors::check_unchanged(artifact.file)) return error;
  if (Error error = backend_->log_artifact(run_id, artifact.file.path, artifact.file.file)) return error;
  if (!processors::check_unchanged(artifact.file)) return Error::none();
  return {TR_EINVAL, artifact.file.file + " changed while it was read: what is stored is not what was logged"};
}

// What a process left that is not known to have had another name had that of this one: mostly it is the same program.
void Sink::name_services(Works* works) const {
  const std::string own_name = host_.service_name == nullptr ? std::string() : host_.service_name();
  for (auto& [key, work] : *works) {
    for (TraceState& trace : work.state.traces) {
      if (trace.service_name.empty()) trace.service_name = own_name;
    }
  }
}

Error Sink::send_traces(Works* works, bool adopted) {
  std::vector<TracePart> parts;
  for (auto& [key, work] : *works) {
    for (TracePart& part : work.take_parts()) {
      part.experiment_id = work.state.experiment_id;
      part.run_id = work.state.lost ? "" : work.state.run_id;
      part.process_id = adopted ? 0 : getpid();
      parts.push_back(std::move(part));
    }
  }
  if (parts.empty()) return Error::none();
  std::vector<Refusal> refusals;
  Error error = backend_->send_traces(parts, &refusals);
  if (error.code == TR_EAGAIN) return error;
  refused(refusals);
  if (error) remark("MLflow's traces: " + error.message);
  return Error::none();
}

void Sink::commit(Works* works, RunStates* known) {
  refused_ += refused_now_;
  for (auto& [key, work] : *works) {
    work.state.forget_ended_traces();
    const bool over = work.ends_as.has_value() && key != kJoined;
    if (over) known->erase(key);
    if (!over) (*known)[key] = std::move(work.state);
    made_.erase(unique_key(key));
    attempted_.erase(unique_key(key));
  }
}

}  // namespace trunkline::mlflow
