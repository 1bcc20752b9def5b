// Two flat JSON objects made one: what two processes, or the start and the end of a trace, say about the same trace.
// Works on the text of members, so numbers and strings stay as they were written, and nesting costs no stack.
#pragma once

#include <string>
#include <string_view>

namespace trunkline::store {

// Members of `newer` win. Members of "$flags" follow the member they tell about. Both must be JSON objects.
std::string merge_metadata(std::string_view older, std::string_view newer);

}  // namespace trunkline::store
