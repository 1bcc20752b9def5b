#include "processors/wandb/wandb_download.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "encode/digest.hpp"
#include "model/environment.hpp"
#include "model/utf8.hpp"
#include "os/time.hpp"
#include "processors/wandb/artifact_body.hpp"
#include "processors/wandb/insist.hpp"
#include "processors/wandb/wandb_options.hpp"
#include "processors/wandb/wandb_rest.hpp"

namespace trunkline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using processors::RunFile;
using wandb::insist;

constexpr size_t kMostAtOnce = 200;  // URLs that are asked for
constexpr int kDeepestManifest = 32;
constexpr int64_t kUnknownSize = -1;
constexpr const char* kPart = ".trunkline-part-";

// Entries of a manifest: names that stay in the folder, and digests that can be checked.
Expected<std::vector<RunFile>> read_manifest(const std::string& text) {
  const json parsed = json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth <= kDeepestManifest; }, false);
  const json contents = parsed.is_object() ? parsed.value("contents", json()) : json();
  if (!contents.is_object()) return Error{TR_EINVAL, "the artifact has no manifest that W&B writes"};
  std::vector<RunFile> files;
  for (const auto& [path, entry] : contents.items()) {
    if (!is_relative_path(path) || !utf8_valid(path)) {
      return Error{TR_EINVAL, "a file of the artifact has a name that leads out of the folder"};
    }
    if (!entry.is_object()) return Error{TR_EINVAL, "the artifact has no manifest that W&B writes"};
    if (entry.contains("ref") && !entry["ref"].is_null()) {
      return Error{TR_EUNSUPPORTED, path + " is not at W&B, which only says where it is"};
    }
    const json digest = entry.value("digest", json());
    const json size = entry.value("size", json());
    RunFile file{path, {}, {}, wandb::hex_of_base64(digest.is_string() ? digest.get<std::string>() : "")};
    if (file.digest.size() != 2 * encode::Md5::kSize) {
      return Error{TR_EUNSUPPORTED, path + " has a digest that is no MD5"};
    }
    file.version.size = size.is_number_integer() ? std::max<int64_t>(size.get<int64_t>(), kUnknownSize) : kUnknownSize;
    files.push_back(std::move(file));
  }
  return files;
}

// A file on its way. It is locked as long as somebody fills it, so that what a download that was killed has left can be
// told from the file of one that goes on; not everywhere there are locks, and then it stays.
Error open_part(const std::string& path, std::shared_ptr<const UniqueFd>* out) {
  (void)::unlink(path.c_str());
  auto file = std::make_shared<const UniqueFd>(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!*file) return io_error(path, errno);
  (void)::flock(file->get(), LOCK_EX | LOCK_NB);
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return io_error(path, errno);
  if (info.st_nlink == 0) return {TR_EAGAIN, path + " was taken for one that nobody fills"};
  *out = std::move(file);
  return Error::none();
}

void remove_left_parts(const fs::path& folder) {
  std::error_code failure;
  for (fs::directory_iterator at(folder, failure); !failure && at != fs::directory_iterator(); at.increment(failure)) {
    if (at->path().filename().string().rfind(kPart, 0) != 0) continue;
    const UniqueFd file(::open(at->path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) (void)::unlink(at->path().c_str());
  }
}

int64_t size_of(const UniqueFd& file) {
  struct stat info {};
  return ::fstat(file.get(), &info) == 0 ? info.st_size : 0;
}

class Download {
 public:
  Download(wandb::Rest* rest, std::string folder)
      : rest_(rest),
        storage_(rest->endpoint(), rest->timeout_ms(), rest->host(), rest->waits()),
        folder_(std::move(folder)) {}

  Error run(const ArtifactName& name) {
    std::string answer;
    if (Error error = ask(wandb::kFindArtifactQuery, wandb::find_artifact_variables(name), &answer)) return error;
    const wandb::FoundArtifact found = wandb::read_found_artifact(answer);
    const std::string owner = name.entity.empty() ? "" : name.entity + "/";
    const std::string whole = owner + name.project + "/" + name.name + ":" + name.alias;
    if (found.id.empty()) return {TR_ENOENT, "W&B has no artifact " + whole};
    if (found.manifest_url.empty()) return {TR_EINVAL, "W&B does not say what is in " + whole};
    std::string manifest;
    if (Error error = insist(deadline(), [&] { return storage_.get(found.manifest_url, &manifest); }))
      return for_good(error);
    auto files = read_manifest(manifest);
    if (!files) return files.error();
    std::set<fs::path> places;
    for (const RunFile& file : *files) places.insert(fs::path(folder_ + "/" + file.path).parent_path());
    for (const fs::path& place : places) remove_left_parts(place);
    files->erase(std::remove_if(files->begin(), files->end(), [this](const RunFile& file) { return is_here(file); }),
                 files->end());
    for (size_t first = 0; first < files->size(); first += kMostAtOnce) {
      const size_t end = std::min(files->size(), first + kMostAtOnce);
      if (Error error = fetch(
              name, {files->begin() + static_cast<ptrdiff_t>(first), files->begin() + static_cast<ptrdiff_t>(end)})) {
        return error;
      }
    }
    return Error::none();
  }

 private:
  int64_t deadline() const { return os::monotonic_now() + int64_t{rest_->timeout_ms()} * 1'000'000; }

  Error ask(const char* query, const std::string& variables, std::string* answer) {
    Error error = insist(deadline(), [&] { return rest_->graphql(query, variables, answer); });
    if (error.code == TR_ENOENT) error.code = TR_EINVAL;
    return error;
  }

  // What a URL no longer permits is nothing that a caller could know of.
  static Error for_good(Error error) {
    if (error.code == TR_ESTALE) error.code = TR_EINVAL;
    return error;
  }

  bool has_digest(const std::string& path, const RunFile& file) const {
    const auto digest = encode::digest_of_file<encode::Md5>(path);
    return digest && encode::hex_of(*digest) == file.digest;
  }
  bool is_here(const RunFile& file) const {
    const std::string path = folder_ + "/" + file.path;
    const auto version = file_version(path);
    const bool same = file.version.size == kUnknownSize || (version && version->size == file.version.size);
    return version && same && has_digest(path, file);
  }

  Error fetch(const ArtifactName& name, const std::vector<RunFile>& files) {
    std::vector<std::string> names;
    names.reserve(files.size());
    for (const RunFile& file : files) names.push_back(file.path);
    std::string answer;
    if (Error error = ask(wandb::kArtifactFilesQuery, wandb::artifact_files_variables(name, names), &answer))
      return error;
    const auto urls = wandb::read_artifact_files(answer);
    for (const RunFile& file : files) {
      const auto found = std::find_if(urls.begin(), urls.end(), [&](const auto& one) { return one.name == file.path; });
      if (found == urls.end() || found->to.url.empty())
        return {TR_EINVAL, "W&B does not say where " + file.path + " is"};
      Error error = fetch_file(found->to.url, file);
      // It may have waited longer than it holds; one that is asked for by itself does not wait.
      if (error.code == TR_ESTALE) error = files.size() == 1 ? for_good(error) : fetch(name, {file});
      if (error) return error;
    }
    return Error::none();
  }

  // Written beside, so that nothing is there under its name that is not whole and right.
  Error fetch_file(const std::string& url, const RunFile& file) {
    const std::string target = folder_ + "/" + file.path;
    const fs::path place = fs::path(target).parent_path();
    std::error_code failure;
    fs::create_directories(place, failure);
    if (failure) return {TR_EIO, place.string() + ": " + failure.message()};
    const std::string part =
        (place / (kPart + std::to_string(getpid()) + "-" + std::to_string(os::monotonic_now()))).string();
    // An attempt may take hours: whoever got further than all before him may try for as long again.
    int64_t until = deadline();
    int64_t furthest = 0;
    std::shared_ptr<const UniqueFd> out;
    Error error = insist(until, [&]() -> Error {
      // A new file each time: a transfer that was given up may still write a little into its own.
      if (Error failed = open_part(part, &out)) return failed;
      Error failed = storage_.get_file(url, file.version.size, out);
      if (const int64_t size = size_of(*out); failed && size > furthest) {
        furthest = size;
        until = deadline();
      }
      return failed;
    });
    if (!error && !has_digest(part, file)) {
      error = {TR_EIO, file.path + " as W&B sends it has another digest than its artifact says"};
    }
    if (!error && ::rename(part.c_str(), target.c_str()) != 0) error = io_error(target, errno);
    if (error) (void)::unlink(part.c_str());
    return error;
  }

  wandb::Rest* const rest_;
  wandb::Storage storage_;
  const std::string folder_;
};

}  // namespace

Error download_wandb_artifact(std::string_view options_json, const ArtifactName& name, const std::string& folder,
                              const processors::ProcessorHost& host) {
  auto options = wandb::read_options(options_json, &secure_variable);
  if (!options) return options.error();
  if (options->authorization.empty()) return {TR_EINVAL, "there is no API key: set WANDB_API_KEY"};
  auto endpoint = wandb::make_endpoint(&*options, &secure_variable);
  if (!endpoint) return endpoint.error();
  wandb::Rest rest(std::move(*endpoint), options->timeout_ms, host, false);
  const wandb::RunPlace usual{options->place.entity, options->place.project, {}};
  return Download(&rest, folder).run(wandb::completed(name, usual));
}

}  // namespace trunkline
