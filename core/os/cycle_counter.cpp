#include "os/cycle_counter.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace trunkline::os {

#if defined(__x86_64__)

namespace {

// A counter that runs at one rate whatever the processor's clock and sleep do.
bool is_invariant() {
  constexpr unsigned kPowerManagement = 0x80000007;
  constexpr unsigned kInvariant = 1u << 8;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid(kPowerManagement, &a, &b, &c, &d) != 0 && (d & kInvariant) != 0;
}

bool kernel_keeps_time_by_it() {
  const int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char text[16];
  const ssize_t size = read(fd, text, sizeof text);
  close(fd);
  return size > 0 && std::string_view(text, static_cast<size_t>(size)) == "tsc\n";
}

// A process may have forbidden itself to read it.
bool is_readable() {
  int mode = PR_TSC_SIGSEGV;
  return prctl(PR_GET_TSC, &mode) == 0 && mode == PR_TSC_ENABLE;
}

}  // namespace

bool cycle_counter_usable() { return is_readable() && is_invariant() && kernel_keeps_time_by_it(); }

#else

bool cycle_counter_usable() { return false; }

#endif

}  // namespace trunkline::os
