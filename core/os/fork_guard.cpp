#include "os/fork_guard.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace trunkline::os {

// Of the process, not of an instance: fork handlers cannot be taken back. Constant initialisation, no destructor.
struct ForkGuard {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_once_t once = PTHREAD_ONCE_INIT;
  std::atomic<int> forking{0};           // forks that wait: works let them go first
  std::atomic<pid_t> forking_thread{0};  // the thread that forks and has the mutex
  std::atomic<bool> amid_work{false};
  PutDownAtFork* first = nullptr;

  static void prepare();
  static void after_in_parent();
  static void after_in_child();
  void add(PutDownAtFork* holder);
  void remove(PutDownAtFork* holder);
};

namespace {

constinit ForkGuard guard;

}  // namespace

void ForkGuard::prepare() {
  guard.forking.fetch_add(1);
  timespec deadline{};
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 1;
  if (pthread_mutex_timedlock(&guard.mutex, &deadline) != 0) return;
  guard.forking_thread.store(gettid());
  for (PutDownAtFork* each = guard.first; each != nullptr; each = each->next_) each->put_down();
}

void ForkGuard::after_in_parent() {
  guard.forking.fetch_sub(1);
  pid_t self = gettid();
  if (guard.forking_thread.compare_exchange_strong(self, 0)) pthread_mutex_unlock(&guard.mutex);
}

// The parent's holders are out of reach here: their threads are not.
void ForkGuard::after_in_child() {
  if (guard.forking_thread.load() == 0) guard.amid_work.store(true);
  guard.forking.store(0);
  guard.forking_thread.store(0);
  guard.first = nullptr;
  pthread_mutex_init(&guard.mutex, nullptr);
}

void ForkGuard::add(PutDownAtFork* holder) {
  pthread_once(&once, [] { pthread_atfork(&prepare, &after_in_parent, &after_in_child); });
  pthread_mutex_lock(&mutex);
  holder->next_ = first;
  first = holder;
  pthread_mutex_unlock(&mutex);
}

void ForkGuard::remove(PutDownAtFork* holder) {
  for (PutDownAtFork** at = &first; *at != nullptr; at = &(*at)->next_) {
    if (*at != holder) continue;
    *at = holder->next_;
    return;
  }
}

PutDownAtFork::PutDownAtFork() { guard.add(this); }

void PutDownAtFork::retire(const GuardedWork& /*work*/) { guard.remove(this); }

bool forked_amid_work() { return guard.amid_work.load(); }

GuardedWork::GuardedWork() {
  while (guard.forking.load() != 0) sched_yield();
  pthread_mutex_lock(&guard.mutex);
}

GuardedWork::~GuardedWork() { pthread_mutex_unlock(&guard.mutex); }

}  // namespace trunkline::os
