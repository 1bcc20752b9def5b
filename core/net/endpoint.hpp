// One server and the terms on which it is talked to: where it is, who we are, whom we trust. Nothing is sent that does
// not fit the terms: no secret leaves over plain http for another machine, nothing follows a redirect, and only http
// and https are spoken.
#pragma once

#include <string>
#include <vector>

#include "model/expected.hpp"
#include "net/message.hpp"
#include "net/url.hpp"

namespace trunkline::net {

// What the environment says of proxies, read once and on the thread that makes the processor: the network thread never
// looks at an environment that others may be changing.
struct Proxies {
  std::string http;
  std::string https;
  std::string except;  // no_proxy
};

using GetVariable = const char* (*)(const char* name);

// http_proxy (lower case alone: a web server puts a header of strangers into HTTP_PROXY), https_proxy, all_proxy,
// no_proxy.
Proxies read_proxies(GetVariable get);

struct Endpoint {
  Url url;
  Secret authorization;            // the value of the header; empty: none
  std::string ca;                  // a file or folder of certificates; empty: the system's
  std::string client_certificate;  // a file with certificate and key
  bool insecure = false;           // does not verify whom it talks to
  std::vector<Header> headers;     // of every request
  Proxies proxies;

  // TR_EINVAL: the terms contradict themselves.
  Error check() const;
  const std::string& proxy() const { return url.tls ? proxies.https : proxies.http; }
};

// Header names and values that are one line of their own and nothing else.
bool is_header(std::string_view name, std::string_view value);

}  // namespace trunkline::net
