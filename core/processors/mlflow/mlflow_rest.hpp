// MLflow's REST interface: calls of it, alone or a few at once, their answers and errors. Statuses are tried again as
// MLflow's own client does; a server that asks who we are, or answers with something else than MLflow does, is left in
// peace for a while and nothing is lost.
#pragma once

#include <functional>
#include <string>
#include <vector>

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
  // Requests whose order does not matter, a few on their way at once. `next` gives one, or false when there are no
  // more; `done` is told what came of each, in the same order. After a TR_EAGAIN no more are begun.
  using Next = std::function<bool(net::Request* request)>;
  using Done = std::function<void(Error error, net::Response response)>;
  void ask_all(const Next& next, const Done& done, bool for_json = false);
  // The same of calls: the answers are JSON objects.
  using DoneCall = std::function<void(Error error, const std::string& answer)>;
  void post_all(const std::string& path, std::vector<std::string> bodies, const DoneCall& done, bool once = false);

  // A body that is no JSON, or a file; nothing is expected back. `status`: what the server answered, 0 if nothing.
  Error send(net::Request request, int* status);

  // What answers may be anything, of at most `limit` bytes.
  Error fetch(const std::string& path, size_t limit, std::string* bytes);

  // Something that only a person can mend: nothing is sent for a while.
  Error halt(const std::string& sentence);

 private:
  Error ask_for_json(net::Request request, std::string* answer);
  Error ask(net::Request request, net::Response* response);
  Error judge(const net::Response& response, bool tells_gate);
  Error check_answer(const net::Response& response);
  uint32_t timeout_for(const net::Request& request) const;
  std::string words(const net::Response& response) const;

  processors::ServerGate gate_;
  net::Client client_;
  const uint32_t timeout_ms_;

  static constexpr size_t kMostAtOnce = 4;
};

}  // namespace trunkline::mlflow
