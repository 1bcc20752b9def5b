// The names of the kinds of spans, and back. A kind decides how sinks present a span and nothing else, so a number this
// library does not know has a name too ("kind-99") and passes through.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline {

// "generation", "tool", ...; empty for a number this library does not know.
std::string_view known_kind_name(tr_kind kind);

// As known_kind_name, and "kind-<number>" for the others.
std::string kind_name(tr_kind kind);

// The reverse of kind_name.
std::optional<tr_kind> kind_from_name(std::string_view name);

}  // namespace trunkline
