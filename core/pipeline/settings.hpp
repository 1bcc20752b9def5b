// The configuration of an instance, checked and complete: tr_config as C++ values that nobody else owns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/redactor.hpp"
#include "trunkline.h"

namespace trunkline::pipeline {

struct Settings {
  uint32_t flags = 0;
  std::string directory;  // empty: memory
  std::string recorder_directory;
  std::string service_name;
  std::string processors = "local";
  uint64_t max_memory = 64u << 20;
  uint64_t max_disk = 1u << 30;
  uint64_t max_value_bytes = 16u << 20;
  uint32_t max_attributes = 1024;
  tr_durability durability = TR_DURABILITY_LOG;
  tr_recorder recorder = TR_RECORDER_FILE;
  tr_content content = TR_CONTENT_ON;
  tr_overflow overflow = TR_OVERFLOW_DROP_NEWEST;
  uint32_t block_timeout_ms = 100;
  double sample_ratio = 1.0;
  std::shared_ptr<const Redactor> redactor;
  tr_log_callback log = nullptr;
  void* log_user_data = nullptr;
  tr_level log_level = TR_LEVEL_WARN;
  uint32_t end_grace_ms = 2000;
  uint32_t exit_timeout_ms = 2000;
  std::vector<std::string> warnings;  // found while reading the configuration; logged at the start
};

}  // namespace trunkline::pipeline
