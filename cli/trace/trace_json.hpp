// Traces, spans and events as JSON objects; docs/cli.md describes them.
#pragma once

#include <string>

#include "store/store_reader.hpp"
#include "trace/json.hpp"

namespace trunkline::cli {

// The members, into an object that the caller closes.
void add_trace(JsonMembers* members, const store::TraceSummary& trace);
void add_span(JsonMembers* target, const store::StoredSpan& span);
void add_event(JsonMembers* members, const store::StoredEvent& event);

void append_span(std::string* out, const store::StoredSpan& span);
void append_event(std::string* out, const store::StoredEvent& event);

}  // namespace trunkline::cli
