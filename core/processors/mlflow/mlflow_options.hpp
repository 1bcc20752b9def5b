// What the MLflow processor is told: by its options, else by the variables that MLflow's own client reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.hpp"
#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

struct Options {
  std::string tracking_uri;
  std::string experiment_name;
  std::string experiment_id;
  std::string run_name;
  std::string run_id;  // joined, and neither made nor ended
  std::vector<Item> tags;
  bool auto_end_run = true;
  bool traces = true;
  uint32_t timeout_ms = 60'000;
  std::string username;
  net::Secret authorization;
  std::string tls_ca;
  std::string tls_client_certificate;
  bool tls_insecure = false;

  bool is_server() const;
};

// TR_EINVAL naming the option.
Expected<Options> read_options(std::string_view options_json, net::GetVariable get);

// The server's. TR_EINVAL: it is none, or the terms contradict themselves. Takes the credentials.
Expected<net::Endpoint> make_endpoint(Options* options, net::GetVariable get);

// Says that the server is asked without credentials although a user is named; empty: it is not so.
std::string missing_password(const Options& options, const net::Endpoint& endpoint);

// mlflow.user, mlflow.source.*, and those of the options.
std::vector<Item> standard_tags(const Options& options, const std::string& user);
// Whom a run belongs to.
std::string user_name(const Options& options, net::GetVariable get);

}  // namespace trunkline::mlflow
