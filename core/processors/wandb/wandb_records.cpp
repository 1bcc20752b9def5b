#include "processors/wandb/wandb_records.hpp"

#include <algorithm>
#include <protozero/pbf_writer.hpp>

#include "processors/wandb/wandb_proto.hpp"

namespace trunkline::wandb {
namespace {

using protozero::pbf_writer;

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr const char* kOldestReader = "0.70.0";

void add_item(pbf_writer* to, const std::string& key, const std::string& json) {
  pbf_writer one(*to, items::kItem);
  one.add_string(item::kKey, key);
  one.add_string(item::kJson, json);
}

void add_unless_empty(pbf_writer* to, uint32_t tag, const std::string& text) {
  if (!text.empty()) to->add_string(tag, text);
}

template <class Fill>
std::string make_record(int64_t number, uint32_t kind, Fill fill) {
  std::string bytes;
  pbf_writer whole(bytes);
  whole.add_int64(record::kNumber, number);
  {
    pbf_writer content(whole, kind);
    fill(&content);
  }
  return bytes;
}

void add_version_of_ours(pbf_writer* run) {
  pbf_writer told(*run, run::kTelemetry);
  told.add_string(telemetry::kClientVersion, tr_version());
}

void add_manifest(pbf_writer* to, const Artifact& artifact) {
  to->add_int32(manifest::kVersion, 1);
  to->add_string(manifest::kStoragePolicy, "wandb-storage-policy-v1");
  {
    pbf_writer policy(*to, manifest::kPolicyItem);
    policy.add_string(policy_item::kKey, "storageLayout");
    policy.add_string(policy_item::kJson, "\"V2\"");
  }
  for (const processors::RunFile& file : artifact.files) {
    pbf_writer one(*to, manifest::kEntry);
    one.add_string(entry::kPath, file.path);
    one.add_string(entry::kDigest, base64_of_hex(file.digest));
    one.add_int64(entry::kSize, file.version.size);
    one.add_string(entry::kLocalPath, file.file);
    one.add_bool(entry::kSkipCache, true);
  }
}

}  // namespace

std::string header_record(int64_t number) {
  return make_record(number, record::kHeader, [](pbf_writer* content) {
    pbf_writer info(*content, header::kVersion);
    info.add_string(version::kProducer, std::string("trunkline-") + tr_version());
    info.add_string(version::kMinConsumer, kOldestReader);
  });
}

std::string run_record(int64_t number, const RunHead& head) {
  return make_record(number, record::kRun, [&](pbf_writer* content) {
    content->add_string(run::kId, head.id);
    add_unless_empty(content, run::kEntity, head.entity);
    add_unless_empty(content, run::kProject, head.project);
    if (!head.config.empty()) {
      pbf_writer config(*content, run::kConfig);
      for (const auto& [key, json] : head.config) add_item(&config, key, json);
    }
    add_unless_empty(content, run::kGroup, head.group);
    add_unless_empty(content, run::kJobType, head.job_type);
    add_unless_empty(content, run::kDisplayName, head.name);
    add_unless_empty(content, run::kNotes, head.notes);
    for (const std::string& tag : head.tags) content->add_string(run::kTags, tag);
    add_unless_empty(content, run::kHost, head.host);
    {
      pbf_writer start(*content, run::kStartTime);
      start.add_int64(timestamp::kSeconds, head.start_ns / kNsPerSecond);
      start.add_int32(timestamp::kNanos, static_cast<int32_t>(head.start_ns % kNsPerSecond));
    }
    add_version_of_ours(content);
  });
}

std::string config_record(int64_t number, const Values& values) {
  return make_record(number, record::kConfig, [&](pbf_writer* content) {
    for (const auto& [key, json] : values) add_item(content, key, json);
  });
}

std::string history_record(int64_t number, const Row& row, const RunState& state) {
  return make_record(number, record::kHistory, [&](pbf_writer* content) {
    for (const auto& [key, json] : row.values) add_item(content, key, json);
    add_item(content, "_step", std::to_string(row.step));
    add_item(content, "_timestamp", seconds_of(row.ns));
    add_item(content, "_runtime", seconds_of(std::max<int64_t>(0, row.ns - state.start_ns)));
    pbf_writer number_of_row(*content, items::kHistoryStep);
    number_of_row.add_int64(step::kNumber, row.step);
  });
}

std::string summary_record(int64_t number, const Values& values, int64_t seconds) {
  return make_record(number, record::kSummary, [&](pbf_writer* content) {
    for (const auto& [key, json] : values) add_item(content, key, json);
    pbf_writer runtime(*content, items::kItem);
    runtime.add_string(item::kNestedKey, "_wandb");
    runtime.add_string(item::kNestedKey, "runtime");
    runtime.add_string(item::kJson, std::to_string(seconds));
  });
}

std::string files_record(int64_t number, const std::vector<std::string>& paths) {
  return make_record(number, record::kFiles, [&](pbf_writer* content) {
    for (const std::string& path : paths) {
      pbf_writer one(*content, files::kItem);
      one.add_string(files::kPath, path);
    }
  });
}

std::string artifact_record(int64_t number, const RunHead& head, const Artifact& artifact) {
  return make_record(number, record::kArtifact, [&](pbf_writer* content) {
    content->add_string(artifact::kRunId, head.id);
    content->add_string(artifact::kProject, head.project);
    add_unless_empty(content, artifact::kEntity, head.entity);
    content->add_string(artifact::kType, artifact.type);
    content->add_string(artifact::kName, artifact.name);
    content->add_string(artifact::kDigest, artifact_digest(artifact));
    add_unless_empty(content, artifact::kDescription, artifact.description);
    content->add_string(artifact::kMetadata, artifact.metadata.empty() ? "{}" : artifact.metadata);
    for (const std::string& alias : artifact.aliases) content->add_string(artifact::kAliases, alias);
    {
      pbf_writer manifest(*content, artifact::kManifest);
      add_manifest(&manifest, artifact);
    }
    content->add_bool(artifact::kFinalize, true);
    content->add_string(artifact::kClientId, artifact.client_id);
    content->add_string(artifact::kSequenceClientId, artifact.sequence_client_id);
  });
}

std::string use_artifact_record(int64_t number, const std::string& name) {
  return make_record(number, record::kUseArtifact,
                     [&](pbf_writer* content) { content->add_string(use_artifact::kName, name); });
}

std::string exit_record(int64_t number, int64_t code, int64_t seconds) {
  return make_record(number, record::kExit, [&](pbf_writer* content) {
    content->add_int32(exits::kCode, static_cast<int32_t>(code));
    content->add_int32(exits::kRuntime, static_cast<int32_t>(seconds));
  });
}

}  // namespace trunkline::wandb
