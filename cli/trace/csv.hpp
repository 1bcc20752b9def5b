// Lines of comma-separated values, as RFC 4180 has them.
#pragma once

#include <string>
#include <vector>

namespace trunkline::cli {

// With its line break. Texts with commas, quotes or line breaks are quoted.
std::string csv_line(const std::vector<std::string>& texts);

}  // namespace trunkline::cli
