// Reads a `.wandb` file back: what its records add up to, as far as it goes.
#pragma once

#include <string>
#include <string_view>

#include "model/expected.hpp"
#include "processors/wandb/wandb_backend.hpp"

namespace trunkline::wandb {

struct LoggedRun {
  RunState state;
  RunDelta delta;  // all of it
  Place place;
  bool ended = false;     // else: its process died, or lives
  uint64_t left_out = 0;  // what is not read: output, metrics of the system, files with names that are no paths
};

// Files of the run have paths alone; those of artifacts where they lie and their digests. TR_EINVAL: no such file, or
// one without a run.
Expected<LoggedRun> read_wandb_log(std::string_view bytes);

}  // namespace trunkline::wandb
