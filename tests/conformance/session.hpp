// What the conformance tests share: a directory that vanishes, one life of the library in it, and short ways to record.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/counts.hpp"
#include "support/files.hpp"
#include "trunkline.h"

namespace trunkline::conformance {

using namespace std::chrono_literals;

using test::stats;
using test::stats_of;
using test::TempDirectory;

// From tr_init to tr_shutdown, without built-in processors unless a test asks for them.
class Session {
 public:
  using Tweak = std::function<void(tr_config&)>;

  explicit Session(const std::string& directory, const Tweak& tweak = {}) {
    tr_config config;
    EXPECT_EQ(tr_config_init(&config, sizeof config), TR_OK);
    config.directory = directory.c_str();
    config.processors = "none";
    config.log = [](void* self, tr_level, const char* message, size_t size) {
      auto* session = static_cast<Session*>(self);
      const std::lock_guard lock(session->mutex_);
      session->messages_.emplace_back(message, size);
    };
    config.log_user_data = this;
    config.flags |= TR_CONFIG_NO_EXIT_HOOK;
    if (tweak) tweak(config);
    tr_error error{sizeof error, 0, {}};
    result_ = tr_init(&config, &error);
    EXPECT_EQ(result_, TR_OK) << error.message;
  }
  ~Session() { stop(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int stop(uint32_t timeout_ms = 30'000) { return tr_shutdown(timeout_ms); }
  int result() const { return result_; }
  std::vector<std::string> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

 private:
  int result_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> messages_;
};

// Whether the counts of a processor add up; only meaningful when nothing is being recorded.
inline testing::AssertionResult law_holds(const tr_processor_stats& s) {
  const auto sum = [&](uint64_t tr_tally::*part) {
    return s.delivered.*part + s.rejected.*part + s.poisoned.*part + s.removed.*part + s.overflowed.*part +
           s.unreadable.*part + s.left_behind.*part + s.pending.*part;
  };
  if (s.offered.spans == sum(&tr_tally::spans) && s.offered.records == sum(&tr_tally::records)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << "offered " << s.offered.records << " records, " << s.offered.spans
                                     << " spans; accounted for " << sum(&tr_tally::records) << ", "
                                     << sum(&tr_tally::spans) << " (delivered " << s.delivered.records << ", rejected "
                                     << s.rejected.records << ", poisoned " << s.poisoned.records << ", removed "
                                     << s.removed.records << ", overflowed " << s.overflowed.records << ", left behind "
                                     << s.left_behind.records << ", pending " << s.pending.records << ")";
}

template <class Done>
bool eventually(Done done, std::chrono::milliseconds limit = 60s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return done();
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

inline tr_span start_span(tr_trace trace, const std::string& name) {
  return tr_span_start(trace, 0, TR_KIND_STEP, name.data(), name.size());
}

inline void add_span(tr_trace trace, const std::string& name) { tr_span_end(start_span(trace, name)); }

// A trace of `spans` spans named "<name> 0", "<name> 1", ...
inline void record_trace(const std::string& name, int spans) {
  const tr_trace trace = tr_trace_start(name.data(), name.size(), nullptr);
  for (int i = 0; i < spans; ++i) add_span(trace, name + " " + std::to_string(i));
  tr_trace_end(trace);
}

}  // namespace trunkline::conformance
