// A readable tree of every trace on a terminal: {"stream": "stderr" or "stdout", "color": "auto", "always" or "never"}.
// Not durable. What is recorded is hostile until proven otherwise: control characters never reach the terminal.
#pragma once

#include <string>
#include <string_view>

#include "processors/processor_host.hpp"

namespace trunkline {

// `directory` is not used. Errors: TR_EINVAL naming the option.
Error make_console_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                             const processors::ProcessorHost& host = {});

}  // namespace trunkline
