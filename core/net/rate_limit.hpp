// What a server says of how much more it will take: so many requests (RateLimit-Remaining) within so many seconds
// (RateLimit-Reset). While that is plenty nothing waits; when it becomes little, what is left is spread over the time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "net/message.hpp"

namespace trunkline::net {

// A number of the header, which may have a fraction: nothing, if it is none, or negative. `up`: to the next whole one.
std::optional<int64_t> parse_rate_number(std::string_view text, bool up);

class RateLimit {
 public:
  static constexpr int64_t kPlenty = 50;                 // requests
  static constexpr int64_t kLongestNs = 60'000'000'000;  // between two requests, whatever the server says

  // What an answer says; one that says nothing changes nothing.
  void told(const Response& response, int64_t now_ns);
  // When the next request may go, by the clock of `told`.
  int64_t next_ns() const { return next_ns_; }

 private:
  int64_t next_ns_ = 0;
};

}  // namespace trunkline::net
