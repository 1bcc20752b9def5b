// The manual page, made from the tables of commands and options.
#pragma once

#include <string>

namespace trunkline::cli {

// In roff, for section 1.
std::string man_page();

}  // namespace trunkline::cli
