#include "processors/mlflow/mlflow_rest.hpp"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "model/visible_text.hpp"
#include "os/file_version.hpp"

namespace trunkline::mlflow {
namespace {

using nlohmann::json;

constexpr int kLater[] = {408, 429, 500, 502, 503, 504};
constexpr net::RetryTable kRetries(kLater);
constexpr int64_t kSlowestBytesPerMs = 100;

constexpr const char* kClosed = "the MLflow server is not asked yet";

net::Request json_request(const std::string& path, std::string body, bool once) {
  net::Request request;
  request.once = once;
  request.method = "POST";
  request.path = path;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  return request;
}

// What the server says of its refusal: JSON with a message, or text.
void read_error(const net::Response& response, std::string* code, std::string* message) {
  const json body = json::parse(response.body, nullptr, false);
  if (body.is_object()) {
    const auto text = [&](const char* name) {
      const auto found = body.find(name);
      return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    *code = text("error_code");
    *message = words_of_server(text("message"));
  }
}

}  // namespace

Rest::Rest(net::Endpoint endpoint, uint32_t timeout_ms, const processors::ProcessorHost& host)
    : gate_("the MLflow server", host),
      client_(std::move(endpoint), [this] { return gate_.time_left(); }),
      timeout_ms_(timeout_ms) {}

std::string Rest::words(const net::Response& response) const {
  const std::string where = "MLflow at " + destination();
  if (response.failure != net::Failure::kNone) return where + ": " + response.error;
  std::string code;
  std::string message;
  read_error(response, &code, &message);
  std::string sentence = where + " answers " + std::to_string(response.status);
  if (response.status == 401) sentence += " (no username and password or token, or wrong ones)";
  if (!response.error.empty()) sentence += ": " + response.error;
  if (!code.empty()) sentence += " " + code;
  if (!message.empty()) sentence += ": " + message;
  return sentence;
}

// A file takes as long as it takes, at no less than kSlowestBytesPerMs.
uint32_t Rest::timeout_for(const net::Request& request) const {
  if (request.file.empty()) return timeout_ms_;
  const auto version = file_version(request.file);
  const int64_t more = version ? version->size / kSlowestBytesPerMs : 0;
  return static_cast<uint32_t>(std::min<int64_t>(timeout_ms_ + more, UINT32_MAX));
}

// Of several that fail at once the gate hears of the first.
Error Rest::judge(const net::Response& response, bool tells_gate) {
  const net::Verdict verdict = kRetries.verdict(response);
  if (verdict == net::Verdict::kDone) return Error::none();
  const std::string sentence = words(response);
  if (verdict != net::Verdict::kNever) {
    if (tells_gate) gate_.failed(response, verdict, sentence);
    return {TR_EAGAIN, sentence};
  }
  std::string code;
  std::string message;
  read_error(response, &code, &message);
  const bool missing = response.status == 404 || code == "RESOURCE_DOES_NOT_EXIST";
  return {missing ? TR_ENOENT : TR_EINVAL, sentence};
}

Error Rest::ask(net::Request request, net::Response* response) {
  if (!gate_.is_open()) return {TR_EAGAIN, kClosed};
  request.timeout_ms = timeout_for(request);
  *response = client_.perform(std::move(request));
  return judge(*response, true);
}

void Rest::ask_all(const Next& next, const Done& done, bool for_json) {
  std::deque<net::Ticket> under_way;
  net::Request request;
  bool more = next(&request);
  bool failed = more && !gate_.is_open();
  if (failed) return done({TR_EAGAIN, kClosed}, {});
  while (more || !under_way.empty()) {
    if (more && under_way.size() < kMostAtOnce) {
      request.timeout_ms = timeout_for(request);
      under_way.push_back(client_.submit(std::move(request)));
      request = {};
      more = next(&request);
      continue;
    }
    net::Response response = client_.wait(&under_way.front());
    under_way.pop_front();
    Error error = judge(response, !failed);
    if (!error && !failed && for_json) error = check_answer(response);
    failed = failed || error.code == TR_EAGAIN;
    if (!error && !failed) gate_.succeeded();
    done(std::move(error), std::move(response));
    if (failed) more = false;
  }
}

Error Rest::halt(const std::string& sentence) {
  gate_.failed({}, net::Verdict::kHalt, sentence);
  return {TR_EAGAIN, sentence};
}

Error Rest::check_answer(const net::Response& response) {
  if (json::parse(response.body, nullptr, false).is_object()) return Error::none();
  return halt("what answers at " + destination() + " is no MLflow server");
}

Error Rest::ask_for_json(net::Request request, std::string* answer) {
  net::Response response;
  if (Error error = ask(std::move(request), &response)) return error;
  if (Error error = check_answer(response)) return error;
  gate_.succeeded();
  *answer = std::move(response.body);
  return Error::none();
}

Error Rest::get(const std::string& path, std::string* answer) {
  net::Request request;
  request.path = path;
  return ask_for_json(std::move(request), answer);
}

Error Rest::post(const std::string& path, std::string body, std::string* answer, bool once) {
  return ask_for_json(json_request(path, std::move(body), once), answer);
}

void Rest::post_all(const std::string& path, std::vector<std::string> bodies, const DoneCall& done, bool once) {
  size_t at = 0;
  const auto next = [&](net::Request* request) {
    if (at == bodies.size()) return false;
    *request = json_request(path, std::move(bodies[at++]), once);
    return true;
  };
  ask_all(
      next, [&](Error error, const net::Response& response) { done(std::move(error), response.body); }, true);
}

Error Rest::fetch(const std::string& path, size_t limit, std::string* bytes) {
  net::Request request;
  request.path = path;
  request.response_limit = limit;
  net::Response response;
  if (Error error = ask(std::move(request), &response)) return error;
  gate_.succeeded();
  *bytes = std::move(response.body);
  return Error::none();
}

Error Rest::send(net::Request request, int* status) {
  net::Response response;
  Error error = ask(std::move(request), &response);
  *status = response.status;
  if (!error) gate_.succeeded();
  return error;
}

}  // namespace trunkline::mlflow
