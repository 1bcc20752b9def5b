// Standard output, buffered, with every error remembered: a full disk is told, and a reader that has gone is no error.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"

namespace trunkline::cli {

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  void write(std::string_view text);

  // Nothing more will be read: whoever writes a lot may stop.
  bool closed() const { return failure_ != 0; }

  // Writes what is left and closes the file. A closed pipe is no error.
  Error finish();

 private:
  void flush();

  int fd_;
  int failure_ = 0;  // errno of the first failed write
  std::string buffer_;
};

// A line "trunkline: <sentence>" on standard error, control characters escaped.
void complain(std::string_view sentence);
void warn(std::string_view sentence);
// A line on standard error for people, control characters escaped.
void note(std::string_view sentence);

}  // namespace trunkline::cli
