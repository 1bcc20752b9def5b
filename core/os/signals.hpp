// A write beyond the limit on file sizes (RLIMIT_FSIZE) raises SIGXFSZ, which ends a process that does not expect it.
// While one of these lives the calling thread gets the error code alone.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace trunkline::os {

class NoFileSizeSignal {
 public:
  NoFileSizeSignal() {
    sigset_t pending;
    was_pending_ = sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 1;
    pthread_sigmask(SIG_BLOCK, set_of(&signal_), &before_);
  }
  ~NoFileSizeSignal() {
    const int error = errno;
    if (!was_pending_) {
      // Not sigtimedwait: that is a cancellation point, and callers' threads come here.
      const timespec none{};
      static_cast<void>(syscall(SYS_rt_sigtimedwait, &signal_, nullptr, &none, size_t{8}));
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = error;
  }
  NoFileSizeSignal(const NoFileSizeSignal&) = delete;
  NoFileSizeSignal& operator=(const NoFileSizeSignal&) = delete;

 private:
  static const sigset_t* set_of(sigset_t* set) {
    sigemptyset(set);
    sigaddset(set, SIGXFSZ);
    return set;
  }

  sigset_t signal_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace trunkline::os
