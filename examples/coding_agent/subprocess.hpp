// Runs a program and collects what it prints, within limits of time and size.
#pragma once

#include <string>
#include <vector>

namespace agent {

struct Command {
  std::vector<std::string> arguments;    // the first is the program, found on the PATH
  std::vector<std::string> environment;  // NAME=value; nothing is inherited
  std::string directory;                 // empty: the current one
  std::string input;                     // for its standard input
  std::string secret;                    // readable as file descriptor 3, at most 4 KiB
  int timeout_ms = 30000;
  size_t max_output = 1 << 20;
};

struct Finished {
  std::string error;   // why it could not be run or was stopped; empty: it ran to its end
  int exit_code = -1;  // 128 + signal if one ended it
  std::string output;  // standard output and standard error
};

Finished run(const Command& command);

}  // namespace agent
