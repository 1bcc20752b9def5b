#include "terminal/confirm.hpp"

#include <unistd.h>

#include <string_view>

namespace trunkline::cli {

bool can_ask() { return ::isatty(STDIN_FILENO) == 1; }

bool is_confirmed() {
  static constexpr std::string_view kQuestion = "Go on? [y/N] ";
  static_cast<void>(!::write(STDERR_FILENO, kQuestion.data(), kQuestion.size()));
  char answer[256];
  const ssize_t size = ::read(STDIN_FILENO, answer, sizeof answer);
  return size > 0 && (answer[0] == 'y' || answer[0] == 'Y');
}

}  // namespace trunkline::cli
