// All commands, and the options every command takes. A new command is a file of its own and one line in commands.cpp.
#pragma once

#include <span>
#include <string_view>

#include "command.hpp"

namespace trunkline::cli {

std::span<const Command* const> all_commands();
std::span<const Option> global_options();

inline constexpr std::string_view kProgramDescription =
    "Reads the traces that agents record with Trunkline. Before it reads, it takes up what dead processes have left in "
    "the directory.";

struct ExitCode {
  int code;
  std::string_view meaning;
};
std::span<const ExitCode> exit_codes();

struct Variable {
  std::string_view name;
  std::string_view meaning;
};
std::span<const Variable> variables();

// nullptr: there is none of this name.
const Command* find_command(std::string_view name);

extern const Command kLs;
extern const Command kShow;
extern const Command kDiff;
extern const Command kTail;
extern const Command kGrep;
extern const Command kQuery;
extern const Command kExport;
extern const Command kRm;
extern const Command kRecover;
extern const Command kSync;
extern const Command kStats;
extern const Command kDoctor;
extern const Command kCompletion;
extern const Command kMan;
extern const Command kHelp;

}  // namespace trunkline::cli
