#include "net/endpoint.hpp"

#include <algorithm>

namespace trunkline::net {
namespace {

std::string first_of(GetVariable get, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* value = get(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

}  // namespace

Proxies read_proxies(GetVariable get) {
  Proxies proxies;
  proxies.http = first_of(get, {"http_proxy", "all_proxy", "ALL_PROXY"});
  proxies.https = first_of(get, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  proxies.except = first_of(get, {"no_proxy", "NO_PROXY"});
  return proxies;
}

bool is_header(std::string_view name, std::string_view value) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token_character)) return false;
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

Error Endpoint::check() const {
  if (!authorization.empty() && !is_header("Authorization", authorization.reveal())) {
    return {TR_EINVAL, "the credentials contain a line break or another control character"};
  }
  for (const Header& header : headers) {
    if (!is_header(header.name, header.value)) {
      return {TR_EINVAL, "a header contains what no header may: a line break or another control character"};
    }
  }
  if (!authorization.empty() && !url.tls && !url.is_loopback()) {
    return {TR_EINVAL, "credentials are not sent over plain http, except to this machine: use https"};
  }
  return Error::none();
}

}  // namespace trunkline::net
