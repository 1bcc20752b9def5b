// The library's own messages: one line each, control characters escaped, to the host's callback or standard error.
#pragma once

#include <mutex>
#include <string_view>

#include "trunkline.h"

namespace trunkline::pipeline {

class MessageLog {
 public:
  MessageLog(tr_level level, tr_log_callback callback, void* user_data)
      : level_(level), callback_(callback), user_data_(user_data) {}

  void write(tr_level level, std::string_view message);
  void error(std::string_view message) { write(TR_LEVEL_ERROR, message); }
  void warn(std::string_view message) { write(TR_LEVEL_WARN, message); }
  // Nothing more is said: the host's callback may be gone.
  void silence();
  void info(std::string_view message) { write(TR_LEVEL_INFO, message); }

 private:
  const tr_level level_;
  const tr_log_callback callback_;
  void* const user_data_;
  std::mutex mutex_;  // one message at a time
  bool silent_ = false;
};

}  // namespace trunkline::pipeline
