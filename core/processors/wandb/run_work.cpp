#include "processors/wandb/run_work.hpp"

#include <algorithm>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"

namespace trunkline::wandb {
namespace {

using encode::view;
using processors::Counted;
using processors::kStopReason;

constexpr size_t kMostNameBytes = 500;
constexpr size_t kMostTagBytes = 64;
constexpr size_t kMostRowBytes = (size_t{10} << 20) - (size_t{100} << 10);
constexpr size_t kMostSummaryBytes = size_t{4} << 20;  // of one value that came with a row
constexpr int64_t kFailed = 1;
constexpr int64_t kKilled = 255;  // as W&B's own client says of a run that was interrupted

std::string quoted(std::string_view text) {
  std::string json;
  encode::append_json_string(&json, text);
  return json;
}

// At most so many bytes of UTF-8, at the end of a character.
std::string cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes));
}

std::string tag_text(const tr_record& record) {
  std::string tag(view(record.name));
  if (record.attribute_count == 0) return tag;
  const tr_value& value = record.attributes[0].value;
  const bool text = value.type == TR_TYPE_STR;
  if (text && value.size == 0) return tag;
  return tag + ":" + (text ? std::string(encode::text_of(value)) : json_of(value));
}

bool is_ours(std::string_view key) { return key == "_step" || key == "_timestamp" || key == "_runtime"; }

// JSON has no words for what is not finite, and a config is JSON.
std::string config_json(const tr_value& value) {
  std::string text;
  encode::append_json_value(&text, value);
  return text;
}

}  // namespace

std::string default_id(const std::string& key, const RunState& state) {
  const std::string id = key.substr(key.find('-') + 1);
  return state.above_root.empty() ? id : id + "-" + state.root_id;
}

void RunWork::set_config(const std::string& key, std::string json) {
  const auto found = state.config.find(key);
  if (found != state.config.end() && found->second == json) return;
  state.config[key] = json;
  delta.config[key] = std::move(json);
}

void RunWork::set_summary(const std::string& key, std::string json) {
  state.summary[key] = json;
  delta.summary[key] = std::move(json);
}

void RunWork::set_tag(std::string tag) {
  tag = cut(tag, kMostTagBytes);
  if (tag.empty() || std::find(state.tags.begin(), state.tags.end(), tag) != state.tags.end()) return;
  state.tags.push_back(std::move(tag));
  delta.tags_changed = true;
}

// What W&B would not take is left out as a whole, as its own client does: the lines after it keep their numbers.
void RunWork::emit(Row row) {
  if (row_text(row, state).size() > kMostRowBytes) {
    remarks.emplace_back("W&B takes no row of more than ten megabytes: such are left out");
    return;
  }
  state.next_step = processors::added(row.step, 1);
  state.last_ns = std::max(state.last_ns, row.ns);
  for (const auto& [key, json] : row.values) {
    if (json != "NaN" && json.size() <= kMostSummaryBytes) set_summary(key, json);
  }
  delta.rows.push_back(std::move(row));
}

void RunWork::flush_pending() {
  if (!state.pending) return;
  Row row = std::move(*state.pending);
  state.pending.reset();
  emit(std::move(row));
}

void RunWork::row(Values values, int64_t ns) {
  flush_pending();
  emit({state.next_step, ns, std::move(values)});
}

void RunWork::add_last_row(const std::string& key, std::string json, int64_t ns) { row({{key, std::move(json)}}, ns); }

void RunWork::add(const tr_record& record, const RunTerms& terms) {
  if (record.sequence != 0 && record.sequence <= state.sequence) return;
  state.sequence = record.sequence;
  begin(record, terms);
  switch (record.type) {
    case TR_RECORD_TRACE_START:
    case TR_RECORD_RUN_START:
      return add_start(record);
    case TR_RECORD_SPAN_END:
      return add_span(record, terms);
    case TR_RECORD_TRACE_END:
      return add_trace_end(record, terms);
    case TR_RECORD_RUN_LOG:
      return add_run_log(record);
    case TR_RECORD_RUN_SUMMARY:
      for (size_t i = 0; i < record.attribute_count; ++i) {
        const tr_attribute& each = record.attributes[i];
        set_summary(std::string(view(each.key)), json_of(each.value));
      }
      return;
    case TR_RECORD_RUN_CONFIG:
      for (size_t i = 0; i < record.attribute_count; ++i) {
        const tr_attribute& each = record.attributes[i];
        set_config(std::string(view(each.key)), config_json(each.value));
      }
      return;
    case TR_RECORD_RUN_TAG:
      return set_tag(tag_text(record));
    case TR_RECORD_RUN_ARTIFACT:
      return add_file(record);
    case TR_RECORD_RUN_ADD_ARTIFACT:
      return add_artifact(record);
    case TR_RECORD_RUN_USE_ARTIFACT:
      delta.used.push_back({std::string(view(record.name)), record.sequence});
      return;
    case TR_RECORD_RUN_MEDIA:
      return add_media(record);
    case TR_RECORD_RUN_FINISH:
      return add_run_finish(record);
    default:
      return;
  }
}

// What a run shows as its time goes on where it stood, whatever lies between: as with W&B's own client.
void RunWork::begin_clock(int64_t now_ns, int64_t ran_ns) {
  state.start_ns = std::max<int64_t>(1, now_ns - std::max<int64_t>(0, ran_ns));
  state.last_ns = std::max(state.start_ns, now_ns);
}

// By its first record, which is its start unless what was known of the run was lost.
void RunWork::begin(const tr_record& record, const RunTerms& terms) {
  if (record.type == TR_RECORD_EVENT) return;
  if (state.finished) {  // a run of a given id goes on with the next trace
    delta.begins = true;
    state.finished = false;
    begin_clock(record.start_ns, state.last_ns - state.start_ns);
  }
  if (state.start_ns != 0) return;
  delta.begins = true;
  begin_clock(record.start_ns, state.ran_ns);
  state.name = cut(terms.name.empty() ? view(record.name) : terms.name, kMostNameBytes);
  state.group = cut(terms.group.empty() ? view(record.group_id) : terms.group, kMostNameBytes);
  if (record.type == TR_RECORD_RUN_START) state.project = cut(view(record.project), kMostNameBytes);
  if (record.type == TR_RECORD_TRACE_START) {
    state.of_trace = true;
    state.root_id = encode::HexId<8>(record.span_id).view_or_empty();
    state.above_root = encode::HexId<8>(record.parent_id).view_or_empty();
  }
  for (const auto& [key, json] : terms.config) set_config(key, json);
  for (const std::string& tag : terms.tags) set_tag(tag);
  state.config_known = !state.resumed;
}

// A run of the host inside a trace, and a second trace of the same id, join the run that is there.
void RunWork::add_start(const tr_record& record) {
  ++(record.type == TR_RECORD_TRACE_START ? state.open : state.open_runs);
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    set_config(std::string(view(each.key)), config_json(each.value));
  }
}

void RunWork::add_span(const tr_record& record, const RunTerms& terms) {
  if (terms.trace_tree) spans.push_back(&record);
  const Counted counted = state.count(record);
  const auto name = [&] { return quoted(counted.name.empty() ? "unknown" : counted.name); };
  switch (counted.as) {
    case Counted::As::kNothing:
      return;
    case Counted::As::kGeneration: {
      Values values = {{"generation/total_tokens", std::to_string(counted.total)}, {"generation/model", name()}};
      if (counted.parts) {
        values["generation/prompt_tokens"] = std::to_string(counted.prompt);
        values["generation/completion_tokens"] = std::to_string(counted.completion);
      }
      return row(std::move(values), record.end_ns);
    }
    case Counted::As::kStep:
      return row({{"step/number", std::to_string(counted.number)}}, record.end_ns);
    case Counted::As::kCall:
      return row({{std::string(counted.what) + "/name", quoted(counted.name)}}, record.end_ns);
    case Counted::As::kScore: {
      tr_value score{};
      score.type = TR_TYPE_F64;
      score.f64 = counted.score;
      return row({{"critic/score", json_of(score)}, {"critic/name", name()}}, record.end_ns);
    }
  }
}

void RunWork::add_trace_end(const tr_record& record, const RunTerms& terms) {
  flush_pending();
  ended.push_back(&record);
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    if (view(each.key) != kStopReason) set_config(std::string(view(each.key)), config_json(each.value));
  }
  state.at_end([&](const char* name, auto value) {
    std::string json;
    if constexpr (std::is_integral_v<decltype(value)>) {
      encode::append_json_i64(&json, value);
    } else {
      encode::append_json_f64(&json, value);
    }
    set_summary(name, std::move(json));
  });
  const std::string_view stop_reason = processors::text_attribute(record, kStopReason);
  if (!stop_reason.empty()) set_summary(std::string(kStopReason), quoted(stop_reason));
  if (state.open > 0) --state.open;
  const bool incomplete = (record.flags & TR_RECORD_INCOMPLETE) != 0;
  const bool failed = (record.flags & TR_RECORD_FAILED) != 0;
  if (terms.auto_finish) say_exit(failed ? kFailed : incomplete ? kKilled : 0);
  end_if_over(record.end_ns);
}

// Logs for one step make one row, which is there when another step begins. A step that is over gets nothing more, as
// with W&B's own client; but what was logged is kept, in a row of its own.
void RunWork::add_run_log(const tr_record& record) {
  Values values;
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    if (!is_ours(view(each.key))) values[std::string(view(each.key))] = json_of(each.value);
  }
  if (!values.empty()) add_values(std::move(values), record.step, record.start_ns);
}

void RunWork::add_values(Values values, int64_t step, int64_t ns) {
  if (step < 0) return row(std::move(values), ns);
  if (state.pending && state.pending->step == step) {
    for (auto& [key, json] : values) state.pending->values[key] = std::move(json);
    state.pending->ns = ns;
    return;
  }
  flush_pending();
  if (step < state.next_step) {
    values.emplace("step", std::to_string(step));
    remarks.emplace_back(
        "W&B: metrics logged for a step that is over are rows of their own, with the step as \"step\"");
    return row(std::move(values), ns);
  }
  state.pending = Row{step, ns, std::move(values)};
}

void RunWork::lose(const char* what, const tr_record& record, const std::string& why) {
  const std::string name(view(record.name));
  lost.push_back({record.sequence, name, what + name + " is not stored: " + why});
}

void RunWork::add_file(const tr_record& record) {
  auto file = processors::recorded_file(record);
  if (file) return delta.files.push_back(std::move(*file));
  lose("the file ", record, file.error().message);
}

void RunWork::add_artifact(const tr_record& record) {
  auto artifact = recorded_artifact(record, state.id);
  if (artifact) return delta.artifacts.push_back(std::move(*artifact));
  lose("the artifact ", record, artifact.error().message);
}

// The row says what the file was when it was logged, whatever becomes of the file.
void RunWork::add_media(const tr_record& record) {
  auto media = processors::recorded_media(record);
  if (!media) return lose("the image or page ", record, media.error().message);
  if (is_ours(media->file.path)) return;
  if (record.step < 0) flush_pending();
  const std::string path = processors::media_path(*media, record.step < 0 ? state.next_step : record.step);
  if (!is_relative_path(path)) return lose("the image or page ", record, "its name is too long");
  add_values({{media->file.path, media_json(*media, path)}}, record.step, record.start_ns);
  media->file.path = path;
  delta.files.push_back(std::move(media->file));
}

// A run of the host that was left open says nothing of how the trace it is in ends.
void RunWork::add_run_finish(const tr_record& record) {
  flush_pending();
  const bool incomplete = (record.flags & TR_RECORD_INCOMPLETE) != 0;
  int64_t code = record.exit_code;
  if (code == 0 && record.run_status == TR_RUN_FAILED) code = kFailed;
  if (code == 0 && (record.run_status == TR_RUN_KILLED || incomplete)) code = kKilled;
  if (state.open_runs > 0) --state.open_runs;
  if (!incomplete || !state.of_trace) say_exit(code);
  end_if_over(record.end_ns != 0 ? record.end_ns : record.start_ns);
}

// The first bad news is what counts.
void RunWork::say_exit(int64_t code) {
  if (state.exit_code.value_or(0) == 0) state.exit_code = code;
}

// When nothing is open any more. Without anybody having said how it ends it stays open at W&B: auto_finish is off.
void RunWork::end_if_over(int64_t ns) {
  if (state.open > 0 || state.open_runs > 0) return;
  over = true;
  delta.exit_code = state.exit_code;
  delta.end_ns = ns;
  state.finished = state.exit_code.has_value();
  state.exit_code.reset();
}

}  // namespace trunkline::wandb
