#include "processors/jsonl/jsonl_line.hpp"

#include <cmath>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "model/kinds.hpp"

namespace trunkline::processors {
namespace {

using encode::HexId;
using encode::JsonObject;
using encode::view;

bool is_span(tr_record_type type) { return type == TR_RECORD_SPAN_START || type == TR_RECORD_SPAN_END; }
bool is_run(tr_record_type type) { return type >= TR_RECORD_RUN_START && type <= TR_RECORD_RUN_MEDIA; }
bool is_end(tr_record_type type) { return type == TR_RECORD_SPAN_END || type == TR_RECORD_TRACE_END; }

void add_ids(JsonObject* line, const tr_record& record) {
  const HexId<16> trace(record.trace_id);
  const HexId<8> span(record.span_id);
  const HexId<8> parent(record.parent_id);
  line->string_unless_empty("trace", trace.view_or_empty());
  line->string_unless_empty(is_run(record.type) ? "metrics_run" : "span", span.view_or_empty());
  line->string_unless_empty("parent", parent.view_or_empty());
}

void add_flags(JsonObject* line, uint32_t flags) {
  if (flags == 0) return;
  std::string* out = line->member("flags");
  char separator = '[';
  const auto add = [&](uint32_t flag, std::string_view word) {
    if ((flags & flag) == 0) return;
    out->push_back(separator);
    encode::append_json_string(out, word);
    separator = ',';
  };
  add(TR_RECORD_INCOMPLETE, "incomplete");
  add(TR_RECORD_FAILED, "failed");
  add(TR_RECORD_TIME_CLAMPED, "time_clamped");
  add(TR_RECORD_RECOVERED, "recovered");
  out->append(separator == '[' ? "[]" : "]");
}

void add_usage(JsonObject* line, const tr_usage& usage) {
  struct Count {
    std::string_view name;
    int64_t tokens;
  };
  const Count counts[] = {
      {"input", usage.input},           {"output", usage.output},           {"total", usage.total},
      {"cache_read", usage.cache_read}, {"cache_write", usage.cache_write}, {"reasoning", usage.reasoning}};
  bool any = false;
  for (const Count& count : counts) any |= count.tokens >= 0;
  if (!any) return;
  JsonObject object(line->member("usage"));
  for (const Count& count : counts) {
    if (count.tokens >= 0) object.i64(count.name, count.tokens);
  }
  object.close();
}

void add_score(JsonObject* line, const tr_record& record) {
  if (std::isnan(record.score) && record.score_name.size == 0) return;
  tr_value score{};
  score.type = TR_TYPE_F64;
  score.f64 = record.score;
  line->value("score", score);
  line->string_unless_empty("score_name", view(record.score_name));
}

void add_error(JsonObject* line, const tr_record& record) {
  if (record.error_type.size == 0 && record.error_message.size == 0) return;
  JsonObject error(line->member("error"));
  error.string("type", view(record.error_type));
  error.string("message", view(record.error_message));
  error.close();
}

void add_events(JsonObject* line, const tr_record& record) {
  if (record.event_count == 0) return;
  std::string* out = line->member("events");
  for (size_t i = 0; i < record.event_count; ++i) {
    const tr_event& event = record.events[i];
    out->push_back(i == 0 ? '[' : ',');
    JsonObject object(out);
    object.string("name", view(event.name));
    object.i64("time_ns", event.time_ns);
    encode::append_json_attributes(object.member("attributes"), event.attributes, event.attribute_count);
    object.close();
  }
  out->push_back(']');
}

}  // namespace

std::string line_prefix(std::string_view run_id) {
  std::string prefix = "{\"run\":";
  encode::append_json_string(&prefix, run_id);
  return prefix + ",\"seq\":";
}

void append_line(std::string* out, const tr_record& record, std::string_view prefix) {
  out->append(prefix);
  encode::append_json_i64(out, static_cast<int64_t>(record.sequence));
  JsonObject line = JsonObject::continued(out);
  line.string("type", encode::record_type_name(record.type));
  add_ids(&line, record);
  if (is_span(record.type)) line.string("kind", kind_name(record.kind));
  line.string_unless_empty("name", view(record.name));
  line.i64("start_ns", record.start_ns);
  if (record.end_ns != 0) line.i64("end_ns", record.end_ns);
  if (is_end(record.type)) line.string("status", encode::status_name(record.flags));
  add_flags(&line, record.flags);
  line.string_unless_empty("group_id", view(record.group_id));
  line.string_unless_empty("project", view(record.project));
  line.string_unless_empty("foreign_id", view(record.foreign_id));
  line.string_unless_empty("model", view(record.model));
  if (is_span(record.type)) {
    add_usage(&line, record.usage);
    add_score(&line, record);
  }
  if (record.step >= 0) line.i64("step", record.step);
  add_error(&line, record);
  if (record.input.type != TR_TYPE_NULL) line.value("input", record.input);
  if (record.output.type != TR_TYPE_NULL) line.value("output", record.output);
  if (record.type == TR_RECORD_RUN_FINISH) {
    line.string("run_status", encode::run_status_name(record.run_status));
    line.i64("exit_code", record.exit_code);
  }
  if (record.dropped_attributes > 0) line.i64("dropped_attributes", record.dropped_attributes);
  if (record.attribute_count > 0) {
    encode::append_json_attributes(line.member("attributes"), record.attributes, record.attribute_count);
  }
  add_events(&line, record);
  line.close();
  out->push_back('\n');
}

}  // namespace trunkline::processors
