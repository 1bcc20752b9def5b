// The one instance of the library in a process: it owns the recorder, the log, the worker, the processors and the run
// directory, from tr_init to tr_shutdown. In a forked child the parent's instance is abandoned, and the first call
// makes a fresh one with the same settings.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/run_directory.hpp"
#include "pipeline/adoption.hpp"
#include "pipeline/delivery_thread.hpp"
#include "pipeline/settings.hpp"
#include "pipeline/worker.hpp"

namespace trunkline::pipeline {

// What an instance leaves behind when it ends.
struct FinalCounts {
  pid_t pid = 0;
  tr_stats stats{};
  std::vector<std::pair<tr_processor_id, tr_processor_stats>> processors;
};

// Fills the tables of the built-in processors the settings name. Given by the layer that knows them.
using MakeBuiltIns = Error (*)(const Settings& settings, std::vector<tr_processor>* out);

class Instance {
 public:
  // Starts the instance. TR_ESTATE: there is one.
  static Error start(const Settings& settings, MakeBuiltIns make_built_ins);
  // The running instance, in a forked child a fresh one; nullptr: none.
  static std::shared_ptr<Instance> current();
  // Whether a forked child has just got an instance of its own, so that a call that found the gate closed is worth
  // repeating.
  static bool restarted_after_fork();
  // The running or ending instance of this very process: in a forked child none is made for the question.
  static std::shared_ptr<Instance> of_this_process();
  // The running instance, or the one that is just delivering its last records.
  static std::shared_ptr<Instance> serving();
  // The processor one of whose hooks runs on this thread.
  static std::shared_ptr<Processor> processor_in_hook();
  // Whether a processor of this process has had the id.
  static bool was_known(tr_processor_id id);
  // Ends the running instance.
  static int shutdown(uint32_t timeout_ms, bool exiting);
  // A message of a built-in processor, to where the instance's own go. false: nobody serves.
  static bool say(tr_level level, std::string_view message);
  // Why a call was refused whose caller is told a code alone. After a hundred of them nothing more is said: a program
  // that does it all day is not to fill a disk.
  static void say_refused(std::string message);
  // As the settings have it; empty: no instance serves.
  static std::string service_name();
  // Counts of the instance that serves, else of the one that ended last. false: no such processor.
  static void count(tr_stats* out);
  static bool count(tr_processor_id id, tr_processor_stats* out);

  ~Instance();

  int add_processor(const tr_processor& table, tr_processor_id* id);
  // `ids`: room for `count`, or nullptr.
  int set_processors(const tr_processor* tables, size_t count, tr_processor_id* ids);
  int remove_processor(tr_processor_id id);
  int flush(uint32_t timeout_ms);
  void stats(tr_stats* out) const;
  Registry& registry() { return registry_; }
  Adoption* adoption() { return adoption_.get(); }
  const Settings& settings() const { return settings_; }

 private:
  explicit Instance(const Settings& settings, MakeBuiltIns make_built_ins);
  Error open_or_undo();
  Error open();
  std::string run_id() const;
  Error open_directory();
  Expected<int> open_recorder_file();
  Error create_recorder();
  static tr_processor_id new_processor_id();
  std::shared_ptr<Processor> make_processor(const tr_processor& table);
  void introduce(const std::shared_ptr<Processor>& processor);
  int start_processor(const std::shared_ptr<Processor>& processor, std::shared_ptr<DeliveryThread> spare = nullptr);
  std::shared_ptr<DeliveryThread> give_thread(const std::shared_ptr<Processor>& processor,
                                              std::shared_ptr<DeliveryThread> spare);
  bool make_threads(const tr_processor* tables, size_t count, std::vector<std::shared_ptr<DeliveryThread>>* threads);
  std::shared_ptr<Processor> take_out(tr_processor_id id);
  void update_span_starts();
  int stop(int64_t deadline, bool exiting);
  FinalCounts final_counts() const;
  void abandon_in_child();
  bool is_done_with() const;
  void leave_directory(bool everything_delivered);

  const Settings settings_;
  const MakeBuiltIns make_built_ins_;
  const pid_t pid_;
  const int64_t started_ns_;
  MessageLog messages_;
  std::optional<RunDirectory> directory_;
  UniqueFd recorder_file_;
  std::string recorder_path_;  // outside of the run directory
  std::unique_ptr<record::Recorder> recorder_;
  std::shared_ptr<LiveLog> log_;
  Registry registry_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<Adoption> adoption_;
  std::shared_ptr<DeliveryThread> shared_thread_;
  std::mutex processors_mutex_;  // adding and removing
  uint64_t epoch_ = 0;
  tr_mode mode_ = TR_MODE_MEMORY;
  std::atomic<bool> stopped_{false};
  std::atomic<uint64_t> refused_{0};  // calls of which it was to be said
  bool held_up_ = false;              // a thread of it waits for the disk, and was left behind
  FinalCounts final_counts_;
};

}  // namespace trunkline::pipeline
