// W&B runs at the server. Rows have their line numbers from the state, so a request that is said again puts them where
// they are. Runs that are open are told to be alive when nothing else is told of them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "processors/wandb/wandb_backend.hpp"
#include "processors/wandb/wandb_rest.hpp"

namespace trunkline::wandb {

class OnlineBackend final : public Backend {
 public:
  OnlineBackend(std::unique_ptr<Rest> rest, Place place, const processors::ProcessorHost& host)
      : rest_(std::move(rest)), place_(std::move(place)), host_(host) {}

  std::string destination() const override { return rest_->destination(); }
  Error resume(RunState* state) override;
  Error write(RunState* state, const RunDelta& delta) override;
  void tick() override;

 private:
  Error upsert(RunState* state);
  Error read_config(RunState* state);
  Error stream(const RunState& state, const RunDelta& delta);
  Error send(const RunState& state, const std::string& body);

  const std::unique_ptr<Rest> rest_;
  const Place place_;
  const processors::ProcessorHost host_;
  size_t most_bytes_ = size_t{8} << 20;       // of a request; less where the server takes less
  std::map<std::string, int64_t> alive_;      // paths of open runs, and when something was last told of them
  std::map<std::string, bool> told_to_stop_;  // by path
};

}  // namespace trunkline::wandb
