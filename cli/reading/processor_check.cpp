#include "reading/processor_check.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "model/environment.hpp"
#include "processors/console/console_processor.hpp"
#include "processors/jsonl/jsonl_processor.hpp"
#include "processors/local/local_processor.hpp"
#include "processors/mlflow/mlflow_options.hpp"
#include "processors/mlflow/mlflow_processor.hpp"
#include "processors/wandb/wandb_options.hpp"
#include "processors/wandb/wandb_processor.hpp"

namespace trunkline::cli {
namespace {

// W&B's own client takes nothing shorter for a key.
constexpr size_t kLeastKeyBytes = 40;

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

// Why a file cannot be read; empty: it can, or none is named.
std::string unreadable(const std::string& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) return {};
  return path + ": " + std::strerror(errno);
}

// A folder that is not there yet is made where one above it can be written.
std::string unwritable(std::filesystem::path folder) {
  std::error_code failure;
  while (!std::filesystem::exists(folder, failure) && folder.has_relative_path()) folder = folder.parent_path();
  const bool is_folder = std::filesystem::is_directory(folder, failure);
  if (is_folder && ::access(folder.c_str(), W_OK | X_OK) == 0) return {};
  return folder.string() + ": " + std::strerror(is_folder ? errno : ENOTDIR);
}

Finding look_at_mlflow(Finding fine) {
  auto options = mlflow::read_options({}, &secure_variable);
  if (!options || !options->is_server()) return fine;
  const auto endpoint = mlflow::make_endpoint(&*options, &secure_variable);
  if (!endpoint) return fine;
  for (const std::string* path : {&endpoint->ca, &endpoint->client_certificate}) {
    const std::string why = endpoint->url.tls ? unreadable(*path) : std::string();
    if (!why.empty()) {
      return {fine.check, Health::kProblem, "a certificate cannot be read: " + why,
              "mend MLFLOW_TRACKING_SERVER_CERT_PATH or MLFLOW_TRACKING_CLIENT_CERT_PATH"};
    }
  }
  const std::string missing = mlflow::missing_password(*options, *endpoint);
  if (missing.empty()) return fine;
  return {fine.check, Health::kWarning, fine.text + ": " + missing, "set MLFLOW_TRACKING_PASSWORD"};
}

Finding look_at_wandb(Finding fine) {
  auto options = wandb::read_options({}, &secure_variable);
  if (!options || options->mode == wandb::Mode::kDisabled) return fine;
  if (const std::string why = unwritable(options->folder); !why.empty()) {
    return {fine.check, Health::kProblem, "runs cannot be written to files in " + options->folder + ": " + why,
            "set WANDB_DIR to a directory that can be written"};
  }
  if (options->mode == wandb::Mode::kOnline) {
    const auto endpoint = wandb::make_endpoint(&*options, &secure_variable);
    const std::string why = endpoint && endpoint->url.tls ? unreadable(endpoint->ca) : std::string();
    if (!why.empty()) {
      return {fine.check, Health::kProblem, "certificates cannot be read: " + why, "mend REQUESTS_CA_BUNDLE"};
    }
  }
  return check_key(std::move(fine));
}

using Make = Error (*)(std::string_view, const std::string&, tr_processor*, const processors::ProcessorHost&);
// Looks for what will not work though each option is right by itself; returns `fine` if there is nothing.
using Look = Finding (*)(Finding fine);

struct BuiltIn {
  std::string_view name;
  Make make;
  Look look;  // of those whose destination is worth telling, and whose options come from the environment
};

constexpr BuiltIn kBuiltIns[] = {{"local", &make_local_processor, nullptr},
                                 {"jsonl", &make_jsonl_processor, nullptr},
                                 {"console", &make_console_processor, nullptr},
                                 {"mlflow", &make_mlflow_processor, &look_at_mlflow},
                                 {"wandb", &make_wandb_processor, &look_at_wandb}};

// What it would say to people is said here otherwise.
void say_nothing(tr_level /*level*/, std::string_view /*sentence*/) {}

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
  return built_in.look(std::move(fine));
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
    } else if (known->look != nullptr) {
      findings.push_back(check_options(*known, directory));
    }
  }
  return findings;
}

}  // namespace trunkline::cli
