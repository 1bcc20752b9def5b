// Which directory is read when nobody says: the one the library would write to, as far as it exists. Unlike the
// library, whoever only reads makes no directory.
#pragma once

#include <string>

#include "model/expected.hpp"

namespace trunkline::cli {

// `given` by --dir; empty: the environment decides. The result is absolute and need not exist. TR_ENOENT: there is no
// candidate at all.
Expected<std::string> find_directory(const std::string& given);

std::string store_path(const std::string& directory);

}  // namespace trunkline::cli
