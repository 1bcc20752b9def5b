#include "processors/wandb/wandb_sink.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "os/time.hpp"
#include "processors/wandb/trace_tree.hpp"

namespace trunkline::wandb {
namespace {

constexpr size_t kMostStateBytes = 60'000;  // of 64 KiB
constexpr size_t kMostSaid = 100;
constexpr size_t kMostLost = 100'000;
constexpr uint64_t kMostTreeBytes = 16 << 20;
constexpr std::chrono::milliseconds kLook{20};
constexpr const char* kJoined = "joined";

bool begins_something(const tr_record& record) {
  return record.type == TR_RECORD_TRACE_START || record.type == TR_RECORD_RUN_START;
}

}  // namespace

Sink::Sink(SinkOptions options, std::unique_ptr<Backend> backend, std::unique_ptr<Backend> refuge,
           const processors::ProcessorHost& host)
    : options_(std::move(options)),
      backend_(std::move(backend)),
      refuge_(std::move(refuge)),
      host_(host),
      files_(options_.state_folder) {}

Sink::~Sink() {
  clear_away();
  if (lost_.empty()) return;
  const std::string count = (lost_.size() < kMostLost ? "" : "at least ") + std::to_string(lost_.size());
  say(host_, TR_LEVEL_WARN, "W&B: " + count + " files or artifacts are not stored");
}

void Sink::clear_away() {
  for (const std::string& key : rubbish_) files_.remove(key);
  rubbish_.clear();
}

// What would else be said for each run. That there is more is said, too.
void Sink::say_once(const std::string& sentence, std::set<std::string>* said) {
  if (said->size() > kMostSaid || !said->insert(sentence).second) return;
  say(host_, TR_LEVEL_WARN, said->size() <= kMostSaid ? sentence : "W&B: there is more of this, which is not said");
}

void Sink::remark(const std::string& sentence) { say_once(sentence, &said_); }

void Sink::say_lost(const std::vector<Loss>& lost) {
  for (const Loss& each : lost) {
    if (lost_.size() < kMostLost) lost_.emplace(directory_, each.sequence, each.path);
    say_once("W&B: " + each.sentence, &said_of_lost_);
  }
}

// Of a run of which nothing more is written.
void Sink::lose_files(const RunDelta& delta) {
  constexpr const char* kWhy = " is not stored: nothing more of its run is written";
  std::vector<Loss> lost;
  lost.reserve(delta.files.size() + delta.artifacts.size());
  for (const auto& each : delta.files) lost.push_back({each.sequence, each.path, "the file " + each.path + kWhy});
  for (const auto& each : delta.artifacts)
    lost.push_back({each.sequence, each.name, "the artifact " + each.name + kWhy});
  say_lost(lost);
}

void Sink::restore(const std::string& directory, std::string_view state) {
  const std::string& mark = options_.state_mark;
  if (state.substr(0, mark.size()) == mark) states_[directory] = parse_run_states(state.substr(mark.size()));
}

// W&B counts requests: what goes on is told of now and then, and the records wait in the log meanwhile.
void Sink::take_breath() {
  const int64_t next = last_sent_ + int64_t{options_.interval_ms} * 1'000'000;
  while (last_sent_ != 0 && os::monotonic_now() < next) {
    if (host_.awaited == nullptr || host_.awaited()) return;
    backend_->tick();
    std::this_thread::sleep_for(kLook);
  }
}

int Sink::on_batch(const tr_batch& batch) {
  directory_ = batch.run_id == nullptr ? "" : batch.run_id;
  take_breath();
  clear_away();
  RunStates known = states_[directory_];
  Error error = take(batch, &known);
  if (!error) error = keep_states(&known);
  if (error) {
    rubbish_.clear();
    // Whatever it is: the records wait until somebody has mended it.
    if (error.code != TR_EAGAIN) remark("W&B: " + error.message);
    return TR_EAGAIN;
  }
  const std::string text = options_.state_mark + run_states_text(known);
  (void)host_.save(text.data(), text.size());
  states_[directory_] = std::move(known);
  if (states_[directory_].empty()) states_.erase(directory_);
  // The first rows of a run do not wait because its beginning was told.
  const bool tells = std::any_of(batch.records, batch.records + batch.count,
                                 [](const tr_record* record) { return !begins_something(*record); });
  if (tells) last_sent_ = os::monotonic_now();
  return TR_OK;
}

// A run that ends and one that begins under the same key in one batch are two.
Error Sink::take(const tr_batch& batch, RunStates* known) {
  Works works;
  order_.clear();
  for (size_t i = 0; i < batch.count; ++i) {
    const tr_record& record = *batch.records[i];
    if (record.type == TR_RECORD_EVENT) continue;
    const std::string key = options_.terms.id.empty() ? processors::run_key(record) : kJoined;
    const auto there = works.find(key);
    if (there != works.end() && there->second.over && begins_something(record)) {
      if (Error error = write_all(&works, known)) return error;
    }
    RunWork* work = nullptr;
    if (Error error = work_for(key, record, *known, &works, &work)) return error;
    work->add(record, options_.terms);
    if (work->state.id.empty()) {
      work->state.id = options_.terms.id.empty() ? default_id(key, work->state) : options_.terms.id;
    }
  }
  return write_all(&works, known);
}

// Works on a copy: a batch that is offered again begins with the state of the first time.
Error Sink::work_for(const std::string& key, const tr_record& record, const RunStates& known, Works* works,
                     RunWork** out) {
  const auto there = works->find(key);
  if (there != works->end()) {
    *out = &there->second;
    return Error::none();
  }
  RunWork work;
  const auto state = known.find(key);
  if (state != known.end()) {
    work.state = state->second;
  } else if (RunStates spilled = parse_run_states(files_.get(unique_key(key))); spilled.count(key) != 0) {
    work.state = std::move(spilled[key]);
    work.state.spilled = true;
  } else if (!options_.terms.id.empty() || !begins_something(record)) {
    if (Error error = resume(key, record, &work)) return error;
  }
  order_.push_back(key);
  *out = &works->emplace(key, std::move(work)).first->second;
  return Error::none();
}

// What is found there is written down before anything is added to it, so that it is the same when the batch is offered
// again.
Error Sink::resume(const std::string& key, const tr_record& record, RunWork* work) {
  const std::string note = unique_key(key) + "@" + std::to_string(record.sequence);
  rubbish_.push_back(note);
  if (RunStates noted = parse_run_states(files_.get(note)); noted.count(key) != 0) {
    work->state = std::move(noted[key]);
    return Error::none();
  }
  work->state.id = options_.terms.id.empty() ? default_id(key, work->state) : options_.terms.id;
  if (Error error = backend_->resume(&work->state)) return error;
  return files_.put(note, run_state_text(key, work->state));
}

Error Sink::write_all(Works* works, RunStates* known) {
  for (const std::string& key : order_) {
    RunWork& work = works->at(key);
    for (const std::string& sentence : work.remarks) remark(sentence);
    say_lost(work.lost);
    if (Error error = write(key, &work)) return error;
    if (work.over && key != kJoined) {
      known->erase(key);
      if (work.state.spilled) rubbish_.push_back(unique_key(key));
    } else if (work.state.start_ns != 0) {
      (*known)[key] = std::move(work.state);
    }
  }
  works->clear();
  order_.clear();
  return Error::none();
}

// The file of the spans is cut to where the state says, so that a batch that is said again leaves them there once.
Error Sink::grow_trees(const std::string& key, RunWork* work) {
  TreeState& tree = work->state.tree;
  const std::string name = unique_key(key) + "-spans";
  std::string lines;
  for (const tr_record* span : work->spans) append_tree_line(&lines, *span);
  if (tree.bytes + lines.size() > kMostTreeBytes) {
    remark("W&B: the spans of a trace are too many for its trace tree: those that end later are left out");
  } else if (!lines.empty()) {
    const auto length = files_.append(name, tree.bytes, lines);
    if (!length) return length.error();
    tree.bytes = *length;
  }
  for (const tr_record* end : work->ended) {
    const std::string all = tree.bytes == 0 ? "" : files_.get(name).substr(0, tree.bytes);
    work->add_last_row(kTreeKey, trace_tree(all, *end), end->end_ns);
  }
  for (const std::string& sentence : work->remarks) remark(sentence);
  if (work->over || (!work->ended.empty() && work->state.open == 0)) {
    if (tree.bytes != 0) rubbish_.push_back(name);
    tree.bytes = 0;
  }
  return Error::none();
}

// Once it is refused a run is a file, though the batch be offered again and the server think better of it: what is in
// the file is not told to the server, and what the server has is not in the file.
Error Sink::note_refusal(const std::string& note, RunState* state) {
  const auto there = backend_->lines_there(state);
  if (!there) return there.error();
  state->offline = true;
  state->taken = *there;
  rubbish_.push_back(note);
  return files_.put(note, std::to_string(*there));
}

void Sink::recall_refusal(const std::string& note, RunState* state) {
  const std::string noted = files_.get(note);
  if (noted.empty()) return;
  state->offline = true;
  std::from_chars(noted.data(), noted.data() + noted.size(), state->taken);
  rubbish_.push_back(note);
}

Error Sink::write_to_refuge(RunWork* work) {
  RunState& state = work->state;
  std::vector<Row>& rows = work->delta.rows;
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t there = std::clamp<int64_t>(state.taken - state.lines, 0, count);
  rows.erase(rows.begin(), rows.begin() + there);
  state.lines += count;
  return write_to(refuge_.get(), work);
}

Error Sink::write_to(Backend* backend, RunWork* work) {
  std::vector<Loss> lost;
  Error error = backend->write(&work->state, work->delta, &lost);
  say_lost(lost);
  return error;
}

Error Sink::write(const std::string& key, RunWork* work) {
  RunState& state = work->state;
  if (state.lost) {
    lose_files(work->delta);
    return Error::none();
  }
  if (options_.terms.trace_tree) {
    if (Error error = grow_trees(key, work)) return error;
  }
  if (work->delta.empty()) return Error::none();
  const std::string note = unique_key(key) + "@refused-" + std::to_string(state.start_ns);
  if (!state.offline && refuge_ != nullptr) recall_refusal(note, &state);
  const bool to_file = state.offline && refuge_ != nullptr;
  Error error = to_file ? write_to_refuge(work) : write_to(backend_.get(), work);
  if (error.code == TR_EINVAL && !state.offline && refuge_ != nullptr) {
    remark("W&B refuses a run, so what is left of it is written to a file in " + refuge_->destination() +
           ", for `wandb sync`: " + error.message);
    if (Error failed = note_refusal(note, &state)) return failed;
    error = write_to_refuge(work);
  }
  if (!error || error.code == TR_EAGAIN || error.code == TR_EIO) return error;
  state.lost = true;
  lose_files(work->delta);
  remark("W&B: nothing more of a run is written: " + error.message);
  return Error::none();
}

// Saved with the cursor, while there is room; else in files.
Error Sink::keep_states(RunStates* known) {
  size_t bytes = 0;
  for (auto& [key, state] : *known) {
    const std::string text = run_state_text(key, state);
    if (!state.spilled) {
      bytes += text.size() + 1;
      state.spilled = bytes > kMostStateBytes;
      if (state.spilled) bytes -= text.size() + 1;
    }
    if (state.spilled) {
      if (Error error = files_.put(unique_key(key), text)) return error;
    }
  }
  return Error::none();
}

}  // namespace trunkline::wandb
