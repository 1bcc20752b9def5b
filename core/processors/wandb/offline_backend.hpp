// W&B runs as files: for each a folder as W&B's own client makes it, with a `.wandb` file that grows with every batch
// and that `wandb sync` takes as it is, whole or cut short by a crash. The length of the file is part of the saved
// state: what was written beyond it is cut off and written again.
#pragma once

#include <string>

#include "os/file.hpp"
#include "processors/wandb/wandb_backend.hpp"
#include "processors/wandb/wandb_records.hpp"

namespace trunkline::wandb {

class OfflineBackend final : public Backend {
 public:
  // `folder`: where the folders of runs are made, an absolute path.
  OfflineBackend(std::string folder, Place place) : folder_(std::move(folder)), place_(std::move(place)) {}

  std::string destination() const override { return folder_; }
  Error write(RunState* state, const RunDelta& given, std::vector<Loss>* lost) override;

 private:
  Expected<std::string> place_of(const RunState& state) const;
  std::string render(RunState* next, const RunDelta& delta) const;
  RunHead head_of(const RunState& state) const;
  Expected<UniqueFd> open(const RunState& state, const std::string& path) const;

  const std::string folder_;
  const Place place_;
};

}  // namespace trunkline::wandb
