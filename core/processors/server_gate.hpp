// Whether the server is asked now: after a failure not before its time has come, so that a server that is down is not
// asked by each batch that is offered. What is wrong is said once, until it works again or is wrong otherwise. When the
// library ends there is one more try, for there will be no other in this process.
#pragma once

#include <cstdint>
#include <string>

#include "net/retry_policy.hpp"
#include "processors/processor_host.hpp"

namespace trunkline::processors {

class ServerGate {
 public:
  // `server`: "the MLflow server", for people.
  ServerGate(std::string server, const ProcessorHost& host);

  // May be asked any number of times before a request.
  bool is_open();
  // An answer came: all is well.
  void succeeded();
  // To be tried later. `sentence` says what is wrong.
  void failed(const net::Response& response, net::Verdict verdict, const std::string& sentence);
  uint32_t time_left() const { return host_.time_left == nullptr ? UINT32_MAX : host_.time_left(); }

 private:
  const std::string server_;
  const ProcessorHost host_;
  net::Backoff backoff_;
  int64_t opens_at_ = 0;
  bool trying_at_end_ = false;
  bool tried_at_end_ = false;
  std::string complained_;
};

}  // namespace trunkline::processors
