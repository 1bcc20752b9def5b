#include "net/transfer.hpp"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/socket_list.hpp"

namespace trunkline::net {
namespace {

constexpr size_t kMostHeadBytes = size_t{128} << 10;  // of an answer, with all that comes before and after it
constexpr long kProtocolsHttp = 1L << 0;              // CURLPROTO_HTTP and _HTTPS, for a libcurl before 7.85
constexpr long kProtocolsHttps = 1L << 1;
constexpr auto kOldProtocols = static_cast<CURLoption>(181);
constexpr auto kProtocolsStr = static_cast<CURLoption>(10318);
constexpr auto kQuickExit = static_cast<CURLoption>(322);

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The scheme and host of where a redirect leads, for people: never its query.
std::string place_of(const std::string& location) { return location.substr(0, location.find_first_of("?#")); }

Failure failure_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Failure::kTimeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
      return Failure::kTls;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_PARTIAL_FILE:
    case CURLE_AGAIN:
    case CURLE_OUT_OF_MEMORY:
      return Failure::kUnreachable;
    default:
      return Failure::kProtocol;
  }
}

}  // namespace

Transfer::Transfer(const CurlLibrary* curl, std::shared_ptr<const Endpoint> endpoint, Request request)
    : curl_(curl), endpoint_(std::move(endpoint)), request_(std::move(request)) {}

Transfer::~Transfer() { end(); }

// On the network thread, or when it is gone.
void Transfer::end() {
  if (easy_ != nullptr) curl_->easy_cleanup(std::exchange(easy_, nullptr));
  for (curl_slist* line = lines_; line != nullptr; line = line->next) explicit_bzero(line->data, strlen(line->data));
  curl_->slist_free_all(std::exchange(lines_, nullptr));
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

bool Transfer::wait(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, longest, [this] { return done_; });
}

Response Transfer::take() {
  const std::lock_guard lock(mutex_);
  return std::move(response_);
}

Error Transfer::prepare(SocketList* sockets) {
  sockets_ = sockets;
  easy_ = curl_->easy_init();
  if (easy_ == nullptr) return {TR_ENOMEM, "no memory for a request"};
  const std::string url = endpoint_->url.text() + request_.path;
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  if (request_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  set_terms();
  set_limits();
  if (Error error = set_body()) return error;
  if (Error error = set_headers()) return error;
  if (!set_everything_) return {TR_EUNSUPPORTED, "the installed libcurl refuses a setting (was it built without TLS?)"};
  return Error::none();
}

// Who is trusted with what.
void Transfer::set_terms() {
  if (curl_->easy_setopt(easy_, kProtocolsStr, "http,https") != CURLE_OK) {
    set(kOldProtocols, kProtocolsHttp | kProtocolsHttps);
  }
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_PROXY, endpoint_->proxy().c_str());
  set(CURLOPT_NOPROXY, endpoint_->proxies.except.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  // Otherwise a name server that does not answer would hold up the network thread when a request is given up.
  try_to_set(kQuickExit, 1L);
  if (!endpoint_->url.tls && endpoint_->proxy().rfind("https://", 0) != 0) return;
  set(CURLOPT_SSL_VERIFYPEER, endpoint_->insecure ? 0L : 1L);
  set(CURLOPT_SSL_VERIFYHOST, endpoint_->insecure ? 0L : 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!endpoint_->ca.empty()) {
    struct stat about {};
    const bool folder = ::stat(endpoint_->ca.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
    set(CURLOPT_CAINFO, folder ? nullptr : endpoint_->ca.c_str());
    set(CURLOPT_CAPATH, folder ? endpoint_->ca.c_str() : nullptr);
  }
  if (!endpoint_->client_certificate.empty()) set(CURLOPT_SSLCERT, endpoint_->client_certificate.c_str());
}

void Transfer::set_limits() {
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max(1u, request_.connect_timeout_ms)));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max(1u, request_.timeout_ms)));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(std::max(1u, request_.stall_timeout_ms / 1000)));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_TCP_KEEPIDLE, 30L);
  set(CURLOPT_ERRORBUFFER, reason_);
  set(CURLOPT_OPENSOCKETFUNCTION, &SocketList::open);
  set(CURLOPT_OPENSOCKETDATA, sockets_);
  set(CURLOPT_CLOSESOCKETFUNCTION, &SocketList::close);
  set(CURLOPT_CLOSESOCKETDATA, sockets_);
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, this);
}

Error Transfer::set_body() {
  if (!request_.file.empty()) {
    file_ = ::open(request_.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat about {};
    if (file_ < 0 || fstat(file_, &about) != 0 || !S_ISREG(about.st_mode)) {
      return {TR_EIO, "the file " + request_.file + " cannot be read"};
    }
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(about.st_size));
    set(CURLOPT_READFUNCTION, &Transfer::on_read);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
    set(CURLOPT_SEEKDATA, this);
  } else if (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT" ||
             request_.method == "PATCH") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    if (request_.once) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_READFUNCTION, &Transfer::on_read);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
      set(CURLOPT_SEEKDATA, this);
      return Error::none();
    }
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
  }
  return Error::none();
}

void Transfer::append_header(std::string_view name, std::string_view value) {
  std::string line(name);
  line += value.empty() ? ";" : ": ";  // libcurl's way to say: there, but empty
  line += value;
  curl_slist* grown = curl_->slist_append(lines_, line.c_str());
  explicit_bzero(line.data(), line.size());
  if (grown == nullptr) set_everything_ = false;
  if (grown != nullptr) lines_ = grown;
}

Error Transfer::set_headers() {
  append_header("User-Agent", "trunkline/" + std::string(tr_version()));
  lines_ = curl_->slist_append(lines_, "Expect:");  // no: it would cost a second where the server does not know it
  lines_ = curl_->slist_append(lines_, "Content-Type:");  // libcurl's own guess, a form, would void a signed URL
  for (const auto* headers : {&endpoint_->headers, &request_.headers}) {
    for (const Header& header : *headers) {
      if (!is_header(header.name, header.value)) return {TR_EINVAL, "a header contains a control character"};
      append_header(header.name, header.value);
    }
  }
  if (!endpoint_->authorization.empty()) append_header("Authorization", endpoint_->authorization.reveal());
  set(CURLOPT_HTTPHEADER, lines_);
  // Ours are for the server alone: not for the proxy on the way.
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  return Error::none();
}

size_t Transfer::on_header(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  transfer->sockets_->acknowledge_at_once();
  transfer->head_bytes_ += size * count;
  if (transfer->head_bytes_ > kMostHeadBytes) {
    transfer->too_long_ = true;
    return 0;
  }
  try {
    transfer->read_header({data, size * count});
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return size * count;
}

void Transfer::read_header(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (same_word(name, "retry-after")) response_.retry_after = value;
  if (same_word(name, "ratelimit-remaining")) response_.rate_remaining = value;
  if (same_word(name, "ratelimit-reset")) response_.rate_reset = value;
  if (same_word(name, "content-type")) response_.content_type = value;
  if (same_word(name, "www-authenticate")) response_.www_authenticate = value;
  if (same_word(name, "location")) response_.location = value;
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  std::string& body = transfer->response_.body;
  if (transfer->saved_bytes_ + body.size() + size * count > transfer->request_.response_limit) {
    transfer->too_long_ = true;
    return 0;
  }
  long status = 0;
  transfer->curl_->easy_getinfo(transfer->easy_, CURLINFO_RESPONSE_CODE, &status);
  if (transfer->request_.save_to != nullptr && status / 100 == 2) {
    return transfer->save({data, size * count}) ? size * count : 0;
  }
  try {
    body.append(data, size * count);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return size * count;
}

bool Transfer::save(std::string_view bytes) {
  if (write_all(request_.save_to->get(), bytes.data(), bytes.size())) unwritable_ = errno;
  saved_bytes_ += bytes.size();
  return unwritable_ == 0;
}

size_t Transfer::on_read(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<Transfer*>(self);
  if (transfer->file_ < 0) {
    const std::string& body = transfer->request_.body;
    const size_t taken = body.copy(data, size * count, static_cast<size_t>(transfer->file_offset_));
    transfer->file_offset_ += static_cast<int64_t>(taken);
    return taken;
  }
  const ssize_t got = pread(transfer->file_, data, size * count, transfer->file_offset_);
  if (got < 0) {
    transfer->unreadable_ = errno;
    return CURL_READFUNC_ABORT;
  }
  transfer->file_offset_ += got;
  return static_cast<size_t>(got);
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto* transfer = static_cast<Transfer*>(self);
  if (transfer->request_.once && transfer->file_offset_ != 0) return CURL_SEEKFUNC_FAIL;
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  transfer->file_offset_ = offset;
  return CURL_SEEKFUNC_OK;
}

// libcurl's own reason may name hosts and files, never headers or queries of ours.
std::string Transfer::explain(CURLcode code) const {
  std::string text = reason_[0] != '\0' ? reason_ : curl_->easy_strerror(code);
  text = trim(text);
  if (failure_of(code) == Failure::kTls && code != CURLE_SSL_CERTPROBLEM && code != CURLE_SSL_CACERT_BADFILE) {
    text += " (a certificate of your own: set the option for the CA)";
  }
  return text;
}

void Transfer::finish(CURLcode code) {
  long status = 0;
  curl_->easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  if (too_long_) return fail(Failure::kTooLong, "the answer is longer than is read");
  if (unwritable_ != 0) {
    return fail(Failure::kFile, io_error("the answer cannot be written to a file", unwritable_).message);
  }
  if (unreadable_ != 0) {
    return fail(Failure::kFile, io_error("the file " + request_.file + " cannot be read", unreadable_).message);
  }
  long connect = 0;
  curl_->easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &connect);
  if (code != CURLE_OK && connect >= 300 && status == 0) {
    return fail(connect >= 500 ? Failure::kUnreachable : Failure::kProxy,
                "the proxy answers " + std::to_string(connect));
  }
  if (code != CURLE_OK) return fail(failure_of(code), explain(code));
  // What ends a transfer well without an answer: an old protocol without a head, an empty 1xx.
  if (status < 200 || status > 599) return fail(Failure::kProtocol, "what came is no answer of HTTP");
  if (status >= 300 && status < 400) {
    response_.error = "redirects are not followed; the server sends to " + place_of(response_.location);
  }
  fail(Failure::kNone, response_.error);
}

void Transfer::fail(Failure failure, std::string error) {
  end();
  const std::lock_guard lock(mutex_);
  response_.failure = failure;
  response_.error = std::move(error);
  if (failure != Failure::kNone) {
    response_.body.clear();
    if (failure != Failure::kTooLong) response_.status = 0;
  }
  done_ = true;
  changed_.notify_all();
}

}  // namespace trunkline::net
