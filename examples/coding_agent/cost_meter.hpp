// A processor of our own beside the local store: a line for each generation as it ends, and the sum when the trace
// ends. It runs on a thread of the library, so a slow terminal does not hold up the agent.
#pragma once

#include <cstdio>

#include "trunkline.hpp"

namespace agent {

struct Price {
  double input = 0;  // dollars for a million tokens
  double output = 0;
};

class CostMeter : public trunkline::Processor {
 public:
  CostMeter(Price price, std::FILE* out) : Processor(options()), price_(price), out_(out) {}

  int on_span_end(const tr_record& record) override {
    if (record.kind != TR_KIND_GENERATION) return TR_OK;
    const int64_t input = record.usage.input > 0 ? record.usage.input : 0;
    const int64_t output = record.usage.output > 0 ? record.usage.output : 0;
    const double cost = (static_cast<double>(input) * price_.input + static_cast<double>(output) * price_.output) / 1e6;
    ++generations_;
    input_ += input;
    output_ += output;
    cost_ += cost;
    std::fprintf(out_, "meter: generation %d, %lld tokens in, %lld out, $%.6f, %.1f ms%s\n", generations_,
                 static_cast<long long>(input), static_cast<long long>(output), cost,
                 static_cast<double>(record.end_ns - record.start_ns) / 1e6,
                 (record.flags & TR_RECORD_FAILED) != 0 ? ", failed" : "");
    return TR_OK;
  }

  int on_trace_end(const tr_record&) override {
    std::fprintf(out_, "meter: total of %d generations, %lld tokens in, %lld out, $%.6f\n", generations_,
                 static_cast<long long>(input_), static_cast<long long>(output_), cost_);
    std::fflush(out_);
    return TR_OK;
  }

 private:
  static Options options() {
    Options out;
    out.name = "cost-meter";
    return out;
  }

  Price price_;
  std::FILE* out_;
  int generations_ = 0;
  int64_t input_ = 0;
  int64_t output_ = 0;
  double cost_ = 0;
};

}  // namespace agent
