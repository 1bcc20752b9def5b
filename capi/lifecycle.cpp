// Lifecycle and configuration.
#include <unistd.h>

#include <cmath>
#include <memory>
#include <string>

#include "built_ins.hpp"
#include "directory.hpp"
#include "guard.hpp"
#include "instance_access.hpp"
#include "model/environment.hpp"

using trunkline::ConfigEnvironment;
using trunkline::Error;
using trunkline::kLeastMemory;
using trunkline::kMostMemory;
using trunkline::kMostValueBytes;
using trunkline::Redactor;
using trunkline::capi::guarded;
using trunkline::capi::refuse_inside;
using trunkline::capi::report;
using trunkline::pipeline::Instance;
using trunkline::pipeline::Settings;

namespace {

constexpr uint32_t kKnownFlags =
    TR_CONFIG_DISABLED | TR_CONFIG_NO_ADOPTION | TR_CONFIG_NO_DEFAULT_REDACTION | TR_CONFIG_NO_EXIT_HOOK;

void fill_defaults(const ConfigEnvironment& environment, tr_config* config) {
  const Settings defaults;
  config->flags = environment.disabled ? TR_CONFIG_DISABLED : 0;
  config->directory = environment.directory;
  config->recorder_directory = environment.recorder_directory;
  config->service_name = environment.service_name;
  config->processors = environment.processors;
  config->max_memory = environment.max_memory.value_or(defaults.max_memory);
  config->max_disk = environment.max_disk.value_or(defaults.max_disk);
  config->max_value_bytes = environment.max_value_bytes.value_or(defaults.max_value_bytes);
  config->max_attributes = environment.max_attributes.value_or(defaults.max_attributes);
  config->durability = environment.durability.value_or(TR_DURABILITY_DEFAULT);
  config->recorder = environment.recorder.value_or(TR_RECORDER_DEFAULT);
  config->content = environment.content.value_or(TR_CONTENT_DEFAULT);
  config->overflow = environment.overflow.value_or(TR_OVERFLOW_DEFAULT);
  config->block_timeout_ms = environment.block_timeout_ms.value_or(defaults.block_timeout_ms);
  config->sample_ratio = environment.sample_ratio.value_or(defaults.sample_ratio);
  config->redact_keys = environment.redact_keys;
  config->redact_patterns = environment.redact_patterns;
  config->log_level = environment.log_level.value_or(defaults.log_level);
  config->end_grace_ms = environment.end_grace_ms.value_or(defaults.end_grace_ms);
  config->exit_timeout_ms = environment.exit_timeout_ms.value_or(defaults.exit_timeout_ms);
}

std::string program_name() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) return "unknown_service";
  const std::string_view whole(path, static_cast<size_t>(size));
  return std::string(whole.substr(whole.rfind('/') + 1));
}

const char* wrong_config(int result) {
  return result == TR_EUNSUPPORTED ? "tr_config says what this library does not know: it is older than the header"
                                   : "struct_size of tr_config is too small: fill it with tr_config_init";
}

Error check(const tr_config& config) {
  if ((config.flags & ~kKnownFlags) != 0)
    return Error{TR_EUNSUPPORTED, "tr_config: an unknown flag; tr_config_init fills it with what is known"};
  if (config.durability > TR_DURABILITY_FSYNC) return Error{TR_EINVAL, "durability: no such value"};
  if (config.recorder > TR_RECORDER_MEMORY) return Error{TR_EINVAL, "recorder: no such value"};
  if (config.content > TR_CONTENT_OFF) return Error{TR_EINVAL, "content: no such value"};
  if (config.overflow > TR_OVERFLOW_BLOCK) return Error{TR_EINVAL, "overflow: no such value"};
  if (config.log_level > TR_LEVEL_DEBUG) return Error{TR_EINVAL, "log_level: no such value"};
  if (!(config.sample_ratio >= 0.0 && config.sample_ratio <= 1.0)) {
    return Error{TR_EINVAL, "sample_ratio must be from 0 to 1"};
  }
  if (config.max_memory != 0 && (config.max_memory < kLeastMemory || config.max_memory > kMostMemory)) {
    return Error{TR_EINVAL, "max_memory must be from 4 MiB to 2 GiB"};
  }
  if (config.max_attributes > UINT16_MAX) return Error{TR_EINVAL, "max_attributes must be at most 65,535"};
  if (config.max_value_bytes > kMostValueBytes) return Error{TR_EINVAL, "max_value_bytes must be at most 1 GiB"};
  return Error::none();
}

template <class T>
T either(T value, T fallback) {
  return value != T{} ? value : fallback;
}

std::string text(const char* value) { return value == nullptr ? std::string() : std::string(value); }

Settings make_settings(const tr_config& config, const ConfigEnvironment& environment) {
  Settings settings;
  settings.flags = config.flags;
  settings.recorder_directory = text(config.recorder_directory);
  settings.service_name = config.service_name != nullptr ? config.service_name : program_name();
  if (config.processors != nullptr) settings.processors = config.processors;
  settings.max_memory = either(config.max_memory, settings.max_memory);
  settings.max_disk = either(config.max_disk, settings.max_disk);
  settings.max_value_bytes = either(config.max_value_bytes, settings.max_value_bytes);
  settings.max_attributes = either(config.max_attributes, settings.max_attributes);
  settings.durability = either(config.durability, settings.durability);
  settings.recorder = either(config.recorder, settings.recorder);
  settings.content = either(config.content, settings.content);
  settings.overflow = either(config.overflow, settings.overflow);
  settings.block_timeout_ms = config.block_timeout_ms;
  settings.sample_ratio = config.sample_ratio;
  Redactor::Options redaction;
  redaction.defaults = (config.flags & TR_CONFIG_NO_DEFAULT_REDACTION) == 0;
  redaction.keys = config.redact_keys == nullptr ? "" : config.redact_keys;
  redaction.patterns = config.redact_patterns == nullptr ? "" : config.redact_patterns;
  redaction.callback = config.redact;
  redaction.user_data = config.redact_user_data;
  settings.redactor = std::make_shared<const Redactor>(redaction);
  settings.log = config.log;
  settings.log_user_data = config.log_user_data;
  settings.log_level = config.log_level;
  settings.end_grace_ms = config.end_grace_ms;
  settings.exit_timeout_ms = config.exit_timeout_ms;
  settings.warnings = environment.warnings;
  if ((config.flags & TR_CONFIG_DISABLED) == 0 && settings.durability != TR_DURABILITY_MEMORY) {
    const auto resolved = trunkline::capi::resolve_directory(config.directory);
    settings.directory = resolved.path;
    if (!resolved.problem.empty()) settings.warnings.push_back(resolved.problem);
  }
  return settings;
}

}  // namespace

int tr_config_init(tr_config* config, size_t struct_size) {
  if (config == nullptr || struct_size < sizeof(uint32_t) * 2 || struct_size > UINT32_MAX) return TR_EINVAL;
  return guarded([&] {
    tr_config filled{};
    fill_defaults(trunkline::read_environment(), &filled);
    std::memset(config, 0, struct_size);
    config->struct_size = static_cast<uint32_t>(struct_size);
    trunkline::capi::write_struct(filled, config);
    return TR_OK;
  });
}

int tr_init(const tr_config* config, tr_error* error) {
  return guarded([&] {
    if (const int refused = refuse_inside()) return report(Error{refused, "called from inside the library"}, error);
    const ConfigEnvironment environment = trunkline::read_environment();
    tr_config known{};
    fill_defaults(environment, &known);
    if (config != nullptr) {
      const int read = trunkline::capi::read_struct(config, &known, offsetof(tr_config, exit_timeout_ms));
      if (read != TR_OK) return report(Error{read, wrong_config(read)}, error);
    }
    if (const Error wrong = check(known)) return report(wrong, error);
    return report(Instance::start(make_settings(known, environment), trunkline::capi::make_built_ins), error);
  });
}

int tr_flush(uint32_t timeout_ms) {
  return guarded([&] {
    if (const int refused = refuse_inside()) return refused;
    const auto instance = Instance::current();
    return instance == nullptr ? TR_ESTATE : instance->flush(timeout_ms);
  });
}

int tr_shutdown(uint32_t timeout_ms) {
  return guarded([&] {
    if (const int refused = refuse_inside()) return refused;
    return Instance::shutdown(timeout_ms, false);
  });
}
