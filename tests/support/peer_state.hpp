// What a peer tells of itself, and what it is told to do, over the network module.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "net/client.hpp"
#include "support/peer.hpp"

namespace trunkline::test {

inline nlohmann::json ask(const Peer& peer, const std::string& path, const std::string& body = "") {
  net::Endpoint endpoint;
  endpoint.url = std::move(*net::parse_url(peer.url()));
  net::Client client(std::move(endpoint));
  net::Request request;
  request.method = body.empty() ? "GET" : "POST";
  request.path = path;
  request.body = body;
  return nlohmann::json::parse(client.perform(std::move(request)).body, nullptr, false);
}

}  // namespace trunkline::test
