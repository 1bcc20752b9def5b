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
  switch (record.type) {
    case TR_RECORD_TRACE_START:
      return add_start(record);
    case TR_RECORD_SPAN_END:
      return add_span(record);
    case TR_RECORD_TRACE_END:
      return add_trace_end(record, keep_open);
    case TR_RECORD_RUN_START:
      add_start(record);
      project = view(record.project);
      return;
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
    case TR_RECORD_RUN_FINISH:
      return add_run_finish(record);
    default:
      return;
  }
}

// A run of the host inside a trace, and a second trace of the same id, join the run that is there.
void RunWork::add_start(const tr_record& record) {
  const bool of_trace = record.type == TR_RECORD_TRACE_START;
  if (of_trace) {
    ++state.open;
    part.start = &record;
  }
  if (state.start_ns == 0) {
    begins = true;
    state.start_ns = record.start_ns;
    state.name = cut_text(view(record.name), kNameCharacters);
    state.group_id = cut_text(view(record.group_id), kNameCharacters);
    if (of_trace) state.root_id = encode::HexId<8>(record.span_id).view_or_empty();
    if (of_trace) state.remote_parent = encode::HexId<8>(record.parent_id).view_or_empty();
    for (size_t i = 0; of_trace && i < record.attribute_count; ++i) {
      const tr_attribute& each = record.attributes[i];
      if (view(each.key) == names::kServiceName && each.value.type == TR_TYPE_STR) {
        state.service_name = cut_text(encode::text_of(each.value), kNameCharacters);
      }
    }
  }
  params_of(record, false);
}

void RunWork::add_span(const tr_record& record) {
  part.spans.push_back(&record);
  preview(record);
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
void RunWork::preview(const tr_record& record) {
  const encode::HexId<8> parent(record.parent_id);
  const std::string_view above = parent.view_or_empty();
  if (!above.empty() && above != state.root_id && above != state.remote_parent) return;
  if (state.request_preview.empty() && record.input.type != TR_TYPE_NULL) {
    state.request_preview = cut_text(value_text(record.input), kPreviewCharacters);
  }
  if (record.output.type != TR_TYPE_NULL) {
    state.response_preview = cut_text(value_text(record.output), kPreviewCharacters);
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
  part.end = &record;
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
void RunWork::add_artifact(const tr_record& record) {
  Artifact artifact{record.sequence, std::string(view(record.name)), {}, {}};
  size_t known = 0;
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    const bool whole = each.value.flags == 0;
    known += whole ? 1 : 0;
    if (view(each.key) == names::kArtifactSize) artifact.version.size = each.value.i64;
    if (view(each.key) == names::kArtifactModified) artifact.version.modified_ns = each.value.i64;
    if (view(each.key) == names::kArtifactFile && whole) artifact.file = encode::text_of(each.value);
  }
  if (artifact.file.empty() || known != 3) {
    remarks.push_back("the artifact " + artifact.path + " is not stored: its file was not recorded");
  } else {
    artifacts.push_back(std::move(artifact));
  }
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
