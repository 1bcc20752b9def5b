// Takes files of runs and artifacts to the server, in the order that it wants: nothing counts before its last request,
// and whatever was cut off before that is said again and meets itself.
#pragma once

#include <string>
#include <vector>

#include "processors/wandb/artifact_body.hpp"
#include "processors/wandb/wandb_rest.hpp"
#include "processors/wandb/wandb_storage.hpp"

namespace trunkline::wandb {

class FileUpload {
 public:
  explicit FileUpload(Rest* rest) : rest_(rest), storage_(rest->endpoint(), rest->timeout_ms(), rest->gate()) {}

  // Each: TR_EAGAIN - not now; another error - never, and why, for people.
  // One for each file, in their order; TR_EAGAIN as a whole.
  Error put_run_files(const RunPlace& run, const std::vector<processors::RunFile>& files, std::vector<Error>* each);
  Error add_artifact(const RunPlace& run, const Artifact& artifact);
  Error use_artifact(const RunPlace& run, const std::string& name);

 private:
  Error put_file(const SignedUrl& to, const processors::RunFile& file);
  Error put_artifact_files(const CreatedArtifact& created, const std::string& manifest_id, const Artifact& artifact,
                           std::vector<std::string>* birth_ids);
  Error put_manifest(const RunPlace& run, const CreatedArtifact& created, const std::string& manifest);
  Error create_manifest(const RunPlace& run, const CreatedArtifact& created, const std::string& digest,
                        CreatedManifest* out);
  Error strange(const char* what) const;

  Rest* const rest_;
  Storage storage_;
};

}  // namespace trunkline::wandb
