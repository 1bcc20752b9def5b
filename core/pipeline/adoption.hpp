// Takes up what dead runs of the directory left behind, in the background: each is recovered once, and every processor
// that is registered here takes over the cursor of equal identity. What nobody here is identical to waits for others.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "pipeline/dead_run.hpp"
#include "pipeline/log_message.hpp"
#include "pipeline/registry.hpp"

namespace trunkline::pipeline {

struct AdoptionCounters {
  std::atomic<uint64_t> runs_adopted{0};
  std::atomic<uint64_t> records_recovered{0};
  std::atomic<uint64_t> records_corrupt{0};
  std::atomic<uint64_t> runs_expired{0};
  std::atomic<uint64_t> runs_waiting{0};  // for processors that are not here
  std::atomic<uint64_t> failures{0};      // dead runs, or the list of them, that could not be read or removed
};

// How long a dead run is kept for processors that do not come.
inline constexpr int64_t kExpiryNs = 7LL * 24 * 3600 * 1'000'000'000;

enum class Expired { kRemoved, kKept };

class Adoption {
 public:
  Adoption(std::string directory, std::string own_run, std::shared_ptr<const Redactor> redactor, Registry* registry,
           MessageLog* messages, Expired expired = Expired::kRemoved);
  ~Adoption();

  // TR_ENOMEM: there is no thread to be had.
  Error start();
  // Takes up what there is until `enough`. False: the thread was not done by the deadline and is left to itself, as a
  // worker is.
  bool stop(int64_t enough, int64_t deadline);
  bool has_ended();
  // Looks again: a processor has been added, or has finished with a run.
  void look_again();
  // Waits until everything that can be taken up here has been. False: the deadline passed.
  bool wait_until_done(int64_t deadline);

  const AdoptionCounters& counters() const { return counters_; }

 private:
  struct Held {
    std::shared_ptr<DeadRun> run;
    std::map<std::string, std::shared_ptr<std::atomic<bool>>> feeds;  // by identity; true: finished
  };

  void run();
  bool has_had_enough();
  void pass();
  void take_up(const std::string& id);
  bool tend(Held* held);
  void fail(const std::string& what, const Error& error);

  const std::string directory_;
  const std::string own_run_;
  const std::shared_ptr<const Redactor> redactor_;
  Registry* registry_;
  MessageLog* messages_;
  const Expired expired_;
  AdoptionCounters counters_;
  // The thread's own.
  std::map<std::string, Held> held_;
  std::set<std::string> waiting_;  // runs that hold something for processors that are not here

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t asked_ = 0;
  uint64_t done_ = 0;
  bool holding_ = false;
  bool stopping_ = false;
  int64_t enough_ = 0;
  bool ended_ = false;
};

}  // namespace trunkline::pipeline
