// What a command works with: where it writes and which directory it reads.
#pragma once

#include <cstdint>
#include <string>

#include "output.hpp"
#include "terminal.hpp"

namespace trunkline::cli {

class Session {
 public:
  Session(Output* output, Terminal terminal, std::string directory, int64_t now_ns)
      : output_(output), terminal_(terminal), directory_(std::move(directory)), now_ns_(now_ns) {}

  Output* output() { return output_; }
  const Terminal& terminal() const { return terminal_; }
  const std::string& directory() const { return directory_; }
  int64_t now_ns() const { return now_ns_; }

 private:
  Output* output_;
  Terminal terminal_;
  std::string directory_;
  int64_t now_ns_;
};

}  // namespace trunkline::cli
