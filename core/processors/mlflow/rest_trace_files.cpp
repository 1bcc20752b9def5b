#include "processors/mlflow/rest_trace_files.hpp"

#include <nlohmann/json.hpp>

#include "model/names.hpp"
#include "net/url.hpp"
#include "processors/mlflow/mlflow_trace_json.hpp"
#include "processors/mlflow/rest_trace_info.hpp"

namespace trunkline::mlflow {
namespace {

using nlohmann::json;

constexpr const char* kSpanFile = "traces.json";

}  // namespace

// The server puts the artifacts of a trace below those of its experiment, which is known before the trace is.
Expected<std::string> RestTraceFiles::artifacts_of(const std::string& experiment_id) {
  const auto known = experiments_.find(experiment_id);
  if (known != experiments_.end()) return known->second;
  std::string answer;
  const std::string call = "/api/2.0/mlflow/experiments/get?experiment_id=" + net::escape_url(experiment_id);
  if (Error error = rest_->get(call, &answer)) return error;
  const json experiment = json::parse(answer).value("experiment", json());
  const json uri = experiment.is_object() ? experiment.value("artifact_location", json()) : json();
  auto path = artifact_path(uri.is_string() ? uri.get<std::string>() : std::string());
  if (path) experiments_[experiment_id] = *path;
  return path;
}

// Nothing is there of a trace whose start is among these records.
Error RestTraceFiles::put_spans(const TracePart& part, const std::string& name, const std::string& lines,
                                SpanList* list) {
  const auto root = artifacts_of(part.experiment_id);
  if (!root) return root.error();
  const std::string folder = *root + "/traces/" + name + "/artifacts";
  if (part.start == nullptr) {
    const auto before = artifacts_.get(folder, kSpanFile);
    if (!before) return before.error();
    list->add_file(*before);
  }
  list->add_lines(lines);
  if (part.end != nullptr) (void)list->complete();
  return list->empty() ? Error::none() : artifacts_.put(folder + "/" + kSpanFile, list->file());
}

// A store of files takes this once only, and calls the second time a failure of its own.
Error RestTraceFiles::make_trace(const TracePart& part, const std::string& name, const SpanList& list) {
  std::string answer;
  Error error = rest_->get("/api/3.0/mlflow/traces/" + name, &answer);
  if (error.code != TR_ENOENT) return error;
  const std::vector<Item> metadata = {{std::string(names::kMlflowTraceSchema), "3"},
                                      {std::string(names::kMlflowTraceUsage), list.usage()}};
  return rest_->post("/api/3.0/mlflow/traces", trace_info_body(part, metadata), &answer, true);
}

Error RestTraceFiles::add(const TracePart& part, const encode::OtlpTrace& trace) {
  const tr_record* any = part.start != nullptr ? part.start : part.end;
  if (any == nullptr && !part.spans.empty()) any = part.spans.front();
  if (any == nullptr) return Error::none();
  const std::string name = trace_name_of(any->trace_id);
  std::string lines;
  const auto add_line = [&](const tr_record& record, std::vector<Item>* tags) {
    std::string line;
    if (append_trace_span(record, trace, &line, tags)) lines += line + "\n";
  };
  for (const tr_record* span : part.spans) add_line(*span, nullptr);
  TracePart told = part;
  if (part.end != nullptr) add_line(*part.end, &told.tags);
  SpanList list;
  Error error = put_spans(part, name, lines, &list);
  if (error.code == TR_EAGAIN || part.end == nullptr) return error;
  Error failed = make_trace(told, name, list);
  return failed ? failed : error;
}

}  // namespace trunkline::mlflow
