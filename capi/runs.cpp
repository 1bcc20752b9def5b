// Runs.
#include <filesystem>
#include <iterator>
#include <string>

#include "guard.hpp"
#include "instance_access.hpp"
#include "model/names.hpp"
#include "model/utf8.hpp"
#include "os/file_version.hpp"
#include "record/recorder.hpp"
#include "run_records.hpp"

using trunkline::Error;
using trunkline::capi::check_file_name;
using trunkline::capi::check_run;
using trunkline::capi::number_attribute;
using trunkline::capi::quoted;
using trunkline::capi::read_struct;
using trunkline::capi::record_for_run;
using trunkline::capi::recording;
using trunkline::capi::refuse;
using trunkline::capi::text_attribute;
using trunkline::capi::view_of;
using trunkline::record::Entry;
using trunkline::record::HandleKind;
namespace names = trunkline::names;

int trunkline::capi::record_for_run(tr_run run, tr_record_type type, std::string_view name, int64_t step,
                                    const tr_attribute* attributes, size_t count) {
  if (run == 0) return TR_OK;
  if (attributes == nullptr && count != 0) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().record_for_run(entry.thread(), run, type, name, step, attributes, count);
}

int trunkline::capi::check_run(tr_run run) {
  const Entry entry;
  if (!entry) return Entry::closed_result();
  TraceId trace;
  uint64_t id = 0;
  if (entry.recorder().ids(run, HandleKind::kRun, &trace, &id) == TR_OK) return TR_OK;
  entry.thread().counters.stale_handles.add();
  return TR_ESTALE;
}

trunkline::Error trunkline::capi::check_file_name(std::string_view file) {
  if (!file.empty() && file.find('\0') == std::string_view::npos && utf8_valid(file)) return Error::none();
  return {TR_EINVAL, "the name of the file is empty, or no text: " + quoted(file)};
}

int trunkline::capi::refuse(std::string_view what, const Error& wrong) {
  if (interrupted_a_call()) return wrong.code;
  pipeline::Instance::say_refused(std::string(what) + ": " + wrong.message);
  return wrong.code;
}

std::string trunkline::capi::quoted(std::string_view text) {
  constexpr size_t kMost = 200;
  return "\"" + std::string(text.substr(0, kMost)) + (text.size() > kMost ? "...\"" : "\"");
}

namespace {

constexpr const char* kNotLogged = "the file of a run is not logged";

// The file is looked at between two entries: whoever ends the library or forks need not wait for its disk.
int record_file(tr_run run, std::string_view path, const std::string& file) {
  if (const int closed = check_run(run); closed != TR_OK) return closed;
  std::error_code failure;
  const std::string absolute = std::filesystem::absolute(file, failure).string();
  if (failure) return refuse(kNotLogged, {TR_EIO, file + ": " + failure.message()});
  const auto version = trunkline::file_version(absolute);
  if (!version) return refuse(kNotLogged, {TR_EIO, version.error().message});
  const tr_attribute attributes[] = {text_attribute(names::kArtifactFile, absolute),
                                     number_attribute(names::kArtifactSize, version->size),
                                     number_attribute(names::kArtifactModified, version->modified_ns)};
  return record_for_run(run, TR_RECORD_RUN_ARTIFACT, path, -1, attributes, std::size(attributes));
}

int check_and_record_file(tr_run run, std::string_view path, std::string_view file) {
  if (!trunkline::is_relative_path(path) || !trunkline::utf8_valid(path)) {
    return refuse(kNotLogged, {TR_EINVAL, "its path must be relative, without \"..\": " + quoted(path)});
  }
  if (const Error wrong = check_file_name(file)) return refuse(kNotLogged, wrong);
  return record_file(run, path, std::string(file));
}

}  // namespace

tr_run tr_run_start(const tr_run_options* options) {
  tr_run_options known{};
  bool good = true;
  if (options != nullptr) good = read_struct(options, &known, sizeof(tr_run_options)) == TR_OK;
  for (tr_string* text : {&known.name, &known.project, &known.group_id}) {
    std::string_view view;
    good = view_of(*text, &view) && good;
    *text = {view.data(), view.size()};
  }
  if (known.config == nullptr) known.config_count = 0;
  return trunkline::capi::guarded([&] {
    return recording([&](Entry& entry) -> tr_run {
      if (!good) entry.thread().counters.misuse.add();
      return entry.recorder().start_run(entry.thread(), known);
    });
  });
}

int tr_run_log(tr_run run, int64_t step, const tr_attribute* metrics, size_t count) {
  return record_for_run(run, TR_RECORD_RUN_LOG, {}, step, metrics, count);
}

int tr_run_set_summary(tr_run run, const tr_attribute* items, size_t count) {
  return record_for_run(run, TR_RECORD_RUN_SUMMARY, {}, -1, items, count);
}

int tr_run_set_config(tr_run run, const tr_attribute* items, size_t count) {
  return record_for_run(run, TR_RECORD_RUN_CONFIG, {}, -1, items, count);
}

int tr_run_set_tag(tr_run run, const char* key, size_t key_size, const char* value, size_t size) {
  if (run == 0) return TR_OK;
  std::string_view key_view;
  std::string_view text;
  if (!view_of(key, key_size, &key_view) || key_view.empty() || !view_of(value, size, &text)) return TR_EINVAL;
  const tr_attribute tag{{key_view.data(), key_view.size()},
                         {TR_TYPE_STR, 0, 0, 0, text.data() == nullptr ? "" : text.data(), text.size()}};
  return record_for_run(run, TR_RECORD_RUN_TAG, key_view, -1, &tag, 1);
}

int tr_run_log_artifact(tr_run run, const char* path, size_t path_size, const char* file, size_t file_size) {
  if (run == 0) return TR_OK;
  std::string_view path_view;
  std::string_view file_view;
  if (!view_of(path, path_size, &path_view) || !view_of(file, file_size, &file_view)) return TR_EINVAL;
  return trunkline::capi::guarded([&] { return check_and_record_file(run, path_view, file_view); });
}

int tr_run_finish(tr_run run, tr_run_status status, int32_t exit_code) {
  if (run == 0) return TR_OK;
  if (status > TR_RUN_KILLED) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().finish_run(entry.thread(), run, {status, exit_code});
}
