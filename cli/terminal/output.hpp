// Standard output, buffered, with every error remembered: a full disk is told, and a reader that has gone is no error.
// What is too long for the terminal goes through a pager. And standard error, in lines that begin with the program.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "model/expected.hpp"

namespace trunkline::cli {

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  // What has more lines than this is piped to the command, which is started when that is known.
  void page_through(std::string command, size_t rows);

  void write(std::string_view text);

  // Hands on what is buffered: for those who write now and then.
  void flush();

  // Nothing more will be read: whoever writes a lot may stop.
  bool closed() const { return failure_ != 0; }

  // Waits, at most so long, for the reader to go; true when it has.
  bool wait_closed(int timeout_ms);

  // Writes what is left and closes the file, and waits for the pager. A closed pipe is no error.
  Error finish();

 private:
  int fd_;
  int failure_ = 0;  // errno of the first failed write
  std::string pager_;
  size_t rows_ = 0;
  pid_t pager_process_ = 0;
  std::string buffer_;
};

// "trunkline: <sentence> (TR_ENOENT)" on standard error, control characters escaped; or, for programs, an object.
void complain(const Error& error, bool json);
void warn(std::string_view sentence);
// A line on standard error for people, control characters escaped.
void note(std::string_view sentence);

}  // namespace trunkline::cli
