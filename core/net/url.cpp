#include "net/url.hpp"

#include <algorithm>
#include <cctype>

namespace trunkline::net {
namespace {

Error refuse(const char* why) { return {TR_EINVAL, std::string("the URL ") + why}; }

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
    const int low = high >= 0 ? digit_of(text[i + 2]) : -1;
    if (low < 0) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

Secret unescaped_secret(std::string_view text) {
  std::string plain = unescape(text);
  Secret secret(plain);
  explicit_bzero(plain.data(), plain.size());
  return secret;
}

bool has_control_or_space(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

bool is_host_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool parse_authority(std::string_view text, Url* url) {
  size_t end = text.find(':');
  if (!text.empty() && text[0] == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    end = close + 1;
    const std::string_view address = text.substr(1, close - 1);
    if (address.find_first_not_of("0123456789abcdefABCDEF:.%") != std::string_view::npos) return false;
  } else if (!std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(std::min(end, text.size())),
                          is_host_character)) {
    return false;
  }
  url->host = text.substr(0, end);
  std::transform(url->host.begin(), url->host.end(), url->host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (url->host.empty()) return false;
  if (end >= text.size()) return true;
  if (text[end] != ':') return false;
  url->port = text.substr(end + 1);
  return !url->port.empty() && url->port.size() <= 5 &&
         url->port.find_first_not_of("0123456789") == std::string::npos && std::stoul(url->port) <= 65535;
}

}  // namespace

Expected<Url> parse_url(std::string_view text) {
  if (has_control_or_space(text)) return refuse("contains a space or a control character");
  Url url;
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) return refuse("has no scheme: it should begin with https:// or http://");
  std::string scheme(text.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](unsigned char c) { return std::tolower(c); });
  if (scheme != "http" && scheme != "https") return refuse("is neither http nor https");
  url.tls = scheme == "https";
  text.remove_prefix(colon + 3);
  const size_t slash = text.find_first_of("/?#");
  std::string_view authority = text.substr(0, slash);
  std::string_view path = slash == std::string_view::npos ? "" : text.substr(slash);
  if (path.find_first_of("?#") != std::string_view::npos) return refuse("has a query or a fragment");
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  url.path = path;
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view userinfo = authority.substr(0, at);
    const size_t separator = userinfo.find(':');
    url.user = unescaped_secret(userinfo.substr(0, separator));
    if (separator != std::string_view::npos) url.password = unescaped_secret(userinfo.substr(separator + 1));
    authority.remove_prefix(at + 1);
  }
  if (!parse_authority(authority, &url)) return refuse("names no host, or a port that is none");
  return url;
}

std::string Url::text() const {
  return (tls ? "https://" : "http://") + host + (port.empty() ? "" : ":" + port) + path;
}

bool Url::is_loopback() const {
  if (host == "localhost" || host == "[::1]") return true;
  // Only the dotted form: "127.evil.example" is a name.
  return host.rfind("127.", 0) == 0 && host.find_first_not_of("0123456789.") == std::string::npos &&
         std::count(host.begin(), host.end(), '.') == 3;
}

std::string escape_url(std::string_view text, bool keep_slashes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~');
    if (plain || (keep_slashes && c == '/')) {
      out.push_back(c);
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

}  // namespace trunkline::net
