// Where W&B keeps bytes: signed URLs of other machines. They are asked without the key, for the URL is the permission,
// over https, or on this machine if W&B itself is there. They have a gate of their own: W&B may be well when they are
// not.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/client.hpp"
#include "os/file.hpp"
#include "processors/run_files.hpp"
#include "processors/server_gate.hpp"

namespace trunkline::wandb {

struct SignedUrl {
  std::string url;  // one that begins with a slash is of the server itself
  std::vector<net::Header> headers;
};

class Storage {
 public:
  // `server`: what is trusted there is trusted here, but for the key. `waits`: for what only a person can mend, too;
  // else that is TR_EINVAL at once. `meanwhile`: what else is to be done, now and then while a request takes its time.
  Storage(const net::Endpoint& server, uint32_t timeout_ms, const processors::ProcessorHost& host, bool waits,
          std::function<void()> meanwhile = {});
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  bool is_open() { return gate_.is_open(); }
  // TR_EAGAIN: not now; TR_ESTALE: the URL is no permission, or not any longer; TR_EINVAL: never, or the URL is none
  // that may be asked; TR_EIO: a file of this machine, which is nothing that the server could mend.
  Error put(const SignedUrl& to, std::string body);
  Error put_file(const SignedUrl& to, const processors::RunFile& file);
  Error get(const std::string& url, std::string* body);
  // `size`: how much is expected; below zero: nobody knows.
  Error get_file(const std::string& url, int64_t size, std::shared_ptr<const UniqueFd> out);

 private:
  Expected<net::Client*> client_for(const std::string& url, std::string* path);
  Error put_request(const SignedUrl& to, int64_t size, net::Request request);
  Error get_request(std::string url, const net::Request& request, std::string* body);
  Error ask(const std::string& url, net::Request request, net::Response* response);
  std::string absolute(const std::string& url) const;
  uint32_t time_left();

  const net::Endpoint server_;  // without its authorization
  const uint32_t timeout_ms_;
  processors::ServerGate gate_;
  const bool waits_;
  const std::function<void()> meanwhile_;
  std::map<std::string, std::unique_ptr<net::Client>> clients_;  // by scheme, host and port
};

}  // namespace trunkline::wandb
