// A conversation for people and for programs, and one span whole.
#pragma once

#include <vector>

#include "session.hpp"
#include "store/store_reader.hpp"
#include "trace/conversation.hpp"

namespace trunkline::cli {

// One generation after the other, as it is worked out. False: none has recorded messages.
bool write_conversation(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                        Session* session);
void write_conversation_json(const store::TraceSummary& trace, const std::vector<store::StoredSpan>& spans,
                             Output* output);

// Every field that is there, input and output in full.
void write_whole_span(const store::TraceSummary& trace, const store::StoredSpan& span, Session* session);

}  // namespace trunkline::cli
