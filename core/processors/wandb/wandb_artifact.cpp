#include "processors/wandb/wandb_artifact.hpp"

#include <algorithm>

#include "encode/digest.hpp"
#include "encode/json_writer.hpp"
#include "model/names.hpp"

namespace trunkline::wandb {
namespace {

using encode::digest_of;
using encode::hex_of;
using encode::Md5;
using encode::Sha256;
using encode::view;

// 128 characters, as W&B's own client draws them; here they follow from what is given.
std::string id_of(const std::string& text) {
  return hex_of(digest_of<Sha256>("1" + text)) + hex_of(digest_of<Sha256>("2" + text));
}

void read_aliases(const tr_value& value, std::vector<std::string>* out) {
  const auto* texts = static_cast<const tr_string*>(value.data);
  for (size_t i = 0; i < value.size; ++i) out->emplace_back(view(texts[i]));
}

}  // namespace

std::string base64_of_hex(const std::string& hex) { return encode::base64_of(encode::bytes_of_hex(hex)); }

std::string hex_of_base64(const std::string& base64) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t group = 0;
  uint32_t bits = 0;
  for (const char c : base64.substr(0, base64.find('='))) {
    const size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return {};
    group = group << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>(group >> bits & 0xff));
  }
  return hex_of(bytes);
}

std::string artifact_digest(const Artifact& artifact) {
  std::string text = "wandb-artifact-manifest-v1\n";
  for (const processors::RunFile& each : artifact.files) text += each.path + ":" + base64_of_hex(each.digest) + "\n";
  return hex_of(digest_of<Md5>(text));
}

Expected<Artifact> recorded_artifact(const tr_record& record, const std::string& run_id) {
  auto files = processors::recorded_files(record);
  if (!files) return files.error();
  Artifact artifact;
  artifact.name = view(record.name);
  artifact.sequence = record.sequence;
  artifact.files = std::move(*files);
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_value& value = record.attributes[i].value;
    const std::string_view key = view(record.attributes[i].key);
    if (value.type == TR_TYPE_STR && key == names::kArtifactType) artifact.type = encode::text_of(value);
    if (value.type == TR_TYPE_STR && key == names::kArtifactDescription) artifact.description = encode::text_of(value);
    if (value.type == TR_TYPE_JSON && key == names::kArtifactMetadata) artifact.metadata = encode::text_of(value);
    if (value.type == TR_TYPE_STR_ARRAY && key == names::kArtifactAliases) read_aliases(value, &artifact.aliases);
  }
  if (artifact.type.empty()) return Error{TR_EINVAL, "its type was not recorded"};
  const std::string of_run = run_id + "\n" + artifact.name;
  artifact.sequence_client_id = id_of(of_run);
  artifact.client_id = id_of(of_run + "\n" + std::to_string(record.start_ns) + "\n" + std::to_string(record.sequence) +
                             "\n" + artifact_digest(artifact));
  return artifact;
}

std::string media_json(const processors::MediaFile& media, const std::string& path) {
  std::string text;
  encode::JsonObject object(&text);
  object.string("_type", media.kind + "-file");
  object.string("path", path);
  object.i64("size", media.file.version.size);
  object.string("sha256", media.file.digest);
  if (media.kind == "image") {
    object.string("format", media.format);
    object.i64("width", media.width);
    object.i64("height", media.height);
  }
  object.close();
  return text;
}

}  // namespace trunkline::wandb
