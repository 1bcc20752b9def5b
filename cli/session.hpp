// What a command works with: where it writes, which directory it reads, and in which form it says what went wrong.
#pragma once

#include <cstdint>
#include <string>

#include "command.hpp"
#include "terminal/output.hpp"
#include "terminal/terminal.hpp"

namespace trunkline::cli {

class Session {
 public:
  Session(Output* output, Terminal terminal, std::string directory, int64_t now_ns, bool json)
      : output_(output), terminal_(terminal), directory_(std::move(directory)), now_ns_(now_ns), json_(json) {}

  Output* output() { return output_; }
  const Terminal& terminal() const { return terminal_; }
  const std::string& directory() const { return directory_; }
  int64_t now_ns() const { return now_ns_; }
  bool json() const { return json_; }

  // Says what went wrong; the result is what the program returns.
  int fail(const Error& error) const {
    complain(error, json_);
    return kFailure;
  }
  // As fail, of what the tables of options cannot say about the command line.
  int refuse(std::string sentence) const {
    complain({TR_EINVAL, std::move(sentence)}, json_);
    return kUsage;
  }

 private:
  Output* output_;
  Terminal terminal_;
  std::string directory_;
  int64_t now_ns_;
  bool json_;
};

}  // namespace trunkline::cli
