// The help texts, made from the tables of commands and options.
#pragma once

#include <string>

#include "command.hpp"

namespace trunkline::cli {

// Of the program, or of one command.
std::string help_text(const Command* command);

}  // namespace trunkline::cli
