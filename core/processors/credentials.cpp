#include "processors/credentials.hpp"

#include <cstring>

#include "encode/json_writer.hpp"

namespace trunkline::processors {

net::Secret basic_authorization(std::string_view username, std::string_view password) {
  std::string pair = std::string(username) + ":" + std::string(password);
  std::string header = "Basic ";
  header.reserve(header.size() + pair.size() * 2 + 8);
  encode::append_base64(&header, pair);
  net::Secret secret(header);
  wipe(&pair);
  wipe(&header);
  return secret;
}

void wipe(std::string* text) { explicit_bzero(text->data(), text->size()); }

}  // namespace trunkline::processors
