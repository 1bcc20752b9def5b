#include "reading/processor_check.hpp"

#include <algorithm>
#include <string_view>

#include "model/environment.hpp"
#include "processors/console/console_processor.hpp"
#include "processors/jsonl/jsonl_processor.hpp"
#include "processors/local/local_processor.hpp"
#include "processors/mlflow/mlflow_processor.hpp"
#include "processors/wandb/wandb_processor.hpp"

namespace trunkline::cli {
namespace {

// W&B's own client takes nothing shorter for a key.
constexpr size_t kLeastKeyBytes = 40;

using Make = Error (*)(std::string_view, const std::string&, tr_processor*, const processors::ProcessorHost&);

struct BuiltIn {
  std::string_view name;
  Make make;
  bool sends;  // its destination is worth telling, its options come from the environment
};

constexpr BuiltIn kBuiltIns[] = {{"local", &make_local_processor, false},
                                 {"jsonl", &make_jsonl_processor, false},
                                 {"console", &make_console_processor, false},
                                 {"mlflow", &make_mlflow_processor, true},
                                 {"wandb", &make_wandb_processor, true}};

// What it would say to people is said here otherwise.
void say_nothing(tr_level /*level*/, std::string_view /*sentence*/) {}

size_t size_of(const char* variable) {
  const char* value = secure_variable(variable);
  return value == nullptr ? 0 : std::string_view(value).size();
}

Finding check_key(Finding fine) {
  const size_t size = size_of("WANDB_API_KEY");
  if (size == 0 && size_of("WANDB_MODE") == 0) {
    return {fine.check, Health::kWarning, fine.text + ": there is no API key, so runs are written to files",
            "set WANDB_API_KEY, or WANDB_MODE=offline if that is meant"};
  }
  if (size != 0 && size < kLeastKeyBytes) {
    return {fine.check, Health::kWarning, "WANDB_API_KEY is shorter than W&B's keys are", "look whether it is whole"};
  }
  return fine;
}

Finding check_options(const BuiltIn& built_in, const std::string& directory) {
  processors::ProcessorHost host;
  host.message = &say_nothing;
  tr_processor table{};
  table.struct_size = sizeof table;
  std::string name(built_in.name);
  if (const Error error = built_in.make({}, directory, &table, host)) {
    return {std::move(name), Health::kProblem, error.message, "mend the variable"};
  }
  const std::string destination = table.destination == nullptr ? "" : table.destination;
  if (table.release != nullptr) table.release(table.user_data);
  Finding fine{std::move(name), Health::kOk, destination.empty() ? "disabled" : "to " + destination, ""};
  return built_in.name == "wandb" && !destination.empty() ? check_key(std::move(fine)) : fine;
}

}  // namespace

std::vector<Finding> check_processors(const std::string& names, const std::string& directory) {
  std::vector<Finding> findings;
  for (size_t begin = 0; begin <= names.size();) {
    const size_t end = std::min(names.find(',', begin), names.size());
    const std::string name = names.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == "none") continue;
    const auto* known = std::find_if(std::begin(kBuiltIns), std::end(kBuiltIns),
                                     [&](const BuiltIn& each) { return each.name == name; });
    if (known == std::end(kBuiltIns)) {
      findings.push_back({"processors", Health::kProblem, "there is no built-in processor \"" + name + "\"",
                          "known are local, jsonl, console, mlflow, wandb"});
    } else if (known->sends) {
      findings.push_back(check_options(*known, directory));
    }
  }
  return findings;
}

}  // namespace trunkline::cli
