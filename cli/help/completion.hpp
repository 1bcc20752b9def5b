// Completion of the command line in shells, made from the tables of commands and options.
#pragma once

#include <string>
#include <string_view>

namespace trunkline::cli {

// "bash", "zsh" or "fish".
std::string completion_script(std::string_view shell);

}  // namespace trunkline::cli
