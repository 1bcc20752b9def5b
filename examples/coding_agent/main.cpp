// A small coding agent that does real work: it makes a program with a bug, and repairs it.
//
//   coding_agent --bug 1|2|3 [--dir FOLDER] [--max-steps N] [--price IN,OUT]
//
// With OPENAI_BASE_URL set it asks that server (OPENAI_API_KEY, OPENAI_MODEL), else a planner which needs none. Exit
// code 0: the tests pass. 1: they do not. 2: it could not begin.
#include <cstdlib>
#include <cstring>

#include "agent.hpp"
#include "cost_meter.hpp"

namespace {

struct Arguments {
  int bug = 0;
  int max_steps = 60;
  std::string folder;
  agent::Price price = {0.15, 0.60};
};

bool read_number(const char* text, int least, int most, int* out) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < least || value > most) return false;
  *out = static_cast<int>(value);
  return true;
}

bool read_price(const char* text, agent::Price* out) {
  char end = '\0';
  return std::sscanf(text, "%lf,%lf%c", &out->input, &out->output, &end) == 2 && out->input >= 0 && out->output >= 0;
}

bool read_arguments(int count, char** values, Arguments* out) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = values[i];
    const char* value = values[i + 1];
    if (name == "--bug") {
      if (!read_number(value, 1, agent::Workspace::kBugs, &out->bug)) return false;
    } else if (name == "--max-steps") {
      if (!read_number(value, 1, 1000, &out->max_steps)) return false;
    } else if (name == "--price") {
      if (!read_price(value, &out->price)) return false;
    } else if (name == "--dir") {
      out->folder = value;
    } else {
      return false;
    }
  }
  return count % 2 == 1 && out->bug != 0;
}

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::unique_ptr<agent::Model> choose_model() {
  const std::string url = variable("OPENAI_BASE_URL", "");
  if (url.empty()) {
    std::printf("model: the deterministic planner, for OPENAI_BASE_URL is not set; its token counts are estimates\n");
    return agent::make_planner();
  }
  const std::string name = variable("OPENAI_MODEL", "gpt-4o-mini");
  std::string error;
  auto model = agent::make_openai_model(url, variable("OPENAI_API_KEY", ""), name, &error);
  if (model == nullptr) {
    std::fprintf(stderr, "%s\n", error.c_str());
  } else {
    std::printf("model: %s at the server of OPENAI_BASE_URL\n", name.c_str());
  }
  return model;
}

agent::Report repair(const Arguments& arguments, const agent::Workspace& workspace, agent::Model* model) {
  trunkline::Trace trace("repair a program");
  trace.set("bug", arguments.bug);
  trace.set("folder", workspace.folder().string());
  trace.set("model", model->name());
  agent::Agent worker(&workspace, model, arguments.max_steps);
  agent::Report report = worker.work(trace);
  trace.set("stop_reason", report.stop_reason);
  if (!report.passed) trace.set_error(report.stop_reason, "the tests do not pass");
  return report;
}

}  // namespace

int main(int argument_count, char** argument_values) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Arguments arguments;
  if (!read_arguments(argument_count, argument_values, &arguments)) {
    std::fprintf(stderr, "usage: coding_agent --bug 1|2|3 [--dir FOLDER] [--max-steps N] [--price IN,OUT]\n");
    return 2;
  }
  const std::unique_ptr<agent::Model> model = choose_model();
  if (model == nullptr) return 2;
  agent::Workspace workspace;
  const agent::Outcome made = workspace.create(arguments.folder, arguments.bug);
  if (!made.ok) {
    std::fprintf(stderr, "%s\n", made.text.c_str());
    return 2;
  }
  std::printf("folder: %s\n", made.text.c_str());

  // An agent works without its tracer, too.
  trunkline::Session session;
  if (!session) std::fprintf(stderr, "not traced: %s\n", session.message());
  std::printf("price: $%.2f and $%.2f for a million tokens in and out\n", arguments.price.input,
              arguments.price.output);
  trunkline::Processor::add(std::make_unique<agent::CostMeter>(arguments.price, stdout));

  const agent::Report report = repair(arguments, workspace, model.get());
  session.flush(5000);
  std::printf("%s after %d steps (%s)\n", report.passed ? "the tests pass" : "the tests do not pass", report.steps,
              report.stop_reason.c_str());
  return report.passed ? 0 : 1;
}
