// What went into and came out of a model, as the messages of OpenTelemetry's GenAI conventions: a list of {role, parts,
// finish_reason}. Understood are texts, and JSON in these conventions, in the form of OpenAI's chat API (content,
// tool_calls, choices) and of Anthropic's (content blocks). Readers drop a whole list for one message without a finish
// reason, so what comes out always has one.
#pragma once

#include <string>
#include <string_view>

#include "trunkline.h"

namespace trunkline::encode {

enum class MessageDirection { Input, Output };

// Appends JSON text. False: this is no conversation, and nothing was appended. `finish_reason` is for output messages
// that do not say how they ended.
bool append_genai_messages(const tr_value& content, MessageDirection direction, std::string_view finish_reason,
                           std::string* out);

}  // namespace trunkline::encode
