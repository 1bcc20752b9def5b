#include "processors/wandb/wandb_storage.hpp"

#include <algorithm>

#include "net/url.hpp"
#include "processors/wandb/insist.hpp"

namespace trunkline::wandb {
namespace {

// What W&B's own client says again.
constexpr int kLater[] = {408, 429, 500, 502, 503, 504, 505, 507, 508};
constexpr net::RetryTable kRetries(kLater);
constexpr size_t kMostClients = 16;
constexpr size_t kMostBodyBytes = size_t{256} << 20;  // a manifest
constexpr int kMostRedirects = 3;
constexpr int64_t kSlowestBytesPerMs = 100;

net::Endpoint without_key(const net::Endpoint& server) {
  net::Endpoint terms;
  terms.url.tls = server.url.tls;
  terms.url.host = server.url.host;
  terms.url.port = server.url.port;
  terms.url.path = server.url.path;
  terms.ca = server.ca;
  terms.proxies = server.proxies;
  return terms;
}

// What nobody knows the size of may go on for as long as anything comes of it.
uint32_t longest(uint32_t timeout_ms, int64_t size) {
  if (size < 0) return UINT32_MAX;
  return static_cast<uint32_t>(std::min<int64_t>(timeout_ms + size / kSlowestBytesPerMs, UINT32_MAX));
}

bool is_redirect(const net::Response& response) {
  return response.failure == net::Failure::kNone && response.status >= 301 && response.status <= 308 &&
         response.status != 304 && !response.location.empty();
}

bool is_no_permission(const net::Response& response) {
  return response.status == 400 || response.status == 401 || response.status == 403;
}

// Where scheme, host and port end.
size_t origin_end(const std::string& url) {
  const size_t host = url.find("://");
  return host == std::string::npos ? host : std::min(url.find_first_of("/?#", host + 3), url.size());
}

bool has_scheme(const std::string& url) {
  const size_t end = url.find_first_of(":/?#");
  return end != std::string::npos && end != 0 && url[end] == ':';
}

// What a redirect means where it was said (RFC 3986, 5.2).
std::string resolve(const std::string& asked, const std::string& said) {
  if (has_scheme(said)) return said;
  if (said.rfind("//", 0) == 0) return asked.substr(0, asked.find(':') + 1) + said;
  const size_t origin = origin_end(asked);
  if (said.rfind('/', 0) == 0) return asked.substr(0, origin) + said;
  const std::string path = asked.substr(0, asked.find_first_of("?#", origin));
  if (said.rfind('?', 0) == 0) return path + said;
  const size_t slash = path.rfind('/');
  return slash == std::string::npos || slash < origin ? path + "/" + said : path.substr(0, slash + 1) + said;
}

}  // namespace

Storage::Storage(const net::Endpoint& server, uint32_t timeout_ms, const processors::ProcessorHost& host, bool waits,
                 std::function<void()> meanwhile)
    : server_(without_key(server)),
      timeout_ms_(timeout_ms),
      gate_("W&B's file storage", host),
      waits_(waits),
      meanwhile_(std::move(meanwhile)) {}

// What is done meanwhile takes no time from a program that ends.
uint32_t Storage::time_left() {
  const uint32_t left = gate_.time_left();
  if (left == UINT32_MAX && meanwhile_) meanwhile_();
  return left;
}

std::string Storage::absolute(const std::string& url) const {
  if (url.rfind("//", 0) == 0) return resolve(server_.url.text(), url);
  return url.rfind('/', 0) == 0 ? server_.url.text() + url : url;
}

// The path keeps its query, in which the permission is.
Expected<net::Client*> Storage::client_for(const std::string& url, std::string* path) {
  net::Endpoint terms = without_key(server_);
  const size_t end = origin_end(url);
  auto origin = net::parse_url(url.substr(0, end));
  if (!origin) return Error{TR_EINVAL, origin.error().message};
  if (!origin->user.empty()) return Error{TR_EINVAL, "a URL for a file has a name in it"};
  terms.url = std::move(*origin);
  *path = url.substr(end, url.find('#', end) - end);
  const bool legal = std::all_of(path->begin(), path->end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!legal) return Error{TR_EINVAL, "a URL for a file has characters that no URL has"};
  // A server elsewhere has no say in what is asked of the services of this machine.
  if (!terms.url.tls && !(terms.url.is_loopback() && server_.url.is_loopback())) {
    return Error{TR_EINVAL, "files do not go over plain http, except from this machine to itself"};
  }
  const std::string place = terms.url.text();
  if (clients_.size() >= kMostClients && clients_.count(place) == 0) clients_.clear();
  std::unique_ptr<net::Client>& client = clients_[place];
  if (client == nullptr) {
    client = std::make_unique<net::Client>(std::move(terms), [this] { return time_left(); });
  }
  return client.get();
}

Error Storage::ask(const std::string& url, net::Request request, net::Response* response) {
  if (!gate_.is_open()) return not_asked_yet();
  (void)time_left();
  const auto client = client_for(url, &request.path);
  if (!client) return client.error();
  *response = (*client)->perform(std::move(request));
  if (is_redirect(*response)) return Error::none();
  const net::Verdict verdict = kRetries.verdict(*response);
  if (verdict == net::Verdict::kDone) {
    gate_.succeeded();
    return Error::none();
  }
  if (response->failure == net::Failure::kFile) return {TR_EIO, response->error};
  const std::string where = "W&B's files at " + (*client)->endpoint().url.text();
  const std::string sentence = response->failure != net::Failure::kNone
                                   ? where + ": " + response->error
                                   : where + " answer " + std::to_string(response->status);
  const bool refused =
      response->failure == net::Failure::kNone && response->status < 500 && verdict != net::Verdict::kLater;
  if (refused && is_no_permission(*response)) return {TR_ESTALE, sentence};
  const bool halted = verdict == net::Verdict::kHalt && !waits_;
  if (refused || halted || verdict == net::Verdict::kNever) return {TR_EINVAL, sentence};
  gate_.failed(*response, verdict, sentence);
  return {TR_EAGAIN, sentence};
}

Error Storage::put_request(const SignedUrl& to, int64_t size, net::Request request) {
  request.method = "PUT";
  request.headers = to.headers;
  request.timeout_ms = longest(timeout_ms_, size);
  net::Response response;
  if (Error error = ask(absolute(to.url), std::move(request), &response)) return error;
  if (response.ok()) return Error::none();
  return {TR_EINVAL, "W&B's files are somewhere else than W&B says (" + response.error + ")"};
}

Error Storage::put(const SignedUrl& to, std::string body) {
  net::Request request;
  const auto size = static_cast<int64_t>(body.size());
  request.body = std::move(body);
  return put_request(to, size, std::move(request));
}

Error Storage::put_file(const SignedUrl& to, const processors::RunFile& file) {
  net::Request request;
  request.file = file.file;
  return put_request(to, file.version.size, std::move(request));
}

Error Storage::get_request(std::string url, const net::Request& request, std::string* body) {
  url = absolute(url);
  for (int hop = 0; hop <= kMostRedirects; ++hop) {
    net::Response response;
    if (Error error = ask(url, request, &response)) return error;
    if (response.ok()) {
      if (body != nullptr) *body = std::move(response.body);
      return Error::none();
    }
    url = resolve(url, response.location);
  }
  return {TR_EINVAL, "W&B's files are nowhere: each place names another"};
}

Error Storage::get(const std::string& url, std::string* body) {
  net::Request request;
  request.timeout_ms = timeout_ms_;
  request.response_limit = kMostBodyBytes;
  return get_request(url, request, body);
}

Error Storage::get_file(const std::string& url, int64_t size, std::shared_ptr<const UniqueFd> out) {
  net::Request request;
  request.timeout_ms = longest(timeout_ms_, size);
  request.response_limit = size < 0 ? SIZE_MAX : static_cast<size_t>(size) + 1;
  request.save_to = std::move(out);
  return get_request(url, request, nullptr);
}

}  // namespace trunkline::wandb
