#include "pipeline/log_message.hpp"

#include <unistd.h>

#include <string>

#include "model/visible_text.hpp"

namespace trunkline::pipeline {
namespace {

const char* level_name(tr_level level) {
  switch (level) {
    case TR_LEVEL_ERROR:
      return "error";
    case TR_LEVEL_WARN:
      return "warning";
    case TR_LEVEL_INFO:
      return "info";
    default:
      return "debug";
  }
}

// A callback that calls the library, or a signal handler that does on top of a message, is not to wait for itself.
thread_local bool writing = false;

struct Writing {
  Writing() { writing = true; }
  ~Writing() { writing = false; }
  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;
};

}  // namespace

void MessageLog::write(tr_level level, std::string_view message) {
  if (level > level_ || level == TR_LEVEL_OFF || writing) return;
  const Writing on_this_thread;
  const std::string line = visible_text(message);
  const std::lock_guard lock(mutex_);
  if (silent_) return;
  if (callback_ != nullptr) {
    try {
      callback_(user_data_, level, line.data(), line.size());
    } catch (...) {  // a host's exception ends here
    }
    return;
  }
  const std::string text = std::string("trunkline ") + level_name(level) + ": " + line + "\n";
  static_cast<void>(!::write(STDERR_FILENO, text.data(), text.size()));
}

void MessageLog::silence() {
  const std::lock_guard lock(mutex_);
  silent_ = true;
}

}  // namespace trunkline::pipeline
