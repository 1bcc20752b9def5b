// An artifact of a run as W&B knows it: a version of a named set of files, found again by what is in it and by ids that
// follow from the record, so that whoever says it again means the same one.
#pragma once

#include <string>
#include <vector>

#include "processors/run_files.hpp"

namespace trunkline::wandb {

struct Artifact {
  std::string name;
  std::string type;
  std::string description;
  std::string metadata;  // a JSON object
  std::vector<std::string> aliases;
  std::vector<processors::RunFile> files;  // in the order of their paths, digests in hexadecimal
  std::string client_id;
  std::string sequence_client_id;
  uint64_t sequence = 0;  // of the record that names it
};

// An artifact that a run uses, and the record that says so.
struct UsedArtifact {
  std::string name;
  uint64_t sequence = 0;
};

// W&B's digest of a set of files.
std::string artifact_digest(const Artifact& artifact);
// A digest of a file as W&B writes it: hexadecimal becomes base64, and back. Empty: it is none.
std::string base64_of_hex(const std::string& hex);
std::string hex_of_base64(const std::string& base64);

// Of a record TR_RECORD_RUN_ADD_ARTIFACT in the run `run_id`. TR_EINVAL: it was not recorded whole.
Expected<Artifact> recorded_artifact(const tr_record& record, const std::string& run_id);

// The value of media in a row.
std::string media_json(const processors::MediaFile& media, const std::string& path);

}  // namespace trunkline::wandb
