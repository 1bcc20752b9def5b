#include "support/peer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

extern char** environ;

namespace trunkline::test {
namespace {

constexpr int kStartMs = 60'000;

std::string read_line(int fd) {
  std::string line;
  pollfd wait{fd, POLLIN, 0};
  char c = 0;
  while (poll(&wait, 1, kStartMs) == 1 && read(fd, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "%s does not start\n", what.c_str());
  std::abort();
}

}  // namespace

std::string peer_path(const std::string& name) {
  const char* source = std::getenv("TRUNKLINE_TEST_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/peers/" + name;
}

Peer::Peer(const std::string& script, const std::vector<std::string>& arguments) {
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

Peer::~Peer() { stop(); }

void Peer::stop() {
  if (pid_ <= 0) return;
  close(input_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string make_certificates(const std::string& folder) {
  const std::string command = "bash '" + peer_path("make_certificates.sh") + "' '" + folder + "'";
  if (std::system(command.c_str()) != 0) give_up("openssl");  // NOLINT(cert-env33-c): a script of ours
  return folder;
}

}  // namespace trunkline::test
