#include "processors/wandb/file_upload.hpp"

#include <algorithm>

#include "encode/digest.hpp"
#include "encode/json_writer.hpp"
#include "processors/wandb/insist.hpp"

namespace trunkline::wandb {
namespace {

using processors::check_unchanged;
using processors::RunFile;

constexpr size_t kMostAtOnce = 200;  // URLs that are asked for

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

// Of many URLs that are asked for at once the last may have to wait longer than they hold.
Error FileUpload::put_run_file(const RunPlace& run, const SignedUrl& to, const RunFile& file) {
  Error error = put_file(to, file);
  if (error.code != TR_ESTALE) return error;
  std::string answer;
  if (Error refused = rest_->graphql(kCreateFilesQuery, create_files_variables(run, {file.path}), &answer)) {
    return of_file(refused);
  }
  const auto urls = read_created_files(answer);
  const NamedUrl* fresh = urls ? find_url(*urls, file.path) : nullptr;
  return fresh == nullptr ? strange("where a file goes") : of_file(put_file(fresh->to, file));
}

Error FileUpload::put_run_files(const RunPlace& run, const std::vector<RunFile>& files, std::vector<Error>* each) {
  for (size_t first = 0; first < files.size(); first += kMostAtOnce) {
    const size_t end = std::min(files.size(), first + kMostAtOnce);
    std::vector<std::string> names;
    for (size_t i = first; i < end; ++i) names.push_back(files[i].path);
    if (!storage_.is_open()) return not_asked_yet();
    std::string answer;
    Error asked = of_file(rest_->graphql(kCreateFilesQuery, create_files_variables(run, names), &answer));
    if (asked.code == TR_EAGAIN) return asked;
    const auto urls = asked ? std::nullopt : read_created_files(answer);
    for (size_t i = first; i < end; ++i) {
      const NamedUrl* to = urls ? find_url(*urls, files[i].path) : nullptr;
      Error error = asked ? asked : to == nullptr ? strange("where a file goes") : put_run_file(run, to->to, files[i]);
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

Error FileUpload::artifact_urls(const CreatedArtifact& created, const std::string& manifest_id, const RunFile* files,
                                size_t count, std::vector<NamedUrl>* urls) {
  std::string answer;
  const std::string variables = create_artifact_files_variables(created.id, manifest_id, files, count);
  if (Error error = rest_->graphql(kCreateArtifactFilesQuery, variables, &answer)) return error;
  auto found = read_created_artifact_files(answer);
  if (!found) return strange("where the files of an artifact go");
  *urls = std::move(*found);
  return Error::none();
}

// What is there of an artifact that is said again does not go there again.
Error FileUpload::put_artifact_file(const CreatedArtifact& created, const std::string& manifest_id, const SignedUrl& to,
                                    const RunFile& file) {
  const std::string key = created.id + "\n" + file.path;
  if (to.url.empty() || stored_.count(key) != 0) return Error::none();
  Error error = put_file(to, file);
  if (error.code == TR_ESTALE) {
    std::vector<NamedUrl> urls;
    if (Error refused = artifact_urls(created, manifest_id, &file, 1, &urls)) return refused;
    const NamedUrl* fresh = find_url(urls, file.path);
    if (fresh == nullptr) return strange("where the files of an artifact go");
    error = fresh->to.url.empty() ? Error::none() : put_file(fresh->to, file);
  }
  if (!error) stored_.insert(key);
  return error;
}

Error FileUpload::put_artifact_files(const CreatedArtifact& created, const std::string& manifest_id,
                                     const Artifact& artifact, std::vector<std::string>* birth_ids) {
  for (size_t first = 0; first < artifact.files.size(); first += kMostAtOnce) {
    const size_t count = std::min(kMostAtOnce, artifact.files.size() - first);
    std::vector<NamedUrl> urls;
    if (Error error = artifact_urls(created, manifest_id, artifact.files.data() + first, count, &urls)) return error;
    for (size_t i = first; i < first + count; ++i) {
      const NamedUrl* one = find_url(urls, artifact.files[i].path);
      if (one == nullptr) return strange("where the files of an artifact go");
      if (Error error = put_artifact_file(created, manifest_id, one->to, artifact.files[i])) return error;
      birth_ids->push_back(one->birth_id);
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
  if (!storage_.is_open()) return not_asked_yet();
  Error error = of_file(send_artifact(run, artifact));
  if (error.code != TR_EAGAIN) stored_.clear();
  return error;
}

Error FileUpload::send_artifact(const RunPlace& run, const Artifact& artifact) {
  for (const RunFile& file : artifact.files) {
    if (Error error = check_unchanged(file)) return error;
  }
  std::string answer;
  if (Error error = rest_->graphql(kCreateArtifactQuery, create_artifact_variables(run, artifact), &answer)) {
    return error;
  }
  const auto created = read_created_artifact(answer);
  if (!created) return strange("what becomes of an artifact");
  if (created->committed) return Error::none();
  CreatedManifest place;
  if (Error error = create_manifest(run, *created, "", &place)) return error;
  std::vector<std::string> birth_ids;
  if (Error error = put_artifact_files(*created, place.id, artifact, &birth_ids)) return error;
  if (Error error = put_manifest(run, *created, manifest_of(artifact, birth_ids))) return error;
  return rest_->graphql(kCommitArtifactQuery, commit_artifact_variables(created->id), &answer);
}

Error FileUpload::use_artifact(const RunPlace& run, const std::string& name) {
  std::string answer;
  const auto parsed = parse_artifact_name(name);
  if (!parsed) return parsed.error();
  const std::string wanted = find_artifact_variables(completed(*parsed, run));
  if (Error error = rest_->graphql(kFindArtifactQuery, wanted, &answer)) return of_file(error);
  const FoundArtifact found = read_found_artifact(answer);
  if (found.id.empty()) return {TR_ENOENT, "W&B has no artifact " + name};
  return of_file(rest_->graphql(kUseArtifactQuery, use_artifact_variables(run, found.id), &answer));
}

}  // namespace trunkline::wandb
