#include "processors/console/console_output.hpp"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace trunkline::processors {
namespace {

int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

// A write that cannot raise SIGPIPE in the host: blocked on this thread, and taken back if this write raised it.
ssize_t write_quietly(int fd, const char* data, size_t size) {
  sigset_t pipe_signal;
  sigset_t pending;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = ::write(fd, data, size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !was_pending) {
    const timespec none{0, 0};
    while (sigtimedwait(&pipe_signal, nullptr, &none) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

}  // namespace

bool ConsoleOutput::wait_writable(int timeout_ms) const {
  pollfd wanted{fd_, POLLOUT, 0};
  return ::poll(&wanted, 1, timeout_ms) > 0;
}

// A pipe that is writable takes PIPE_BUF bytes without waiting, so no more are given at once.
bool ConsoleOutput::flush(int timeout_ms) {
  const int64_t deadline = now_ms() + timeout_ms;
  size_t done = 0;
  while (done < pending_.size() && !closed_) {
    const int64_t left = deadline - now_ms();
    if (!wait_writable(static_cast<int>(std::max<int64_t>(left, 0)))) break;
    const ssize_t written =
        write_quietly(fd_, pending_.data() + done, std::min<size_t>(pending_.size() - done, PIPE_BUF));
    if (written > 0) done += static_cast<size_t>(written);
    if (written > 0 || errno == EINTR) continue;
    closed_ = errno != EAGAIN && errno != ENOSPC;
    break;
  }
  pending_.erase(0, closed_ ? pending_.size() : done);
  return pending_.empty();
}

}  // namespace trunkline::processors
