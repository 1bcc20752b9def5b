// A model behind HTTP. The request is sent by the `curl` program: address and key go to it through a pipe, the body
// through its standard input, so that neither shows in the list of processes or in a file.
#include <cstdlib>

#include "model.hpp"
#include "subprocess.hpp"

namespace agent {
namespace {

constexpr size_t kMaxAnswer = 4 << 20;
constexpr size_t kMaxQuoted = 200;  // of a bad answer, in an error

bool is_plain(const std::string& text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '\\' || c == '\x7f') return false;
  }
  return true;
}

bool begins_with(const std::string& text, std::string_view start) { return text.compare(0, start.size(), start) == 0; }

bool is_loopback(const std::string& url) {
  if (url.find('@') != std::string::npos) return false;  // what precedes it is not the host
  for (const char* host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    const std::string_view start = host;
    if (begins_with(url, start) &&
        (url.size() == start.size() || url[start.size()] == ':' || url[start.size()] == '/')) {
      return true;
    }
  }
  return false;
}

Completion failed(std::string type, std::string message) {
  Completion completion;
  completion.error_type = std::move(type);
  completion.error_message = std::move(message);
  return completion;
}

std::string quoted(const std::string& text) {
  return text.size() <= kMaxQuoted ? text : text.substr(0, kMaxQuoted) + "...";
}

int64_t count_in(const Json& usage, const char* name) {
  const auto found = usage.find(name);
  return found != usage.end() && found->is_number_integer() ? found->get<int64_t>() : -1;
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

tr_usage read_usage(const Json& answer) {
  tr_usage out = {-1, -1, -1, -1, -1, -1};
  const auto usage = answer.find("usage");
  if (usage == answer.end() || !usage->is_object()) return out;
  out.input = count_in(*usage, "prompt_tokens");
  out.output = count_in(*usage, "completion_tokens");
  out.total = count_in(*usage, "total_tokens");
  if (const auto details = usage->find("prompt_tokens_details"); details != usage->end() && details->is_object()) {
    out.cache_read = count_in(*details, "cached_tokens");
  }
  if (const auto details = usage->find("completion_tokens_details"); details != usage->end() && details->is_object()) {
    out.reasoning = count_in(*details, "reasoning_tokens");
  }
  return out;
}

// The tool calls that have the form they must have to be sent back; a message with others is no use.
bool well_formed_calls(const Json& message) {
  const auto calls = message.find("tool_calls");
  if (calls == message.end() || calls->is_null()) return true;
  if (!calls->is_array()) return false;
  for (const Json& call : *calls) {
    if (!call.is_object() || text_in(call, "id").empty() || !call.contains("function")) return false;
    const Json& function = call["function"];
    if (!function.is_object() || text_in(function, "name").empty()) return false;
    if (!function.contains("arguments") || !function["arguments"].is_string()) return false;
  }
  return true;
}

Completion read_answer(const std::string& body) {
  const Json answer = Json::parse(body, nullptr, false);
  if (!answer.is_object()) return failed("bad_answer", "the answer is not a JSON object: " + quoted(body));
  const auto choices = answer.find("choices");
  if (choices == answer.end() || !choices->is_array() || choices->empty() || !(*choices)[0].is_object()) {
    return failed("bad_answer", "the answer has no choice: " + quoted(body));
  }
  const Json& choice = (*choices)[0];
  const auto message = choice.find("message");
  if (message == choice.end() || !message->is_object() || text_in(*message, "role") != "assistant" ||
      !well_formed_calls(*message)) {
    return failed("bad_answer", "the answer has no message of the assistant: " + quoted(body));
  }
  Completion completion;
  completion.message = *message;
  completion.model = text_in(answer, "model");
  completion.finish_reason = text_in(choice, "finish_reason");
  completion.usage = read_usage(answer);
  return completion;
}

class OpenAiModel : public Model {
 public:
  OpenAiModel(std::string url, const std::string& key, std::string model) : model_(std::move(model)) {
    config_ = "url = \"" + url + "\"\nheader = \"Content-Type: application/json\"\nheader = \"Expect:\"\n";
    if (!key.empty()) config_ += "header = \"Authorization: Bearer " + key + "\"\n";
  }

  std::string name() const override { return model_; }
  std::string provider() const override { return "openai"; }

  Completion complete(const Json& messages, const Json& tools) override {
    Command command;
    command.arguments = {"curl",          "-q",        "--silent",          "--show-error",
                         "--config",      "/dev/fd/3", "--proto",           "=http,https",
                         "--max-time",    "120",       "--connect-timeout", "10",
                         "--data-binary", "@-",        "--write-out",       "\n%{http_code}"};
    for (const char* name :
         {"PATH", "HTTPS_PROXY", "https_proxy", "http_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"}) {
      if (const char* value = std::getenv(name)) command.environment.push_back(std::string(name) + "=" + value);
    }
    command.secret = config_;
    command.input = to_text({{"model", model_}, {"messages", messages}, {"tools", tools}});
    command.timeout_ms = 130000;
    command.max_output = kMaxAnswer;
    const Finished finished = agent::run(command);
    if (!finished.error.empty()) return failed("transport", finished.error);
    const size_t newline = finished.output.rfind('\n');
    const std::string body = finished.output.substr(0, newline);
    if (finished.exit_code != 0 || newline == std::string::npos) return failed("transport", quoted(body));
    const std::string status = finished.output.substr(newline + 1);
    if (status != "200") return failed("http_" + status, quoted(body));
    Completion completion = read_answer(body);
    if (completion.model.empty()) completion.model = model_;
    return completion;
  }

 private:
  std::string model_;
  std::string config_;
};

}  // namespace

std::unique_ptr<Model> make_openai_model(const std::string& base_url, const std::string& key, const std::string& model,
                                         std::string* error) {
  if (!is_plain(base_url) || !is_plain(key)) {
    *error = "OPENAI_BASE_URL and OPENAI_API_KEY must not hold blanks, quotes or control characters";
  } else if (!begins_with(base_url, "http://") && !begins_with(base_url, "https://")) {
    *error = "OPENAI_BASE_URL must begin with http:// or https://";
  } else if (!key.empty() && begins_with(base_url, "http://") && !is_loopback(base_url)) {
    *error = "OPENAI_API_KEY is not sent unencrypted to another machine";
  } else {
    std::string url = base_url;
    while (url.back() == '/') url.pop_back();
    return std::make_unique<OpenAiModel>(url + "/chat/completions", key, model);
  }
  return nullptr;
}

}  // namespace agent
