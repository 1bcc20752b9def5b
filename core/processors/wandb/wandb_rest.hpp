// W&B's two ways in: GraphQL, and the stream of a run's files. One call at a time. Statuses are tried again as W&B's
// own client does, but for a server that asks who we are, or answers with something else than W&B does: it is left in
// peace for a while and nothing is lost.
#pragma once

#include <string>

#include "net/client.hpp"
#include "net/rate_limit.hpp"
#include "processors/server_gate.hpp"

namespace trunkline::wandb {

class Rest {
 public:
  // `waits`: for what only a person can mend, too; else that is TR_EINVAL at once.
  Rest(net::Endpoint endpoint, uint32_t timeout_ms, const processors::ProcessorHost& host, bool waits = true);

  std::string destination() const { return client_.endpoint().url.text(); }
  const net::Endpoint& endpoint() const { return client_.endpoint(); }
  uint32_t timeout_ms() const { return timeout_ms_; }
  const processors::ProcessorHost& host() const { return host_; }
  bool waits() const { return waits_; }
  bool is_open();

  // `variables` is a JSON object; the answer is one with `data` in it. TR_EAGAIN: not now; TR_ENOENT: 404; TR_EINVAL:
  // never.
  Error graphql(std::string_view query, const std::string& variables, std::string* answer);
  // Not faster than the server says it will take it. TR_ELIMIT: the server takes less at once.
  Error post(const std::string& path, std::string body, std::string* answer);

  // Something that only a person can mend: nothing is sent for a while.
  Error halt(const std::string& sentence);

 private:
  Error ask(net::Request request, const net::RetryTable& retries, std::string* answer, net::RateLimit* limit = nullptr);
  bool turn_comes() const;
  std::string words(const net::Response& response) const;

  const processors::ProcessorHost host_;
  processors::ServerGate gate_;
  net::Client client_;
  net::RateLimit stream_limit_;
  const uint32_t timeout_ms_;
  const bool waits_;
};

}  // namespace trunkline::wandb
