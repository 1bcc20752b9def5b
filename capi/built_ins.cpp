// Built-in processors.
#include "built_ins.hpp"

#include <algorithm>

#include "directory.hpp"
#include "guard.hpp"
#include "instance_access.hpp"
#include "model/artifact_name.hpp"
#include "model/family_presets.hpp"
#include "processors/console/console_processor.hpp"
#include "processors/jsonl/jsonl_processor.hpp"
#include "processors/local/local_processor.hpp"
#include "processors/mlflow/mlflow_processor.hpp"
#include "processors/wandb/wandb_download.hpp"
#include "processors/wandb/wandb_processor.hpp"
#include "run_records.hpp"

namespace trunkline::capi {
namespace {

using Make = Error (*)(std::string_view options_json, const std::string& directory, tr_processor* out);

struct BuiltIn {
  std::string_view name;
  Make make;
};

void say_through_instance(tr_level level, std::string_view sentence) {
  if (!pipeline::Instance::say(level, sentence)) processors::say({}, level, sentence);
}

constexpr processors::ProcessorHost kHost = {&tr_processor_save, &say_through_instance,
                                             &pipeline::Processor::hook_time_left_ms,
                                             &pipeline::Processor::hook_is_awaited, &pipeline::Instance::service_name};

constexpr BuiltIn kBuiltIns[] = {
    {"local",
     [](auto options, const auto& folder, auto* out) { return make_local_processor(options, folder, out, kHost); }},
    {"jsonl",
     [](auto options, const auto& folder, auto* out) { return make_jsonl_processor(options, folder, out, kHost); }},
    {"console",
     [](auto options, const auto& folder, auto* out) { return make_console_processor(options, folder, out, kHost); }},
    {"mlflow",
     [](auto options, const auto& folder, auto* out) { return make_mlflow_processor(options, folder, out, kHost); }},
    {"wandb",
     [](auto options, const auto& folder, auto* out) { return make_wandb_processor(options, folder, out, kHost); }},
};

int make(Make function, const char* options, size_t size, tr_processor* out, tr_error* error) {
  std::string_view text;
  if (out == nullptr || out->struct_size < offsetof(tr_processor, tick_ms) || !view_of(options, size, &text)) {
    return report(Error{TR_EINVAL, "no table, or no struct_size in it"}, error);
  }
  return guarded([&] {
    tr_processor table{};
    table.struct_size = sizeof table;
    if (const Error failed = function(text, default_directory(), &table)) return report(failed, error);
    write_struct(table, out);
    return TR_OK;
  });
}

std::string names_of_all() {
  std::string names;
  for (const BuiltIn& built_in : kBuiltIns) names += (names.empty() ? "" : ", ") + std::string(built_in.name);
  return names;
}

}  // namespace

Error make_built_ins(const pipeline::Settings& settings, std::vector<tr_processor>* out) {
  std::string unknown;
  std::string_view rest = settings.processors;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view name = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (name.empty() || name == "none") continue;
    bool known = false;
    for (const BuiltIn& built_in : kBuiltIns) {
      if (built_in.name != name) continue;
      known = true;
      tr_processor table{};
      table.struct_size = sizeof table;
      // Without a directory there is nowhere to store: said once, when the directory failed.
      if (const Error failed = built_in.make({}, settings.directory, &table)) {
        if (!settings.directory.empty()) unknown += " " + std::string(name) + " (" + failed.message + ")";
      } else {
        out->push_back(table);
      }
    }
    if (!known) unknown += " " + std::string(name) + " (there are " + names_of_all() + ")";
  }
  return unknown.empty() ? Error::none() : Error{TR_EINVAL, "processors that cannot be started:" + unknown};
}

std::string default_directory() {
  if (const auto instance = pipeline::Instance::current()) return instance->settings().directory;
  return resolve_directory(nullptr).path;
}

}  // namespace trunkline::capi

int tr_local_processor(const char* options_json, size_t size, tr_processor* out, tr_error* error) {
  return trunkline::capi::make(trunkline::capi::kBuiltIns[0].make, options_json, size, out, error);
}

int tr_jsonl_processor(const char* options_json, size_t size, tr_processor* out, tr_error* error) {
  return trunkline::capi::make(trunkline::capi::kBuiltIns[1].make, options_json, size, out, error);
}

int tr_console_processor(const char* options_json, size_t size, tr_processor* out, tr_error* error) {
  return trunkline::capi::make(trunkline::capi::kBuiltIns[2].make, options_json, size, out, error);
}

int tr_mlflow_processor(const char* options_json, size_t size, tr_processor* out, tr_error* error) {
  return trunkline::capi::make(trunkline::capi::kBuiltIns[3].make, options_json, size, out, error);
}

const char* tr_family_preset(const char* model, size_t size) {
  std::string_view name;
  return trunkline::capi::view_of(model, size, &name) ? trunkline::family_preset(name) : nullptr;
}

int tr_wandb_processor(const char* options_json, size_t size, tr_processor* out, tr_error* error) {
  return trunkline::capi::make(trunkline::capi::kBuiltIns[4].make, options_json, size, out, error);
}

int tr_wandb_download_artifact(const char* options_json, size_t options_size, const char* name, size_t name_size,
                               const char* folder, size_t folder_size, tr_error* error) {
  std::string_view options;
  std::string_view wanted;
  std::string_view place;
  if (const int inside = trunkline::capi::refuse_inside(); inside != TR_OK) return inside;
  const bool given = trunkline::capi::view_of(options_json, options_size, &options) &&
                     trunkline::capi::view_of(name, name_size, &wanted) &&
                     trunkline::capi::view_of(folder, folder_size, &place);
  return trunkline::capi::guarded([&] {
    if (!given || place.empty() || place.find('\0') != std::string_view::npos) {
      return trunkline::capi::report({TR_EINVAL, "there is no folder to download to, or a text is NULL"}, error);
    }
    const auto parsed = trunkline::parse_artifact_name(wanted);
    if (!parsed) {
      const std::string what = trunkline::capi::quoted(wanted) + " is no artifact: ";
      return trunkline::capi::report({parsed.error().code, what + parsed.error().message}, error);
    }
    const trunkline::Error failed = trunkline::download_wandb_artifact(options, *parsed, std::string(place));
    return failed ? trunkline::capi::report(failed, error) : TR_OK;
  });
}
