#include "processors/wandb/artifact_body.hpp"

#include <nlohmann/json.hpp>

#include "encode/json_writer.hpp"
#include "net/endpoint.hpp"

namespace trunkline::wandb {
namespace {

using encode::JsonObject;
using nlohmann::json;

constexpr const char* kManifestName = "wandb_manifest.json";

const json* at(const json& tree, std::initializer_list<const char*> path) {
  const json* here = &tree;
  for (const char* name : path) {
    if (!here->is_object()) return nullptr;
    const auto found = here->find(name);
    if (found == here->end() || found->is_null()) return nullptr;
    here = &*found;
  }
  return here;
}

std::string text_at(const json& tree, std::initializer_list<const char*> path) {
  const json* found = at(tree, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

// What is no answer of W&B's, as one that lies too deep, is nothing.
json parse(const std::string& text) {
  constexpr int kDeepest = 64;
  return json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth <= kDeepest; }, false);
}

// Headers as W&B lists them, "Name:value". False: one of them is none.
bool read_headers(const json& tree, std::vector<net::Header>* out) {
  const json* list = at(tree, {"uploadHeaders"});
  if (list == nullptr) return true;
  if (!list->is_array()) return false;
  for (const json& each : *list) {
    const std::string line = each.is_string() ? each.get<std::string>() : std::string();
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return false;
    const size_t value = line.find_first_not_of(' ', colon + 1);
    out->push_back({line.substr(0, colon), value == std::string::npos ? "" : line.substr(value)});
    if (!net::is_header(out->back().name, out->back().value)) return false;
  }
  return true;
}

template <class Read>
bool read_edges(const json* edges, Read read) {
  if (edges == nullptr || !edges->is_array()) return false;
  for (const json& edge : *edges) {
    const json* node = at(edge, {"node"});
    if (node == nullptr || !read(*node)) return false;
  }
  return true;
}

void append_list(std::string* out, const std::vector<std::string>& texts) {
  out->push_back('[');
  for (const std::string& text : texts) {
    if (out->back() != '[') out->push_back(',');
    encode::append_json_string(out, text);
  }
  out->push_back(']');
}

template <class Fill>
std::string input_of(Fill fill) {
  std::string text;
  JsonObject variables(&text);
  JsonObject input(variables.member("input"));
  fill(&input);
  input.close();
  variables.close();
  return text;
}

void add_place(JsonObject* to, const RunPlace& run) {
  to->string("entityName", run.entity);
  to->string("projectName", run.project);
  to->string("runName", run.id);
}

void add_name(JsonObject* to, const ArtifactName& name) {
  to->string_unless_empty("entity", name.entity);
  to->string("project", name.project);
  to->string("name", name.name + ":" + name.alias);
}

}  // namespace

ArtifactName completed(ArtifactName name, const RunPlace& otherwise) {
  if (name.project.empty()) name.project = otherwise.project;
  if (name.entity.empty()) name.entity = otherwise.entity;
  if (name.alias.empty()) name.alias = "latest";
  return name;
}

std::string create_files_variables(const RunPlace& run, const std::vector<std::string>& names) {
  std::string text;
  JsonObject object(&text);
  object.string("entity", run.entity);
  object.string("project", run.project);
  object.string("run", run.id);
  append_list(object.member("files"), names);
  object.close();
  return text;
}

std::string create_artifact_variables(const RunPlace& run, const Artifact& artifact) {
  return input_of([&](JsonObject* input) {
    add_place(input, run);
    input->string("artifactTypeName", artifact.type);
    input->string("artifactCollectionName", artifact.name);
    input->string("digest", artifact_digest(artifact));
    input->string("digestAlgorithm", "MANIFEST_MD5");
    *input->member("enableDigestDeduplication") += "true";
    input->string_unless_empty("description", artifact.description);
    input->string("metadata", artifact.metadata.empty() ? "{}" : artifact.metadata);
    input->string("clientID", artifact.client_id);
    input->string("sequenceClientID", artifact.sequence_client_id);
    std::string* aliases = input->member("aliases");
    aliases->push_back('[');
    for (const std::string& alias : artifact.aliases) {
      if (aliases->back() != '[') aliases->push_back(',');
      JsonObject one(aliases);
      one.string("artifactCollectionName", artifact.name);
      one.string("alias", alias);
      one.close();
    }
    aliases->push_back(']');
  });
}

std::string create_manifest_variables(const RunPlace& run, const std::string& artifact_id, const std::string& base_id,
                                      const std::string& digest) {
  std::string text;
  JsonObject object(&text);
  object.string("artifactID", artifact_id);
  object.string_unless_empty("baseArtifactID", base_id);
  object.string("name", kManifestName);
  object.string("digest", digest);
  add_place(&object, run);
  object.string("type", "FULL");
  *object.member("includeUpload") += digest.empty() ? "false" : "true";
  object.close();
  return text;
}

std::string create_artifact_files_variables(const std::string& artifact_id, const std::string& manifest_id,
                                            const processors::RunFile* files, size_t count) {
  return input_of([&](JsonObject* input) {
    std::string* list = input->member("artifactFiles");
    list->push_back('[');
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) list->push_back(',');
      JsonObject one(list);
      one.string("artifactID", artifact_id);
      one.string("artifactManifestID", manifest_id);
      one.string("name", files[i].path);
      one.string("md5", base64_of_hex(files[i].digest));
      one.close();
    }
    list->push_back(']');
    input->string("storageLayout", "V2");
  });
}

std::string commit_artifact_variables(const std::string& artifact_id) {
  std::string text;
  JsonObject object(&text);
  object.string("artifactID", artifact_id);
  object.close();
  return text;
}

std::string use_artifact_variables(const RunPlace& run, const std::string& artifact_id) {
  return input_of([&](JsonObject* input) {
    add_place(input, run);
    input->string("artifactID", artifact_id);
  });
}

std::string find_artifact_variables(const ArtifactName& name) {
  std::string text;
  JsonObject object(&text);
  add_name(&object, name);
  object.close();
  return text;
}

std::string artifact_files_variables(const ArtifactName& name, const std::vector<std::string>& files) {
  std::string text;
  JsonObject object(&text);
  add_name(&object, name);
  append_list(object.member("names"), files);
  object.i64("first", static_cast<int64_t>(files.size()));
  object.close();
  return text;
}

std::optional<std::vector<NamedUrl>> read_created_files(const std::string& answer) {
  const json parsed = parse(answer);
  const json* created = at(parsed, {"data", "createRunFiles"});
  if (created == nullptr) return std::nullopt;
  std::vector<net::Header> headers;
  const json* files = at(*created, {"files"});
  if (!read_headers(*created, &headers) || files == nullptr || !files->is_array()) return std::nullopt;
  std::vector<NamedUrl> out;
  for (const json& each : *files) {
    out.push_back({text_at(each, {"name"}), {text_at(each, {"uploadUrl"}), headers}, {}});
    if (out.back().to.url.empty()) return std::nullopt;
  }
  return out;
}

std::optional<CreatedArtifact> read_created_artifact(const std::string& answer) {
  const json parsed = parse(answer);
  const json* artifact = at(parsed, {"data", "createArtifact", "artifact"});
  if (artifact == nullptr) return std::nullopt;
  CreatedArtifact out;
  out.id = text_at(*artifact, {"id"});
  out.base_id = text_at(*artifact, {"artifactSequence", "latestArtifact", "id"});
  out.committed = text_at(*artifact, {"state"}) == "COMMITTED";
  return out.id.empty() ? std::nullopt : std::optional(std::move(out));
}

std::optional<CreatedManifest> read_created_manifest(const std::string& answer) {
  const json parsed = parse(answer);
  const json* manifest = at(parsed, {"data", "createArtifactManifest", "artifactManifest"});
  if (manifest == nullptr) return std::nullopt;
  CreatedManifest out;
  out.id = text_at(*manifest, {"id"});
  out.to.url = text_at(*manifest, {"file", "uploadUrl"});
  const json* file = at(*manifest, {"file"});
  if (out.id.empty() || (file != nullptr && !read_headers(*file, &out.to.headers))) return std::nullopt;
  return out;
}

std::optional<std::vector<NamedUrl>> read_created_artifact_files(const std::string& answer) {
  const json parsed = parse(answer);
  std::vector<NamedUrl> out;
  const bool whole = read_edges(at(parsed, {"data", "createArtifactFiles", "files", "edges"}), [&](const json& node) {
    NamedUrl& one = out.emplace_back();
    one.name = text_at(node, {"name"});
    one.to.url = text_at(node, {"uploadUrl"});
    one.birth_id = text_at(node, {"artifact", "id"});
    return read_headers(node, &one.to.headers) && !one.birth_id.empty();
  });
  return whole ? std::optional(std::move(out)) : std::nullopt;
}

FoundArtifact read_found_artifact(const std::string& answer) {
  const json parsed = parse(answer);
  FoundArtifact out;
  const json* artifact = at(parsed, {"data", "project", "artifact"});
  if (artifact == nullptr) return out;
  out.id = text_at(*artifact, {"id"});
  out.manifest_url = text_at(*artifact, {"currentManifest", "file", "directUrl"});
  return out;
}

std::vector<NamedUrl> read_artifact_files(const std::string& answer) {
  const json parsed = parse(answer);
  std::vector<NamedUrl> out;
  (void)read_edges(at(parsed, {"data", "project", "artifact", "files", "edges"}), [&](const json& node) {
    out.push_back({text_at(node, {"name"}), {text_at(node, {"directUrl"}), {}}, {}});
    return true;
  });
  return out;
}

}  // namespace trunkline::wandb
