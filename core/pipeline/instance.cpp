// Starting and stopping. Processors, flush and counts are in instance_calls.cpp.
#include "pipeline/instance.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "os/file.hpp"
#include "os/signals.hpp"
#include "os/time.hpp"
#include "pipeline/recorder_path.hpp"
#include "record/recorder.hpp"

namespace trunkline::pipeline {
namespace {

// What lives from one tr_init to the next. Never destroyed: other threads may still look at it while the process exits.
struct Process {
  std::shared_ptr<Instance> instance;
  std::shared_ptr<Instance> ending;  // between the start and the end of a shutdown
  FinalCounts last;                  // of the instance that ended last
  // A parent's in a forked child, never destroyed, for its threads and locks are the parent's; and those with a thread
  // that a disk holds up, destroyed when it has come back.
  std::vector<std::shared_ptr<Instance>> abandoned;
  std::atomic<tr_processor_id> next_id{1};
  bool exit_hook = false;
};

Process& process() {
  static Process* const the_process = new Process;
  return *the_process;
}

class GateLock {
 public:
  explicit GateLock(pthread_mutex_t* mutex) : mutex_(mutex) { pthread_mutex_lock(mutex_); }
  ~GateLock() { pthread_mutex_unlock(mutex_); }
  GateLock(const GateLock&) = delete;
  GateLock& operator=(const GateLock&) = delete;

 private:
  pthread_mutex_t* mutex_;
};

constexpr int64_t kLeastPatienceNs = 1'000'000'000;
constexpr uint64_t kMostRefusals = 100;

// A lack of memory must not keep a shutdown from its end: what could not be done waits for the next start.
template <class Step>
void attempt(Step step) {
  try {
    step();
  } catch (const std::bad_alloc&) {
  }
}

uint64_t threshold_of(double ratio) {
  if (ratio >= 1.0) return 0;
  if (ratio <= 0.0) return UINT64_MAX;
  return static_cast<uint64_t>((1.0 - ratio) * 72057594037927936.0);  // 2^56
}

}  // namespace

Instance::Instance(const Settings& settings, MakeBuiltIns make_built_ins)
    : settings_(settings),
      make_built_ins_(make_built_ins),
      pid_(getpid()),
      started_ns_(os::unix_now()),
      messages_(settings.log_level, settings.log, settings.log_user_data) {}

Instance::~Instance() = default;

bool Instance::is_done_with() const {
  return pid_ == getpid() && worker_->has_ended() && (adoption_ == nullptr || adoption_->has_ended());
}

Error Instance::start(const Settings& settings, MakeBuiltIns make_built_ins) {
  record::Gate* gate = record::make_gate();
  if (gate == nullptr) return Error{TR_ENOMEM, "no memory that is wiped on fork (Linux 4.14 or newer is needed)"};
  const GateLock transition(&gate->lifecycle);
  auto& abandoned = process().abandoned;
  abandoned.erase(
      std::remove_if(abandoned.begin(), abandoned.end(), [](const auto& each) { return each->is_done_with(); }),
      abandoned.end());
  if (process().instance != nullptr) {
    if (process().instance->pid_ == getpid()) return Error{TR_ESTATE, "already started: tr_shutdown ends what runs"};
    const GateLock lock(&gate->instance_lock);
    abandoned.push_back(std::exchange(process().instance, nullptr));
    abandoned.back()->abandon_in_child();
  }
  std::shared_ptr<Instance> instance(new Instance(settings, make_built_ins));
  if ((settings.flags & TR_CONFIG_DISABLED) == 0) {
    if (Error error = instance->open_or_undo()) return error;
  }
  {
    const GateLock lock(&gate->instance_lock);
    process().instance = std::move(instance);
    process().last = {};
  }
  if (!process().exit_hook && (settings.flags & TR_CONFIG_NO_EXIT_HOOK) == 0) {
    process().exit_hook = std::atexit([] {
                            if (const auto running = Instance::of_this_process())
                              shutdown(running->settings().exit_timeout_ms, true);
                          }) == 0;
  }
  return Error::none();
}

std::shared_ptr<Instance> Instance::current() {
  record::Gate* gate = record::gate();
  if (gate == nullptr) return nullptr;
  std::shared_ptr<Instance> parents;
  {
    const GateLock lock(&gate->instance_lock);
    const std::shared_ptr<Instance>& instance = process().instance;
    if (instance == nullptr || instance->pid_ == getpid()) return instance;
    parents = instance;
  }
  static_cast<void>(start(parents->settings_, parents->make_built_ins_));
  const GateLock lock(&gate->instance_lock);
  return process().instance;
}

bool Instance::restarted_after_fork() {
  {
    const GateLock lock(&record::gate()->instance_lock);
    const std::shared_ptr<Instance>& before = process().instance;
    if (before == nullptr || before->pid_ == getpid()) return false;
  }
  return current() != nullptr;
}

std::shared_ptr<Instance> Instance::of_this_process() {
  record::Gate* gate = record::gate();
  if (gate == nullptr) return nullptr;
  const GateLock lock(&gate->instance_lock);
  const auto& instance = process().instance != nullptr ? process().instance : process().ending;
  return instance != nullptr && instance->pid_ == getpid() ? instance : nullptr;
}

std::shared_ptr<Instance> Instance::serving() {
  if (auto running = current()) return running;
  record::Gate* gate = record::gate();
  if (gate == nullptr) return nullptr;
  const GateLock lock(&gate->instance_lock);
  return process().ending;
}

std::shared_ptr<Processor> Instance::processor_in_hook() {
  const auto instance = of_this_process();
  return instance == nullptr ? nullptr : instance->registry_.in_hook();
}

bool Instance::was_known(tr_processor_id id) { return id != 0 && id < process().next_id.load(); }

tr_processor_id Instance::new_processor_id() { return process().next_id.fetch_add(1); }

// Names the run, also when it has no directory: sinks remember by it what they have.
std::string Instance::run_id() const {
  if (directory_) return directory_->id();
  return "memory-" + std::to_string(started_ns_) + "-" + std::to_string(pid_);
}

Error Instance::open_or_undo() {
  Error error;
  try {
    error = open();
  } catch (const std::bad_alloc&) {
    error = Error{TR_ENOMEM, "no memory"};
  }
  // Nobody has recorded anything worth keeping, but the gate may be open, and threads may run.
  if (error) stop(os::monotonic_now(), false);
  return error;
}

Error Instance::open() {
  const os::NoFileSizeSignal no_signal;
  for (const std::string& warning : settings_.warnings) messages_.warn(warning);
  if (Error error = open_directory()) {
    messages_.warn("recording in memory only: " + error.message);
    directory_.reset();
  }
  LiveLog::Options log_options;
  log_options.most_memory_bytes = settings_.max_memory;
  log_options.max_disk = settings_.max_disk;
  log_options.fsync = settings_.durability == TR_DURABILITY_FSYNC;
  auto log = LiveLog::create(directory_ ? directory_->fd() : -1, log_options);
  if (!log && directory_) {
    messages_.warn("recording in memory only: " + log.error().message);
    static_cast<void>(directory_->remove());
    directory_.reset();
    log = LiveLog::create(-1, log_options);
  }
  if (!log) return log.error();
  log_ = std::move(*log);
  if (Error error = create_recorder()) return error;

  Worker::Options worker_options;
  worker_options.end_grace_ns = int64_t{settings_.end_grace_ms} * 1'000'000;
  worker_options.fsync = log_options.fsync;
  worker_ = std::make_unique<Worker>(recorder_.get(), log_.get(), &registry_, settings_.redactor.get(), &messages_,
                                     worker_options);
  if (directory_ && (settings_.flags & TR_CONFIG_NO_ADOPTION) == 0) {
    adoption_ =
        std::make_unique<Adoption>(settings_.directory, directory_->id(), settings_.redactor, &registry_, &messages_);
  }
  epoch_ = record::open_gate(recorder_.get());
  if (Error error = worker_->start(epoch_)) return error;
  std::vector<tr_processor> built_ins;
  if (Error error = make_built_ins_(settings_, &built_ins)) messages_.warn(error.message);
  for (size_t i = 0; i < built_ins.size(); ++i) {
    if (const int failed = add_processor(built_ins[i], nullptr); failed != TR_OK) {
      for (size_t rest = i + 1; rest < built_ins.size(); ++rest) built_ins[rest].release(built_ins[rest].user_data);
      return Error{failed, std::string("the processor ") + built_ins[i].name + " cannot be started"};
    }
  }
  if (adoption_) {
    if (const Error error = adoption_->start()) messages_.warn("dead runs are not taken up: " + error.message);
  }
  return Error::none();
}

Error Instance::open_directory() {
  if (settings_.durability == TR_DURABILITY_MEMORY) return Error::none();
  if (settings_.directory.empty()) return Error{TR_EIO, "no directory can be used"};
  auto directory = RunDirectory::create(settings_.directory);
  if (!directory) return directory.error();
  directory_.emplace(std::move(*directory));
  return Error::none();
}

// The recorder's file, or an error that says why it has to be memory.
Expected<int> Instance::open_recorder_file() {
  if (!directory_ || settings_.recorder == TR_RECORDER_MEMORY) return -1;
  if (settings_.recorder_directory.empty()) {
    recorder_file_ = open_file_at(directory_->fd(), kRecorderName, O_RDWR | O_CREAT | O_EXCL);
  } else {
    auto folder =
        trunkline::ensure_directory(settings_.recorder_directory + "/trunkline-" + std::to_string(geteuid()), 0700);
    if (!folder) return folder.error();
    recorder_path_ = settings_.recorder_directory + "/trunkline-" + std::to_string(geteuid()) + "/" + directory_->id();
    const UniqueFd pointer = open_file_at(directory_->fd(), kRecorderPathName, O_WRONLY | O_CREAT | O_EXCL);
    if (!pointer) return Error{TR_EIO, "the recorder's place cannot be noted"};
    if (Error error = write_all(pointer.get(), recorder_path_.data(), recorder_path_.size())) return error;
    recorder_file_ = open_file_at(folder->get(), directory_->id().c_str(), O_RDWR | O_CREAT | O_EXCL);
  }
  if (!recorder_file_) return io_error("the recorder file cannot be made", errno);
  if (!can_map_recorder(recorder_file_.get()))
    return Error{TR_EUNSUPPORTED, "the recorder's file system is none that can be mapped safely"};
  return recorder_file_.get();
}

Error Instance::create_recorder() {
  record::Policy policy;
  policy.max_value_bytes = settings_.max_value_bytes;
  policy.max_attributes = settings_.max_attributes;
  policy.block_timeout_ms = settings_.overflow == TR_OVERFLOW_BLOCK ? settings_.block_timeout_ms : 0;
  policy.content = settings_.content != TR_CONTENT_OFF;
  policy.sample_threshold = threshold_of(settings_.sample_ratio);
  policy.redactor = settings_.redactor.get();
  mode_ = directory_ ? TR_MODE_LOG_ONLY : TR_MODE_MEMORY;
  const auto fd = open_recorder_file();
  if (!fd) messages_.warn("the recorder is in memory: " + fd.error().message);
  if (fd && *fd >= 0) {
    auto recorder = record::Recorder::create(*fd, settings_.max_memory, policy);
    if (recorder) {
      recorder_ = std::move(*recorder);
      mode_ = TR_MODE_FILE;
      return Error::none();
    }
    messages_.warn("the recorder is in memory: " + recorder.error().message);
  }
  if (directory_) {
    unlinkat(directory_->fd(), kRecorderName, 0);
    unlinkat(directory_->fd(), kRecorderPathName, 0);
  }
  if (!recorder_path_.empty()) unlink(recorder_path_.c_str());
  recorder_file_.reset();
  auto recorder = record::Recorder::create(-1, settings_.max_memory, policy);
  if (!recorder) return recorder.error();
  recorder_ = std::move(*recorder);
  return Error::none();
}

// The child has copies of the parent's descriptors and mappings: they are closed, and nothing else is touched.
void Instance::abandon_in_child() {
  if (recorder_) recorder_->pool().abandon();
  recorder_file_.reset();
  if (directory_) directory_->close_inherited();
}

int Instance::shutdown(uint32_t timeout_ms, bool exiting) {
  record::Gate* gate = record::gate();
  if (gate == nullptr) return TR_OK;
  const int64_t deadline = os::monotonic_now() + int64_t{timeout_ms} * 1'000'000;
  const GateLock transition(&gate->lifecycle);
  std::shared_ptr<Instance> instance;
  {
    const GateLock lock(&gate->instance_lock);
    if (process().instance == nullptr || process().instance->pid_ != getpid()) return TR_OK;
    instance = std::exchange(process().instance, nullptr);
    process().ending = instance;
  }
  const int result = instance->stop(deadline, exiting);
  const GateLock lock(&gate->instance_lock);
  process().ending = nullptr;
  if (instance->held_up_) process().abandoned.push_back(instance);
  process().last = std::move(instance->final_counts_);
  return result;
}

bool Instance::say(tr_level level, std::string_view message) {
  const auto instance = serving();
  if (instance != nullptr) instance->messages_.write(level, message);
  return instance != nullptr;
}

void Instance::say_refused(std::string message) {
  const auto instance = serving();
  if (instance == nullptr) return;
  const uint64_t now = instance->refused_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (now == kMostRefusals) message += " (what is refused from now on is not said)";
  if (now <= kMostRefusals) instance->messages_.warn(message);
}

std::string Instance::service_name() {
  const auto instance = serving();
  return instance == nullptr ? std::string() : instance->settings_.service_name;
}

void Instance::count(tr_stats* out) {
  if (const auto instance = serving()) return instance->stats(out);
  record::Gate* gate = record::gate();
  if (gate == nullptr) return;
  const GateLock lock(&gate->instance_lock);
  if (process().last.pid == getpid()) *out = process().last.stats;
}

bool Instance::count(tr_processor_id id, tr_processor_stats* out) {
  if (const auto instance = serving()) {
    auto processor = instance->registry_.find(id);
    if (processor == nullptr) processor = instance->registry_.find_removed(id);
    if (processor != nullptr) *out = processor->stats();
    return processor != nullptr;
  }
  record::Gate* gate = record::gate();
  if (gate == nullptr) return false;
  const GateLock lock(&gate->instance_lock);
  if (process().last.pid != getpid()) return false;
  for (const auto& [known, counts] : process().last.processors) {
    if (known == id) *out = counts;
    if (known == id) return true;
  }
  return false;
}

int Instance::stop(int64_t deadline, bool exiting) {
  if (recorder_ == nullptr && !directory_) return TR_OK;  // disabled
  {
    // Whoever is just adding a processor comes before this, or is refused.
    const std::lock_guard lock(processors_mutex_);
    stopped_.store(true, std::memory_order_release);
  }
  if (exiting) {
    // A host's runtime may be gone: its hooks are not called any more.
    for (const auto& processor : registry_.all()) {
      if (!processor->runs_at_exit()) processor->silence();
    }
  }
  const bool nobody_inside = epoch_ == 0 || record::close_gate();
  // A disk that works gets the time to take what there is, whatever the deadline; one that hangs does not.
  const int64_t patience = std::max(deadline, os::monotonic_now() + kLeastPatienceNs);
  held_up_ = worker_ != nullptr && !worker_->stop(patience);
  if (adoption_ && !adoption_->stop(deadline, patience)) held_up_ = true;
  const ProcessorList processors = registry_.all();
  for (const auto& processor : processors) {
    processor->close(exiting && !processor->runs_at_exit() ? os::monotonic_now() : deadline);
  }
  bool everything_closed = true;
  bool everything_taken = true;
  for (const auto& processor : processors) {
    if (!processor->wait_closed(deadline)) everything_closed = false;
    if (!processor->caught_up()) everything_taken = false;
  }
  // Those that were removed may still be in a hook: after this nothing of the host is called any more.
  for (const auto& processor : registry_.removed()) {
    if ((!exiting || processor->runs_at_exit()) && !processor->wait_closed(deadline)) everything_closed = false;
  }
  attempt([this] { final_counts_ = final_counts(); });
  if (held_up_) {
    messages_.error("shut down while a thread waits for the disk: what it holds stays in the run directory");
    messages_.silence();
    return TR_ETIMEDOUT;
  }
  attempt([&] { leave_directory(everything_taken); });
  if (!nobody_inside) static_cast<void>(recorder_.release());  // somebody is still in there: leak, do not crash
  return everything_closed && everything_taken ? TR_OK : TR_ETIMEDOUT;
}

// Removes the run directory when nobody needs it any more; else it waits for the next start.
void Instance::leave_directory(bool everything_delivered) {
  if (!directory_) return;
  unlinkat(directory_->fd(), kRecorderName, 0);
  unlinkat(directory_->fd(), kRecorderPathName, 0);
  if (!recorder_path_.empty()) unlink(recorder_path_.c_str());
  bool needed = false;
  if (!everything_delivered) {
    const auto cursors = CursorFile::list(directory_->fd());
    const uint64_t last = log_->last_sequence();
    needed = !cursors || std::any_of(cursors->begin(), cursors->end(),
                                     [last](const Cursor& cursor) { return cursor.acknowledged < last; });
  }
  if (!needed) {
    if (const Error error = directory_->remove()) messages_.warn("the run directory stays: " + error.message);
  }
}

}  // namespace trunkline::pipeline
