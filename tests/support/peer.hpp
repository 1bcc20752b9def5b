// A program of tests/peers beside a test: it says its port and ends when the test does, for its standard input ends.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern char** environ;

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

inline constexpr int kPeerStartMs = 60'000;

inline std::string read_line(int fd) {
  std::string line;
  pollfd wait{fd, POLLIN, 0};
  char c = 0;
  while (poll(&wait, 1, kPeerStartMs) == 1 && read(fd, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

[[noreturn]] inline void give_up(const std::string& what) {
  std::fprintf(stderr, "%s does not start\n", what.c_str());
  std::abort();
}

inline std::string peer_path(const std::string& name) {
  const char* source = std::getenv("TRUNKLINE_TEST_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/peers/" + name;
}

inline Peer::Peer(const std::string& script, const std::vector<std::string>& arguments) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) give_up("a pipe");
  const std::string path = peer_path(script);
  std::vector<char*> argv = {const_cast<char*>("python3"), const_cast<char*>(path.c_str())};
  for (const std::string& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  const int failed = posix_spawnp(&pid_, "python3", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  input_ = in[1];
  if (failed == 0) port_ = read_line(out[0]);
  close(out[0]);
  if (port_.empty()) give_up(path);
}

inline Peer::~Peer() { stop(); }

inline void Peer::stop() {
  if (pid_ <= 0) return;
  close(input_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

inline std::string make_certificates(const std::string& folder) {
  const std::string command = "bash '" + peer_path("make_certificates.sh") + "' '" + folder + "'";
  if (std::system(command.c_str()) != 0) give_up("openssl");  // NOLINT(cert-env33-c): a script of ours
  return folder;
}

}  // namespace trunkline::test
