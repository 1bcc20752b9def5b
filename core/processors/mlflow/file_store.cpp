#include "processors/mlflow/file_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>

#include "model/names.hpp"
#include "processors/mlflow/file_store_path.hpp"
#include "processors/mlflow/file_store_yaml.hpp"

namespace trunkline::mlflow {
namespace {

constexpr const char* kMeta = "meta.yaml";
constexpr const char* kTrash = ".trash";
constexpr const char* kLock = ".trunkline-lock";
constexpr int kLockTries = 500;
constexpr long kLockPauseNs = 10'000'000;
constexpr size_t kRunIdSize = 32;
constexpr size_t kExperimentIdSize = 18;

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_run_id(std::string_view text) {
  return text.size() == kRunIdSize &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string new_experiment_id() {
  std::string id = random_hex(kExperimentIdSize);
  for (char& c : id) c = static_cast<char>('0' + (c >= 'a' ? c - 'a' : c - '0'));
  if (id[0] == '0') id[0] = '1';
  return id;
}

int64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int64_t number_of(const std::string& meta, std::string_view key) {
  const std::string text = yaml_value(meta, key).value_or("");
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_deleted(const std::string& meta) { return yaml_value(meta, "lifecycle_stage") == "deleted"; }

Error hidden(const char* what) { return {TR_ENOENT, std::string("no such ") + what}; }

// A lock of the whole store, which only those who create experiments take.
class StoreLock {
 public:
  explicit StoreLock(const Folder& root) : fd_(open_file_at(root.fd(), kLock, O_RDWR | O_CREAT)) {
    for (int i = 0; fd_ && i < kLockTries; ++i) {
      held_ = ::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0;
      if (held_) return;
      const timespec pause{0, kLockPauseNs};
      ::nanosleep(&pause, nullptr);
    }
  }
  explicit operator bool() const { return held_; }

 private:
  UniqueFd fd_;
  bool held_ = false;
};

}  // namespace

Error FileStore::ready() {
  if (root_ && !root_.is_gone()) return stage_.open(trash_);
  stage_.close();
  bool made = false;
  Expected<Folder> root = Folder::open_root(path_, &made);
  if (!root) return root.error();
  root_ = std::move(*root);
  Expected<Folder> trash = root_.ensure(kTrash);
  if (!trash) return trash.error();
  trash_ = std::move(*trash);
  if (Error error = stage_.open(trash_)) return error;
  Error error = made ? write_experiment("0", "Default") : Error::none();
  if (error.code == TR_EINVAL) return Error::none();  // another process made it meanwhile
  return error;
}

Error FileStore::write_experiment(const std::string& id, const std::string& name) {
  const std::string now = std::to_string(now_ms());
  std::string staged;
  const Expected<Folder> folder = stage_.make(&staged);
  if (!folder) return folder.error();
  const std::string meta = "artifact_location: " + yaml_text(file_uri(path_ + "/" + id)) + "\ncreation_time: " + now +
                           "\nexperiment_id: " + yaml_text(id) + "\nlast_update_time: " + now +
                           "\nlifecycle_stage: active\nname: " + yaml_text(name) + "\n";
  if (Error error = stage_.replace(*folder, kMeta, meta)) return error;
  return stage_.move(staged, root_, id);
}

Expected<std::string> FileStore::find_experiment(const std::string& name) const {
  for (const Folder* folder : {&root_, &trash_}) {
    const Expected<std::vector<std::string>> ids = folder->list();
    if (!ids) return ids.error();
    for (const std::string& id : *ids) {
      if (!is_digits(id)) continue;
      const Expected<std::string> meta = folder->read(id + "/" + kMeta);
      if (!meta || yaml_value(*meta, "name") != name) continue;
      if (folder == &trash_ || is_deleted(*meta)) return Error{TR_EINVAL, "the experiment " + name + " is deleted"};
      return id;
    }
  }
  return std::string();
}

Expected<std::string> FileStore::find_or_create_experiment(const std::string& name) {
  if (Error error = ready()) return error;
  Expected<std::string> found = find_experiment(name);
  if (!found || !found->empty()) return found;
  const StoreLock lock(root_);
  if (!lock) return Error{TR_EAGAIN, path_ + " is locked by another process"};
  found = find_experiment(name);
  if (!found || !found->empty()) return found;
  const std::string id = new_experiment_id();
  if (Error error = write_experiment(id, name)) return Error{TR_EAGAIN, error.message};
  return id;
}

Expected<Folder> FileStore::open_experiment(const std::string& id) const {
  if (!is_digits(id) || !root_.has(id + "/" + kMeta)) return hidden("experiment");
  return root_.open(id);
}

Expected<std::string> FileStore::find_run(const std::string& experiment_id, const Item& tag) {
  if (Error error = ready()) return error;
  const Expected<Folder> experiment = open_experiment(experiment_id);
  if (!experiment) return experiment.error();
  const Expected<std::vector<std::string>> names = experiment->list();
  if (!names) return names.error();
  std::string newest;
  int64_t newest_start = 0;
  for (const std::string& name : *names) {
    if (!is_run_id(name)) continue;
    const Expected<std::string> value = experiment->read(name + "/tags/" + tag.key);
    if (!value || *value != tag.value) continue;
    const Expected<std::string> meta = experiment->read(name + "/" + kMeta);
    if (!meta || is_deleted(*meta)) continue;
    const int64_t start = number_of(*meta, "start_time");
    if (!newest.empty() && start < newest_start) continue;
    newest = name;
    newest_start = start;
  }
  return newest;
}

Expected<std::string> FileStore::read_tag(const std::string& run_id, const std::string& key) {
  if (Error error = ready()) return error;
  std::string meta;
  const Expected<Folder> run = open_run(run_id, &meta);
  if (!run) return run.error();
  Expected<std::string> value = run->read("tags/" + key);
  if (!value && value.error().code != TR_EAGAIN) return std::string();
  return value;
}

Expected<std::string> FileStore::find_experiment_of(const std::string& run_id) {
  if (Error error = ready()) return error;
  std::string meta;
  const Expected<Folder> run = open_run(run_id, &meta);
  if (!run) return run.error();
  return experiment_of_[run_id];
}

Expected<Folder> FileStore::open_run(const std::string& run_id, std::string* meta) {
  if (!is_run_id(run_id)) return hidden("run");
  std::string& experiment = experiment_of_[run_id];
  if (experiment.empty() || !root_.has(experiment + "/" + run_id)) {
    experiment.clear();
    const Expected<std::vector<std::string>> ids = root_.list();
    if (!ids) return ids.error();
    for (const std::string& id : *ids) {
      if (!is_digits(id)) continue;
      std::string meta_path = id;
      meta_path.append("/").append(run_id).append("/").append(kMeta);
      if (root_.has(meta_path)) experiment = id;
    }
  }
  if (experiment.empty()) {
    experiment_of_.erase(run_id);
    return hidden("run");
  }
  Expected<Folder> run = root_.open(experiment + "/" + run_id);
  if (!run) return run.error();
  const Expected<std::string> text = run->read(kMeta);
  if (!text) return text.error();
  if (is_deleted(*text)) return hidden("run");
  *meta = *text;
  return run;
}

Expected<std::string> FileStore::create_run(const NewRun& run) {
  if (Error error = ready()) return error;
  const Expected<Folder> experiment = open_experiment(run.experiment_id);
  if (!experiment) return experiment.error();
  const std::string id = random_hex(kRunIdSize);
  std::string staged;
  const Expected<Folder> folder = stage_.make(&staged);
  if (!folder) return folder.error();
  for (const char* name : {"metrics", "params", "artifacts", "tags"}) {
    const Expected<Folder> made = folder->ensure(name);
    if (!made) return made.error();
  }
  const std::string artifacts = path_ + "/" + run.experiment_id + "/" + id + "/artifacts";
  const std::string meta =
      "artifact_uri: " + yaml_text(file_uri(artifacts)) + "\nend_time: null\nentry_point_name: ''\n" +
      "experiment_id: " + yaml_text(run.experiment_id) + "\nlifecycle_stage: active\nrun_id: " + yaml_text(id) +
      "\nrun_name: " + yaml_text(run.name) + "\nsource_name: ''\nsource_type: 4\n" +
      "source_version: ''\nstart_time: " + std::to_string(run.start_ms) +
      "\nstatus: 1\ntags: []\nuser_id: " + yaml_text(run.user) + "\n";
  Error error = stage_.replace(*folder, kMeta, meta);
  std::vector<Item> tags = run.tags;
  tags.push_back({std::string(names::kMlflowRunName), run.name});
  for (const Item& tag : tags) {
    if (error) break;
    error = stage_.replace(*folder, "tags/" + tag.key, tag.value);
    if (error.code == TR_EINVAL) error = Error::none();  // a tag that cannot be a file is not worth a run
  }
  if (!error) error = stage_.move(staged, *experiment, id);
  if (error) return Error{TR_EAGAIN, error.message};
  experiment_of_[id] = run.experiment_id;
  return id;
}

Error FileStore::log_metrics(const Folder& run, const std::string& run_id, const std::vector<Metric>& metrics,
                             std::vector<Refusal>* refused) {
  std::vector<const Metric*> order;
  order.reserve(metrics.size());
  for (const Metric& metric : metrics) order.push_back(&metric);
  std::stable_sort(order.begin(), order.end(), [](const Metric* a, const Metric* b) { return a->key < b->key; });
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    end = begin + 1;
    while (end < order.size() && order[end]->key == order[begin]->key) ++end;
    Error error = metrics_.append(run, run_id, order.data() + begin, end - begin);
    if (error && error.code != TR_EINVAL) return {TR_EAGAIN, error.message};
    if (error) refused->push_back({"metric " + order[begin]->key, error.message});
  }
  return Error::none();
}

Error FileStore::log_param(const Folder& run, const Item& param) {
  const std::string path = "params/" + param.key;
  const Expected<std::string> there = run.read(path);
  if (there && *there == param.value) return Error::none();
  if (there) return {TR_EINVAL, "it has another value already"};
  if (there.error().code != TR_ENOENT) return there.error();
  return stage_.replace(run, path, param.value);
}

// The name of a run stands in two places.
Error FileStore::log_tag(const Folder& run, const Item& tag) {
  if (tag.key == names::kMlflowRunName) {
    const Expected<std::string> meta = run.read(kMeta);
    if (!meta) return meta.error();
    if (Error error = stage_.replace(run, kMeta, yaml_with(*meta, "run_name", yaml_text(tag.value)))) return error;
  }
  return stage_.replace(run, "tags/" + tag.key, tag.value);
}

Error FileStore::log_batch(const std::string& run_id, const RunItems& items, std::vector<Refusal>* refused) {
  if (Error error = ready()) return error;
  std::string meta;
  const Expected<Folder> run = open_run(run_id, &meta);
  if (!run) return run.error();
  if (Error error = log_metrics(*run, run_id, items.metrics, refused)) return error;
  for (const Item& param : items.params) {
    const Error error = log_param(*run, param);
    if (error.code == TR_EINVAL) refused->push_back({"param " + param.key, error.message});
    if (error && error.code != TR_EINVAL) return {TR_EAGAIN, error.message};
  }
  for (const Item& tag : items.tags) {
    const Error error = log_tag(*run, tag);
    if (error.code == TR_EINVAL) refused->push_back({"tag " + tag.key, error.message});
    if (error && error.code != TR_EINVAL) return {TR_EAGAIN, error.message};
  }
  return Error::none();
}

Error FileStore::update_run(const std::string& run_id, RunStatus status, int64_t end_ms) {
  if (Error error = ready()) return error;
  std::string meta;
  const Expected<Folder> run = open_run(run_id, &meta);
  if (!run) return run.error();
  meta = yaml_with(meta, "status", std::to_string(static_cast<int>(status)));
  meta = yaml_with(meta, "end_time", end_ms == 0 ? "null" : std::to_string(end_ms));
  if (Error error = stage_.replace(*run, kMeta, meta)) return {TR_EAGAIN, error.message};
  if (status != RunStatus::kRunning) {
    metrics_.forget(run_id);
    experiment_of_.erase(run_id);
  }
  return Error::none();
}

Error FileStore::log_artifact(const std::string& run_id, const std::string& path, const std::string& file) {
  if (Error error = ready()) return error;
  std::string meta;
  const Expected<Folder> run = open_run(run_id, &meta);
  if (!run) return run.error();
  const std::string usual = path_ + "/" + experiment_of_[run_id] + "/" + run_id + "/artifacts";
  const std::string place = path_of_file_uri(yaml_value(meta, "artifact_uri").value_or(""));
  if (place == usual || place.empty()) {
    if (place.empty()) return {TR_EUNSUPPORTED, "the artifacts of this run are not kept on this machine"};
    const Expected<Folder> artifacts = run->ensure("artifacts");
    if (!artifacts) return artifacts.error();
    return stage_.copy(*artifacts, path, file);
  }
  // Made by others, elsewhere: there is no renaming between file systems, so the stage is there as well.
  bool made = false;
  const Expected<Folder> artifacts = Folder::open_root(place, &made);
  if (!artifacts) return artifacts.error();
  Stage stage;
  if (Error error = stage.open(*artifacts)) return error;
  return stage.copy(*artifacts, path, file);
}

Error FileStore::send_traces(const std::vector<TracePart>& parts, std::vector<Refusal>* refused) {
  if (Error error = ready()) return error;
  Error first;
  for (const TracePart& part : parts) {
    const Expected<Folder> experiment = open_experiment(part.experiment_id);
    const std::string place = path_ + "/" + part.experiment_id;
    Error error = experiment ? traces_.add(*experiment, place, part, refused) : experiment.error();
    if (error.code == TR_EAGAIN) return error;
    if (error && !first) first = std::move(error);
  }
  return first;
}

}  // namespace trunkline::mlflow
