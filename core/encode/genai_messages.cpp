#include "encode/genai_messages.hpp"

#include "encode/json_scan.hpp"
#include "encode/json_walk.hpp"
#include "encode/json_writer.hpp"

namespace trunkline::encode {
namespace {

bool is_string(std::string_view json) { return json_type(json) == '"'; }
bool is_array(std::string_view json) { return json_type(json) == '['; }
bool is_object(std::string_view json) { return json_type(json) == '{'; }

// The members a message of any of the three forms may have.
struct Message {
  std::string_view role, parts, content, tool_calls, tool_call_id, reasoning, finish_reason;
};

Message read_message(std::string_view object) {
  Message message;
  JsonWalk walk(object);
  while (walk.next()) {
    const std::string_view key = walk.raw_key();
    const std::string_view value = walk.value();
    if (json_type(value) == 'n') continue;
    if (key == "role") message.role = value;
    if (key == "parts") message.parts = value;
    if (key == "content") message.content = value;
    if (key == "tool_calls") message.tool_calls = value;
    if (key == "tool_call_id") message.tool_call_id = value;
    if (key == "reasoning_content" || key == "reasoning") message.reasoning = value;
    if (key == "finish_reason" || key == "stop_reason") message.finish_reason = value;
  }
  return message;
}

bool is_message(std::string_view value) {
  if (!is_object(value)) return false;
  const Message message = read_message(value);
  return is_string(message.role) && (message.parts.empty() || is_array(message.parts));
}

class MessageWriter {
 public:
  MessageWriter(std::string* out, MessageDirection direction, std::string_view finish_reason)
      : out_(out), direction_(direction), finish_reason_(finish_reason) {
    out_->push_back('[');
  }
  void close() { out_->push_back(']'); }

  void text(std::string_view text) {
    begin_message();
    out_->append(direction_ == MessageDirection::Output ? R"("role":"assistant","parts":[{"type":"text","content":)"
                                                        : R"("role":"user","parts":[{"type":"text","content":)");
    append_json_string(out_, text);
    out_->append("}]");
    end_message({});
  }

  // `outer_reason` is what the choice around the message says.
  void message(std::string_view object, std::string_view outer_reason) {
    const Message message = read_message(object);
    begin_message();
    out_->append("\"role\":");
    append_json_text(out_, message.role);
    out_->append(",\"parts\":");
    if (!message.parts.empty()) {
      append_json_text(out_, message.parts);
    } else {
      parts(message);
    }
    end_message(is_string(message.finish_reason) ? message.finish_reason : outer_reason);
  }

 private:
  void begin_message() {
    if (any_) out_->push_back(',');
    any_ = true;
    out_->push_back('{');
  }

  void end_message(std::string_view reason) {
    if (direction_ == MessageDirection::Output) {
      out_->append(",\"finish_reason\":");
      is_string(reason) ? append_json_text(out_, reason) : append_json_string(out_, finish_reason_);
    }
    out_->push_back('}');
  }

  void begin_part(std::string_view type) {
    if (any_part_) out_->push_back(',');
    any_part_ = true;
    out_->append("{\"type\":");
    append_json_string(out_, type);
  }
  void member(std::string_view name, std::string_view json) {
    if (json.empty()) return;
    out_->append(",\"").append(name).append("\":");
    append_json_text(out_, json);
  }
  // An object whose text a string may hold, as OpenAI sends the arguments of tools.
  void arguments(std::string_view json) {
    std::string text;
    const bool wrapped = json_string_value(json, &text) && is_object(text) && json_check(text) == JsonCheck::Valid;
    member("arguments", wrapped ? std::string_view(text) : json);
  }
  void part(std::string_view type, std::string_view name, std::string_view json) {
    begin_part(type);
    member(name, json);
    out_->push_back('}');
  }

  void parts(const Message& message) {
    out_->push_back('[');
    any_part_ = false;
    if (is_string(message.reasoning)) part("reasoning", "content", message.reasoning);
    if (!message.tool_call_id.empty()) {
      begin_part("tool_call_response");
      member("id", message.tool_call_id);
      member("response", message.content.empty() ? "null" : message.content);
      out_->push_back('}');
    } else if (is_array(message.content)) {
      JsonWalk walk(message.content);
      while (walk.next()) block(walk.value());
    } else if (!message.content.empty()) {
      part("text", "content", message.content);
    }
    JsonWalk calls(is_array(message.tool_calls) ? message.tool_calls : std::string_view{});
    while (calls.next()) tool_call(calls.value());
    out_->push_back(']');
  }

  void tool_call(std::string_view call) {
    const std::string_view function = json_member(call, "function");
    const std::string_view of = is_object(function) ? function : call;
    begin_part("tool_call");
    member("id", json_member(call, "id"));
    member("name", json_member(of, "name"));
    arguments(json_member(of, "arguments"));
    out_->push_back('}');
  }

  // One block of a list of contents; what is not known here is a part of its own type, as it is.
  void block(std::string_view value) {
    if (!is_object(value)) return part("text", "content", value);
    std::string type;
    if (!json_string_value(json_member(value, "type"), &type)) return part("text", "content", value);
    if (type == "text" || type == "input_text" || type == "output_text") {
      const std::string_view text = json_member(value, "text");
      return part("text", "content", text.empty() ? json_member(value, "content") : text);
    }
    if (type == "thinking") return part("reasoning", "content", json_member(value, "thinking"));
    if (type == "tool_use") {
      begin_part("tool_call");
      member("id", json_member(value, "id"));
      member("name", json_member(value, "name"));
      arguments(json_member(value, "input"));
      return out_->push_back('}');
    }
    if (type == "tool_result") {
      begin_part("tool_call_response");
      member("id", json_member(value, "tool_use_id"));
      const std::string_view response = json_member(value, "content");
      member("response", response.empty() ? "null" : response);
      return out_->push_back('}');
    }
    if (any_part_) out_->push_back(',');
    any_part_ = true;
    append_json_text(out_, value);
  }

  std::string* out_;
  MessageDirection direction_;
  std::string_view finish_reason_;
  bool any_ = false;
  bool any_part_ = false;
};

// The messages of a list; of {"choices": [{"message", "finish_reason"}]} those of the choices.
bool is_list_of(std::string_view array, bool choices) {
  bool any = false;
  JsonWalk walk(array);
  while (walk.next()) {
    if (!is_message(choices ? json_member(walk.value(), "message") : walk.value())) return false;
    any = true;
  }
  return any;
}

void write_list(std::string_view array, bool choices, MessageWriter* writer) {
  JsonWalk walk(array);
  while (walk.next()) {
    if (choices) {
      writer->message(json_member(walk.value(), "message"), json_member(walk.value(), "finish_reason"));
    } else {
      writer->message(walk.value(), {});
    }
  }
}

bool append_json_messages(std::string_view json, MessageDirection direction, std::string_view finish_reason,
                          std::string* out) {
  if (is_message(json)) {
    MessageWriter writer(out, direction, finish_reason);
    writer.message(json, {});
    writer.close();
    return true;
  }
  const bool choices = is_object(json) && direction == MessageDirection::Output;
  const std::string_view list = is_object(json) ? json_member(json, choices ? "choices" : "messages") : json;
  if (!is_array(list) || !is_list_of(list, choices)) return false;
  MessageWriter writer(out, direction, finish_reason);
  write_list(list, choices, &writer);
  writer.close();
  return true;
}

}  // namespace

bool append_genai_messages(const tr_value& content, MessageDirection direction, std::string_view finish_reason,
                           std::string* out) {
  const std::string_view text = text_of(content);
  if (content.type == TR_TYPE_JSON && !is_string(text)) {
    return append_json_messages(text, direction, finish_reason, out);
  }
  std::string plain;
  const bool decoded = content.type == TR_TYPE_JSON && json_string_value(text, &plain);
  if ((content.type != TR_TYPE_STR && !decoded) || text.empty()) return false;
  MessageWriter writer(out, direction, finish_reason);
  writer.text(decoded ? std::string_view(plain) : text);
  writer.close();
  return true;
}

}  // namespace trunkline::encode
