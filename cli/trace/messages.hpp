// The messages of a conversation, out of the inputs and outputs of generations in the shapes that chat interfaces have:
// texts, lists of {role, content}, bodies of requests and responses, parts, blocks and items of several vendors, and
// GenAI messages of OpenTelemetry.
#pragma once

#include <string>
#include <vector>

#include "store/store_reader.hpp"

namespace trunkline::cli {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON, or text
  bool operator==(const ToolCall&) const = default;
};

struct Message {
  std::string role;  // "system", "user", "assistant", "tool", or what was recorded
  std::string text;
  std::string reasoning;
  std::vector<ToolCall> calls;
  std::string call_id;  // of a tool's answer
  std::string name;     // of the tool or the speaker

  // What two that are the same have in common.
  std::string look() const;
  // Whether it is the same message, recorded a second time, perhaps in another shape.
  bool same_as(const Message& other) const;
};

// Of a span: what went in, and what came out.
std::vector<Message> input_messages(const store::StoredSpan& span);
std::vector<Message> output_messages(const store::StoredSpan& span);

}  // namespace trunkline::cli
