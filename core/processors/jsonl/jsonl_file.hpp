// A file of lines that several processes append to. All is done under a lock of the whole file: a tail without a
// newline, left by a writer that died or failed, is cut off before anything is added, and what could not be written
// whole is cut off again. Every Error may pass.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline::processors {

class JsonlFile {
 public:
  explicit JsonlFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // Opens the file if need be, locks it and cuts a torn tail off. Pairs with `unlock`.
  Error lock();
  void unlock();

  // Under the lock.
  uint64_t size() const { return size_; }
  ino_t inode() const { return inode_; }
  Error append(std::string_view lines);
  bool cut(uint64_t size);
  // The highest number that follows `prefix` at the beginning of a line, from the line on that begins at `from`; 0:
  // none.
  Expected<uint64_t> highest(std::string_view prefix, uint64_t from);

 private:
  Error open();
  Error wait_for_lock();
  bool is_current() const;
  Error cut_torn_tail();
  bool begins_line(uint64_t at) const;

  std::string path_;
  UniqueFd fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  uint64_t size_ = 0;
};

// Holds the lock for a scope.
class JsonlLock {
 public:
  explicit JsonlLock(JsonlFile* file) : file_(file), error_(file->lock()) {}
  ~JsonlLock() {
    if (!error_) file_->unlock();
  }
  JsonlLock(const JsonlLock&) = delete;
  JsonlLock& operator=(const JsonlLock&) = delete;
  const Error& error() const { return error_; }

 private:
  JsonlFile* file_;
  Error error_;
};

}  // namespace trunkline::processors
