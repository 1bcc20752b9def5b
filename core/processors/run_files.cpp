#include "processors/run_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "encode/digest.hpp"
#include "encode/image_header.hpp"
#include "encode/json_scan.hpp"
#include "encode/json_writer.hpp"
#include "model/names.hpp"
#include "model/utf8.hpp"

namespace trunkline::processors {
namespace {

namespace fs = std::filesystem;
using encode::view;
using nlohmann::json;

constexpr size_t kHashInPath = 20;
constexpr const char* kNoPath = ": a path in it must be relative, without \"..\", and UTF-8";
constexpr const char* kNotRecorded = "its files were not recorded";

Error add_file(const std::string& path, const std::string& file, std::vector<RunFile>* out) {
  if (!is_relative_path(path) || !utf8_valid(path) || !utf8_valid(file)) return {TR_EINVAL, path + kNoPath};
  out->push_back({path, file, {}, {}});
  return Error::none();
}

// Links to folders are not followed, so that it comes to an end.
Error add_folder(const std::string& prefix, const fs::path& folder, std::vector<RunFile>* out) {
  const std::string above = prefix.empty() ? "" : prefix + "/";
  std::error_code failure;
  fs::recursive_directory_iterator at(folder, failure);
  while (!failure && at != fs::recursive_directory_iterator()) {
    if (at->is_regular_file(failure) && !failure) {
      const std::string name = at->path().lexically_relative(folder).string();
      Error error = add_file(above + name, at->path().string(), out);
      if (error) return error;
    }
    if (!failure) at.increment(failure);
  }
  if (!failure) return Error::none();
  const bool known = at != fs::recursive_directory_iterator();
  return Error{TR_EIO, (known ? at->path() : folder).string() + ": " + failure.message()};
}

// It must stay what it is while it is read.
template <class Hash>
Error read_file(RunFile* file) {
  const auto before = file_version(file->file);
  if (!before) return before.error();
  const auto digest = encode::digest_of_file<Hash>(file->file);
  if (!digest) return digest.error();
  const auto after = file_version(file->file);
  if (!after || !(*before == *after)) return {TR_EIO, file->file + " changed while it was read"};
  file->version = *before;
  file->digest = encode::hex_of(*digest);
  return Error::none();
}

std::string head_of(const std::string& file) {
  std::string head(encode::kImageHeadBytes, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(in.gcount()));
  return head;
}

// Of the attributes of a record, what is whole.
struct Facts {
  const tr_record& record;
  const tr_value* find(std::string_view key, tr_type type) const {
    for (size_t i = 0; i < record.attribute_count; ++i) {
      const tr_attribute& each = record.attributes[i];
      if (view(each.key) == key) return each.value.flags == 0 && each.value.type == type ? &each.value : nullptr;
    }
    return nullptr;
  }
  bool text(std::string_view key, std::string* out) const {
    const tr_value* found = find(key, TR_TYPE_STR);
    if (found != nullptr) *out = encode::text_of(*found);
    return found != nullptr && !out->empty();
  }
  bool number(std::string_view key, int64_t* out) const {
    const tr_value* found = find(key, TR_TYPE_I64);
    if (found != nullptr) *out = found->i64;
    return found != nullptr;
  }
};

bool read_member(const json& object, std::string_view name, std::string* out) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return false;
  *out = found->get<std::string>();
  return true;
}

bool read_member(const json& object, std::string_view name, int64_t* out) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return false;
  *out = found->get<int64_t>();
  return true;
}

bool read_entry(const json& object, RunFile* out) {
  return object.is_object() && read_member(object, names::kArtifactPath, &out->path) &&
         read_member(object, names::kArtifactFile, &out->file) &&
         read_member(object, names::kArtifactMd5, &out->digest) &&
         read_member(object, names::kArtifactSize, &out->version.size) &&
         read_member(object, names::kArtifactModified, &out->version.modified_ns) && is_relative_path(out->path) &&
         encode::bytes_of_hex(out->digest).size() == encode::Md5::kSize;
}

// As a value of a member: it may lie one level less deep.
bool fits_into_an_object(std::string_view text) {
  return encode::json_check(text, encode::kMaxJsonDepth - 1) == encode::JsonCheck::Valid;
}

}  // namespace

Error list_files(std::string_view path, const std::string& file, std::vector<RunFile>* out) {
  std::error_code failure;
  fs::path absolute = fs::absolute(file, failure).lexically_normal();
  if (failure) return {TR_EIO, file + ": " + failure.message()};
  if (!absolute.has_filename() && absolute.has_relative_path()) absolute = absolute.parent_path();
  const std::string place(path);
  if (!place.empty() && !is_relative_path(place)) return {TR_EINVAL, place + kNoPath};
  if (fs::is_directory(absolute, failure)) return add_folder(place, absolute, out);
  return add_file(place.empty() ? absolute.filename().string() : place, absolute.string(), out);
}

Error read_files(std::vector<RunFile>* files) {
  std::sort(files->begin(), files->end(), [](const RunFile& a, const RunFile& b) { return a.path < b.path; });
  const auto twice = std::adjacent_find(files->begin(), files->end(),
                                        [](const RunFile& a, const RunFile& b) { return a.path == b.path; });
  if (files->empty()) return {TR_EINVAL, "there is no file in it"};
  if (twice != files->end()) return {TR_EINVAL, "two files have the path " + twice->path};
  for (RunFile& each : *files) {
    if (Error error = read_file<encode::Md5>(&each)) return error;
  }
  return Error::none();
}

Expected<MediaFile> read_media(tr_media kind, const std::string& file) {
  MediaFile media;
  std::error_code failure;
  media.kind = kind == TR_MEDIA_IMAGE ? "image" : "html";
  media.file.file = fs::absolute(file, failure).string();
  if (failure) return Error{TR_EIO, file + ": " + failure.message()};
  if (Error error = read_file<encode::Sha256>(&media.file)) return error;
  if (kind != TR_MEDIA_IMAGE) return media;
  const auto header = encode::read_image_header(head_of(media.file.file));
  if (!header) return Error{TR_EINVAL, file + " is neither PNG, JPEG, GIF nor WebP"};
  media.format = header->format;
  media.width = header->width;
  media.height = header->height;
  return media;
}

std::string files_json(const std::vector<RunFile>& files) {
  std::string list = "[";
  for (const RunFile& each : files) {
    if (list.size() > 1) list.push_back(',');
    encode::JsonObject object(&list);
    object.string(names::kArtifactPath, each.path);
    object.string(names::kArtifactFile, each.file);
    object.i64(names::kArtifactSize, each.version.size);
    object.i64(names::kArtifactModified, each.version.modified_ns);
    object.string(names::kArtifactMd5, each.digest);
    object.close();
  }
  return list + "]";
}

std::string metadata_json(const tr_attribute* attributes, size_t count) {
  std::string text;
  encode::JsonObject object(&text);
  for (size_t i = 0; i < count; ++i) {
    tr_attribute each = attributes[i];
    if (each.value.type == TR_TYPE_JSON && !fits_into_an_object(encode::text_of(each.value))) {
      each.value.type = TR_TYPE_STR;
      each.value.flags = TR_VALUE_INVALID_JSON;
    }
    object.attribute(each);
  }
  object.close();
  return text;
}

Expected<RunFile> recorded_file(const tr_record& record) {
  const Facts facts{record};
  RunFile file;
  file.path = view(record.name);
  file.sequence = record.sequence;
  if (facts.text(names::kArtifactFile, &file.file) && facts.number(names::kArtifactSize, &file.version.size) &&
      facts.number(names::kArtifactModified, &file.version.modified_ns)) {
    return file;
  }
  return Error{TR_EINVAL, "its file was not recorded"};
}

Expected<std::vector<RunFile>> recorded_files(const tr_record& record) {
  const tr_value* list = Facts{record}.find(names::kArtifactFiles, TR_TYPE_JSON);
  if (list == nullptr) return Error{TR_EINVAL, kNotRecorded};
  const json parsed = json::parse(encode::text_of(*list), nullptr, false);
  std::vector<RunFile> files;
  for (const json& each : parsed.is_array() ? parsed : json::array()) {
    if (!read_entry(each, &files.emplace_back())) return Error{TR_EINVAL, kNotRecorded};
  }
  if (files.empty()) return Error{TR_EINVAL, kNotRecorded};
  return files;
}

Expected<MediaFile> recorded_media(const tr_record& record) {
  const Facts facts{record};
  auto file = recorded_file(record);
  if (!file) return file.error();
  MediaFile media;
  media.file = std::move(*file);
  const bool image = facts.text(names::kMediaKind, &media.kind) && media.kind == "image";
  const bool whole =
      facts.text(names::kMediaSha256, &media.file.digest) &&
      encode::bytes_of_hex(media.file.digest).size() == encode::Sha256::kSize &&
      (image ? facts.text(names::kMediaFormat, &media.format) && facts.number(names::kMediaWidth, &media.width) &&
                   facts.number(names::kMediaHeight, &media.height)
             : media.kind == "html");
  if (!whole || !is_relative_path(media.file.path)) return Error{TR_EINVAL, "its file was not recorded"};
  return media;
}

std::string media_path(const MediaFile& media, int64_t step) {
  const bool page = media.kind == "html";
  const std::string extension = page ? "html" : media.format == "jpeg" ? "jpg" : media.format;
  return std::string("media/") + (page ? "html/" : "images/") + media.file.path + "_" +
         (step < 0 ? "" : std::to_string(step) + "_") + media.file.digest.substr(0, kHashInPath) + "." + extension;
}

bool is_media_key(std::string_view key) {
  MediaFile longest;
  longest.kind = "image";
  longest.format = "webp";
  longest.file.path = key;
  longest.file.digest.assign(2 * encode::Sha256::kSize, '0');
  return is_relative_path(key) && is_relative_path(media_path(longest, std::numeric_limits<int64_t>::max()));
}

Error check_unchanged(const RunFile& file) {
  const auto version = file_version(file.file);
  if (!version) return version.error();
  if (*version == file.version) return Error::none();
  return {TR_EINVAL, file.file + " has changed since it was logged"};
}

}  // namespace trunkline::processors
