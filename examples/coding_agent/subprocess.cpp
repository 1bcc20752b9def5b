#include "subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace agent {
namespace {

constexpr size_t kMaxSecret = 4096;  // fits into a pipe whatever its size

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void reset(int fd) {
    close();
    fd_ = fd;
  }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// A socket each way: writing to a program that is gone is then an error and not a signal.
bool make_pair(Descriptor* ours, Descriptor* theirs) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  ours->reset(pair[0]);
  theirs->reset(pair[1]);
  return true;
}

// Copies of the descriptor are made above 3, so that none is overwritten before it is in its place.
bool move_up(Descriptor* descriptor) {
  const int copy = fcntl(descriptor->get(), F_DUPFD_CLOEXEC, 10);
  if (copy < 0) return false;
  descriptor->reset(copy);
  return true;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct Streams {
  Descriptor in, in_child, out, out_child, secret, secret_child;

  bool open(const std::string& secret_text) {
    if (!make_pair(&in, &in_child) || !make_pair(&out, &out_child)) return false;
    // A pipe, unlike a socket, can be opened by the name /dev/fd/3.
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    secret_child.reset(ends[0]);
    secret.reset(ends[1]);
    if (!move_up(&in_child) || !move_up(&out_child) || !move_up(&secret_child)) return false;
    const bool sent =
        write(secret.get(), secret_text.data(), secret_text.size()) == static_cast<ssize_t>(secret_text.size());
    secret.close();
    return sent;
  }
};

int spawn(const Command& command, const Streams& streams, pid_t* child) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, streams.in_child.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, streams.out_child.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, streams.out_child.get(), 2);
  if (!command.secret.empty()) posix_spawn_file_actions_adddup2(&actions, streams.secret_child.get(), 3);
  if (!command.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());
  // A group of its own, so that a timeout ends what it started, too.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  const auto arguments = pointers(command.arguments);
  const auto environment = pointers(command.environment);
  const int error = posix_spawnp(child, arguments[0], &actions, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

using Deadline = std::chrono::steady_clock::time_point;

std::string too_long(const Command& command) { return "stopped after " + std::to_string(command.timeout_ms) + " ms"; }

// Feeds and reads until the program has closed its output. Returns why it had to be stopped.
std::string exchange(const Command& command, Deadline deadline, Streams* streams, std::string* output) {
  std::string_view input = command.input;
  while (true) {
    if (input.empty()) streams->in.close();
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return too_long(command);
    pollfd wanted[2] = {{streams->out.get(), POLLIN, 0}, {streams->in.get(), POLLOUT, 0}};
    if (poll(wanted, 2, static_cast<int>(left.count())) <= 0) continue;
    if ((wanted[1].revents & (POLLOUT | POLLERR | POLLHUP)) != 0) {
      const ssize_t sent = send(streams->in.get(), input.data(), input.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) input.remove_prefix(static_cast<size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR) input = {};
    }
    if ((wanted[0].revents & (POLLIN | POLLERR | POLLHUP)) == 0) continue;
    char buffer[16384];
    const ssize_t got = recv(streams->out.get(), buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno != EINTR)) return {};
    if (got < 0) continue;
    output->append(buffer, static_cast<size_t>(got));
    if (output->size() > command.max_output) {
      output->resize(command.max_output);
      return "stopped after " + std::to_string(command.max_output) + " bytes of output";
    }
  }
}

// A program may close its output and run on.
bool ends_by(Deadline deadline, pid_t child) {
  siginfo_t ended{};
  while (waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace

Finished run(const Command& command) {
  Finished finished;
  Streams streams;
  if (command.secret.size() > kMaxSecret || !streams.open(command.secret)) {
    finished.error = "cannot make its streams";
    return finished;
  }
  pid_t child = 0;
  if (const int error = spawn(command, streams, &child); error != 0) {
    finished.error = "cannot run " + command.arguments[0] + ": " + std::strerror(error);
    return finished;
  }
  streams.in_child.close();
  streams.out_child.close();
  streams.secret_child.close();
  const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(command.timeout_ms);
  finished.error = exchange(command, deadline, &streams, &finished.output);
  if (finished.error.empty() && !ends_by(deadline, child)) finished.error = too_long(command);
  // Whatever it left behind in its group goes with it.
  if (!finished.error.empty()) kill(-child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  finished.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return finished;
}

}  // namespace agent
