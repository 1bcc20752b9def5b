// Fetches an artifact from W&B into a folder, each file under its name only when its digest is right.
#pragma once

#include <string>
#include <string_view>

#include "model/artifact_name.hpp"
#include "processors/processor_host.hpp"

namespace trunkline {

// `options_json` as of the processor. Waits until all is there. Errors: TR_EINVAL, TR_ENOENT - no such artifact; TR_EIO
// - a wrong digest, or the folder; TR_EUNSUPPORTED - no files that can be checked; TR_ETIMEDOUT.
Error download_wandb_artifact(std::string_view options_json, const ArtifactName& name, const std::string& folder,
                              const processors::ProcessorHost& host = {});

}  // namespace trunkline
