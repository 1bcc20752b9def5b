// Runs: artifacts and media. Their files are read at the call, so that what is delivered later can be told from what
// was meant.
#include <deque>
#include <string>
#include <vector>

#include "guard.hpp"
#include "model/artifact_name.hpp"
#include "model/item.hpp"
#include "model/names.hpp"
#include "model/utf8.hpp"
#include "processors/run_files.hpp"
#include "run_records.hpp"

namespace names = trunkline::names;
namespace processors = trunkline::processors;

using processors::RunFile;
using trunkline::Error;
using trunkline::capi::borrow;
using trunkline::capi::check_file_name;
using trunkline::capi::check_run;
using trunkline::capi::guarded;
using trunkline::capi::number_attribute;
using trunkline::capi::quoted;
using trunkline::capi::read_struct;
using trunkline::capi::record_for_run;
using trunkline::capi::refuse;
using trunkline::capi::text_attribute;
using trunkline::capi::view_of;

namespace {

struct CheckedArtifact {
  std::string_view name;
  std::string_view type;
  std::string_view description;
  std::vector<tr_string> aliases;
  std::vector<tr_attribute> metadata;
  std::deque<std::vector<tr_string>> lists;  // of the metadata
};

// A text, with its size.
bool read_text(const tr_value& value, tr_value* out) {
  std::string_view text;
  if (value.type == TR_TYPE_BYTES && value.size == TR_NUL) return false;
  if (!view_of(static_cast<const char*>(value.data), value.size, &text)) return false;
  out->data = text.data();
  out->size = text.size();
  return true;
}

bool read_list(const tr_value& value, tr_value* out, std::deque<std::vector<tr_string>>* lists) {
  if (value.size > PTRDIFF_MAX / sizeof(tr_string) || (value.size != 0 && value.data == nullptr)) return false;
  if (value.type != TR_TYPE_STR_ARRAY) return true;
  std::vector<tr_string>& list = lists->emplace_back();
  list.reserve(value.size);
  for (size_t i = 0; i < value.size; ++i) {
    std::string_view text;
    if (!view_of(static_cast<const tr_string*>(value.data)[i], &text)) return false;
    list.push_back(borrow(text));
  }
  out->data = list.data();
  return true;
}

// What the recorder would ask of attributes, for these become a text before they come to it.
bool read_metadata(const tr_artifact& artifact, CheckedArtifact* out) {
  for (size_t i = 0; i < artifact.metadata_count; ++i) {
    const tr_attribute& given = artifact.metadata[i];
    std::string_view key;
    if (!view_of(given.key, &key) || key.empty() || key.size() > trunkline::kMaxKeyBytes) return false;
    tr_attribute& attribute = out->metadata.emplace_back(tr_attribute{borrow(key), given.value});
    tr_value* value = &attribute.value;
    value->flags = 0;
    switch (given.value.type) {
      case TR_TYPE_NULL:
      case TR_TYPE_BOOL:
      case TR_TYPE_I64:
      case TR_TYPE_F64:
        break;
      case TR_TYPE_STR:
      case TR_TYPE_BYTES:
      case TR_TYPE_JSON:
        if (!read_text(given.value, value)) return false;
        break;
      case TR_TYPE_BOOL_ARRAY:
      case TR_TYPE_I64_ARRAY:
      case TR_TYPE_F64_ARRAY:
      case TR_TYPE_STR_ARRAY:
        if (!read_list(given.value, value, &out->lists)) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

Error check_word(const char* what, const tr_string& given, std::string_view* out) {
  if (view_of(given, out) && trunkline::is_artifact_word(*out)) return Error::none();
  return {TR_EINVAL,
          std::string("its ") + what + " must be 1 to 128 letters of ASCII, digits, '-', '_' and '.': " + quoted(*out)};
}

Error check(const tr_artifact& artifact, CheckedArtifact* out) {
  if (artifact.flags != 0) return {TR_EUNSUPPORTED, "it has an unknown flag"};
  if ((artifact.aliases == nullptr && artifact.alias_count != 0) || artifact.files == nullptr ||
      (artifact.metadata == nullptr && artifact.metadata_count != 0)) {
    return {TR_EINVAL, "one of its lists is NULL"};
  }
  if (Error wrong = check_word("name", artifact.name, &out->name)) return wrong;
  if (Error wrong = check_word("type", artifact.type, &out->type)) return wrong;
  if (!view_of(artifact.description, &out->description)) return {TR_EINVAL, "its description is no text"};
  for (size_t i = 0; i < artifact.alias_count; ++i) {
    std::string_view alias;
    if (Error wrong = check_word("alias", artifact.aliases[i], &alias)) return wrong;
    out->aliases.push_back(borrow(alias));
  }
  return read_metadata(artifact, out) ? Error::none() : Error{TR_EINVAL, "its metadata has an empty key, or no value"};
}

Error list(const tr_artifact& artifact, std::vector<RunFile>* out) {
  for (size_t i = 0; i < artifact.file_count; ++i) {
    std::string_view path;
    std::string_view file;
    if (!view_of(artifact.files[i].path, &path) || !view_of(artifact.files[i].file, &file)) {
      return {TR_EINVAL, "one of its files has no name"};
    }
    if (Error wrong = check_file_name(file)) return wrong;
    if (Error wrong = processors::list_files(path, std::string(file), out)) return wrong;
  }
  return processors::read_files(out);
}

int record_artifact(tr_run run, const tr_artifact& artifact) {
  CheckedArtifact checked;
  std::vector<RunFile> files;
  const Error wrong = check(artifact, &checked);
  const std::string what = "the artifact " + quoted(checked.name) + " is not added";
  if (wrong) return refuse(what, wrong);
  if (const int closed = check_run(run); closed != TR_OK) return closed;
  if (const Error unread = list(artifact, &files)) return refuse(what, unread);
  const std::string list = processors::files_json(files);
  const std::string metadata = processors::metadata_json(checked.metadata.data(), checked.metadata.size());
  std::vector<tr_attribute> attributes = {text_attribute(names::kArtifactType, checked.type),
                                          text_attribute(names::kArtifactFiles, list, TR_TYPE_JSON)};
  if (!checked.description.empty()) {
    attributes.push_back(text_attribute(names::kArtifactDescription, checked.description));
  }
  if (!checked.metadata.empty()) {
    attributes.push_back(text_attribute(names::kArtifactMetadata, metadata, TR_TYPE_JSON));
  }
  if (!checked.aliases.empty()) {
    attributes.push_back({borrow(names::kArtifactAliases),
                          {TR_TYPE_STR_ARRAY, 0, 0, 0, checked.aliases.data(), checked.aliases.size()}});
  }
  return record_for_run(run, TR_RECORD_RUN_ADD_ARTIFACT, checked.name, -1, attributes.data(), attributes.size());
}

Error check_media(std::string_view key, tr_media kind, std::string_view file) {
  if (kind != TR_MEDIA_IMAGE && kind != TR_MEDIA_HTML) return {TR_EINVAL, "its kind is neither image nor HTML"};
  if (!processors::is_media_key(key) || !trunkline::utf8_valid(key)) {
    return {TR_EINVAL, "its key must be a relative path, without \"..\", and not too long"};
  }
  return check_file_name(file);
}

int record_media(tr_run run, int64_t step, std::string_view key, tr_media kind, const std::string& file) {
  const std::string what = "the media " + quoted(key) + " is not logged";
  if (const Error wrong = check_media(key, kind, file)) return refuse(what, wrong);
  if (const int closed = check_run(run); closed != TR_OK) return closed;
  const auto media = processors::read_media(kind, file);
  if (!media) return refuse(what, media.error());
  std::vector<tr_attribute> attributes = {text_attribute(names::kMediaKind, media->kind),
                                          text_attribute(names::kArtifactFile, media->file.file),
                                          number_attribute(names::kArtifactSize, media->file.version.size),
                                          number_attribute(names::kArtifactModified, media->file.version.modified_ns),
                                          text_attribute(names::kMediaSha256, media->file.digest)};
  if (kind == TR_MEDIA_IMAGE) {
    attributes.push_back(text_attribute(names::kMediaFormat, media->format));
    attributes.push_back(number_attribute(names::kMediaWidth, media->width));
    attributes.push_back(number_attribute(names::kMediaHeight, media->height));
  }
  return record_for_run(run, TR_RECORD_RUN_MEDIA, key, step, attributes.data(), attributes.size());
}

}  // namespace

int tr_run_add_artifact(tr_run run, const tr_artifact* artifact) {
  if (run == 0) return TR_OK;
  if (artifact == nullptr) return TR_EINVAL;
  tr_artifact known{};
  if (const int wrong = read_struct(artifact, &known, sizeof(tr_artifact)); wrong != TR_OK) return wrong;
  return guarded([&] { return record_artifact(run, known); });
}

int tr_run_use_artifact(tr_run run, const char* name, size_t size) {
  if (run == 0) return TR_OK;
  std::string_view view;
  if (!view_of(name, size, &view)) return TR_EINVAL;
  return guarded([&] {
    const auto parsed = trunkline::parse_artifact_name(view);
    if (!parsed) return refuse("it is not noted that artifact " + quoted(view) + " is used", parsed.error());
    return record_for_run(run, TR_RECORD_RUN_USE_ARTIFACT, view, -1, nullptr, 0);
  });
}

int tr_run_log_media(tr_run run, int64_t step, const char* key, size_t key_size, tr_media kind, const char* file,
                     size_t file_size) {
  if (run == 0) return TR_OK;
  std::string_view key_view;
  std::string_view file_view;
  if (!view_of(key, key_size, &key_view) || !view_of(file, file_size, &file_view)) return TR_EINVAL;
  return guarded([&] { return record_media(run, step, key_view, kind, std::string(file_view)); });
}
