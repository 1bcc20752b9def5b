#include "processors/mlflow/run_work.hpp"

#include <algorithm>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "model/names.hpp"
#include "processors/mlflow/mlflow_keys.hpp"

namespace trunkline::mlflow {
namespace {

using encode::view;
using processors::added;
using processors::Counted;
using processors::kStopReason;

constexpr size_t kNameCharacters = 250;
constexpr size_t kPreviewCharacters = 1000;

}  // namespace

void put_tag(std::vector<Item>* tags, std::string_view key, std::string_view value) {
  std::string legal = legal_key(key);
  std::string cut(cut_text(value, kMostTagCharacters));
  for (Item& each : *tags) {
    if (each.key != legal) continue;
    each.value = std::move(cut);
    return;
  }
  tags->push_back({std::move(legal), std::move(cut)});
}

void RunWork::metric(std::string_view key, double value, int64_t step, int64_t ns) {
  items.metrics.push_back({legal_key(key), value, std::max<int64_t>(0, ns / 1'000'000), step});
}

void RunWork::tag(std::string_view key, std::string_view value) { put_tag(&items.tags, key, value); }

// A param cannot change: what comes later is a tag.
void RunWork::param(std::string_view key, std::string_view value) {
  std::string legal = legal_key(key);
  std::string cut(cut_text(value, kMostParamCharacters));
  const auto [seen, fresh] = state.params.emplace(legal, cut);
  if (fresh) {
    items.params.push_back({std::move(legal), std::move(cut)});
  } else if (seen->second != cut) {
    tag(key, value);
    remarks.push_back("a param of MLflow cannot change: further values of \"" + legal + "\" are tags");
  }
}

void RunWork::params_of(const tr_record& record, bool ended) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    if (ended && view(each.key) == kStopReason) continue;
    param(view(each.key), value_text(each.value));
  }
}

void RunWork::add(const tr_record& record, bool keep_open) {
  if (record.sequence != 0 && record.sequence <= state.sequence) return;
  state.sequence = record.sequence;
  parts.resize(state.traces.size());
  switch (record.type) {
    case TR_RECORD_TRACE_START:
      return add_trace_start(record);
    case TR_RECORD_SPAN_END:
      return add_span(record);
    case TR_RECORD_TRACE_END:
      return add_trace_end(record, keep_open);
    case TR_RECORD_RUN_START:
      if (state.start_ns == 0) project = view(record.project);  // what joins another run is where that is
      return add_start(record);
    case TR_RECORD_RUN_LOG:
      return add_run_log(record);
    case TR_RECORD_RUN_SUMMARY:
      return add_run_summary(record);
    case TR_RECORD_RUN_CONFIG:
      return params_of(record, false);
    case TR_RECORD_RUN_TAG:
      return tag(view(record.name), record.attribute_count > 0 ? value_text(record.attributes[0].value) : "");
    case TR_RECORD_RUN_ARTIFACT:
      return add_artifact(record);
    case TR_RECORD_RUN_ADD_ARTIFACT:
      return add_artifact_files(record);
    case TR_RECORD_RUN_MEDIA:
      return add_media(record);
    case TR_RECORD_RUN_FINISH:
      return add_run_finish(record);
    default:
      return;
  }
}

// A run of the host inside a trace, and a second trace of the same id, join the run that is there.
void RunWork::add_start(const tr_record& record) {
  if (state.start_ns == 0) {
    state.start_ns = record.start_ns;
    state.name = cut_text(view(record.name), kNameCharacters);
    state.group_id = cut_text(view(record.group_id), kNameCharacters);
  }
  params_of(record, false);
}

void RunWork::add_trace_start(const tr_record& record) {
  const size_t index = trace_with_root(record);
  parts[index].start = &record;
  TraceState& trace = state.traces[index];
  trace.open = true;
  trace.remote_parent = encode::HexId<8>(record.parent_id).view_or_empty();
  trace.name = cut_text(view(record.name), kNameCharacters);
  trace.group_id = cut_text(view(record.group_id), kNameCharacters);
  trace.service_name = cut_text(processors::text_attribute(record, names::kServiceName), kNameCharacters);
  ++state.open;
  add_start(record);
}

size_t RunWork::add_trace(std::string_view trace_id, std::string_view root_id) {
  TraceState& trace = state.traces.emplace_back();
  trace.trace_id = trace_id;
  trace.root_id = root_id;
  parts.resize(state.traces.size());
  return state.traces.size() - 1;
}

// Of a start or an end. A process may serve several requests of one distributed trace: each has a root of its own.
size_t RunWork::trace_with_root(const tr_record& record) {
  const encode::HexId<16> id(record.trace_id);
  const encode::HexId<8> root(record.span_id);
  for (size_t i = state.traces.size(); i-- > 0;) {
    TraceState& trace = state.traces[i];
    if (trace.trace_id != id.view()) continue;
    if (trace.root_id.empty() && parts[i].start == nullptr && parts[i].end == nullptr) {
      trace.root_id = root.view_or_empty();
    }
    if (trace.root_id == root.view_or_empty()) return i;
  }
  return add_trace(id.view(), root.view_or_empty());
}

// Of a span, which does not say which of several roots it is below.
size_t RunWork::newest_trace(const tr_record& record) {
  const encode::HexId<16> id(record.trace_id);
  size_t found = state.traces.size();
  for (size_t i = state.traces.size(); i-- > 0;) {
    if (state.traces[i].trace_id != id.view()) continue;
    if (state.traces[i].open) return i;
    if (found == state.traces.size()) found = i;
  }
  return found < state.traces.size() ? found : add_trace(id.view(), {});
}

std::vector<TracePart> RunWork::take_parts() {
  std::vector<TracePart> told;
  for (size_t i = 0; i < parts.size(); ++i) {
    TracePart& part = parts[i];
    if (part.start == nullptr && part.end == nullptr && part.spans.empty()) continue;
    const TraceState& trace = state.traces[i];
    part.name = trace.name;
    part.group_id = trace.group_id;
    part.root_id = trace.root_id;
    part.remote_parent = trace.remote_parent;
    part.service_name = trace.service_name;
    part.request_preview = trace.request_preview;
    part.response_preview = trace.response_preview;
    told.push_back(std::move(part));
  }
  parts.clear();
  return told;
}

void RunWork::add_span(const tr_record& record) {
  const size_t index = newest_trace(record);
  parts[index].spans.push_back(&record);
  preview(record, &state.traces[index]);
  const Counted counted = state.count(record);
  switch (counted.as) {
    case Counted::As::kNothing:
      return;
    case Counted::As::kGeneration:
      return add_generation(counted, record.end_ns);
    case Counted::As::kStep:
      return metric("step/number", static_cast<double>(counted.number), counted.step, record.end_ns);
    case Counted::As::kCall:
      tag(std::string(counted.what) + "/name", counted.name);
      return tag(std::string(counted.what) + "." + std::string(counted.name) + ".called", "true");
    case Counted::As::kScore:
      metric("critic/score", counted.score, counted.step, record.end_ns);
      if (!counted.name.empty()) tag("critic.last_name", counted.name);
      return;
  }
}

// What the outermost spans took and gave is what the trace did.
void RunWork::preview(const tr_record& record, TraceState* trace) {
  const encode::HexId<8> parent(record.parent_id);
  const std::string_view above = parent.view_or_empty();
  if (!above.empty() && above != trace->root_id && above != trace->remote_parent) return;
  if (trace->request_preview.empty() && record.input.type != TR_TYPE_NULL) {
    trace->request_preview = cut_text(value_text(record.input), kPreviewCharacters);
  }
  if (record.output.type != TR_TYPE_NULL) {
    trace->response_preview = cut_text(value_text(record.output), kPreviewCharacters);
  }
}

void RunWork::add_generation(const Counted& counted, int64_t ns) {
  if (counted.parts) {
    metric("generation/prompt_tokens", static_cast<double>(counted.prompt), counted.step, ns);
    metric("generation/completion_tokens", static_cast<double>(counted.completion), counted.step, ns);
  }
  metric("generation/total_tokens", static_cast<double>(counted.total), counted.step, ns);
  if (!counted.name.empty()) param("generation_model", counted.name);
}

void RunWork::add_trace_end(const tr_record& record, bool keep_open) {
  const size_t index = trace_with_root(record);
  parts[index].end = &record;
  TraceState& trace = state.traces[index];
  trace.open = false;
  if (trace.name.empty()) trace.name = cut_text(view(record.name), kNameCharacters);
  if (trace.group_id.empty()) trace.group_id = cut_text(view(record.group_id), kNameCharacters);
  params_of(record, true);
  const std::string_view stop_reason = processors::text_attribute(record, kStopReason);
  if (!stop_reason.empty()) tag(kStopReason, stop_reason);
  state.at_end([&](const char* name, auto value) { metric(name, static_cast<double>(value), 0, record.end_ns); });
  if (state.open > 0) --state.open;
  if (keep_open || state.open > 0) return;
  const bool incomplete = (record.flags & TR_RECORD_INCOMPLETE) != 0;
  const bool failed = (record.flags & TR_RECORD_FAILED) != 0;
  const RunStatus own = failed ? RunStatus::kFailed : incomplete ? RunStatus::kKilled : RunStatus::kFinished;
  ends_as = state.status != 0 && own == RunStatus::kFinished ? static_cast<RunStatus>(state.status) : own;
  end_ms = record.end_ns / 1'000'000;
}

void RunWork::add_run_log(const tr_record& record) {
  const int64_t step = record.step >= 0 ? record.step : state.log_step;
  state.log_step = added(step, 1);
  for (size_t i = 0; i < record.attribute_count; ++i) {
    double number = 0;
    const tr_attribute& each = record.attributes[i];
    if (value_number(each.value, &number)) {
      metric(view(each.key), number, step, record.start_ns);
    } else {
      tag(view(each.key), value_text(each.value));
    }
  }
}

// The last value of a metric is that of its highest step.
void RunWork::add_run_summary(const tr_record& record) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    double number = 0;
    const tr_attribute& each = record.attributes[i];
    if (value_number(each.value, &number)) {
      metric(view(each.key), number, state.log_step, record.start_ns);
    } else {
      tag(view(each.key), value_text(each.value));
    }
  }
}

// Without the name of the file, which is content, there is nothing to store.
void RunWork::not_recorded(const tr_record& record, const std::string& why) {
  remarks.push_back("the artifact " + std::string(view(record.name)) + " is not stored: " + why);
}

void RunWork::add_file(const tr_record& record, processors::RunFile file) {
  artifacts.push_back({record.sequence, std::move(file)});
}

void RunWork::add_artifact(const tr_record& record) {
  auto file = processors::recorded_file(record);
  if (!file) return not_recorded(record, file.error().message);
  add_file(record, std::move(*file));
}

void RunWork::add_artifact_files(const tr_record& record) {
  auto files = processors::recorded_files(record);
  if (!files) return not_recorded(record, files.error().message);
  for (processors::RunFile& file : *files) {
    file.path = std::string(view(record.name)) + "/" + file.path;
    add_file(record, std::move(file));
  }
}

// MLflow has no media in its metrics: they are files, by key and step.
void RunWork::add_media(const tr_record& record) {
  auto media = processors::recorded_media(record);
  if (!media) return not_recorded(record, media.error().message);
  media->file.path = processors::media_path(*media, record.step);
  add_file(record, std::move(media->file));
}

// Inside of a trace it says how the trace's run ends; when the trace does not end it, it does.
void RunWork::add_run_finish(const tr_record& record) {
  const bool incomplete = (record.flags & TR_RECORD_INCOMPLETE) != 0;
  RunStatus status = RunStatus::kFinished;
  if (record.run_status == TR_RUN_FAILED) status = RunStatus::kFailed;
  if (record.run_status == TR_RUN_KILLED || incomplete) status = RunStatus::kKilled;
  if (record.exit_code != 0) tag("exit_code", std::to_string(record.exit_code));
  const int64_t ns = record.end_ns != 0 ? record.end_ns : record.start_ns;
  if (state.open > 0) {
    if (!incomplete) state.status = static_cast<int>(status);
    return;
  }
  ends_as = status;
  end_ms = ns / 1'000'000;
}

}  // namespace trunkline::mlflow
