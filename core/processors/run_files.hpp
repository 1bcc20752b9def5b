// The files of this machine that a run's artifacts and media name: which they are and what is in them, when they are
// named (the C API) and when they are delivered (the processors). Nothing of a file travels but that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/expected.hpp"
#include "os/file_version.hpp"

namespace trunkline::processors {

struct RunFile {
  std::string path;  // where it goes: relative, with slashes
  std::string file;  // where it is: absolute
  FileVersion version;
  std::string digest;     // hexadecimal; of an artifact MD5, of media SHA-256; else empty
  uint64_t sequence = 0;  // of the record that names it, if one does
};

struct MediaFile {
  RunFile file;
  std::string kind;    // "image" or "html"
  std::string format;  // of an image
  int64_t width = 0;
  int64_t height = 0;
};

// Appends a file, or all below a folder. An empty path: the file's name; of a folder: nothing.
Error list_files(std::string_view path, const std::string& file, std::vector<RunFile>* out);
// Sorts them by path and reads each. TR_EINVAL: two of one path, or none; TR_EIO: one that cannot be read.
Error read_files(std::vector<RunFile>* files);
// TR_EINVAL: no image of a known format.
Expected<MediaFile> read_media(tr_media kind, const std::string& file);

// As they are recorded, and back. TR_EINVAL: they were not recorded whole, as without content.
std::string files_json(const std::vector<RunFile>& files);
// Of attributes with sizes. What is not JSON, or lies too deep, is kept as the text it is.
std::string metadata_json(const tr_attribute* attributes, size_t count);
Expected<RunFile> recorded_file(const tr_record& record);
Expected<std::vector<RunFile>> recorded_files(const tr_record& record);
Expected<MediaFile> recorded_media(const tr_record& record);

// Where media lie among a run's files, as W&B names them. A step below zero: none was given.
std::string media_path(const MediaFile& media, int64_t step);
// Whether media of this key have such a place, whatever they are and whatever their step.
bool is_media_key(std::string_view key);

// Whether the file is what it was when it was named: TR_EINVAL if not, TR_EIO if it is gone.
Error check_unchanged(const RunFile& file);

}  // namespace trunkline::processors
