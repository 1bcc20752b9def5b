// The model for those who have none at hand: generate and validate. It runs the tests, reads which assertion fails,
// reads the functions which that line calls and what they call in turn, and tries small changes until the tests pass.
// It sees only what the tools return, as any model does, and speaks the same protocol.
#include <algorithm>
#include <deque>
#include <set>

#include "model.hpp"
#include "repair.hpp"

namespace agent {
namespace {

class Planner : public Model {
 public:
  std::string name() const override { return "planner"; }
  std::string provider() const override { return "trunkline-example"; }

  Completion complete(const Json& messages, const Json&) override {
    Completion completion;
    completion.model = name();
    completion.message = decide(results_since_last_answer(messages));
    completion.finish_reason = completion.message.contains("tool_calls") ? "tool_calls" : "stop";
    // It has no tokens; about four characters are one elsewhere.
    completion.usage.input = static_cast<int64_t>(to_text(messages).size() / 4);
    completion.usage.output = static_cast<int64_t>(to_text(completion.message).size() / 4);
    return completion;
  }

 private:
  enum class State { kStart, kRead, kSuspect, kTry };
  using Results = std::vector<std::string>;

  static Results results_since_last_answer(const Json& messages) {
    Results results;
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
      if (message->value("role", "") != "tool") break;
      results.insert(results.begin(), message->value("content", ""));
    }
    return results;
  }

  static bool passed(const std::string& result) { return result.compare(0, 11, "exit code 0") == 0; }

  Json decide(const Results& results) {
    switch (state_) {
      case State::kStart:
        state_ = State::kRead;
        return calls({{"run_tests", Json::object()}, {"list_files", Json::object()}});
      case State::kRead:
        return read_sources(results);
      case State::kSuspect:
        return take_suspects(results);
      case State::kTry:
        return judge(results);
    }
    return say("I am lost.");
  }

  Json read_sources(const Results& results) {
    if (results.size() != 2) return say("I did not get what I asked for.");
    if (passed(results[0])) return say("The tests pass already.");
    failure_ = read_failure(results[0]);
    if (!failure_.found) return say("The tests fail in a way I do not understand.");
    std::vector<std::pair<std::string, Json>> wanted;
    for (const std::string& file : split_lines(results[1])) {
      const bool python = file.size() > 3 && file.compare(file.size() - 3, 3, ".py") == 0;
      if (!python || file.compare(0, 4, "test") == 0) continue;
      files_.push_back(file);
      wanted.push_back({"read_file", {{"path", file}}});
    }
    if (wanted.empty()) return say("There is no source I could change.");
    state_ = State::kSuspect;
    return calls(wanted,
                 failure_.test + " fails: " + failure_.complaint + ". I look at what `" + failure_.line + "` calls.");
  }

  Json take_suspects(const Results& results) {
    for (size_t i = 0; i < files_.size() && i < results.size(); ++i) sources_[files_[i]] = results[i];
    suspect(failure_.line);
    state_ = State::kTry;
    return next_try();
  }

  Json judge(const Results& results) {
    if (!results.empty() && passed(results.back())) {
      return say("The tests pass. In " + current_.name + " of " + current_.file + " I changed " + applied_.what + ".");
    }
    return next_try();
  }

  void suspect(const std::string& code) {
    for (Function& function : called_functions(code, sources_)) {
      if (seen_.insert(function.name).second) suspects_.push_back(std::move(function));
    }
  }

  // The next change to the current suspect, or to the next one; what the last one did is undone in the same step.
  Json next_try() {
    std::vector<std::pair<std::string, Json>> wanted;
    if (!applied_.text.empty()) {
      wanted.push_back({"edit_file", {{"path", current_.file}, {"old", applied_.text}, {"new", current_.text}}});
      applied_ = {};
    }
    while (changes_.empty() && !suspects_.empty()) {
      current_ = std::move(suspects_.front());
      suspects_.pop_front();
      for (Change& change : candidate_changes(current_, failure_.complaint)) changes_.push_back(std::move(change));
      suspect(current_.text);
    }
    if (changes_.empty()) return say("No small change that I know makes the tests pass.", wanted);
    applied_ = std::move(changes_.front());
    changes_.pop_front();
    wanted.push_back({"edit_file", {{"path", current_.file}, {"old", current_.text}, {"new", applied_.text}}});
    wanted.push_back({"run_tests", Json::object()});
    return calls(wanted, "In " + current_.name + ": " + applied_.what + "?");
  }

  static std::vector<std::string> split_lines(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      lines.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return lines;
  }

  Json calls(const std::vector<std::pair<std::string, Json>>& wanted, const std::string& why = {}) {
    Json list = Json::array();
    for (const auto& [tool, arguments] : wanted) {
      list.push_back({{"id", "call_" + std::to_string(++calls_made_)},
                      {"type", "function"},
                      {"function", {{"name", tool}, {"arguments", to_text(arguments)}}}});
    }
    return {{"role", "assistant"}, {"content", why}, {"tool_calls", list}};
  }

  Json say(const std::string& text, const std::vector<std::pair<std::string, Json>>& wanted = {}) {
    if (!wanted.empty()) return calls(wanted, text);
    return {{"role", "assistant"}, {"content", text}};
  }

  State state_ = State::kStart;
  int calls_made_ = 0;
  Failure failure_;
  std::vector<std::string> files_;
  Sources sources_;
  std::deque<Function> suspects_;
  std::set<std::string> seen_;
  Function current_;
  std::deque<Change> changes_;
  Change applied_;
};

}  // namespace

std::unique_ptr<Model> make_planner() { return std::make_unique<Planner>(); }

}  // namespace agent
