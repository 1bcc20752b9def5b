#include "processors/mlflow/file_store_traces.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "encode/json_names.hpp"
#include "model/names.hpp"
#include "model/utf8.hpp"
#include "processors/mlflow/file_store_path.hpp"
#include "processors/mlflow/file_store_yaml.hpp"
#include "processors/mlflow/mlflow_trace_json.hpp"
#include "processors/mlflow/span_list.hpp"

namespace trunkline::mlflow {
namespace {

using encode::HexId;
using encode::OtlpTrace;
using Json = nlohmann::ordered_json;

constexpr size_t kPreviewBytes = 1000;
constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr size_t kMostHeaderBytes = 65'536;
constexpr const char* kSpanFile = "/artifacts/traces.json";

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string pending_path(const std::string& name) { return "traces/." + name + ".spans"; }

// What a trace's spans have in common, as the first line of what is pending, for a process that did not see its start.
std::string header_of(const OtlpTrace& trace) {
  uint8_t root[8];
  uint8_t remote[8];
  std::copy(trace.root_id.begin(), trace.root_id.end(), root);
  std::copy(trace.remote_parent.begin(), trace.remote_parent.end(), remote);
  const Json about = {{"name", trace.name},
                      {"conversation", trace.conversation_id},
                      {"user", trace.user_id},
                      {"agent", trace.agent_name},
                      {"root", std::vector<int>(root, root + 8)},
                      {"remote", std::vector<int>(remote, remote + 8)}};
  return dump(Json{{"trace", about}}) + "\n";
}

OtlpTrace trace_of(const Json& about) {
  OtlpTrace trace;
  trace.name = text_of(about, "name");
  trace.conversation_id = text_of(about, "conversation");
  trace.user_id = text_of(about, "user");
  trace.agent_name = text_of(about, "agent");
  for (size_t i = 0; i < 8; ++i) {
    if (about.contains("root")) trace.root_id[i] = static_cast<uint8_t>(about["root"].at(i).get<int>());
    if (about.contains("remote")) trace.remote_parent[i] = static_cast<uint8_t>(about["remote"].at(i).get<int>());
  }
  return trace;
}

// Of 16 hexadecimal digits; all zero: of anything else.
std::array<uint8_t, 8> id_of(std::string_view text) {
  std::array<uint8_t, 8> id{};
  if (text.size() != 16) return id;
  for (size_t i = 0; i < id.size(); ++i) std::from_chars(&text[2 * i], &text[2 * i] + 2, id[i], 16);
  return id;
}

// What the records and the files did not tell.
void complete_from(const TracePart& part, OtlpTrace* trace) {
  if (trace->name.empty()) trace->name = part.name;
  if (trace->conversation_id.empty()) trace->conversation_id = part.group_id;
  const std::array<uint8_t, 8> none{};
  if (trace->root_id == none) trace->root_id = id_of(part.root_id);
  if (trace->remote_parent == none) trace->remote_parent = id_of(part.remote_parent);
}

std::string iso_time(int64_t nanoseconds) {
  const time_t seconds = static_cast<time_t>(nanoseconds / 1'000'000'000);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(nanoseconds / kNanosecondsPerMillisecond % 1000));
  return std::string(text, size) + fraction;
}

std::string preview(const std::string& text) { return text.substr(0, utf8_cut(text, kPreviewBytes)); }

std::string info_of(const std::string& name, const TracePart& part, const RootSpan& root) {
  return "execution_duration_ms: " + std::to_string((root.end_ns - root.start_ns) / kNanosecondsPerMillisecond) +
         "\nrequest_preview: " + yaml_text(root.inputs.empty() ? part.request_preview : preview(root.inputs)) +
         "\nrequest_time: " + yaml_text(iso_time(root.start_ns)) +
         "\nresponse_preview: " + yaml_text(root.outputs.empty() ? part.response_preview : preview(root.outputs)) +
         "\nstate: " + (root.failed ? "ERROR" : "OK") + "\ntrace_id: " + yaml_text(name) +
         "\ntrace_location:\n  mlflow_experiment:\n    experiment_id: " + yaml_text(part.experiment_id) +
         "\n  type: MLFLOW_EXPERIMENT\n";
}

}  // namespace

Expected<OtlpTrace> TraceFiles::about(const Folder& experiment, const std::string& name, const TracePart& part) {
  if (part.start != nullptr) return open_[name] = encode::otlp_trace_of(*part.start);
  const auto known = open_.find(name);
  if (known != open_.end()) return known->second;
  const Expected<std::string> pending = experiment.read(pending_path(name), kMostHeaderBytes);
  if (!pending && pending.error().code == TR_EAGAIN) return pending.error();
  const Json first = Json::parse(pending ? pending->substr(0, pending->find('\n')) : "", nullptr, false);
  if (first.is_object() && first.contains("trace")) return open_[name] = trace_of(first["trace"]);
  if (part.end != nullptr) return encode::otlp_trace_of(*part.end);
  return OtlpTrace{};
}

// A line that a process left unfinished when it died is taken away first.
Error TraceFiles::append(const Folder& experiment, const std::string& name, const std::string& lines,
                         std::vector<Refusal>* refused) const {
  const Expected<UniqueFd> file = experiment.open_for_append(pending_path(name));
  if (!file) return file.error();
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return store_error(name, errno);
  if (static_cast<uint64_t>(info.st_size) + lines.size() > most_bytes_) {
    refused->push_back(
        too_many_spans(most_bytes_, static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n'))));
    return Error::none();
  }
  char last = '\n';
  if (info.st_size > 0) {
    const Expected<size_t> got = pread_all(file->get(), &last, 1, static_cast<uint64_t>(info.st_size) - 1);
    if (!got) return {TR_EAGAIN, got.error().message};
  }
  const std::string text = last == '\n' ? lines : "\n" + lines;
  if (Error error = write_all(file->get(), text.data(), text.size())) return {TR_EAGAIN, error.message};
  return Error::none();
}

Error TraceFiles::add(const Folder& experiment, const std::string& place, const TracePart& part,
                      std::vector<Refusal>* refused) {
  const tr_record* any = part.start != nullptr ? part.start : part.end;
  if (any == nullptr && !part.spans.empty()) any = part.spans.front();
  if (any == nullptr) return Error::none();
  const std::string name = trace_name_of(any->trace_id);
  Expected<OtlpTrace> trace = about(experiment, name, part);
  if (!trace) return trace.error();
  complete_from(part, &*trace);
  std::string lines = part.start != nullptr ? header_of(*trace) : std::string();
  for (const tr_record* span : part.spans) {
    std::string line;
    if (append_trace_span(*span, *trace, &line, nullptr)) lines += line + "\n";
  }
  if (part.end == nullptr) return lines.empty() ? Error::none() : append(experiment, name, lines, refused);
  SpanList list(most_bytes_);
  if (Error error = gather(experiment, name, &list)) return error;
  list.add_lines(lines);
  if (Error error = complete(experiment, place, name, *trace, part, &list)) return error;
  if (list.refused() > 0) refused->push_back(too_many_spans(most_bytes_, list.refused()));
  return Error::none();
}

// What was told of it before.
Error TraceFiles::gather(const Folder& experiment, const std::string& name, SpanList* list) const {
  const Expected<std::string> before = experiment.read("traces/" + name + kSpanFile);
  if (!before && before.error().code == TR_EAGAIN) return before.error();
  if (before) list->add_file(*before);
  const Expected<std::string> pending = experiment.read(pending_path(name));
  if (!pending && pending.error().code == TR_EAGAIN) return pending.error();
  if (pending) list->add_lines(*pending);
  return Error::none();
}

Error TraceFiles::complete(const Folder& experiment, const std::string& place, const std::string& name,
                           const OtlpTrace& trace, const TracePart& part, SpanList* list) {
  const std::string folder = "traces/" + name;
  std::vector<Item> tags = part.tags;
  std::string end;
  if (append_trace_span(*part.end, trace, &end, &tags)) list->add_root(end);
  const std::optional<RootSpan> root = list->complete();
  if (!root) return Error::none();

  std::vector<std::pair<std::string, std::string>> files;
  const auto file = [&](const char* kind, std::string_view key, const std::string& value) {
    if (!value.empty()) files.emplace_back(folder + kind + std::string(key), value);
  };
  for (const Item& tag : tags) file("/tags/", tag.key, tag.value);
  file("/tags/", names::kMlflowTraceName, root->name);
  file("/tags/", names::kMlflowArtifactLocation, file_uri(place + "/" + folder + "/artifacts"));
  file("/request_metadata/", names::kMlflowTraceSchema, "3");
  file("/request_metadata/", names::kMlflowTraceInputs, root->inputs);
  file("/request_metadata/", names::kMlflowTraceOutputs, root->outputs);
  file("/request_metadata/", names::kMlflowSourceRun, part.run_id);
  file("/request_metadata/", names::kMlflowTraceSession, trace.conversation_id);
  file("/request_metadata/", names::kMlflowTraceUser, trace.user_id);
  file("/request_metadata/", names::kMlflowTraceUsage, list->usage());
  if (Error error = stage_->replace(experiment, folder + kSpanFile, list->file())) return error;
  for (const auto& [path, value] : files) {
    Error error = stage_->replace(experiment, path, value);
    if (error && error.code != TR_EINVAL) return {TR_EAGAIN, error.message};  // a tag that cannot be a file is left out
  }
  const std::string info = info_of(name, part, *root);
  if (Error error = stage_->replace(experiment, folder + "/trace_info.yaml", info)) return {TR_EAGAIN, error.message};
  const Expected<Folder> traces = experiment.open("traces");
  if (traces) (void)::unlinkat(traces->fd(), ("." + name + ".spans").c_str(), 0);
  open_.erase(name);
  return Error::none();
}

}  // namespace trunkline::mlflow
