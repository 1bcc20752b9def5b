#include "os/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "os/file.hpp"

namespace trunkline {
namespace {

struct ProcessStatus {
  char state = '?';
  long threads = 0;
  uint64_t start_time = 0;  // 0: could not be read
};

std::string read_small(const char* path) {
  UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  char buffer[1024];
  if (!fd) return {};
  ssize_t n = 0;
  do {
    n = ::read(fd.get(), buffer, sizeof buffer);
  } while (n < 0 && errno == EINTR);
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
}

ProcessStatus status_of(int64_t pid) {
  ProcessStatus status;
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%lld/stat", static_cast<long long>(pid));
  const std::string text = read_small(path);
  // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
  const size_t close = text.rfind(')');
  if (close == std::string::npos || close + 2 >= text.size()) return status;
  const char* p = text.c_str() + close + 2;
  status.state = *p;
  for (int field = 3; *p != '\0'; ++field) {
    if (field == 20) status.threads = std::strtol(p, nullptr, 10);
    if (field == 22) {
      status.start_time = std::strtoull(p, nullptr, 10);
      break;
    }
    p = std::strchr(p, ' ');
    if (p == nullptr) break;
    ++p;
  }
  return status;
}

std::string read_boot_id() {
  std::string id = read_small("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && (id.back() == '\n' || id.back() == ' ')) id.pop_back();
  return id;
}

uint64_t read_pid_namespace() {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? static_cast<uint64_t>(info.st_ino) : 0;
}

}  // namespace

ProcessIdentity this_process() {
  return {read_boot_id(), read_pid_namespace(), ::getpid(), status_of(::getpid()).start_time};
}

bool process_alive(const ProcessIdentity& process) {
  const std::string boot_id = read_boot_id();
  if (boot_id.empty() || process.boot_id.empty()) return true;
  if (boot_id != process.boot_id) return false;
  const uint64_t pid_namespace = read_pid_namespace();
  if (pid_namespace == 0 || process.pid_namespace != pid_namespace || process.pid <= 0) return true;
  // kill sees the processes that a /proc mounted with hidepid does not show.
  if (::kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return false;
  const ProcessStatus status = status_of(process.pid);
  if (status.start_time == 0 || process.start_time == 0) return true;
  if (status.start_time != process.start_time) return false;
  // A zombie is dead, unless only its first thread has ended and others run on.
  return !((status.state == 'Z' || status.state == 'X') && status.threads <= 1);
}

}  // namespace trunkline
