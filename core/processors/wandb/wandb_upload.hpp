// Takes a `.wandb` file to the server, as `wandb sync` does, without its program. Where the first rows went is noted
// beside the file, so that a second try puts them in the same place.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "processors/processor_host.hpp"

namespace trunkline {

struct UploadedLog {
  bool already = false;  // by an earlier upload, or by `wandb sync`
  std::string run_id;
  uint64_t rows = 0;
  uint64_t files = 0;             // of the run and of its artifacts
  std::vector<std::string> lost;  // files and artifacts that could not be uploaded, in words
  uint64_t left_out = 0;          // records that are not uploaded, and files with names that are no paths
  bool ended = false;
  // It uses an artifact that the server does not have, perhaps of a run that is not uploaded yet: it is not marked as
  // uploaded, and to be tried again.
  bool waits = false;
};

// `place`: the file, or the folder it is in. `options_json` as of the processor. Errors: TR_EINVAL - options, or no
// such file; TR_ETIMEDOUT - the server has not taken it in time.
Expected<UploadedLog> upload_wandb_log(const std::string& place, std::string_view options_json, int64_t timeout_ms,
                                       const processors::ProcessorHost& host = {});

}  // namespace trunkline
