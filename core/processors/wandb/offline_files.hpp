// The files of a run that is a folder: copied into it, so that the folder is all there is of the run, wherever its
// files go afterwards.
#pragma once

#include <string>
#include <vector>

#include "processors/wandb/wandb_run.hpp"

namespace trunkline::wandb {

// Copies what the delta names: files into `files/`, those of artifacts into `artifacts/`. What has changed or is gone
// is left out of the delta and said; from then on it names the copies. Errors: TR_EIO - the disk is full, or the like.
Error keep_files(const std::string& folder, RunDelta* delta, std::vector<Loss>* lost);

}  // namespace trunkline::wandb
