// What the spans of an agent add up to in a run at a tracker: QitOS's totals, which W&B and MLflow runs share. Each
// span that counts takes the run's next step; what it means there is for the sinks to say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "encode/json_writer.hpp"

namespace trunkline::processors {

// The attribute under which an agent tells why it stopped.
inline constexpr std::string_view kStopReason = "stop_reason";

// What a finished span counts as. Texts are the record's.
struct Counted {
  enum class As { kNothing, kGeneration, kStep, kCall, kScore };
  As as = As::kNothing;
  int64_t step = 0;    // of the run
  bool parts = false;  // of a generation: prompt and completion are known, not the total alone
  int64_t prompt = 0;
  int64_t completion = 0;
  int64_t total = 0;
  int64_t number = 0;     // of a step
  std::string_view what;  // of a call: "tool" or "action"
  std::string_view name;  // of the tool, action, critic or model; may be empty
  double score = 0;
};

struct RunTotals {
  int64_t step = 0;  // of the next thing logged by a span
  int64_t total_tokens = 0;
  int64_t total_steps = 0;
  int64_t tool_calls = 0;
  int64_t critics = 0;
  double score_sum = 0;
  double score_min = 0;
  double score_max = 0;

  Counted count(const tr_record& span);
  void count_score(double score);

  // What is known when the trace ends: put(name, number) with an int64_t or a double.
  template <class Put>
  void at_end(Put put) const {
    put("total_tokens", total_tokens);
    put("total_steps", total_steps);
    put("total_tool_calls", tool_calls);
    if (critics == 0) return;
    put("critic/avg_score", score_sum / static_cast<double>(critics));
    put("critic/min_score", score_min);
    put("critic/max_score", score_max);
  }

 private:
  void count_generation(const tr_usage& usage, Counted* out);
};

// Members of a saved state, and back: what cannot be read stays as it is.
void append_totals(encode::JsonObject* object, const RunTotals& totals);
void read_totals(std::string_view json_object, RunTotals* totals);

// An attribute that is text; empty: there is none.
std::string_view text_attribute(const tr_record& record, std::string_view key);

// a + b, or the largest number there is.
int64_t added(int64_t a, int64_t b);

// The run that a record belongs to, among those of its run directory: "trace-<id>" or, of a run of the host that is in
// no trace, "run-<id>".
std::string run_key(const tr_record& record);

}  // namespace trunkline::processors
