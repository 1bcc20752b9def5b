#include "processors/wandb/online_backend.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "processors/wandb/insist.hpp"

namespace trunkline::wandb {
namespace {

constexpr int64_t kHeartbeatNs = 30'000'000'000;
constexpr size_t kMostSettled = 10'000;

std::string key_of(const RunState& state, const processors::RunFile& file) {
  return state.id + "\nfile\n" + file.path + "\n" + file.file + "\n" + std::to_string(file.version.size) + "\n" +
         std::to_string(file.version.modified_ns);
}

std::string key_of(const RunState& state, const char* what, const std::string& id) {
  return state.id + "\n" + what + "\n" + id;
}

}  // namespace

Error OnlineBackend::resume(RunState* state) {
  std::string data;
  if (Error error = rest_->graphql(kRunQuery, run_variables(*state, place_), &data)) {
    return error.code == TR_EAGAIN ? error
                                   : rest_->halt("W&B tells nothing of run " + state->id + ": " + error.message);
  }
  const bool found = read_found_run(data, state);
  if (!found && place_.resume == "must") {
    return rest_->halt("there is no run " + state->id + " to go on with, and option \"resume\" says \"must\"");
  }
  if (found && place_.resume == "never") {
    return rest_->halt("there is a run " + state->id + " already, and option \"resume\" says \"never\"");
  }
  return Error::none();
}

// An upsert replaces the configuration: what is there of it and not here is read first.
Error OnlineBackend::read_config(RunState* state) {
  std::string data;
  if (Error error = rest_->graphql(kRunQuery, run_variables(*state, place_), &data)) return error;
  read_found_config(data, state);
  state->config_known = true;
  return Error::none();
}

Error OnlineBackend::upsert(RunState* state) {
  std::string data;
  if (Error error = rest_->graphql(kUpsertQuery, upsert_variables(*state, place_), &data)) {
    if (error.code == TR_ELIMIT) error.code = TR_EINVAL;
    return error;
  }
  if (!read_place(data, state)) return rest_->halt("what answers at " + destination() + " is not W&B");
  return Error::none();
}

Error OnlineBackend::send(const RunState& state, const std::string& body) {
  const std::string path = stream_path(state);
  std::string answer;
  if (Error error = rest_->post(path, body, &answer)) {
    if (error.code == TR_ENOENT) alive_.erase(path);
    return error;
  }
  const auto parsed = nlohmann::json::parse(answer, nullptr, false);
  if (parsed.is_object() && parsed.value("stopped", nlohmann::json()) == true && !told_to_stop_[path]) {
    told_to_stop_[path] = true;
    say(host_, TR_LEVEL_WARN, "at W&B somebody asks run " + state.id + " to stop");
  }
  return Error::none();
}

Error OnlineBackend::send_files(const RunState& state, const RunDelta& delta, std::vector<Loss>* lost) {
  std::vector<processors::RunFile> left;
  for (const processors::RunFile& file : delta.files) {
    if (settled_.count(key_of(state, file)) == 0) left.push_back(file);
  }
  std::vector<Error> each;
  Error later = upload_.put_run_files({state.entity, state.project, state.id}, left, &each);
  for (size_t i = 0; i < each.size(); ++i) {
    settled_[key_of(state, left[i])] = !each[i];
    if (!each[i]) continue;
    lost->push_back(
        {left[i].sequence, left[i].path, "the file " + left[i].path + " is not stored: " + each[i].message});
  }
  return later;
}

Error OnlineBackend::send_artifacts(const RunState& state, const RunDelta& delta, std::vector<Loss>* lost) {
  const RunPlace run{state.entity, state.project, state.id};
  const auto settle = [&](const std::string& key, uint64_t sequence, const std::string& name, const std::string& what,
                          auto send) -> Error {
    if (settled_.count(key) != 0) return Error::none();
    Error error = send();
    if (error.code == TR_EAGAIN) return error;
    settled_[key] = !error;
    if (error) lost->push_back({sequence, name, what + error.message, error.code == TR_ENOENT});
    return Error::none();
  };
  for (const Artifact& artifact : delta.artifacts) {
    Error later = settle(
        key_of(state, "artifact", artifact.client_id), artifact.sequence, artifact.name,
        "the artifact " + artifact.name + " is not stored: ", [&] { return upload_.add_artifact(run, artifact); });
    if (later) return later;
  }
  for (const UsedArtifact& each : delta.used) {
    Error later = settle(key_of(state, "used", each.name), each.sequence, each.name,
                         "it is not noted that artifact " + each.name + " was used: ", [&] {
                           return upload_.use_artifact(run, each.name);
                         });
    if (later) return later;
  }
  return Error::none();
}

std::vector<std::string> OnlineBackend::uploaded(const RunState& state, const RunDelta& delta) const {
  std::vector<std::string> names;
  for (const processors::RunFile& file : delta.files) {
    const auto found = settled_.find(key_of(state, file));
    if (found != settled_.end() && found->second) names.push_back(file.path);
  }
  return names;
}

// A server that takes less at once gets less, down to a row.
Error OnlineBackend::stream(const RunState& state, const RunDelta& delta, const LastWord& last_word) {
  if (delta.rows.empty() && delta.summary.empty() && last_word.empty()) return Error::none();
  for (size_t first = 0;;) {
    size_t next = 0;
    const std::string body = stream_body(state, delta, last_word, first, most_bytes_, &next);
    Error error = send(state, body);
    if (error.code == TR_ELIMIT && next - first > 1) {
      most_bytes_ = body.size() / 2;
      continue;
    }
    if (error.code == TR_ELIMIT) error.code = TR_EINVAL;
    if (error) return error;
    lines_taken_ = state.lines + static_cast<int64_t>(next);
    if (next == delta.rows.size()) return Error::none();
    first = next;
  }
}

Error OnlineBackend::upsert_if_needed(RunState* state, const RunDelta& delta) {
  if (!delta.begins && !delta.tags_changed && delta.config.empty() && !state->entity.empty()) return Error::none();
  if (!state->config_known) {
    if (Error error = read_config(state)) return error;
  }
  return upsert(state);
}

// Files may take hours: rows do not wait for them, and the run is kept alive meanwhile. What is there without its files
// is not said again before the files can be.
Error OnlineBackend::write_with_files(RunState* state, const RunDelta& delta, std::vector<Loss>* lost) {
  const std::string name =
      key_of(*state, "delta", std::to_string(state->sequence) + "\n" + std::to_string(state->lines));
  if (name == waits_for_files_ && !upload_.is_open()) return not_asked_yet();
  waits_for_files_.clear();
  if (Error error = upsert_if_needed(state, delta)) return error;
  if (Error error = stream(*state, delta, {})) return error;
  state->lines += static_cast<int64_t>(delta.rows.size());
  alive_[stream_path(*state)] = {state->id, now_()};
  waits_for_files_ = name;
  if (settled_.size() > kMostSettled) settled_.clear();
  if (Error error = send_files(*state, delta, lost)) return error;
  if (Error error = send_artifacts(*state, delta, lost)) return error;
  RunDelta rest;
  rest.end_ns = delta.end_ns;
  return stream(*state, rest, {uploaded(*state, delta), delta.exit_code});
}

Error OnlineBackend::write(RunState* state, const RunDelta& delta, std::vector<Loss>* lost) {
  if (delta.empty()) return Error::none();
  lines_taken_ = state->lines;
  RunState next = *state;
  if (delta.has_files()) {
    if (Error error = write_with_files(&next, delta, lost)) return error;
  } else {
    if (Error error = upsert_if_needed(&next, delta)) return error;
    if (Error error = stream(next, delta, {{}, delta.exit_code})) return error;
    next.lines += static_cast<int64_t>(delta.rows.size());
  }
  const std::string path = stream_path(next);
  if (delta.exit_code) {
    alive_.erase(path);
    told_to_stop_.erase(path);
  } else {
    alive_[path] = {next.id, now_()};
  }
  // What was refused and is logged once more is tried once more; what a name means may have changed when it is used
  // once more.
  for (const UsedArtifact& used : delta.used) settled_.erase(key_of(next, "used", used.name));
  for (auto it = settled_.begin(); it != settled_.end();) it = it->second ? std::next(it) : settled_.erase(it);
  *state = std::move(next);
  return Error::none();
}

// An earlier try, of this process or of one that died, may have brought more lines there than this one.
Expected<int64_t> OnlineBackend::lines_there(RunState* state) {
  std::string data;
  RunState found;
  if (Error error = rest_->graphql(kRunQuery, run_variables(*state, place_), &data); error.code == TR_EAGAIN) {
    return error;
  } else if (!error) {
    (void)read_found_run(data, &found);
    if (!state->config_known) read_found_config(data, state);
  }
  alive_.erase(stream_path(*state));
  return std::max({state->lines, lines_taken_, found.lines});
}

// Without it W&B takes a run for crashed. One that the server does not want to hear of is not told of again, until it
// takes rows of it.
void OnlineBackend::tick() {
  for (auto it = alive_.begin(); it != alive_.end();) {
    auto& [path, run] = *it;
    if (now_() - run.told < kHeartbeatNs || !rest_->is_open()) {
      ++it;
      continue;
    }
    std::string answer;
    const Error error = rest_->post(path, "{}", &answer);
    run.told = now_();
    if (!error || error.code == TR_EAGAIN) {
      ++it;
      continue;
    }
    const char* what = error.code == TR_ENOENT ? " was deleted while it was open: " : " cannot be kept alive: ";
    say(host_, TR_LEVEL_WARN, "at W&B run " + run.id + what + error.message);
    it = alive_.erase(it);
  }
}

}  // namespace trunkline::wandb
