// A processor of the host, in each shape there is: with on_batch, with single-record hooks, or polled by a thread. It
// keeps what it was offered and what it took, and misbehaves as a test tells it to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "trunkline.h"

namespace trunkline::conformance {

enum class Kind { kOnBatch, kHooks, kPolled };

struct Seen {
  uint64_t sequence;
  tr_record_type type;
  uint32_t flags;
  std::string name;
  std::string run_id;  // empty for single-record hooks, which are not told
  std::string trace_id;
  int64_t at_ns;  // steady clock
};

class Probe {
 public:
  struct Options {
    std::string name = "probe";
    std::string destination = {};
    uint32_t flags = 0;
    uint32_t batch_size = 0;
    uint32_t tick_ms = 0;
    bool span_starts = false;
    bool save_state = false;  // the sequence of the last record taken, as text
  };
  struct Restored {
    std::string run_id;
    std::string state;
    size_t offered_before;  // records of that run offered before
  };
  // What to answer for a record; may throw where there is a hook to throw from. A batch is answered with the first
  // answer that is not 0.
  using Decide = std::function<int(const Seen&)>;
  // Whether to keep a batch: it then waits in kept() for acknowledge().
  using Keep = std::function<bool(const tr_batch&)>;

  explicit Probe(Kind kind) : Probe(kind, Options()) {}
  Probe(Kind kind, Options options) : kind_(kind), options_(std::move(options)) {}
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  // Set before attach().
  Decide decide;
  Keep keep;
  std::function<void()> on_tick;
  std::function<void(uint32_t timeout_ms)> on_flush;
  std::function<void(uint32_t timeout_ms)> on_shutdown;
  std::function<int()> on_restore;
  std::function<void()> on_release;

  int attach();
  tr_processor table();
  tr_processor_id id() const { return id_; }
  Kind kind() const { return kind_; }

  std::vector<Seen> offered() const;
  std::vector<Seen> taken() const;
  std::vector<Restored> restored() const;
  std::vector<size_t> batch_sizes() const;
  size_t taken_count() const;
  size_t kept_count() const;
  size_t kept_records() const;
  // Acknowledges the batch that was kept as the `index`-th of those still kept.
  int acknowledge(size_t index, int result, const std::string& state = "");
  std::vector<uint64_t> kept_firsts() const;  // first sequence of each batch still kept
  int released() const { return released_.load(); }
  bool wait_taken(size_t count, int timeout_ms = 60'000) const;

 private:
  static Probe& self(void* user_data) { return *static_cast<Probe*>(user_data); }
  int take(const tr_record& record, const std::string& run_id, std::vector<Seen>* batch);
  int take_batch(const tr_batch& batch);
  int hook(const tr_record& record);
  void note_restored(const std::string& run_id, const void* state, size_t size);
  void pump();

  const Kind kind_;
  const Options options_;
  tr_processor_id id_ = 0;
  std::thread pump_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> released_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Seen> offered_;
  std::vector<Seen> taken_;
  std::vector<Restored> restored_;
  std::vector<size_t> batch_sizes_;
  std::vector<tr_batch*> kept_;
};

inline std::string kind_name(Kind kind) {
  switch (kind) {
    case Kind::kOnBatch:
      return "on_batch";
    case Kind::kHooks:
      return "single_hooks";
    case Kind::kPolled:
      return "polled";
  }
  return "?";
}

}  // namespace trunkline::conformance
