// The program `trunkline`: reads the command line, runs the command, and sees to it that what was written has arrived.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "commands.hpp"
#include "directory.hpp"
#include "help.hpp"
#include "os/time.hpp"
#include "output.hpp"
#include "session.hpp"

namespace trunkline::cli {
namespace {

// A file must never get the number of a standard stream that is closed: what is meant for that would end up in it. Each
// is opened the wrong way round, so that using it fails as it would have.
void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
  }
}

int refuse(const Command* command, const std::string& sentence) {
  complain(sentence);
  note("Try 'trunkline " + (command == nullptr ? "" : std::string(command->name) + " ") + "--help'.");
  return kUsage;
}

int run_command(const Arguments& arguments, int64_t now_ns, Output* output) {
  const auto directory = find_directory(arguments.text("dir"));
  if (!directory) {
    complain(directory.error().message);
    return kFailure;
  }
  Session session(output, Terminal::of(STDOUT_FILENO, arguments.text("color")), *directory, now_ns);
  return arguments.command()->run(arguments, &session);
}

int run(const std::vector<std::string>& words) {
  const int64_t now_ns = os::unix_now();
  const auto arguments = Arguments::parse(words, now_ns);
  if (!arguments) {
    const Command* command = words.empty() ? nullptr : find_command(words[0]);
    return refuse(command, arguments.error().message);
  }
  Output output(STDOUT_FILENO);
  int result = kSuccess;
  if (arguments->has("help")) {
    output.write(help_text(arguments->command()));
  } else if (arguments->has("version")) {
    output.write("trunkline " + std::string(tr_version()) + "\n");
  } else if (arguments->command() == nullptr) {
    return refuse(nullptr, "which command?");
  } else {
    result = run_command(*arguments, now_ns, &output);
  }
  if (const Error error = output.finish()) {
    complain(error.message);
    return kFailure;
  }
  return result;
}

}  // namespace
}  // namespace trunkline::cli

int main(int argc, char** argv) {
  try {
    trunkline::cli::open_standard_streams();
    // A reader that has gone, and a limit on the size of files, are errors of write.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    tzset();
    return trunkline::cli::run(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  } catch (const std::exception& failure) {
    trunkline::cli::complain(failure.what());
    return trunkline::cli::kFailure;
  }
}
