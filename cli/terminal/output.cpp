#include "terminal/output.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "encode/json_writer.hpp"
#include "os/file.hpp"
#include "terminal/pager.hpp"
#include "terminal/text.hpp"

namespace trunkline::cli {
namespace {

constexpr size_t kBufferBytes = 65'536;

void write_error(const std::string& line) { static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size())); }

void say(std::string_view before, std::string_view sentence) {
  write_error(std::string(before) + visible(sentence) + "\n");
}

std::string_view name_of(int code) {
  switch (code) {
    case TR_EINVAL:
      return "TR_EINVAL";
    case TR_ESTATE:
      return "TR_ESTATE";
    case TR_ENOMEM:
      return "TR_ENOMEM";
    case TR_ETIMEDOUT:
      return "TR_ETIMEDOUT";
    case TR_EAGAIN:
      return "TR_EAGAIN";
    case TR_EUNSUPPORTED:
      return "TR_EUNSUPPORTED";
    case TR_EIO:
      return "TR_EIO";
    case TR_ELIMIT:
      return "TR_ELIMIT";
    case TR_ENOENT:
      return "TR_ENOENT";
    default:
      return "TR_EINTERNAL";
  }
}

size_t lines_of(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

}  // namespace

void Output::page_through(std::string command, size_t rows) {
  pager_ = std::move(command);
  rows_ = rows;
}

void Output::write(std::string_view text) {
  if (closed()) return;
  buffer_.append(text);
  if (buffer_.size() >= kBufferBytes) flush();
}

void Output::flush() {
  if (!pager_.empty() && lines_of(buffer_) >= rows_) {
    const Pager pager = start_pager(pager_);
    if (pager.process != 0) {
      ::close(fd_);
      fd_ = pager.fd;
      pager_process_ = pager.process;
    }
    pager_.clear();
  }
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

bool Output::wait_closed(int timeout_ms) {
  if (closed()) return true;
  pollfd reader{fd_, 0, 0};
  if (::poll(&reader, 1, timeout_ms) > 0 && (reader.revents & POLLERR) != 0) failure_ = EPIPE;
  return closed();
}

// Some file systems tell only at the close that there was no room.
Error Output::finish() {
  const bool wrote_nothing = buffer_.empty() && failure_ == 0;
  flush();
  if (::close(fd_) != 0 && failure_ == 0 && !(wrote_nothing && errno == EBADF)) failure_ = errno;
  if (pager_process_ != 0) ::waitpid(pager_process_, nullptr, 0);
  if (failure_ == 0 || failure_ == EPIPE) return Error::none();
  return io_error("standard output", failure_);
}

void complain(const Error& error, bool json) {
  if (!json) {
    say("trunkline: ", error.message + " (" + std::string(name_of(error.code)) + ")");
    return;
  }
  std::string text = "{\"error\":";
  encode::JsonObject object(&text);
  object.string("code", name_of(error.code));
  object.i64("number", error.code);
  object.string("message", error.message);
  object.close();
  write_error(text + "}\n");
}

void warn(std::string_view sentence) { say("trunkline: warning: ", sentence); }

void note(std::string_view sentence) { say("", sentence); }

}  // namespace trunkline::cli
