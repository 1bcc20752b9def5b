// The bodies of requests about files and artifacts, and what of the answers is needed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/artifact_name.hpp"
#include "processors/wandb/wandb_artifact.hpp"
#include "processors/wandb/wandb_backend.hpp"
#include "processors/wandb/wandb_storage.hpp"

namespace trunkline::wandb {

inline constexpr const char* kCreateFilesQuery =
    "mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) { createRunFiles("
    "input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) { uploadHeaders files { name "
    "uploadUrl } } }";
inline constexpr const char* kCreateArtifactQuery =
    "mutation CreateArtifact($input: CreateArtifactInput!) { createArtifact(input: $input) { artifact { id state "
    "artifactSequence { latestArtifact { id } } } } }";
inline constexpr const char* kCreateManifestQuery =
    "mutation CreateArtifactManifest($artifactID: ID!, $baseArtifactID: ID, $name: String!, $digest: String!, "
    "$entityName: String!, $projectName: String!, $runName: String!, $type: ArtifactManifestType!, $includeUpload: "
    "Boolean!) { createArtifactManifest(input: {artifactID: $artifactID, baseArtifactID: $baseArtifactID, name: $name, "
    "digest: $digest, entityName: $entityName, projectName: $projectName, runName: $runName, type: $type}) { "
    "artifactManifest { id file { uploadUrl @include(if: $includeUpload) uploadHeaders @include(if: $includeUpload) } "
    "} "
    "} }";
inline constexpr const char* kCreateArtifactFilesQuery =
    "mutation CreateArtifactFiles($input: CreateArtifactFilesInput!) { createArtifactFiles(input: $input) { files { "
    "edges { node { name uploadUrl uploadHeaders artifact { id } } } } } }";
inline constexpr const char* kCommitArtifactQuery =
    "mutation CommitArtifact($artifactID: ID!) { commitArtifact(input: {artifactID: $artifactID}) { artifact { id "
    "digest "
    "} } }";
inline constexpr const char* kUseArtifactQuery =
    "mutation UseArtifact($input: UseArtifactInput!) { useArtifact(input: $input) { artifact { id } } }";
inline constexpr const char* kFindArtifactQuery =
    "query ArtifactByName($entity: String, $project: String!, $name: String!) { project(name: $project, entityName: "
    "$entity) { artifact(name: $name) { id currentManifest { file { directUrl } } } } }";
inline constexpr const char* kArtifactFilesQuery =
    "query ArtifactFileUrls($entity: String, $project: String!, $name: String!, $names: [String!], $first: Int) { "
    "project(name: $project, entityName: $entity) { artifact(name: $name) { files(names: $names, first: $first) { "
    "edges { "
    "node { name directUrl } } } } } }";

// Where a run is.
struct RunPlace {
  std::string entity;
  std::string project;
  std::string id;
};

// What the name does not say is taken from `otherwise`.
ArtifactName completed(ArtifactName name, const RunPlace& otherwise);

std::string create_files_variables(const RunPlace& run, const std::vector<std::string>& names);
std::string create_artifact_variables(const RunPlace& run, const Artifact& artifact);
// `digest` empty: the first of the two, which makes place for the manifest; else the one that is uploaded.
std::string create_manifest_variables(const RunPlace& run, const std::string& artifact_id, const std::string& base_id,
                                      const std::string& digest);
std::string create_artifact_files_variables(const std::string& artifact_id, const std::string& manifest_id,
                                            const processors::RunFile* files, size_t count);
std::string commit_artifact_variables(const std::string& artifact_id);
std::string use_artifact_variables(const RunPlace& run, const std::string& artifact_id);
std::string find_artifact_variables(const ArtifactName& name);
std::string artifact_files_variables(const ArtifactName& name, const std::vector<std::string>& files);

// Answers. Nothing: they are not what was asked for.
struct NamedUrl {
  std::string name;
  SignedUrl to;          // an empty URL: the bytes are there already
  std::string birth_id;  // of the artifact that a file of an artifact came with
};
std::optional<std::vector<NamedUrl>> read_created_files(const std::string& answer);
struct CreatedArtifact {
  std::string id;
  std::string base_id;  // of the version before it
  bool committed = false;
};
std::optional<CreatedArtifact> read_created_artifact(const std::string& answer);
struct CreatedManifest {
  std::string id;
  SignedUrl to;
};
std::optional<CreatedManifest> read_created_manifest(const std::string& answer);
std::optional<std::vector<NamedUrl>> read_created_artifact_files(const std::string& answer);
struct FoundArtifact {
  std::string id;  // empty: there is none
  std::string manifest_url;
};
FoundArtifact read_found_artifact(const std::string& answer);
std::vector<NamedUrl> read_artifact_files(const std::string& answer);

}  // namespace trunkline::wandb
