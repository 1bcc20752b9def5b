// Takes files of runs and artifacts to the server, in the order that it wants: nothing counts before its last request,
// and whatever was cut off before that is said again and meets itself.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "processors/wandb/artifact_body.hpp"
#include "processors/wandb/wandb_rest.hpp"
#include "processors/wandb/wandb_storage.hpp"

namespace trunkline::wandb {

class FileUpload {
 public:
  // `meanwhile`: see Storage.
  explicit FileUpload(Rest* rest, std::function<void()> meanwhile = {})
      : rest_(rest),
        storage_(rest->endpoint(), rest->timeout_ms(), rest->host(), rest->waits(), std::move(meanwhile)) {}

  // Else nothing but waiting would come of files and artifacts.
  bool is_open() { return storage_.is_open(); }
  // Each: TR_EAGAIN - not now; another error - never, and why, for people.
  // One for each file, in their order; TR_EAGAIN as a whole.
  Error put_run_files(const RunPlace& run, const std::vector<processors::RunFile>& files, std::vector<Error>* each);
  Error add_artifact(const RunPlace& run, const Artifact& artifact);
  Error use_artifact(const RunPlace& run, const std::string& name);

 private:
  Error put_file(const SignedUrl& to, const processors::RunFile& file);
  Error put_run_file(const RunPlace& run, const SignedUrl& to, const processors::RunFile& file);
  Error artifact_urls(const CreatedArtifact& created, const std::string& manifest_id, const processors::RunFile* files,
                      size_t count, std::vector<NamedUrl>* urls);
  Error put_artifact_file(const CreatedArtifact& created, const std::string& manifest_id, const SignedUrl& to,
                          const processors::RunFile& file);
  Error put_artifact_files(const CreatedArtifact& created, const std::string& manifest_id, const Artifact& artifact,
                           std::vector<std::string>* birth_ids);
  Error put_manifest(const RunPlace& run, const CreatedArtifact& created, const std::string& manifest);
  Error send_artifact(const RunPlace& run, const Artifact& artifact);
  Error create_manifest(const RunPlace& run, const CreatedArtifact& created, const std::string& digest,
                        CreatedManifest* out);
  Error strange(const char* what) const;

  Rest* const rest_;
  Storage storage_;
  std::set<std::string> stored_;  // files of the artifact that is under way, by its id and their paths
};

}  // namespace trunkline::wandb
