#include "processors/wandb/log_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <protozero/pbf_reader.hpp>

#include "encode/json_writer.hpp"
#include "processors/wandb/wandb_log.hpp"
#include "processors/wandb/wandb_proto.hpp"

namespace trunkline::wandb {
namespace {

using processors::RunFile;
using protozero::pbf_reader;

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kMostSeconds = 9'000'000'000;  // since 1970: in nanoseconds there is room for more

struct ReadItem {
  std::string key;
  bool nested = false;
  std::string json;
};

ReadItem read_item(pbf_reader reader) {
  ReadItem item;
  while (reader.next()) {
    switch (reader.tag()) {
      case item::kKey:
        item.key = reader.get_string();
        break;
      case item::kNestedKey:
        item.nested = true;
        item.key += (item.key.empty() ? "" : ".") + reader.get_string();
        break;
      case item::kJson:
        item.json = reader.get_string();
        break;
      default:
        reader.skip();
    }
  }
  return item;
}

bool is_ours(const std::string& key) { return key.rfind("_wandb", 0) == 0; }

template <class Number>
Number number_of(const std::string& text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Two of these have a difference that is a number, whatever the file says.
int64_t ns_of(double seconds) {
  if (!(seconds > 0)) return 0;
  return std::llround(std::min(seconds, static_cast<double>(kMostSeconds)) * static_cast<double>(kNsPerSecond));
}

void read_row(pbf_reader reader, LoggedRun* out) {
  Row row;
  row.step = out->state.next_step;
  while (reader.next()) {
    if (reader.tag() != items::kItem) {
      reader.skip();
      continue;
    }
    ReadItem item = read_item(reader.get_message());
    if (item.key == "_step") {
      row.step = number_of<int64_t>(item.json);
    } else if (item.key == "_timestamp") {
      row.ns = ns_of(number_of<double>(item.json));
    } else if (item.key == "_runtime") {
      row.runtime = std::move(item.json);
    } else {
      row.values[item.key] = std::move(item.json);
    }
  }
  out->state.next_step = processors::added(row.step, 1);
  out->state.last_ns = std::max(out->state.last_ns, row.ns);
  out->delta.rows.push_back(std::move(row));
}

void read_values(pbf_reader reader, Values* out) {
  while (reader.next()) {
    if (reader.tag() != items::kItem) {
      reader.skip();
      continue;
    }
    ReadItem item = read_item(reader.get_message());
    const bool time = item.key == "_step" || item.key == "_timestamp" || item.key == "_runtime";
    if (!time && !is_ours(item.key)) (*out)[item.key] = std::move(item.json);
  }
}

void read_start(pbf_reader reader, RunState* state) {
  int64_t seconds = 0;
  int64_t nanos = 0;
  while (reader.next()) {
    if (reader.tag() == timestamp::kSeconds) {
      seconds = reader.get_int64();
    } else if (reader.tag() == timestamp::kNanos) {
      nanos = reader.get_int32();
    } else {
      reader.skip();
    }
  }
  state->start_ns =
      std::clamp<int64_t>(seconds, 0, kMostSeconds) * kNsPerSecond + std::clamp<int64_t>(nanos, 0, kNsPerSecond);
}

void read_run(pbf_reader reader, LoggedRun* out) {
  RunState& state = out->state;
  state.tags.clear();
  while (reader.next()) {
    switch (reader.tag()) {
      case run::kId:
        state.id = reader.get_string();
        break;
      case run::kEntity:
        state.entity = reader.get_string();
        break;
      case run::kProject:
        state.project = reader.get_string();
        break;
      case run::kConfig:
        read_values(reader.get_message(), &state.config);
        break;
      case run::kGroup:
        state.group = reader.get_string();
        break;
      case run::kJobType:
        out->place.job_type = reader.get_string();
        break;
      case run::kDisplayName:
        state.name = reader.get_string();
        break;
      case run::kNotes:
        out->place.notes = reader.get_string();
        break;
      case run::kTags:
        state.tags.push_back(reader.get_string());
        break;
      case run::kHost:
        out->place.host = reader.get_string();
        break;
      case run::kStartTime:
        read_start(reader.get_message(), &state);
        break;
      default:
        reader.skip();
    }
  }
}

void read_exit(pbf_reader reader, LoggedRun* out) {
  out->ended = true;
  out->delta.exit_code = 0;
  while (reader.next()) {
    if (reader.tag() == exits::kCode) {
      out->delta.exit_code = reader.get_int32();
    } else {
      reader.skip();
    }
  }
}

void read_files(pbf_reader reader, LoggedRun* out) {
  while (reader.next(files::kItem)) {
    pbf_reader item = reader.get_message();
    while (item.next(files::kPath)) {
      RunFile file;
      file.path = item.get_string();
      if (is_relative_path(file.path)) {
        out->delta.files.push_back(std::move(file));
      } else {
        ++out->left_out;
      }
    }
  }
}

// False: an entry that is no file of this machine.
bool read_entry(pbf_reader reader, Artifact* out) {
  RunFile& file = out->files.emplace_back();
  bool whole = true;
  while (reader.next()) {
    switch (reader.tag()) {
      case entry::kPath:
        file.path = reader.get_string();
        break;
      case entry::kDigest:
        file.digest = hex_of_base64(reader.get_string());
        break;
      case entry::kSize:
        file.version.size = reader.get_int64();
        break;
      case entry::kLocalPath:
        file.file = reader.get_string();
        break;
      case entry::kReference:
        whole = false;
        reader.skip();
        break;
      default:
        reader.skip();
    }
  }
  return whole && !file.file.empty() && is_relative_path(file.path);
}

bool read_manifest(pbf_reader reader, Artifact* out) {
  bool whole = true;
  while (reader.next()) {
    if (reader.tag() == manifest::kEntry) {
      whole = read_entry(reader.get_message(), out) && whole;
    } else {
      whole = whole && reader.tag() != manifest::kFile;
      reader.skip();
    }
  }
  std::sort(out->files.begin(), out->files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return whole && !out->files.empty();
}

void read_artifact(pbf_reader reader, LoggedRun* out) {
  Artifact artifact;
  bool whole = false;
  while (reader.next()) {
    switch (reader.tag()) {
      case artifact::kType:
        artifact.type = reader.get_string();
        break;
      case artifact::kName:
        artifact.name = reader.get_string();
        break;
      case artifact::kDescription:
        artifact.description = reader.get_string();
        break;
      case artifact::kMetadata:
        artifact.metadata = reader.get_string();
        break;
      case artifact::kAliases:
        artifact.aliases.push_back(reader.get_string());
        break;
      case artifact::kManifest:
        whole = read_manifest(reader.get_message(), &artifact);
        break;
      case artifact::kClientId:
        artifact.client_id = reader.get_string();
        break;
      case artifact::kSequenceClientId:
        artifact.sequence_client_id = reader.get_string();
        break;
      default:
        reader.skip();
    }
  }
  if (whole) {
    out->delta.artifacts.push_back(std::move(artifact));
  } else {
    ++out->left_out;
  }
}

void read_used(pbf_reader reader, LoggedRun* out) {
  while (reader.next(use_artifact::kName)) out->delta.used.push_back({reader.get_string()});
}

void read_record(std::string_view bytes, LoggedRun* out) {
  pbf_reader reader(bytes.data(), bytes.size());
  while (reader.next()) {
    switch (reader.tag()) {
      case record::kHistory:
        read_row(reader.get_message(), out);
        break;
      case record::kSummary:
        read_values(reader.get_message(), &out->state.summary);
        break;
      case record::kConfig:
        read_values(reader.get_message(), &out->state.config);
        break;
      case record::kRun:
        read_run(reader.get_message(), out);
        break;
      case record::kExit:
        read_exit(reader.get_message(), out);
        break;
      case record::kFiles:
        read_files(reader.get_message(), out);
        break;
      case record::kArtifact:
        read_artifact(reader.get_message(), out);
        break;
      case record::kUseArtifact:
        read_used(reader.get_message(), out);
        break;
      case record::kNumber:
      case record::kHeader:
        reader.skip();
        break;
      default:
        ++out->left_out;
        reader.skip();
    }
  }
}

}  // namespace

Expected<LoggedRun> read_wandb_log(std::string_view bytes) {
  LoggedRun out;
  LogReader log(bytes);
  if (!log.is_log()) return Error{TR_EINVAL, "it is no .wandb file"};
  try {
    for (std::string record; log.next(&record);) read_record(record, &out);
  } catch (const protozero::exception&) {
    return Error{TR_EINVAL, "a record of it is no record of W&B's"};
  }
  if (out.state.id.empty()) return Error{TR_EINVAL, "it has no run"};
  out.delta.begins = true;
  out.delta.config = out.state.config;
  out.delta.summary = out.state.summary;
  out.delta.end_ns = out.state.last_ns;
  return out;
}

}  // namespace trunkline::wandb
