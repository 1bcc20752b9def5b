// URLs as a client of one server needs them: split, escaped, and put into words without what they hide.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"
#include "net/secret.hpp"

namespace trunkline::net {

struct Url {
  bool tls = false;
  std::string host;  // lower case; an IPv6 address keeps its brackets
  std::string port;  // empty: the scheme's own
  std::string path;  // without query and fragment, without a slash at its end; may be empty
  Secret user;       // decoded; both empty without userinfo
  Secret password;

  // "https://host:port/path": never userinfo, query or fragment.
  std::string text() const;
  // The machine itself: what leaves here over plain http is seen by nobody else.
  bool is_loopback() const;
};

// http and https only. TR_EINVAL: what is wrong, without quoting the URL.
Expected<Url> parse_url(std::string_view text);

// Percent-escapes all but unreserved characters; with `keep_slashes`, slashes stay.
std::string escape_url(std::string_view text, bool keep_slashes = false);

}  // namespace trunkline::net
