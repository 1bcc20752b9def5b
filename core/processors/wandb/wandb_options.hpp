// The options of the W&B processor: JSON, completed from W&B's own environment variables.
#pragma once

#include <string>
#include <string_view>

#include "net/endpoint.hpp"
#include "processors/wandb/run_work.hpp"
#include "processors/wandb/wandb_backend.hpp"

namespace trunkline::wandb {

enum class Mode { kOnline, kOffline, kDisabled };

struct Options {
  RunTerms terms;
  Place place;
  Mode mode = Mode::kOffline;
  bool mode_chosen = false;  // else: offline for want of a key
  std::string base_url;
  net::Secret authorization;
  std::string folder;  // where the folders of offline runs are made, an absolute path
  std::string tls_ca;
  uint32_t timeout_ms = 60'000;
  uint32_t interval_ms = 15'000;  // between what is sent of runs that go on
};

// TR_EINVAL names the option. Messages hold no secrets.
Expected<Options> read_options(std::string_view options_json, net::GetVariable get);

// Takes the authorization out of the options.
Expected<net::Endpoint> make_endpoint(Options* options, net::GetVariable get);

}  // namespace trunkline::wandb
