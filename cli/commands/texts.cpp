// trunkline help, completion and man: what the program tells about itself.
#include "arguments.hpp"
#include "commands/commands.hpp"
#include "help/completion.hpp"
#include "help/help.hpp"
#include "help/man_page.hpp"
#include "session.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {
namespace {

constexpr Operand kHelpOperands[] = {{"COMMAND", "The command to tell about.", Quantity::kOptional}};
constexpr Operand kCompletionOperands[] = {
    {"SHELL", "The shell that is to complete: bash, zsh or fish.", Quantity::kOne, "bash|zsh|fish"}};

// As it is, or as the member of an object.
int write_text(std::string_view member, const std::string& text, Session* session) {
  if (!session->json()) {
    session->output()->write(text);
    return kSuccess;
  }
  std::string json;
  JsonMembers members(&json);
  members.text(member, text);
  members.close();
  session->output()->write(json + "\n");
  return kSuccess;
}

int run_help(const Arguments& arguments, Session* session) {
  const Command* command = nullptr;
  if (!arguments.operands().empty()) {
    command = find_command(arguments.operands()[0]);
    if (command == nullptr) return session->refuse("unknown command '" + arguments.operands()[0] + "'");
  }
  return write_text("help", help_text(command), session);
}

int run_completion(const Arguments& arguments, Session* session) {
  return write_text("script", completion_script(arguments.operands()[0]), session);
}

int run_man(const Arguments& /*arguments*/, Session* session) { return write_text("page", man_page(), session); }

}  // namespace

const Command kHelp = {"help",
                       "Tell about the program or a command.",
                       "Shows what --help shows.",
                       kHelpOperands,
                       {},
                       Paging::kOnTerminals,
                       run_help};

const Command kCompletion = {
    "completion",
    "Write what a shell needs to complete commands.",
    "Writes a script for a shell. Installed packages bring it; by hand: source <(trunkline completion bash), "
    "trunkline completion zsh > \"${fpath[1]}/_trunkline\", or trunkline completion fish | source.",
    kCompletionOperands,
    {},
    Paging::kNever,
    run_completion};

const Command kMan = {"man",
                      "Write the manual page.",
                      "Writes the manual page in roff; trunkline man | man -l - shows it where it is not installed.",
                      {},
                      {},
                      Paging::kNever,
                      run_man};

}  // namespace trunkline::cli
