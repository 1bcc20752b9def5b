#include "trace/messages.hpp"

#include <nlohmann/json.hpp>

#include "encode/json_scan.hpp"

namespace trunkline::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kMostDepth = 16;  // shapes within shapes

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The first of the members that is there and not null; a null when none is.
const Json& member(const Json& object, std::initializer_list<const char*> keys) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  for (const char* key : keys) {
    const auto found = object.find(key);
    if (found != object.end() && !found->is_null()) return *found;
  }
  return kNull;
}

std::string string_member(const Json& object, std::initializer_list<const char*> keys) {
  return text_of(member(object, keys));
}

std::string usual_role(const std::string& role) {
  if (role == "human") return "user";
  if (role == "ai" || role == "model") return "assistant";
  if (role == "developer") return "system";
  return role == "function" ? "tool" : role;
}

void append_text(std::string* out, const std::string& text) {
  if (text.empty()) return;
  if (!out->empty()) out->push_back('\n');
  out->append(text);
}

ToolCall call_of(const Json& value) {
  const Json& function = member(value, {"function"});
  const Json& named = function.is_object() ? function : value;
  return {string_member(value, {"id", "call_id", "tool_call_id"}), string_member(named, {"name"}),
          string_member(named, {"arguments", "args", "input"})};
}

class MessageReader {
 public:
  explicit MessageReader(std::string usual_role_of_texts) : plain_role_(std::move(usual_role_of_texts)) {}

  std::vector<Message> read(const Json& value) {
    add(value, 0);
    return std::move(messages_);
  }

 private:
  void add(const Json& value, unsigned depth) {
    if (depth > kMostDepth || value.is_null()) return;
    if (value.is_array()) {
      for (const Json& each : value) add(each, depth + 1);
    } else if (value.is_object()) {
      add_object(value, depth);
    } else {
      add_plain(text_of(value));
    }
  }

  void add_plain(const std::string& text) {
    if (!text.empty()) messages_.push_back({plain_role_, text, "", {}, "", ""});
  }

  void add_object(const Json& object, unsigned depth) {
    if (add_envelope(object, depth) || add_item(object)) return;
    const Json& constructed = member(object, {"kwargs"});  // a serialised message object of a framework
    if (constructed.is_object() && constructed.contains("content")) return add_message(constructed, role_of(object));
    if (object.contains("role") || object.contains("content") || object.contains("parts")) {
      return add_message(object, role_of(object));
    }
    add_plain(text_of(object));
  }

  // Bodies of requests and responses: the messages are inside.
  bool add_envelope(const Json& object, unsigned depth) {
    const Json& system = member(object, {"system", "instructions", "systemInstruction", "system_instruction"});
    const Json& inner =
        member(object, {"messages", "contents", "choices", "candidates", "generations", "output", "input"});
    if (inner.is_null() || object.contains("role")) {
      const Json& message = member(object, {"message"});
      if (!message.is_object()) return false;
      add(message, depth + 1);
      return true;
    }
    if (!system.is_null()) {
      Message message{"system", "", "", {}, "", ""};
      add_content(member(system, {"parts"}).is_null() ? system : member(system, {"parts"}), &message);
      messages_.push_back(std::move(message));
    }
    add_choices(inner, depth);
    return true;
  }

  // {"message": ...}, {"content": {"parts": ...}} or a message itself.
  void add_choices(const Json& inner, unsigned depth) {
    if (!inner.is_array()) return add(inner, depth + 1);
    for (const Json& each : inner) {
      const Json& content = member(each, {"content"});
      const bool nested = content.is_object() && content.contains("parts");
      add(nested ? content : each, depth + 1);
    }
  }

  // Items that stand for themselves among messages: calls, their results, reasoning.
  bool add_item(const Json& object) {
    const std::string type = string_member(object, {"type"});
    if (type == "function_call" || type == "tool_call") {
      Message message{"assistant", "", "", {call_of(object)}, "", ""};
      messages_.push_back(std::move(message));
    } else if (type == "function_call_output" || type == "tool_result" || type == "tool_call_response") {
      messages_.push_back(result_of(object));
    } else if (type == "reasoning") {
      Message message{"assistant", "", "", {}, "", ""};
      const Json& summary = member(object, {"summary", "content"});
      Message inner;
      add_content(summary, &inner);
      message.reasoning = inner.text;
      if (!message.reasoning.empty()) messages_.push_back(std::move(message));
    } else {
      return false;
    }
    return true;
  }

  static Message result_of(const Json& object) {
    Message message{"tool", "", "", {}, "", ""};
    message.call_id = string_member(object, {"call_id", "tool_use_id", "tool_call_id", "id"});
    message.name = string_member(object, {"name"});
    add_content(member(object, {"output", "content", "result", "response"}), &message);
    return message;
  }

  std::string role_of(const Json& object) const {
    const std::string role = string_member(object, {"role"});
    if (!role.empty()) return usual_role(role);
    const std::string type = string_member(object, {"type"});
    if (type == "human" || type == "ai" || type == "system" || type == "tool") return usual_role(type);
    const Json& path = member(object, {"id"});
    const std::string last = path.is_array() && !path.empty() ? text_of(path.back()) : "";
    if (last.rfind("Human", 0) == 0) return "user";
    if (last.rfind("System", 0) == 0) return "system";
    if (last.rfind("Tool", 0) == 0) return "tool";
    return last.rfind("AI", 0) == 0 ? "assistant" : plain_role_;
  }

  void add_message(const Json& object, const std::string& role) {
    Message message{role, "", "", {}, "", ""};
    message.name = string_member(object, {"name"});
    message.call_id = string_member(object, {"tool_call_id"});
    message.reasoning = string_member(object, {"reasoning_content", "reasoning"});
    // Results of tools that stand as blocks in a user's message are messages of their own.
    std::vector<Message> results;
    const Json& content = member(object, {"content", "parts"});
    if (content.is_array()) {
      for (const Json& block : content) {
        if (is_result(block)) {
          const Json& inner = member(block, {"functionResponse", "function_response"});
          results.push_back(result_of(inner.is_object() ? inner : block));
        } else {
          add_block(block, &message);
        }
      }
    } else {
      add_content(content, &message);
    }
    for (const Json& call : member(object, {"tool_calls"})) message.calls.push_back(call_of(call));
    const Json& function_call = member(object, {"function_call"});
    if (function_call.is_object()) message.calls.push_back(call_of(function_call));
    const bool empty = message.text.empty() && message.calls.empty() && message.reasoning.empty();
    for (Message& result : results) messages_.push_back(std::move(result));
    if (!empty || results.empty()) messages_.push_back(std::move(message));
  }

  static bool is_result(const Json& block) {
    const std::string type = string_member(block, {"type"});
    return type == "tool_result" || type == "tool_call_response" ||
           !member(block, {"functionResponse", "function_response"}).is_null();
  }

  static void add_content(const Json& content, Message* message) {
    if (content.is_array()) {
      for (const Json& block : content) add_block(block, message);
    } else if (!content.is_null()) {
      add_block(content, message);
    }
  }

  static void add_block(const Json& block, Message* message) {
    if (!block.is_object()) return append_text(&message->text, text_of(block));
    const std::string type = string_member(block, {"type"});
    const Json& call = member(block, {"functionCall", "function_call"});
    if (call.is_object()) {
      message->calls.push_back(call_of(call));
    } else if (type == "tool_use" || type == "tool_call" || type == "function_call") {
      message->calls.push_back(call_of(block));
    } else if (type == "thinking" || type == "reasoning") {
      append_text(&message->reasoning, string_member(block, {"thinking", "content", "text"}));
    } else if (block.contains("text")) {
      append_text(&message->text, string_member(block, {"text"}));
    } else if (type == "text" && block.contains("content")) {
      append_text(&message->text, string_member(block, {"content"}));
    } else if (!type.empty() && type != "text") {
      append_text(&message->text, "[" + type + "]");  // a picture, a sound, a file
    } else {
      append_text(&message->text, text_of(block));
    }
  }

  std::string plain_role_;
  std::vector<Message> messages_;
};

// The value as it was recorded, or an attribute that holds messages.
std::vector<Message> read_messages(const std::string& content, const std::string& type, const std::string& attributes,
                                   const char* attribute, const std::string& plain_role) {
  const auto parse = [](const std::string& text) {
    const bool valid = encode::json_check(text, encode::kMaxJsonDepth) == encode::JsonCheck::Valid;
    return valid ? Json::parse(text, nullptr, false) : Json();
  };
  Json value;
  if (type == "bytes") {
    value = "[" + std::to_string(content.size()) + " bytes]";
  } else if (!type.empty()) {
    // A text may itself be the JSON of messages.
    const bool maybe = type != "str" || (!content.empty() && (content[0] == '[' || content[0] == '{'));
    if (maybe) value = parse(content);
    if (value.is_null() || value.is_discarded()) value = content;
  } else if (attributes.find(attribute) != std::string::npos) {
    const Json all = parse(attributes);
    value = member(all, {attribute});
    if (value.is_string()) {
      Json inner = parse(value.get<std::string>());
      if (inner.is_structured()) value = std::move(inner);
    }
  }
  return MessageReader(plain_role).read(value);
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

}  // namespace

std::string Message::look() const {
  std::string all = role + '\0' + trimmed(text);
  for (const ToolCall& call : calls) all.append(1, '\0').append(call.name);
  return all;
}

bool Message::same_as(const Message& other) const {
  if (calls.size() != other.calls.size() || look() != other.look()) return false;
  for (size_t i = 0; i < calls.size(); ++i) {
    const bool ids = !calls[i].id.empty() && !other.calls[i].id.empty();
    if (ids ? calls[i].id != other.calls[i].id : calls[i].arguments != other.calls[i].arguments) return false;
  }
  return call_id.empty() || other.call_id.empty() || call_id == other.call_id;
}

std::vector<Message> input_messages(const store::StoredSpan& span) {
  return read_messages(span.input, span.input_type, span.attributes, "gen_ai.input.messages", "user");
}

std::vector<Message> output_messages(const store::StoredSpan& span) {
  return read_messages(span.output, span.output_type, span.attributes, "gen_ai.output.messages", "assistant");
}

}  // namespace trunkline::cli
