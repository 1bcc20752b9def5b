#include "processors/wandb/offline_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "os/file.hpp"

namespace trunkline::wandb {
namespace {

namespace fs = std::filesystem;
using processors::check_unchanged;
using processors::RunFile;

constexpr size_t kPiece = size_t{256} << 10;
constexpr size_t kIdInPath = 16;
constexpr const char* kPart = ".trunkline-part";

// What is wrong with a name, or with what is in its place, stays wrong; a disk that is full or the like does not.
Error judged(const Error& error, int error_number) {
  switch (error_number) {
    case ENAMETOOLONG:
    case EINVAL:
    case ENOTDIR:
    case EISDIR:
    case EFBIG:
    case ELOOP:
    case EILSEQ:
      return {TR_EINVAL, error.message};
    default:
      return {TR_EIO, error.message};
  }
}

// A name that is a file's and a folder's at once has place for one of them.
bool has_place(const std::string& folder, const std::string& path) {
  std::error_code ignored;
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const fs::file_status above = fs::symlink_status(folder + "/" + path.substr(0, slash), ignored);
    if (fs::exists(above) && !fs::is_directory(above)) return false;
  }
  return !fs::is_directory(fs::symlink_status(folder + "/" + path, ignored));
}

// What cannot be read any more has changed; what cannot be written may be later.
Error copy_bytes(int from, int to) {
  std::string piece(kPiece, '\0');
  for (uint64_t offset = 0;;) {
    const auto got = pread_all(from, piece.data(), piece.size(), offset);
    if (!got) return {TR_EINVAL, got.error().message};
    if (Error error = write_all(to, piece.data(), *got)) return judged(error, errno);
    offset += *got;
    if (*got < piece.size()) return Error::none();
  }
}

// Under its name only when it is whole.
Error copy_file(const RunFile& file, const std::string& folder) {
  if (Error error = check_unchanged(file)) return {TR_EINVAL, error.message};
  if (!has_place(folder, file.path)) return {TR_EINVAL, "another file or folder of the run has its name"};
  const fs::path target = fs::path(folder) / file.path;
  if (target.native().size() >= PATH_MAX) return {TR_EINVAL, io_error(target.string(), ENAMETOOLONG).message};
  const auto place = ensure_directory(target.parent_path().string(), 0700);
  if (!place) return judged(place.error(), errno);
  const UniqueFd from(::open(file.file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!from) return {TR_EINVAL, io_error(file.file, errno).message};
  const UniqueFd to = open_file_at(place->get(), kPart, O_WRONLY | O_CREAT | O_TRUNC);
  if (!to) return judged(io_error(target.string(), errno), errno);
  Error error = copy_bytes(from.get(), to.get());
  if (!error && check_unchanged(file)) error = {TR_EINVAL, file.file + " changed while it was read"};
  if (error) {
    (void)::unlinkat(place->get(), kPart, 0);
    return error;
  }
  if (::renameat(place->get(), kPart, place->get(), target.filename().c_str()) == 0) return Error::none();
  error = judged(io_error(target.string(), errno), errno);
  (void)::unlinkat(place->get(), kPart, 0);
  return error;
}

Error keep_artifact(const std::string& folder, Artifact* artifact) {
  const std::string place = folder + "/artifacts/" + artifact->client_id.substr(0, kIdInPath);
  for (RunFile& file : artifact->files) {
    if (Error error = copy_file(file, place)) {
      std::error_code ignored;
      if (error.code != TR_EIO) fs::remove_all(place, ignored);
      return error;
    }
    file.file = place + "/" + file.path;
  }
  return Error::none();
}

}  // namespace

Error keep_files(const std::string& folder, RunDelta* delta, std::vector<Loss>* lost) {
  std::vector<RunFile> files;
  for (RunFile& file : delta->files) {
    Error error = copy_file(file, folder + "/files");
    if (error.code == TR_EIO) return error;
    if (error)
      lost->push_back({file.sequence, file.path, "the file " + file.path + " is not stored: " + error.message});
    if (!error) files.push_back(std::move(file));
  }
  delta->files = std::move(files);
  std::vector<Artifact> artifacts;
  for (Artifact& artifact : delta->artifacts) {
    Error error = keep_artifact(folder, &artifact);
    if (error.code == TR_EIO) return error;
    if (error) {
      lost->push_back(
          {artifact.sequence, artifact.name, "the artifact " + artifact.name + " is not stored: " + error.message});
    }
    if (!error) artifacts.push_back(std::move(artifact));
  }
  delta->artifacts = std::move(artifacts);
  return Error::none();
}

}  // namespace trunkline::wandb
