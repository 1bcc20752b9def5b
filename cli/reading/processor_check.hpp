// Whether the built-in processors that the environment names could start with the options it gives them. Nobody is
// asked over the network.
#pragma once

#include <string>
#include <vector>

#include "reading/diagnosis.hpp"

namespace trunkline::cli {

// `names` as in TRUNKLINE_PROCESSORS.
std::vector<Finding> check_processors(const std::string& names, const std::string& directory);

}  // namespace trunkline::cli
