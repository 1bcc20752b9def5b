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

using trunkline::capi::read_struct;
using trunkline::capi::recording;
using trunkline::capi::view_of;
using trunkline::record::Entry;
using trunkline::record::HandleKind;
namespace names = trunkline::names;

namespace {

int record(tr_run run, tr_record_type type, std::string_view name, int64_t step, const tr_attribute* attributes,
           size_t count) {
  if (run == 0) return TR_OK;
  if (attributes == nullptr && count != 0) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().record_for_run(entry.thread(), run, type, name, step, attributes, count);
}

// The file is looked at between two entries: whoever ends the library or forks need not wait for its disk.
int record_artifact(tr_run run, std::string_view path, const std::string& file) {
  if (run == 0) return TR_OK;
  {
    const Entry entry;
    if (!entry) return Entry::closed_result();
    trunkline::TraceId trace;
    uint64_t id = 0;
    if (entry.recorder().ids(run, HandleKind::kRun, &trace, &id) != TR_OK) {
      entry.thread().counters.stale_handles.add();
      return TR_ESTALE;
    }
  }
  std::error_code failure;
  const std::string absolute = std::filesystem::absolute(file, failure).string();
  if (failure) return TR_EIO;
  const auto version = trunkline::file_version(absolute);
  if (!version) return TR_EIO;
  const auto key = [](std::string_view name) { return tr_string{name.data(), name.size()}; };
  const tr_attribute attributes[] = {
      {key(names::kArtifactFile), {TR_TYPE_STR, 0, 0, 0, absolute.data(), absolute.size()}},
      {key(names::kArtifactSize), {TR_TYPE_I64, 0, version->size, 0, nullptr, 0}},
      {key(names::kArtifactModified), {TR_TYPE_I64, 0, version->modified_ns, 0, nullptr, 0}}};
  return record(run, TR_RECORD_RUN_ARTIFACT, path, -1, attributes, std::size(attributes));
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
  return record(run, TR_RECORD_RUN_LOG, {}, step, metrics, count);
}

int tr_run_set_summary(tr_run run, const tr_attribute* items, size_t count) {
  return record(run, TR_RECORD_RUN_SUMMARY, {}, -1, items, count);
}

int tr_run_set_config(tr_run run, const tr_attribute* items, size_t count) {
  return record(run, TR_RECORD_RUN_CONFIG, {}, -1, items, count);
}

int tr_run_set_tag(tr_run run, const char* key, size_t key_size, const char* value, size_t size) {
  std::string_view key_view;
  std::string_view text;
  if (!view_of(key, key_size, &key_view) || key_view.empty() || !view_of(value, size, &text)) return TR_EINVAL;
  const tr_attribute tag{{key_view.data(), key_view.size()},
                         {TR_TYPE_STR, 0, 0, 0, text.data() == nullptr ? "" : text.data(), text.size()}};
  return record(run, TR_RECORD_RUN_TAG, key_view, -1, &tag, 1);
}

int tr_run_log_artifact(tr_run run, const char* path, size_t path_size, const char* file, size_t file_size) {
  std::string_view path_view;
  std::string_view file_view;
  if (!view_of(path, path_size, &path_view) || !view_of(file, file_size, &file_view)) return TR_EINVAL;
  if (!trunkline::is_relative_path(path_view) || !trunkline::utf8_valid(path_view)) return TR_EINVAL;
  if (file_view.empty() || file_view.find('\0') != std::string_view::npos || !trunkline::utf8_valid(file_view)) {
    return TR_EINVAL;
  }
  return trunkline::capi::guarded([&] { return record_artifact(run, path_view, std::string(file_view)); });
}

int tr_run_finish(tr_run run, tr_run_status status, int32_t exit_code) {
  if (run == 0) return TR_OK;
  if (status > TR_RUN_KILLED) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().finish_run(entry.thread(), run, {status, exit_code});
}
