// JSON lines as a processor: {"path": file}, one record a line. Durable: after a crash the lines that are already in
// the file tell which records not to write again.
#pragma once

#include <string>
#include <string_view>

#include "processors/processor_host.hpp"

namespace trunkline {

// `directory` is where traces.jsonl lies by default; empty: there is none, and the options must name a file.
// Errors: TR_EINVAL naming the option.
Error make_jsonl_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                           const processors::ProcessorHost& host = {});

}  // namespace trunkline
