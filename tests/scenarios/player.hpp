// Plays one scenario through the C API and says what was not as it expects.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "scenarios/collector.hpp"
#include "scenarios/records.hpp"
#include "scenarios/values.hpp"
#include "support/files.hpp"

namespace trunkline::scenarios {

class Player {
 public:
  // Throws Refused for a scenario that says what this runner does not know.
  explicit Player(const json& scenario);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // What went wrong; empty: the scenario holds.
  std::vector<std::string> run();

 private:
  using Step = void (Player::*)(Fields& step);
  static const std::map<std::string, Step>& steps();

  void start_library();
  void play(const json& step);
  void play_inside(const json& steps);
  void end_life();
  void compare();
  void compare_counts(const Collector& collector, Fields expected);

  void fail(const std::string& what);
  void check(Fields& step, int result);
  void started(Fields& step, uint64_t handle);
  uint64_t handle(const std::string& name) const;
  uint64_t handle(Fields& step, const char* member) { return handle(step.text(member)); }
  uint64_t handle_or_none(Fields& step, const char* member);
  void compare_context(Fields& step, const std::string& traceparent);
  Collector& collector(const std::string& name) const;
  Collector& new_collector(const json& description);
  std::string new_file(Fields& given);

  void trace_start(Fields& step);
  void trace_set(Fields& step);
  void trace_set_error(Fields& step);
  void trace_event(Fields& step);
  void trace_end(Fields& step);
  void span_start(Fields& step);
  void span_set(Fields& step);
  void span_set_many(Fields& step);
  void span_set_usage(Fields& step);
  void span_set_model(Fields& step);
  void span_set_score(Fields& step);
  void span_set_step(Fields& step);
  void span_set_input(Fields& step);
  void span_set_output(Fields& step);
  void span_set_error(Fields& step);
  void span_set_foreign_id(Fields& step);
  void span_event(Fields& step);
  void span_end(Fields& step);
  void span_record(Fields& step);
  void inject(Fields& step);
  void extract(Fields& step);
  void run_start(Fields& step);
  void run_log(Fields& step);
  void run_set_summary(Fields& step);
  void run_set_config(Fields& step);
  void run_set_tag(Fields& step);
  void run_log_artifact(Fields& step);
  void run_log_media(Fields& step);
  void run_add_artifact(Fields& step);
  void run_use_artifact(Fields& step);
  void run_finish(Fields& step);
  void add_processor(Fields& step);
  void set_processors(Fields& step);
  void remove_processor(Fields& step);
  void wait(Fields& step);
  void ack(Fields& step);
  void poll(Fields& step);
  void poll_ack(Fields& step);
  void poll_ack_part(Fields& step);
  void flush(Fields& step);
  void shutdown(Fields& step);
  void init(Fields& step);

  json scenario_;
  json config_;
  bool alive_ = false;
  std::deque<test::TempDirectory> directories_;
  std::vector<std::unique_ptr<Collector>> collectors_;
  std::map<std::string, tr_processor_stats> counts_;  // of the processors whose life of the library is over
  std::map<std::string, std::pair<tr_batch*, Collector*>> batches_;
  Names names_;
  mutable std::mutex mutex_;  // hooks play steps too
  std::map<std::string, uint64_t> handles_;
  std::vector<std::string> failures_;
  int files_ = 0;
};

int code_of(const std::string& name);
std::string name_of(int code);

}  // namespace trunkline::scenarios
