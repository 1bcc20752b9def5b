// What the tests of the log share: directories that vanish, small file systems, and short ways to write and read a log.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "log/log_reader.hpp"
#include "log/log_writer.hpp"
#include "os/file.hpp"
#include "support/files.hpp"

namespace trunkline::log_test {

using test::read_file;
using test::write_file;

// With a descriptor of itself.
class TempDirectory : public test::TempDirectory {
 public:
  TempDirectory() { open(); }

  int fd() const { return fd_.get(); }
  void open() { fd_.reset(::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }
  void clear() const {
    for (const auto& entry : std::filesystem::directory_iterator(path())) std::filesystem::remove_all(entry.path());
  }

 private:
  UniqueFd fd_;
};

// A file system over a directory, as long as the object lives. False: this user may not mount.
class Mount {
 public:
  Mount(TempDirectory& at, const char* type, const char* options) : at_(at) {
    mounted_ = ::mount("none", at.path().c_str(), type, 0, options) == 0;
    at_.open();
  }
  ~Mount() {
    at_.clear();
    if (mounted_) ::umount2(at_.path().c_str(), MNT_DETACH);
    at_.open();
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  explicit operator bool() const { return mounted_; }

 private:
  TempDirectory& at_;
  bool mounted_ = false;
};

// Differs for each sequence, in size too.
inline std::string payload_of(uint64_t sequence, size_t size) {
  std::string payload(size, '\0');
  uint64_t x = sequence * 0x9e3779b97f4a7c15u + 1;
  for (char& c : payload) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    c = static_cast<char>(x);
  }
  return payload;
}

using Records = std::map<uint64_t, std::string>;

inline Error append_one(LogWriter& writer, uint64_t sequence, const std::string& payload) {
  const Frame frame{sequence, payload};
  return writer.append(&frame, 1);
}

struct Contents {
  Records records;
  uint64_t corrupt = 0;
  bool ordered = true;
  std::string error;
};

// Reads on until the end, in small portions.
inline Contents read_on(LogReader& reader, uint64_t from, size_t max_bytes = 4000, size_t max_frames = 7) {
  Contents contents;
  while (true) {
    Expected<LogReader::Result> result = reader.read(from, max_bytes, max_frames);
    if (!result) {
      contents.error = result.error().message;
      return contents;
    }
    contents.corrupt += result->corrupt;
    for (const Frame& frame : result->frames) {
      contents.ordered = contents.ordered && frame.sequence >= from;
      contents.records[frame.sequence] = std::string(frame.payload);
      from = frame.sequence + 1;
    }
    if (result->end) return contents;
    if (result->frames.empty()) {
      contents.error = "neither frames nor the end";
      return contents;
    }
  }
}

inline Contents read_all(int directory_fd, uint64_t from = 1) {
  Expected<LogReader> reader = LogReader::open(directory_fd);
  if (!reader) return {{}, 0, true, reader.error().message};
  return read_on(*reader, from);
}

inline LogWriter must_open(int directory_fd, const LogOptions& options) {
  Expected<LogWriter> writer = LogWriter::open(directory_fd, options);
  if (!writer) ADD_FAILURE() << writer.error().message;
  return std::move(*writer);
}

inline std::vector<std::string> files_with(const TempDirectory& directory, const std::string& prefix) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    const std::string name = entry.path().filename();
    if (name.rfind(prefix, 0) == 0) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Runs `body` in a child; its result is the child's exit code.
template <class Body>
pid_t in_child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  return pid;
}

inline int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

// Children that must not outlive the test, however it ends.
class Children {
 public:
  Children() = default;
  ~Children() {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  void add(pid_t pid) { pids_.push_back(pid); }

 private:
  std::vector<pid_t> pids_;
};

}  // namespace trunkline::log_test
