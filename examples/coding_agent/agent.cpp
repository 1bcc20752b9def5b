#include "agent.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools.hpp"

namespace agent {
namespace {

constexpr int kMaxFailedGenerations = 3;
constexpr int kMaxWrongEndings = 2;  // how often it may say that it is done and be wrong
constexpr size_t kMaxCalls = 16;     // of one message
constexpr unsigned kRetryDelayUs = 100000;
constexpr size_t kMaxShown = 100;

constexpr const char* kInstructions =
    "You repair a small Python program. One of its tests fails. Use the tools to run the tests, read the files and "
    "edit "
    "the program until all tests pass; do not change the tests. Then answer with one sentence that says what was "
    "wrong.";

// For the terminal, whose control characters are nothing to be left to a model.
std::string first_line(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() > kMaxShown) line = line.substr(0, kMaxShown) + "...";
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return line;
}

std::string text_of(const Json& message) {
  const auto content = message.find("content");
  return content != message.end() && content->is_string() ? content->get<std::string>() : std::string();
}

}  // namespace

Json Agent::model_tools() { return tool_definitions(); }

Report Agent::work(const trunkline::Trace& trace) {
  trunkline::Span span = trace.span(TR_KIND_AGENT, "coding_agent");
  span.set("gen_ai.agent.name", "coding_agent");
  span.set_model(model_->name());
  span.set_input(kInstructions);
  messages_ = Json::array({{{"role", "system"}, {"content", kInstructions}},
                           {{"role", "user"}, {"content", "A test fails in this folder. Please repair the program."}}});
  Report report;
  After after = After::kGoOn;
  while (after == After::kGoOn && report.steps < max_steps_) after = step(span, ++report.steps);

  std::string output;
  report.passed = after == After::kPassed || verify(span, &output);
  report.stop_reason = report.passed             ? "success"
                       : after == After::kGoOn   ? "max_steps"
                       : after == After::kGaveUp ? "final"
                                                 : "unrecoverable_error";
  span.set("stop_reason", report.stop_reason);
  span.set_output(text_of(messages_.back()));
  if (!report.passed) span.set_error(report.stop_reason, first_line(output));
  return report;
}

Agent::After Agent::step(const trunkline::Span& parent, int number) {
  trunkline::Span span = parent.child(TR_KIND_STEP, "step " + std::to_string(number));
  span.set_step(number);
  const Completion completion = generate(span);
  if (!completion.error_type.empty()) {
    std::printf("step %d: the model failed: %s\n", number, first_line(completion.error_message).c_str());
    span.set_error(completion.error_type, "the model failed");
    if (++failed_generations_ == kMaxFailedGenerations) return After::kBroken;
    usleep(kRetryDelayUs << failed_generations_);
    return After::kGoOn;
  }
  failed_generations_ = 0;
  messages_.push_back(completion.message);
  const std::string said = text_of(completion.message);
  if (!said.empty()) std::printf("step %d: %s\n", number, first_line(said).c_str());
  const auto calls = completion.message.find("tool_calls");
  if (calls == completion.message.end() || !calls->is_array() || calls->empty()) return judge_final_answer(span);
  for (size_t i = 0; i < calls->size(); ++i) {
    if (i < kMaxCalls) {
      call_tool(span, (*calls)[i]);
    } else {
      // Every call must be answered, or the conversation is not valid.
      messages_.push_back(
          {{"role", "tool"}, {"tool_call_id", (*calls)[i]["id"]}, {"content", "error: too many calls"}});
    }
  }
  return After::kGoOn;
}

Completion Agent::generate(const trunkline::Span& step) {
  trunkline::Span span = step.child(TR_KIND_GENERATION, "chat " + model_->name());
  span.set_model(model_->name());
  span.set("gen_ai.operation.name", "chat");
  span.set("gen_ai.provider.name", model_->provider());
  span.set_input_json(to_text(messages_));
  const Completion completion = model_->complete(messages_, tools_);
  if (!completion.error_type.empty()) {
    span.set_error(completion.error_type, completion.error_message);
    return completion;
  }
  span.set_output_json(to_text(completion.message));
  span.set_usage(completion.usage);
  span.set("gen_ai.response.model", completion.model);
  span.set("gen_ai.response.finish_reasons", completion.finish_reason);
  return completion;
}

void Agent::call_tool(const trunkline::Span& step, const Json& call) {
  const std::string name = call["function"]["name"];
  const std::string arguments = call["function"]["arguments"];
  trunkline::Span span = step.child(TR_KIND_TOOL, name);
  span.set("gen_ai.tool.name", name);
  span.set("gen_ai.tool.call.id", call["id"].get<std::string>());
  span.set_input_json(arguments);
  const ToolResult result = run_tool(*workspace_, name, arguments);
  span.set_output(result.text);
  if (!result.error_type.empty()) span.set_error(result.error_type, result.text);
  std::printf("  %s: %s\n", name.c_str(), first_line(result.text).c_str());
  messages_.push_back({{"role", "tool"}, {"tool_call_id", call["id"]}, {"content", result.text}});
}

// The model says that it is done. Only the tests know.
Agent::After Agent::judge_final_answer(const trunkline::Span& step) {
  std::string output;
  if (verify(step, &output)) return After::kPassed;
  if (++wrong_endings_ == kMaxWrongEndings) return After::kGaveUp;
  messages_.push_back({{"role", "user"}, {"content", "The tests do not pass yet. They print:\n" + output}});
  return After::kGoOn;
}

bool Agent::verify(const trunkline::Span& parent, std::string* output) {
  trunkline::Span span = parent.child(TR_KIND_CRITIC, "tests");
  const Outcome tests = workspace_->run_tests();
  span.set_score("tests", tests.ok ? 1.0 : 0.0);
  span.set_output(tests.text);
  *output = tests.text;
  return tests.ok;
}

}  // namespace agent
