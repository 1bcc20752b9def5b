// The help texts, made from the tables of commands and options.
#pragma once

#include <string>

#include "command.hpp"

namespace trunkline::cli {

// Of the program, or of one command.
std::string help_text(const Command* command);

// As they stand in a line of usage: "TRACE", "[TRACE...]"; "-n, --limit N".
std::string operand_text(const Operand& operand);
std::string option_text(const Option& option);

}  // namespace trunkline::cli
