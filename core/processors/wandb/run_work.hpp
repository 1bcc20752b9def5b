// What the records of a batch mean for one W&B run: rows, config, tags, summary, and whether it ends. Nothing is sent
// here and nothing is asked, so the same records and the same state always mean the same.
#pragma once

#include <string>
#include <vector>

#include "processors/wandb/wandb_run.hpp"

namespace trunkline::wandb {

// What every run of a processor is given.
struct RunTerms {
  std::string id;  // empty: one for each trace
  std::string name;
  std::string group;
  Values config;
  std::vector<std::string> tags;
  bool auto_finish = true;
  bool trace_tree = false;
};

struct RunWork {
  RunState state;
  RunDelta delta;
  std::vector<const tr_record*> spans;  // for the trees of the traces that end
  std::vector<const tr_record*> ended;
  bool over = false;                 // nothing more is expected of it
  std::vector<std::string> remarks;  // for people
  std::vector<Loss> lost;            // files and artifacts that were not recorded whole

  void add(const tr_record& record, const RunTerms& terms);
  // A row with a value of its own, after all others.
  void add_last_row(const std::string& key, std::string json, int64_t ns);

 private:
  void begin(const tr_record& record, const RunTerms& terms);
  void begin_clock(int64_t now_ns, int64_t ran_ns);
  void add_start(const tr_record& record);
  void add_span(const tr_record& record, const RunTerms& terms);
  void add_trace_end(const tr_record& record, const RunTerms& terms);
  void add_run_log(const tr_record& record);
  void add_values(Values values, int64_t step, int64_t ns);
  void add_file(const tr_record& record);
  void add_artifact(const tr_record& record);
  void add_media(const tr_record& record);
  void lose(const char* what, const tr_record& record, const std::string& why);
  void add_run_finish(const tr_record& record);
  void say_exit(int64_t code);
  void end_if_over(int64_t ns);

  void row(Values values, int64_t ns);
  void emit(Row row);
  void flush_pending();
  void set_summary(const std::string& key, std::string json);
  void set_config(const std::string& key, std::string json);
  void set_tag(std::string tag);
};

// The id of a run by default: the trace's own where the trace begins. Where one goes on from another process, or there
// is no trace, another that nobody else has.
std::string default_id(const std::string& key, const RunState& state);

}  // namespace trunkline::wandb
