// MLflow's REST interface: one call of it at a time, its answers and errors. Statuses are tried again as MLflow's own
// client does; a server that asks who we are, or answers with something else than MLflow does, is left in peace for a
// while and nothing is lost.
#pragma once

#include <string>

#include "net/client.hpp"
#include "processors/server_gate.hpp"

namespace trunkline::mlflow {

class Rest {
 public:
  Rest(net::Endpoint endpoint, uint32_t timeout_ms, const processors::ProcessorHost& host);

  std::string destination() const { return client_.endpoint().url.text(); }

  // `path` below the server's address. `answer` is a JSON object. An Error as Backend has them; `answer` is then
  // untouched.
  Error get(const std::string& path, std::string* answer);
  // `once`: said again only by whoever has looked what came of the first time.
  Error post(const std::string& path, std::string body, std::string* answer, bool once = false);
  // A body that is no JSON, or a file; nothing is expected back. `status`: what the server answered, 0 if nothing.
  Error send(net::Request request, int* status);

  // What answers may be anything, of at most `limit` bytes.
  Error fetch(const std::string& path, size_t limit, std::string* bytes);

  // Something that only a person can mend: nothing is sent for a while.
  Error halt(const std::string& sentence);

 private:
  Error ask_for_json(net::Request request, std::string* answer);
  Error ask(net::Request request, net::Response* response);
  uint32_t timeout_for(const net::Request& request) const;
  std::string words(const net::Response& response) const;

  processors::ServerGate gate_;
  net::Client client_;
  const uint32_t timeout_ms_;
};

}  // namespace trunkline::mlflow
