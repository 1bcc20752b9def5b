#include "processors/wandb/wandb_upload.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "encode/digest.hpp"
#include "model/environment.hpp"
#include "os/file_version.hpp"
#include "os/time.hpp"
#include "processors/wandb/insist.hpp"
#include "processors/wandb/log_reader.hpp"
#include "processors/wandb/online_backend.hpp"
#include "processors/wandb/wandb_options.hpp"

namespace trunkline {
namespace {

namespace fs = std::filesystem;
using wandb::insist;

constexpr const char* kDone = ".synced";  // W&B's own mark
constexpr const char* kBegun = ".trunkline";
constexpr int64_t kUnknownEnd = 1;  // as W&B says of a run of which nobody knows how it ended

Expected<std::string> find_log(const std::string& place) {
  std::error_code failure;
  if (fs::is_regular_file(place, failure)) return place;
  for (const auto& entry : fs::directory_iterator(place, failure)) {
    if (entry.path().extension() == ".wandb") return entry.path().string();
  }
  return Error{TR_ENOENT, "it is no run that is a file, and no folder of one: wandb/offline-run-..."};
}

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Error write_whole(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text << std::flush;
  return out ? Error::none() : Error{TR_EIO, "cannot write " + path};
}

// Rows go behind those that are there, as with `wandb sync`: of this upload, behind those that were there before it.
Error find_begin(const std::string& log, wandb::Backend* backend, int64_t deadline, wandb::RunState* state) {
  const std::string noted = read_whole(log + kBegun);
  wandb::RunState found;
  found.id = state->id;
  found.entity = state->entity;
  found.project = state->project;
  if (Error error = insist(deadline, [&] { return backend->resume(&found); })) return error;
  state->resumed = found.resumed;
  state->config_known = !found.resumed;
  for (const auto& [key, json] : found.summary) state->summary.emplace(key, json);
  for (const std::string& tag : found.tags) {
    if (std::find(state->tags.begin(), state->tags.end(), tag) == state->tags.end()) state->tags.push_back(tag);
  }
  if (!noted.empty()) {
    std::from_chars(noted.data(), noted.data() + noted.size(), state->lines);
    return Error::none();
  }
  state->lines = found.lines;
  return write_whole(log + kBegun, std::to_string(found.lines));
}

// Files are as they are now; those of artifacts must be what they were.
void find_files(const fs::path& folder, wandb::RunDelta* delta, UploadedLog* done) {
  for (processors::RunFile& file : delta->files) {
    file.file = (folder / "files" / file.path).string();
    if (const auto version = file_version(file.file)) file.version = *version;
  }
  for (wandb::Artifact& artifact : delta->artifacts) {
    for (processors::RunFile& file : artifact.files) {
      const auto version = file_version(file.file);
      const auto digest = encode::digest_of_file<encode::Md5>(file.file);
      const bool same = version && digest && encode::hex_of(*digest) == file.digest;
      file.version = same ? *version : FileVersion{-1, 0};  // no file has it
    }
    done->files += artifact.files.size();
  }
  done->files += delta->files.size();
}

}  // namespace

Expected<UploadedLog> upload_wandb_log(const std::string& place, std::string_view options_json, int64_t timeout_ms,
                                       const processors::ProcessorHost& host) {
  const int64_t deadline = os::monotonic_now() + timeout_ms * 1'000'000;
  const auto log = find_log(place);
  if (!log) return log.error();
  auto options = wandb::read_options(options_json, &secure_variable);
  if (!options) return options.error();
  if (options->authorization.empty()) return Error{TR_EINVAL, "there is no API key: set WANDB_API_KEY"};
  auto run = wandb::read_wandb_log(read_whole(*log));
  if (!run) return Error{run.error().code, *log + ": " + run.error().message};
  UploadedLog done{false, run->state.id, run->delta.rows.size(), 0, {}, run->left_out, run->ended};
  if (fs::exists(*log + kDone)) {
    done.already = true;
    return done;
  }
  auto endpoint = wandb::make_endpoint(&*options, &secure_variable);
  if (!endpoint) return endpoint.error();
  if (run->state.entity.empty()) run->state.entity = options->place.entity;
  run->place.project = options->place.project;
  if (!run->ended) run->delta.exit_code = kUnknownEnd;
  wandb::OnlineBackend backend(std::make_unique<wandb::Rest>(std::move(*endpoint), options->timeout_ms, host),
                               run->place, host);
  if (Error error = find_begin(*log, &backend, deadline, &run->state)) return error;
  find_files(fs::absolute(*log).parent_path(), &run->delta, &done);
  std::vector<wandb::Loss> lost;
  Error error = insist(deadline, [&] { return backend.write(&run->state, run->delta, &lost); });
  if (error) return error;
  done.lost.reserve(lost.size());
  for (wandb::Loss& each : lost) {
    if (each.not_there) each.sentence += "; upload the run that made it, then this one again";
    done.waits = done.waits || each.not_there;
    done.lost.push_back(std::move(each.sentence));
  }
  if (done.waits) return done;
  if (Error failed = write_whole(*log + kDone, "")) return failed;
  std::error_code ignored;
  fs::remove(*log + kBegun, ignored);
  return done;
}

}  // namespace trunkline
