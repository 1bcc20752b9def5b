// A program of tests/peers beside a test: it says its port and ends when the test does, for its standard input ends.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace trunkline::test {

class Peer {
 public:
  // `script` in tests/peers. Fails the test when it does not say its port.
  explicit Peer(const std::string& script, const std::vector<std::string>& arguments = {});
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const std::string& port() const { return port_; }
  std::string url(const std::string& scheme = "http") const { return scheme + "://127.0.0.1:" + port_; }
  void stop();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  std::string port_;
};

// A folder with the certificates of tests/peers/make_certificates.sh.
std::string make_certificates(const std::string& folder);

// Of tests/peers.
std::string peer_path(const std::string& name);

}  // namespace trunkline::test
