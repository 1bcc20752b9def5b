// Where a W&B run goes: the W&B server, or a `.wandb` file that `wandb sync` takes there. A delta that is written again
// with the state of the first time writes the same again in the same place.
#pragma once

#include <string>
#include <vector>

#include "model/expected.hpp"
#include "processors/wandb/wandb_run.hpp"

namespace trunkline::wandb {

// What all runs of a processor have in common there.
struct Place {
  std::string entity;
  std::string project;
  std::string job_type;
  std::string notes;
  std::string host;
  std::string resume;  // "", "allow", "must", "never", "auto": of a run whose id was given
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Where it leads, without secrets.
  virtual std::string destination() const = 0;

  // Finds out where a run goes on that was not begun here, or not by this state: its rows, steps, summary and tags. A
  // run that is not there yet begins at nothing.
  virtual Error resume(RunState* /*state*/) { return Error::none(); }

  // `lost`: gets each file and artifact that could not be kept though the rest was, once.
  // Errors: TR_EAGAIN - not now, nothing is lost by asking again; TR_EIO - the same, for a reason on this machine, of
  // which nobody has been told; TR_ENOENT - what was written of the run is gone;
  // TR_EINVAL - this run will never be taken. The place in `state` moves on only when all is written.
  virtual Error write(RunState* state, const RunDelta& delta, std::vector<Loss>* lost) = 0;

  // After TR_EINVAL: the number of the run's lines that are there all the same, so that they are not written elsewhere
  // as well; the configuration in `state` is completed. TR_EAGAIN: that is not known now.
  virtual Expected<int64_t> lines_there(RunState* state) { return state->lines; }

  // Called about once a second.
  virtual void tick() {}
};

}  // namespace trunkline::wandb
