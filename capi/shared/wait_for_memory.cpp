// Only in the shared library, whose C++ runtime, operator new and its handler included, is its own. In a program that
// links the archive they are the program's, and so is the decision what a lack of memory means.
#include <ctime>
#include <new>

#include "os/thread.hpp"

namespace trunkline::os {
namespace {

constexpr timespec kPause = {0, 10'000'000};

thread_local bool waits = false;

// `operator new` calls this until it finds memory or an exception is thrown.
void handle_lack() {
  if (!waits) throw std::bad_alloc();
  nanosleep(&kPause, nullptr);
}

}  // namespace

void wait_for_memory() noexcept {
  waits = true;
  std::set_new_handler(&handle_lack);
}

}  // namespace trunkline::os
