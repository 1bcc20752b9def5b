// W&B as a processor: a run for each trace, at the W&B server or in files that `wandb sync` takes there. Durable; it
// has a delivery thread of its own, which waits for the server.
#pragma once

#include <string>
#include <string_view>

#include "processors/processor_host.hpp"

namespace trunkline {

// `directory` is Trunkline's, or empty. Errors: TR_EINVAL naming the option.
Error make_wandb_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                           const processors::ProcessorHost& host = {});

}  // namespace trunkline
