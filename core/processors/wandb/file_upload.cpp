#include "processors/wandb/file_upload.hpp"

#include <algorithm>

#include "encode/digest.hpp"
#include "encode/json_writer.hpp"

namespace trunkline::wandb {
namespace {

using processors::check_unchanged;
using processors::RunFile;

constexpr size_t kMostAtOnce = 200;  // URLs that are asked for: those that wait too long lose their validity

std::string manifest_of(const Artifact& artifact, const std::vector<std::string>& birth_ids) {
  std::string text;
  encode::JsonObject manifest(&text);
  manifest.i64("version", 1);
  manifest.string("storagePolicy", "wandb-storage-policy-v1");
  *manifest.member("storagePolicyConfig") += R"({"storageLayout":"V2"})";
  encode::JsonObject contents(manifest.member("contents"));
  for (size_t i = 0; i < artifact.files.size(); ++i) {
    encode::JsonObject file(contents.any_member(artifact.files[i].path));
    file.string("digest", base64_of_hex(artifact.files[i].digest));
    file.i64("size", artifact.files[i].version.size);
    file.string("birthArtifactID", birth_ids[i]);
    file.close();
  }
  contents.close();
  manifest.close();
  return text;
}

const NamedUrl* find_url(const std::vector<NamedUrl>& urls, const std::string& name) {
  const auto found = std::find_if(urls.begin(), urls.end(), [&](const NamedUrl& one) { return one.name == name; });
  return found == urls.end() ? nullptr : &*found;
}

// What is gone, or refused, is so for this file and this artifact, not for the run.
Error of_file(Error error) {
  if (error && error.code != TR_EAGAIN) error.code = TR_EINVAL;
  return error;
}

}  // namespace

Error FileUpload::strange(const char* what) const {
  return {TR_EINVAL, "W&B at " + rest_->destination() + " does not say " + what};
}

Error FileUpload::put_file(const SignedUrl& to, const RunFile& file) {
  if (Error error = check_unchanged(file)) return of_file(error);
  if (Error error = storage_.put_file(to, file)) return error;
  if (!check_unchanged(file)) return Error::none();
  return {TR_EINVAL, file.file + " changed while it was read: what is stored is not what was logged"};
}

Error FileUpload::put_run_files(const RunPlace& run, const std::vector<RunFile>& files, std::vector<Error>* each) {
  for (size_t first = 0; first < files.size(); first += kMostAtOnce) {
    const size_t end = std::min(files.size(), first + kMostAtOnce);
    std::vector<std::string> names;
    for (size_t i = first; i < end; ++i) names.push_back(files[i].path);
    std::string answer;
    Error asked = of_file(rest_->graphql(kCreateFilesQuery, create_files_variables(run, names), &answer));
    if (asked.code == TR_EAGAIN) return asked;
    const auto urls = asked ? std::nullopt : read_created_files(answer);
    for (size_t i = first; i < end; ++i) {
      const NamedUrl* to = urls ? find_url(*urls, files[i].path) : nullptr;
      Error error = asked ? asked : to == nullptr ? strange("where a file goes") : put_file(to->to, files[i]);
      if (error.code == TR_EAGAIN) return error;
      each->push_back(std::move(error));
    }
  }
  return Error::none();
}

Error FileUpload::create_manifest(const RunPlace& run, const CreatedArtifact& created, const std::string& digest,
                                  CreatedManifest* out) {
  std::string answer;
  const std::string variables = create_manifest_variables(run, created.id, created.base_id, digest);
  if (Error error = rest_->graphql(kCreateManifestQuery, variables, &answer)) return error;
  auto manifest = read_created_manifest(answer);
  if (!manifest) return strange("where the manifest of an artifact goes");
  *out = std::move(*manifest);
  return Error::none();
}

Error FileUpload::put_artifact_files(const CreatedArtifact& created, const std::string& manifest_id,
                                     const Artifact& artifact, std::vector<std::string>* birth_ids) {
  for (size_t first = 0; first < artifact.files.size(); first += kMostAtOnce) {
    const size_t count = std::min(kMostAtOnce, artifact.files.size() - first);
    std::string answer;
    const std::string variables =
        create_artifact_files_variables(created.id, manifest_id, artifact.files.data() + first, count);
    if (Error error = rest_->graphql(kCreateArtifactFilesQuery, variables, &answer)) return error;
    const auto urls = read_created_artifact_files(answer);
    if (!urls || urls->size() != count) return strange("where the files of an artifact go");
    for (size_t i = 0; i < count; ++i) {
      const NamedUrl& one = (*urls)[i];
      const RunFile& file = artifact.files[first + i];
      if (one.name != file.path) return strange("where the files of an artifact go");
      if (!one.to.url.empty()) {
        if (Error error = put_file(one.to, file)) return error;
      }
      birth_ids->push_back(one.birth_id);
    }
  }
  return Error::none();
}

Error FileUpload::put_manifest(const RunPlace& run, const CreatedArtifact& created, const std::string& manifest) {
  CreatedManifest place;
  const std::string digest = encode::base64_of(encode::digest_of<encode::Md5>(manifest));
  if (Error error = create_manifest(run, created, digest, &place)) return error;
  if (place.to.url.empty()) return strange("where the manifest of an artifact goes");
  return storage_.put(place.to, manifest);
}

Error FileUpload::add_artifact(const RunPlace& run, const Artifact& artifact) {
  for (const RunFile& file : artifact.files) {
    if (Error error = check_unchanged(file)) return of_file(error);
  }
  std::string answer;
  if (Error error = rest_->graphql(kCreateArtifactQuery, create_artifact_variables(run, artifact), &answer)) {
    return of_file(error);
  }
  const auto created = read_created_artifact(answer);
  if (!created) return strange("what becomes of an artifact");
  if (created->committed) return Error::none();
  CreatedManifest place;
  if (Error error = create_manifest(run, *created, "", &place)) return of_file(error);
  std::vector<std::string> birth_ids;
  if (Error error = put_artifact_files(*created, place.id, artifact, &birth_ids)) return of_file(error);
  if (Error error = put_manifest(run, *created, manifest_of(artifact, birth_ids))) return of_file(error);
  return of_file(rest_->graphql(kCommitArtifactQuery, commit_artifact_variables(created->id), &answer));
}

Error FileUpload::use_artifact(const RunPlace& run, const std::string& name) {
  std::string answer;
  const ArtifactName parsed = parse_artifact_name(name, run);
  if (Error error = rest_->graphql(kFindArtifactQuery, find_artifact_variables(parsed), &answer)) return of_file(error);
  const FoundArtifact found = read_found_artifact(answer);
  if (found.id.empty()) return {TR_EINVAL, "W&B has no artifact " + name};
  return of_file(rest_->graphql(kUseArtifactQuery, use_artifact_variables(run, found.id), &answer));
}

}  // namespace trunkline::wandb
