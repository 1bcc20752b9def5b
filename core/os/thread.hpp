// How the library starts its threads: with every signal blocked, for the host's signals are the host's, and SIGXFSZ and
// SIGPIPE become error codes. And with patience: what a thread of the library has begun it must not lose half-way, so
// where the library has an `operator new` of its own (the shared one does) its threads wait for memory.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <exception>
#include <thread>
#include <utility>

namespace trunkline::os {

// From now on `operator new` waits and tries again on this thread, rather than throw. Absent (null) in the archive.
[[gnu::weak]] void wait_for_memory() noexcept;

// False: there is no thread to be had. `name` is what the system shows, 15 characters at most.
template <class Body>
bool start_thread(std::thread* thread, const char* name, Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    *thread = std::thread([name, body = std::move(body)] {
      pthread_setname_np(pthread_self(), name);
      if (wait_for_memory != nullptr) wait_for_memory();
      body();
    });
  } catch (const std::exception&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace trunkline::os
