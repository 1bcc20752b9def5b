// The local store as a processor: {"path": file, "max_bytes": n}. Durable; its cursor lies in the database, in the
// transaction of the rows, so that every record is stored exactly once.
#pragma once

#include <string>
#include <string_view>

#include "processors/processor_host.hpp"

namespace trunkline {

// `directory` is where traces.db lies by default; empty: there is none, and the options must name a file.
// Errors: TR_EINVAL naming the option.
Error make_local_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                           const processors::ProcessorHost& host = {});

}  // namespace trunkline
