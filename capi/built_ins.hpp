// The processors that come with the library, by name: the one place a new one is registered.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/expected.hpp"
#include "pipeline/settings.hpp"

namespace trunkline::capi {

// Fills the tables of the processors that the settings name.
Error make_built_ins(const pipeline::Settings& settings, std::vector<tr_processor>* out);

// Where files go when the options do not say: the directory of the running instance, or the one the environment leads
// to.
std::string default_directory();

}  // namespace trunkline::capi
