// Takes the place of the C library's input and output in the program that includes it (once): each call of the library,
// and of SQLite, is shown to the test, which may let it through, cut it short, hold it up or make it fail. Nothing is
// injected before a test arms it.
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>

namespace faults::io {

enum class Call : unsigned { kOpen, kRead, kWrite, kSync, kAllocate, kTruncate, kRename, kMake };
constexpr unsigned kCalls = 8;

// What a call is to do: go on, transfer no more than one byte less than half, or fail with an errno.
constexpr int kGoOn = 0;
constexpr int kShort = -1;

class Injector {
 public:
  virtual ~Injector() = default;
  virtual int decide(Call call, int fd) = 0;
  // After a call that went well.
  virtual void done(Call, int) {}
};

inline std::atomic<Injector*> armed{nullptr};
inline std::atomic<uint64_t> inside{0};

class Armed {
 public:
  explicit Armed(Injector& injector) { armed.store(&injector); }
  ~Armed() { disarm(); }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;
  void disarm() {
    armed.store(nullptr);
    while (inside.load() != 0) usleep(100);  // nobody looks at the injector any more
  }
};

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

template <class Result, class Perform>
Result perform(Call call, int fd, Perform&& go) {
  inside.fetch_add(1);
  Injector* injector = armed.load();
  const int decision = injector == nullptr ? kGoOn : injector->decide(call, fd);
  Result result = -1;
  if (decision <= 0) {
    result = go(decision == kShort);
    const int error = errno;
    if (injector != nullptr && result >= 0) injector->done(call, fd);
    errno = error;
  } else {
    errno = decision;
  }
  inside.fetch_sub(1);
  return result;
}

inline size_t cut(size_t size, bool is_short) { return is_short ? std::max<size_t>(size / 2, 1) : size; }

}  // namespace faults::io

// The names are the C library's; what glibc calls them when it checks sizes, or for large files, is the same to us.
#define TRUNKLINE_SHIM_OPEN(name)                                                                                \
  extern "C" int name(const char* path, int flags, ...) {                                                        \
    va_list rest;                                                                                                \
    va_start(rest, flags);                                                                                       \
    const mode_t mode = va_arg(rest, mode_t);                                                                    \
    va_end(rest);                                                                                                \
    static const auto next = faults::io::real<int (*)(const char*, int, ...)>(#name);                            \
    return faults::io::perform<int>(faults::io::Call::kOpen, -1, [&](bool) { return next(path, flags, mode); }); \
  }
#define TRUNKLINE_SHIM_OPENAT(name)                                                                                  \
  extern "C" int name(int at, const char* path, int flags, ...) {                                                    \
    va_list rest;                                                                                                    \
    va_start(rest, flags);                                                                                           \
    const mode_t mode = va_arg(rest, mode_t);                                                                        \
    va_end(rest);                                                                                                    \
    static const auto next = faults::io::real<int (*)(int, const char*, int, ...)>(#name);                           \
    return faults::io::perform<int>(faults::io::Call::kOpen, -1, [&](bool) { return next(at, path, flags, mode); }); \
  }
#define TRUNKLINE_SHIM_TRANSFER(name, call, pointer)                                                                 \
  extern "C" ssize_t name(int fd, pointer data, size_t size) {                                                       \
    static const auto next = faults::io::real<ssize_t (*)(int, pointer, size_t)>(#name);                             \
    return faults::io::perform<ssize_t>(                                                                             \
        faults::io::Call::call, fd, [&](bool is_short) { return next(fd, data, faults::io::cut(size, is_short)); }); \
  }
#define TRUNKLINE_SHIM_TRANSFER_AT(name, call, pointer)                                         \
  extern "C" ssize_t name(int fd, pointer data, size_t size, off_t offset) {                    \
    static const auto next = faults::io::real<ssize_t (*)(int, pointer, size_t, off_t)>(#name); \
    return faults::io::perform<ssize_t>(faults::io::Call::call, fd, [&](bool is_short) {        \
      return next(fd, data, faults::io::cut(size, is_short), offset);                           \
    });                                                                                         \
  }
#define TRUNKLINE_SHIM_FD(name, call)                                                            \
  extern "C" int name(int fd) {                                                                  \
    static const auto next = faults::io::real<int (*)(int)>(#name);                              \
    return faults::io::perform<int>(faults::io::Call::call, fd, [&](bool) { return next(fd); }); \
  }

TRUNKLINE_SHIM_OPEN(open)
TRUNKLINE_SHIM_OPEN(open64)
TRUNKLINE_SHIM_OPENAT(openat)
TRUNKLINE_SHIM_OPENAT(openat64)
TRUNKLINE_SHIM_TRANSFER(read, kRead, void*)
TRUNKLINE_SHIM_TRANSFER(write, kWrite, const void*)
TRUNKLINE_SHIM_TRANSFER_AT(pread, kRead, void*)
TRUNKLINE_SHIM_TRANSFER_AT(pread64, kRead, void*)
TRUNKLINE_SHIM_TRANSFER_AT(pwrite, kWrite, const void*)
TRUNKLINE_SHIM_TRANSFER_AT(pwrite64, kWrite, const void*)
TRUNKLINE_SHIM_FD(fsync, kSync)
TRUNKLINE_SHIM_FD(fdatasync, kSync)

extern "C" ssize_t __pread_chk(int fd, void* data, size_t size, off_t offset, size_t) {
  return pread(fd, data, size, offset);
}
extern "C" ssize_t __read_chk(int fd, void* data, size_t size, size_t) { return read(fd, data, size); }
extern "C" int ftruncate(int fd, off_t size) {
  static const auto next = faults::io::real<int (*)(int, off_t)>("ftruncate");
  return faults::io::perform<int>(faults::io::Call::kTruncate, fd, [&](bool) { return next(fd, size); });
}
extern "C" int fallocate(int fd, int mode, off_t offset, off_t size) {
  static const auto next = faults::io::real<int (*)(int, int, off_t, off_t)>("fallocate");
  return faults::io::perform<int>(faults::io::Call::kAllocate, fd, [&](bool) { return next(fd, mode, offset, size); });
}
extern "C" int renameat(int from, const char* old_name, int to, const char* new_name) {
  static const auto next = faults::io::real<int (*)(int, const char*, int, const char*)>("renameat");
  return faults::io::perform<int>(faults::io::Call::kRename, -1,
                                  [&](bool) { return next(from, old_name, to, new_name); });
}
extern "C" int mkdirat(int at, const char* path, mode_t mode) {
  static const auto next = faults::io::real<int (*)(int, const char*, mode_t)>("mkdirat");
  return faults::io::perform<int>(faults::io::Call::kMake, -1, [&](bool) { return next(at, path, mode); });
}
// The recorder grows by a system call of its own making.
extern "C" long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  const long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
  const long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
  va_end(rest);
  static const auto next = faults::io::real<long (*)(long, ...)>("syscall");
  if (number != SYS_fallocate) return next(number, a, b, c, d, e, f);
  return faults::io::perform<long>(faults::io::Call::kAllocate, static_cast<int>(a),
                                   [&](bool) { return next(number, a, b, c, d); });
}
