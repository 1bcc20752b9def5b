// What thinks: given the conversation and the tools, it answers with a message of the assistant, in the form of
// OpenAI's chat completions. Either a server that speaks that protocol, or a planner without one.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "trunkline.h"

namespace agent {

using Json = nlohmann::json;

// JSON text of anything; bytes that are not UTF-8 are replaced.
inline std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

struct Completion {
  Json message;  // {"role": "assistant", "content": ..., "tool_calls": [...]}
  std::string model;
  std::string finish_reason;
  tr_usage usage = {-1, -1, -1, -1, -1, -1};
  std::string error_type;  // set when there is no message
  std::string error_message;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual std::string name() const = 0;
  virtual std::string provider() const = 0;
  virtual Completion complete(const Json& messages, const Json& tools) = 0;
};

// Errors when the address or the key cannot be used; then the result is null.
std::unique_ptr<Model> make_openai_model(const std::string& base_url, const std::string& key, const std::string& model,
                                         std::string* error);

std::unique_ptr<Model> make_planner();

}  // namespace agent
