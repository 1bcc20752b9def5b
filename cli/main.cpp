// The program `trunkline`: reads the command line, runs the command, and sees to it that what was written has arrived.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "commands/commands.hpp"
#include "help/help.hpp"
#include "os/time.hpp"
#include "reading/directory.hpp"
#include "session.hpp"
#include "terminal/output.hpp"
#include "terminal/pager.hpp"

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

int refuse(const Command* command, const Error& error, bool json) {
  complain(error, json);
  if (!json) note("Try 'trunkline " + (command == nullptr ? "" : std::string(command->name) + " ") + "--help'.");
  return kUsage;
}

// Also before the words are understood: whoever reads errors as JSON gets those of the command line so, too.
bool wants_json(const std::vector<std::string>& words) {
  const auto end = std::find(words.begin(), words.end(), "--");
  return std::find(words.begin(), end, "--json") != end;
}

int run_command(const Arguments& arguments, int64_t now_ns, Output* output) {
  const bool json = arguments.has("json");
  const auto directory = find_directory(arguments.text("dir"));
  if (!directory) {
    complain(directory.error(), json);
    return kFailure;
  }
  const Terminal terminal = Terminal::of(STDOUT_FILENO, arguments.text("color"));
  const bool paged = arguments.command()->paging == Paging::kOnTerminals && !arguments.has("no-pager");
  if (paged && terminal.rows != 0) output->page_through(choose_pager(), terminal.rows);
  Session session(output, terminal, *directory, now_ns, json);
  return arguments.command()->run(arguments, &session);
}

int run(const std::vector<std::string>& words) {
  const int64_t now_ns = os::unix_now();
  const auto arguments = Arguments::parse(words, now_ns);
  if (!arguments) {
    const Command* command = words.empty() ? nullptr : find_command(words[0]);
    return refuse(command, arguments.error(), wants_json(words));
  }
  Output output(STDOUT_FILENO);
  int result = kSuccess;
  if (arguments->has("help")) {
    output.write(help_text(arguments->command()));
  } else if (arguments->has("version")) {
    output.write("trunkline " + std::string(tr_version()) + "\n");
  } else if (arguments->command() == nullptr) {
    return refuse(nullptr, {TR_EINVAL, "which command?"}, arguments->has("json"));
  } else {
    result = run_command(*arguments, now_ns, &output);
  }
  if (const Error error = output.finish()) {
    complain(error, arguments->has("json"));
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
    trunkline::cli::complain({TR_EINTERNAL, failure.what()}, false);
    return trunkline::cli::kFailure;
  }
}
