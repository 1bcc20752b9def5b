// Which answers are worth another try, and when. Each sink names the statuses its server means for later; what went
// wrong on the way is worth another try for all. Waiting grows exponentially, and how long it is is drawn evenly
// between nothing and that ("full jitter"), so that many clients of a server that comes back do not come at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/message.hpp"

namespace trunkline::net {

// Seconds, or a date as HTTP writes it, in nanoseconds from `unix_now_ns`. Nothing: neither, or one that is negative.
// A date that has passed is 0.
std::optional<int64_t> parse_retry_after(std::string_view text, int64_t unix_now_ns);

enum class Verdict {
  kDone,   // 2xx
  kLater,  // the same request may succeed later
  kHalt,   // not before somebody changes something: who we are, whom we trust. Nothing is lost by waiting
  kNever,  // this request will never succeed
};

class RetryTable {
 public:
  // The statuses that mean later: an array that outlives the table.
  template <size_t N>
  constexpr explicit RetryTable(const int (&later)[N]) : listed_(later), count_(N) {}
  // All 4xx and 5xx mean later, but for these.
  template <size_t N>
  static constexpr RetryTable all_but(const int (&never)[N]) {
    RetryTable table(never);
    table.others_later_ = true;
    return table;
  }
  Verdict verdict(const Response& response) const;

 private:
  const int* listed_;
  size_t count_;
  bool others_later_ = false;
};

class Backoff {
 public:
  struct Limits {
    int64_t first_ns = 1'000'000'000;
    int64_t longest_ns = 60'000'000'000;
    int64_t retry_after_ns = 600'000'000'000;  // what a server may ask for at most
  };
  explicit Backoff(const Limits& limits, uint64_t seed) : limits_(limits), random_(seed | 1) {}

  // How long to wait after this failure.
  int64_t next(const Response& response, int64_t unix_now_ns);
  void reset() { failures_ = 0; }
  uint32_t failures() const { return failures_; }

 private:
  uint64_t draw();

  const Limits limits_;
  uint64_t random_;
  uint32_t failures_ = 0;
};

}  // namespace trunkline::net
