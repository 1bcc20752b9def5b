// A processor written by the host that keeps what it takes, and answers as a scenario tells it to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "scenarios/fields.hpp"
#include "trunkline.h"

namespace trunkline::scenarios {

class Collector {
 public:
  using Play = std::function<void(const json& steps)>;

  // `play` plays steps inside a hook.
  Collector(const json& description, Play play);
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  const std::string& name() const { return name_; }
  tr_processor table();
  void set_id(tr_processor_id id) { id_ = id; }
  tr_processor_id id() const { return id_; }

  std::vector<json> taken() const;
  // Whether it has taken so many, in time.
  bool wait_taken(size_t count) const;
  // The oldest batch that was kept; null: none in time.
  tr_batch* wait_kept();
  void take(const tr_batch& batch, size_t count);
  int released() const { return released_.load(); }

 private:
  struct Rule {
    json to;
    std::string answer;
    int64_t times;  // -1: always
    json calls;
  };
  static Collector& self(void* user_data) { return *static_cast<Collector*>(user_data); }
  static Rule rule_of(const json& description);
  std::string answer_for(const json& record);
  int hook(const tr_record& record);
  int on_batch(const tr_batch& batch);
  int result_of(const std::string& answer);

  const Play play_;
  std::string name_;
  std::string shape_;
  bool span_starts_;
  uint32_t batch_size_;
  tr_processor_id id_ = 0;
  std::atomic<int> released_{0};
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Rule> rules_;
  std::vector<json> taken_;
  std::deque<tr_batch*> kept_;
};

}  // namespace trunkline::scenarios
