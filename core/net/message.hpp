// What is asked of a server and what came of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/secret.hpp"
#include "os/file.hpp"

namespace trunkline::net {

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method = "GET";
  std::string path;  // escaped, with its query: appended to the endpoint's URL
  std::vector<Header> headers;
  std::string body;
  std::string file;  // sent as the body instead, if not empty: a path on this machine
  // What must not be done twice: libcurl says a request again by itself when a connection that was kept breaks, for all
  // it knows after the server has done it.
  bool once = false;
  uint32_t connect_timeout_ms = 10'000;
  uint32_t timeout_ms = 60'000;        // of the whole
  uint32_t stall_timeout_ms = 30'000;  // less than a byte a second, in either direction
  size_t response_limit = size_t{4} << 20;
  // Takes the body of a 2xx answer instead of Response::body, from its present position; shared, for a request that was
  // given up may still write a little.
  std::shared_ptr<const UniqueFd> save_to;
};

// Why there is no answer.
enum class Failure {
  kNone,         // there is one: look at the status
  kUnreachable,  // no such host, refused, reset, closed before the answer was whole
  kTimeout,
  kTls,       // the server could not prove who it is, or wants a proof from us
  kProxy,     // the proxy says no
  kTooLong,   // the answer went over the limit
  kProtocol,  // what came is no HTTP
  kAborted,   // by us
  kFile,      // a file of this machine that cannot be read, or not be written
  kRefused,   // by us, before anything was sent: a bad header, a secret in the clear, no libcurl
};

struct Response {
  Failure failure = Failure::kNone;
  std::string error;  // for people: never a secret, nor what follows a question mark in a URL
  int status = 0;
  std::string content_type;
  std::string retry_after;
  std::string rate_remaining;  // RateLimit-Remaining, RateLimit-Reset
  std::string rate_reset;
  std::string www_authenticate;
  std::string location;
  std::string body;

  bool ok() const { return failure == Failure::kNone && status >= 200 && status < 300; }
};

}  // namespace trunkline::net
