// The program that lets people read what is longer than their terminal.
#pragma once

#include <sys/types.h>

#include <string>

namespace trunkline::cli {

// A command for the shell: $TRUNKLINE_PAGER, else $PAGER, else less where there is one. Empty: none is wanted.
std::string choose_pager();

struct Pager {
  int fd = -1;  // what is written here is shown
  pid_t process = 0;
};

// process 0: it could not be started. From then on an interrupt is for the pager, which is what the keyboard talks to.
Pager start_pager(const std::string& command);

}  // namespace trunkline::cli
