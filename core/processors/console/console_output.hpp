// A stream that is written without waiting for whoever reads it: what a full pipe or a stopped terminal does not take
// is kept, up to a bound, and offered again. A reader that has gone away ends the output and not the program.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trunkline::processors {

class ConsoleOutput {
 public:
  explicit ConsoleOutput(int fd) : fd_(fd) {}

  void add(std::string_view text) {
    if (!closed_) pending_.append(text);
  }
  // Writes what the stream takes, waiting at most `timeout_ms` in all. True: nothing is left.
  bool flush(int timeout_ms);
  // More than the bound is waiting: no more records should be taken.
  bool is_full() const { return pending_.size() > kMostPending; }
  bool is_closed() const { return closed_; }

 private:
  static constexpr size_t kMostPending = size_t{1} << 20;

  bool wait_writable(int timeout_ms) const;

  int fd_;
  bool closed_ = false;
  std::string pending_;
};

}  // namespace trunkline::processors
