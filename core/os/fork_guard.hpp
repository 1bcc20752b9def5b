// What must not be in the middle of something, nor held open, when the process forks: SQLite keeps the locks of a
// process in its own memory, so that a child of a process with an open database believes to hold locks that it has not.
// fork() waits until no GuardedWork is under way, then lets everyone put down what he holds, in the parent, before the
// child is made. A child that was made without fork handlers (vfork, clone) is as SQLite's users know it.
#pragma once

namespace trunkline::os {

// A fork waits for its end, but no longer than a second. Not nested.
class GuardedWork {
 public:
  GuardedWork();
  ~GuardedWork();
  GuardedWork(const GuardedWork&) = delete;
  GuardedWork& operator=(const GuardedWork&) = delete;
};

// Whether this process was forked while a work was under way that did not end in time: what it held is held for ever
// here, and must not be opened again.
bool forked_amid_work();

// Something that holds what a child must not inherit.
class PutDownAtFork {
 public:
  PutDownAtFork();
  PutDownAtFork(const PutDownAtFork&) = delete;
  PutDownAtFork& operator=(const PutDownAtFork&) = delete;

  // On the forking thread, between two works.
  virtual void put_down() noexcept = 0;

 protected:
  ~PutDownAtFork() = default;
  // To be called by the destructor of whoever implements put_down.
  void retire(const GuardedWork& work);

 private:
  friend struct ForkGuard;
  PutDownAtFork* next_ = nullptr;
};

}  // namespace trunkline::os
