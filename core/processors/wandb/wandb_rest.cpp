#include "processors/wandb/wandb_rest.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "encode/json_writer.hpp"
#include "model/visible_text.hpp"
#include "os/time.hpp"
#include "processors/wandb/insist.hpp"

namespace trunkline::wandb {
namespace {

using nlohmann::json;

// What W&B's own client does not say again. Creating a run meets itself in another process at times: 409 passes there.
constexpr int kNeverOfStream[] = {400, 404, 409, 410, 413, 422, 501};
constexpr int kNeverOfGraphql[] = {400, 404, 410, 413, 422, 501};
constexpr net::RetryTable kStreamRetries = net::RetryTable::all_but(kNeverOfStream);
constexpr net::RetryTable kGraphqlRetries = net::RetryTable::all_but(kNeverOfGraphql);
constexpr size_t kMostAnswerBytes = size_t{64} << 20;  // the configuration of a run that is gone on with
constexpr int kTooLarge = 413;
constexpr int64_t kLookNs = 20'000'000;
constexpr int64_t kNsPerMs = 1'000'000;

std::string text_of(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// What the server says of its refusal.
std::string words_of(const std::string& body) {
  const json parsed = json::parse(body, nullptr, false);
  std::string words = text_of(parsed, "error");
  if (parsed.is_object() && parsed.contains("errors") && parsed["errors"].is_array() && !parsed["errors"].empty()) {
    words = text_of(parsed["errors"][0], "message");
  }
  return words_of_server(words);
}

// All that W&B answers is an object.
bool is_object(const std::string& body) {
  const size_t begin = body.find_first_not_of(" \t\r\n");
  return begin != std::string::npos && body[begin] == '{' && json::accept(body);
}

net::Request request_of(std::string path, std::string body) {
  net::Request request;
  request.method = "POST";
  request.path = std::move(path);
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  request.response_limit = kMostAnswerBytes;
  return request;
}

}  // namespace

Rest::Rest(net::Endpoint endpoint, uint32_t timeout_ms, const processors::ProcessorHost& host, bool waits)
    : host_(host),
      gate_("W&B", host),
      client_(std::move(endpoint), [this] { return gate_.time_left(); }),
      timeout_ms_(timeout_ms),
      waits_(waits) {}

std::string Rest::words(const net::Response& response) const {
  const std::string where = "W&B at " + destination();
  if (response.failure != net::Failure::kNone) return where + ": " + response.error;
  std::string sentence = where + " answers " + std::to_string(response.status);
  if (response.status == 401 || response.status == 403) sentence += " (is the API key right, and may it write here?)";
  if (!response.error.empty()) sentence += ": " + response.error;
  const std::string said = words_of(response.body);
  return said.empty() ? sentence : sentence + ": " + said;
}

bool Rest::is_open() { return os::monotonic_now() >= stream_limit_.next_ns() && gate_.is_open(); }

// Waits until the server takes another request; false: nobody can wait so long. What is said in parts would never come
// to its end, if each part but the first were for later.
bool Rest::turn_comes() const {
  for (;;) {
    const int64_t wait = stream_limit_.next_ns() - os::monotonic_now();
    if (wait <= 0) return true;
    const uint32_t left = gate_.time_left();
    if (left != UINT32_MAX && int64_t{left} * kNsPerMs < wait) return false;
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(wait, kLookNs)));
  }
}

Error Rest::ask(net::Request request, const net::RetryTable& retries, std::string* answer, net::RateLimit* limit) {
  if (!gate_.is_open()) return not_asked_yet();
  request.timeout_ms = timeout_ms_;
  net::Response response = client_.perform(std::move(request));
  if (limit != nullptr) limit->told(response, os::monotonic_now());
  const net::Verdict verdict = retries.verdict(response);
  if (verdict == net::Verdict::kDone) {
    if (!is_object(response.body)) return halt("what answers at " + destination() + " is not W&B");
    gate_.succeeded();
    *answer = std::move(response.body);
    return Error::none();
  }
  const std::string sentence = words(response);
  if (verdict == net::Verdict::kHalt && !waits_) return {TR_EINVAL, sentence};
  if (verdict != net::Verdict::kNever) {
    gate_.failed(response, verdict, sentence);
    return {TR_EAGAIN, sentence};
  }
  if (response.status == kTooLarge) return {TR_ELIMIT, sentence};
  return {response.status == 404 ? TR_ENOENT : TR_EINVAL, sentence};
}

Error Rest::halt(const std::string& sentence) {
  if (!waits_) return {TR_EINVAL, sentence};
  gate_.failed({}, net::Verdict::kHalt, sentence);
  return {TR_EAGAIN, sentence};
}

Error Rest::graphql(std::string_view query, const std::string& variables, std::string* answer) {
  std::string body;
  encode::JsonObject object(&body);
  object.string("query", query);
  *object.member("variables") += variables;
  object.close();
  if (Error error = ask(request_of("/graphql", std::move(body)), kGraphqlRetries, answer)) return error;
  const json parsed = json::parse(*answer, nullptr, false);
  const std::string said = words_of(*answer);
  if (!said.empty()) return {TR_EINVAL, "W&B at " + destination() + " says: " + said};
  if (!parsed.is_object() || !parsed.contains("data") || !parsed["data"].is_object()) {
    return halt("what answers at " + destination() + " is not W&B");
  }
  return Error::none();
}

Error Rest::post(const std::string& path, std::string body, std::string* answer) {
  if (!turn_comes()) return {TR_EAGAIN, "W&B takes no more just now"};
  return ask(request_of(path, std::move(body)), kStreamRetries, answer, &stream_limit_);
}

}  // namespace trunkline::wandb
