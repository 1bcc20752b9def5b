// The worker: one thread that moves finished records from the recorder to the log. Each pass takes what is finished, in
// order, cleans it, appends it to the log as blocks, offers them to the processors, and frees the recorder's memory.
// The end of a trace waits here until no span of it is open.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/live_log.hpp"
#include "pipeline/log_message.hpp"
#include "pipeline/origins.hpp"
#include "pipeline/record_builder.hpp"
#include "pipeline/registry.hpp"
#include "record/collector.hpp"

namespace trunkline::pipeline {

struct WorkerCounters {
  std::atomic<uint64_t> records_logged{0};
  std::atomic<uint64_t> log_errors{0};
  std::atomic<uint64_t> log_bytes{0};
  std::atomic<uint64_t> spans_incomplete{0};
  std::atomic<uint64_t> values_redacted{0};
};

class Worker {
 public:
  struct Options {
    int64_t end_grace_ns = 2'000'000'000;
    bool fsync = false;
  };

  Worker(record::Recorder* recorder, LiveLog* log, Registry* registry, const Redactor* redactor, MessageLog* messages,
         const Options& options);
  ~Worker();

  // TR_ENOMEM: there is no thread to be had.
  Error start(uint64_t epoch);
  // Logs everything, open records as incomplete, and ends. The gate is closed by now. False: the thread was not done by
  // the deadline and is left to itself; when the disk lets it go it ends, and whatever it uses must be there until
  // then.
  bool stop(int64_t deadline);
  // Of a thread that was left to itself: whether it has come to its end.
  bool has_ended();

  // `begin(sequence)` runs once the log has reached this moment: records of traces started after it have an origin of
  // at least `sequence`.
  void at_this_moment(std::function<void(uint64_t)> begin);
  // Waits until all that was finished before the call is in the log, ends of traces included. Returns the sequence it
  // reaches to, or 0 when the deadline passed.
  bool flush(int64_t deadline, uint64_t* sequence);

  const WorkerCounters& counters() const { return counters_; }

 private:
  struct Closing {
    record::Taken taken;
    uint64_t root;  // not the trace id: two traces may continue the same remote one
    int64_t deadline;
  };
  struct Moment {
    int64_t stamp;
    std::function<void(uint64_t)> begin;
  };

  void run();
  bool pass(bool final);
  void sleep(bool worked);
  void refresh_wall_offset();
  size_t close_traces(int64_t ended_by);
  bool flush_waits_for_traces() const;
  void log_records(const std::vector<record::Taken>& taken);
  void log_record(const record::Taken& taken, const RecordHeader& header);
  void flush_block();
  void tend_log();
  void tell_of_refusals();
  void finish_flush();
  void reach_moments(int64_t stamp);

  record::Recorder* recorder_;
  record::Collector collector_;
  LiveLog* log_;
  Registry* registry_;
  RecordBuilder builder_;
  MessageLog* messages_;
  const Options options_;
  WorkerCounters counters_;

  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> abandoned_{false};
  std::mutex mutex_;  // moments_, flush_*, ended_
  std::condition_variable flushed_;
  std::condition_variable has_ended_;
  bool ended_ = false;
  std::vector<Moment> moments_;
  std::atomic<bool> has_moments_{false};
  uint64_t flush_asked_ = 0;
  uint64_t flush_done_ = 0;
  uint64_t flush_working_ = 0;  // what the thread works for; 0: none
  uint64_t flush_sequence_ = 0;

  // The thread's own.
  int64_t refusals_told_ = 0;
  std::vector<record::Taken> taken_;
  struct Unfreed {
    record::Taken taken;
    bool held;  // not in block_: its turn is later
  };
  std::vector<Unfreed> unfreed_;  // in order; to be freed, or held, once block_ is in the log
  std::shared_ptr<Block> block_;
  uint64_t sequence_ = 1;
  std::vector<Closing> closing_;
  Origins origins_;
  int64_t wall_offset_ = 0;
  int64_t wall_checked_ = 0;
  int64_t synced_ = 0;
  bool log_failing_ = false;
  int64_t flush_mark_ = 0;  // when the pass began that saw the flush it works for; 0: none
  int idle_passes_ = 0;
};

}  // namespace trunkline::pipeline
