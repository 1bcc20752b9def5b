// Who a process is, beyond its pid: enough to tell, from what it left on disk, that it is surely gone.
#pragma once

#include <cstdint>
#include <string>

namespace trunkline {

struct ProcessIdentity {
  std::string boot_id;         // empty: unknown
  uint64_t pid_namespace = 0;  // 0: unknown
  int64_t pid = 0;
  uint64_t start_time = 0;  // in clock ticks since boot; 0: unknown
};

ProcessIdentity this_process();

// False only when the process is surely gone: another boot of the machine; or, in our own pid namespace, no such pid, a
// pid that was given to a later process, or a dead one nobody has waited for. A pid of another namespace tells nothing.
bool process_alive(const ProcessIdentity& process);

}  // namespace trunkline
