// Asking again until it works, for those who wait for the answer here and now: a download, the upload of a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "model/expected.hpp"
#include "os/time.hpp"

namespace trunkline::wandb {

// While the server is left in peace. Nothing is known to be wrong, so there is nothing to say.
inline Error not_asked_yet() { return {TR_EAGAIN, {}}; }

// Until an attempt says something else than TR_EAGAIN, or `deadline` has passed, which an attempt may move:
// TR_ETIMEDOUT, with what was last wrong.
template <class Try>
Error insist(const int64_t& deadline, Try attempt) {
  constexpr std::chrono::milliseconds kPause{50};
  std::string cause = "W&B is not asked yet";
  for (;;) {
    Error error = attempt();
    if (error.code != TR_EAGAIN) return error;
    if (!error.message.empty()) cause = std::move(error.message);
    if (os::monotonic_now() >= deadline) return {TR_ETIMEDOUT, std::move(cause)};
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace trunkline::wandb
