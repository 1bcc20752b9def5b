// All commands, and the options every command takes. A new command is a file of its own and one line in commands.cpp.
#pragma once

#include <span>
#include <string_view>

#include "command.hpp"

namespace trunkline::cli {

std::span<const Command* const> all_commands();
std::span<const Option> global_options();

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
extern const Command kStats;

}  // namespace trunkline::cli
