#include "processors/mlflow/rest_trace_files.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "model/names.hpp"
#include "net/url.hpp"
#include "processors/mlflow/file_store_files.hpp"
#include "processors/mlflow/mlflow_trace_json.hpp"
#include "processors/mlflow/rest_trace_info.hpp"

namespace trunkline::mlflow {
namespace {

using nlohmann::json;

constexpr const char* kSpanFile = "traces.json";
constexpr const char* kGrowing = "/spans";
constexpr const char* kRefused = "spans";
constexpr size_t kFullBytes = size_t{256} << 10;
constexpr size_t kMostGrowing = 64;  // that are held in memory

uint64_t lines_in(const std::string& text) { return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n')); }

// Files of several processes, and of one before and after a crash, are apart; by their names they are in order.
std::string growing_name(uint64_t sequence) {
  char text[32];
  std::snprintf(text, sizeof text, "%020llu-", static_cast<unsigned long long>(sequence));
  return text + random_hex(16);
}

}  // namespace

// The server puts the artifacts of a trace below those of its experiment, which is known before the trace is.
Expected<std::string> RestTraceFiles::folder_of(const std::string& experiment_id, const std::string& trace) {
  const std::string below = "/traces/" + trace + "/artifacts";
  const auto known = experiments_.find(experiment_id);
  if (known != experiments_.end()) return known->second + below;
  std::string answer;
  const std::string call = "/api/2.0/mlflow/experiments/get?experiment_id=" + net::escape_url(experiment_id);
  if (Error error = rest_->get(call, &answer)) return error;
  const json experiment = json::parse(answer).value("experiment", json());
  const json uri = experiment.is_object() ? experiment.value("artifact_location", json()) : json();
  auto path = artifact_path(uri.is_string() ? uri.get<std::string>() : std::string());
  if (!path) return path.error();
  experiments_[experiment_id] = *path;
  return *path + below;
}

// The file is written again with each batch until it is full.
Error RestTraceFiles::grow(const std::string& folder, const std::string& name, const std::string& lines, uint64_t first,
                           std::vector<Refusal>* refused) {
  if (growing_.size() >= kMostGrowing && growing_.count(name) == 0) growing_.erase(growing_.begin());
  Growing& file = growing_[name];
  if (file.bytes + lines.size() > most_bytes_) {
    refused->push_back(too_many_spans(most_bytes_, lines_in(lines)));
    return Error::none();
  }
  if (file.name.empty() || file.lines.size() >= kFullBytes) {
    file.name = growing_name(first);
    file.lines.clear();
  }
  if (Error error = artifacts_.put(folder + kGrowing + "/" + file.name, file.lines + lines)) return error;
  file.lines += lines;
  file.bytes += lines.size();
  return Error::none();
}

// Nothing is there of a trace whose start is among these records, unless others have made it.
Error RestTraceFiles::gather(const std::string& folder, const TracePart& part, bool is_made, Gathered* all) {
  if (is_made) {
    const auto before = artifacts_.get(folder, kSpanFile);
    if (!before) return before.error();
    all->list.add_file(*before);
  }
  if (part.start != nullptr && !is_made) return Error::none();
  auto names = artifacts_.list(folder + kGrowing);
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  for (const std::string& name : *names) {
    std::string path = folder;
    path.append(kGrowing).append("/").append(name);
    const auto lines = artifacts_.read(path);
    if (!lines) return lines.error();
    all->list.add_lines(*lines);
    all->files.push_back(path);
  }
  return Error::none();
}

Error RestTraceFiles::put_spans(const std::string& folder, const TracePart& part, bool is_made, const Told& told,
                                Gathered* all) {
  if (Error error = gather(folder, part, is_made, all)) return error;
  all->list.add_lines(told.lines);
  all->list.add_root(told.end);
  (void)all->list.complete();
  return artifacts_.put(folder + "/" + kSpanFile, all->list.file());
}

// A store of files takes the trace once only, and calls the second time a failure of its own.
Error RestTraceFiles::complete(const Expected<std::string>& folder, const std::string& name, const TracePart& part,
                               const Told& told, std::vector<Refusal>* refused) {
  std::string answer;
  Error missing = rest_->get("/api/3.0/mlflow/traces/" + name, &answer);
  if (missing && missing.code != TR_ENOENT) return missing;
  Gathered all(most_bytes_);
  Error error = folder ? put_spans(*folder, part, !missing, told, &all) : folder.error();
  if (error.code == TR_EAGAIN) return error;
  if (missing) {
    const std::vector<Item> metadata = {{std::string(names::kMlflowTraceSchema), "3"},
                                        {std::string(names::kMlflowTraceUsage), all.list.usage()}};
    Error failed = rest_->post("/api/3.0/mlflow/traces", trace_info_body(part, metadata), &answer, true);
    if (failed) return failed;
  }
  if (error) refused->push_back({kRefused, error.message, lines_in(told.lines) + 1});
  if (!error && all.list.refused() > 0) refused->push_back(too_many_spans(most_bytes_, all.list.refused()));
  for (size_t i = 0; !error && i < all.files.size(); ++i) (void)artifacts_.remove(all.files[i]);
  growing_.erase(name);
  return Error::none();
}

Error RestTraceFiles::add(const TracePart& part, const encode::OtlpTrace& trace, std::vector<Refusal>* refused) {
  const tr_record* any = part.start != nullptr ? part.start : part.end;
  if (any == nullptr && !part.spans.empty()) any = part.spans.front();
  if (any == nullptr) return Error::none();
  const std::string name = trace_name_of(any->trace_id);
  Told told;
  for (const tr_record* span : part.spans) {
    std::string line;
    if (append_trace_span(*span, trace, &line, nullptr)) told.lines += line + "\n";
  }
  const auto folder = folder_of(part.experiment_id, name);
  if (!folder && folder.error().code == TR_EAGAIN) return folder.error();
  if (part.end != nullptr) {
    TracePart with_tags = part;
    (void)append_trace_span(*part.end, trace, &told.end, &with_tags.tags);
    return complete(folder, name, with_tags, told, refused);
  }
  if (told.lines.empty()) return Error::none();
  Error error = folder ? grow(*folder, name, told.lines, part.spans.front()->sequence, refused) : folder.error();
  if (error.code == TR_EAGAIN) return error;
  if (error) refused->push_back({kRefused, error.message, lines_in(told.lines)});
  return Error::none();
}

}  // namespace trunkline::mlflow
