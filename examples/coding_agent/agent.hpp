// The agent: a loop of generation and tool calls, bounded in steps, each recorded as a span.
//
//   trace > agent > step > generation, tool, tool, ...
//                 > critic (do the tests really pass?)
#pragma once

#include <string>

#include "model.hpp"
#include "trunkline.hpp"
#include "workspace.hpp"

namespace agent {

struct Report {
  bool passed = false;
  int steps = 0;
  std::string stop_reason;  // success, final (the model gave up), max_steps, unrecoverable_error
};

class Agent {
 public:
  Agent(const Workspace* workspace, Model* model, int max_steps)
      : workspace_(workspace), model_(model), max_steps_(max_steps), tools_(model_tools()) {}

  Report work(const trunkline::Trace& trace);

 private:
  enum class After { kGoOn, kPassed, kGaveUp, kBroken };

  static Json model_tools();
  After step(const trunkline::Span& parent, int number);
  Completion generate(const trunkline::Span& step);
  void call_tool(const trunkline::Span& step, const Json& call);
  bool verify(const trunkline::Span& parent, std::string* output);
  After judge_final_answer(const trunkline::Span& step);

  const Workspace* workspace_;
  Model* model_;
  int max_steps_;
  Json tools_;
  Json messages_;
  int failed_generations_ = 0;  // in a row
  int wrong_endings_ = 0;
};

}  // namespace agent
