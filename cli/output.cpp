#include "output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "os/file.hpp"
#include "text.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kBufferBytes = 65'536;

void say(std::string_view before, std::string_view sentence) {
  const std::string line = std::string(before) + visible(sentence) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace

void Output::write(std::string_view text) {
  if (closed()) return;
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) flush();
}

void Output::flush() {
  size_t done = 0;
  while (done < buffer_.size() && failure_ == 0) {
    const ssize_t written = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {  // whoever shares our terminal has made it non-blocking
      pollfd ready{fd_, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  buffer_.clear();
}

// Some file systems tell only at the close that there was no room.
Error Output::finish() {
  const bool wrote_nothing = buffer_.empty() && failure_ == 0;
  flush();
  if (::close(fd_) != 0 && failure_ == 0 && !(wrote_nothing && errno == EBADF)) failure_ = errno;
  if (failure_ == 0 || failure_ == EPIPE) return Error::none();
  return io_error("standard output", failure_);
}

void complain(std::string_view sentence) { say("trunkline: ", sentence); }

void warn(std::string_view sentence) { say("trunkline: warning: ", sentence); }

void note(std::string_view sentence) { say("", sentence); }

}  // namespace trunkline::cli
