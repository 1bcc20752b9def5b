#include "processors/local/record_rows.hpp"

#include <sqlite3.h>

#include <cmath>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "model/kinds.hpp"

namespace trunkline::processors {
namespace {

using encode::HexId;
using encode::view;
using TraceHex = HexId<16>;
using SpanHex = HexId<8>;

size_t value_bytes(const tr_value& value) {
  switch (value.type) {
    case TR_TYPE_STR:
    case TR_TYPE_JSON:
      return value.size;
    case TR_TYPE_BYTES:
      return value.size * 4 / 3;
    case TR_TYPE_BOOL_ARRAY:
      return value.size * 6;
    case TR_TYPE_I64_ARRAY:
    case TR_TYPE_F64_ARRAY:
      return value.size * 20;
    case TR_TYPE_STR_ARRAY: {
      size_t bytes = 0;
      const auto* texts = static_cast<const tr_string*>(value.data);
      for (size_t i = 0; i < value.size; ++i) bytes += texts[i].size + 3;
      return bytes;
    }
    default:
      return 8;
  }
}

size_t attribute_bytes(const tr_attribute* attributes, size_t count) {
  size_t bytes = 0;
  for (size_t i = 0; i < count; ++i) bytes += attributes[i].key.size + value_bytes(attributes[i].value) + 8;
  return bytes;
}

std::string_view stop_reason(const tr_record& record) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& item = record.attributes[i];
    if (view(item.key) == "stop_reason" && item.value.type == TR_TYPE_STR) return encode::text_of(item.value);
  }
  return {};
}

void append_events(std::string* out, const tr_record& record) {
  out->push_back('[');
  for (size_t i = 0; i < record.event_count; ++i) {
    const tr_event& event = record.events[i];
    if (i > 0) out->push_back(',');
    encode::JsonObject object(out);
    object.string("name", view(event.name));
    object.i64("time_ns", event.time_ns);
    encode::append_json_attributes(object.member("attributes"), event.attributes, event.attribute_count);
    object.close();
  }
  out->push_back(']');
}

// The flags of input and output have no object of their own: they join those of the attributes.
void append_span_attributes(std::string* out, const tr_record& record) {
  encode::JsonObject object(out);
  for (size_t i = 0; i < record.attribute_count; ++i) object.attribute(record.attributes[i]);
  object.flag("$input", record.input);
  object.flag("$output", record.output);
  object.close();
}

}  // namespace

size_t estimate_bytes(const tr_record& record) {
  size_t bytes = 400 + record.name.size + record.error_message.size + record.model.size + value_bytes(record.input) +
                 value_bytes(record.output) + attribute_bytes(record.attributes, record.attribute_count);
  for (size_t i = 0; i < record.event_count; ++i) {
    bytes += 60 + record.events[i].name.size +
             attribute_bytes(record.events[i].attributes, record.events[i].attribute_count);
  }
  return bytes;
}

int RecordRows::put(const tr_record& record, std::string_view run_id) {
  switch (record.type) {
    case TR_RECORD_TRACE_START:
      return put_trace(record, run_id, false);
    case TR_RECORD_TRACE_END:
      return put_trace(record, run_id, true);
    case TR_RECORD_SPAN_END:
      return put_span(record);
    case TR_RECORD_EVENT:
      return put_event(record);
    case TR_RECORD_RUN_START:
      return put_run(record);
    case TR_RECORD_RUN_LOG:
      return put_metrics(record);
    case TR_RECORD_RUN_SUMMARY:
      return put_items(record, "summary");
    case TR_RECORD_RUN_CONFIG:
      return put_items(record, "config");
    case TR_RECORD_RUN_TAG:
      return put_tag(record);
    case TR_RECORD_RUN_ARTIFACT:
    case TR_RECORD_RUN_ADD_ARTIFACT:
    case TR_RECORD_RUN_USE_ARTIFACT:
    case TR_RECORD_RUN_MEDIA:
      return put_artifact(record);
    case TR_RECORD_RUN_FINISH: {
      const bool incomplete = (record.flags & TR_RECORD_INCOMPLETE) != 0;
      return writer_->finish_run(SpanHex(record.span_id).view(), record.end_ns != 0 ? record.end_ns : record.start_ns,
                                 incomplete ? "incomplete" : encode::run_status_name(record.run_status),
                                 record.exit_code);
    }
    default:
      return SQLITE_OK;
  }
}

int RecordRows::put_trace(const tr_record& record, std::string_view run_id, bool ended) {
  const TraceHex id(record.trace_id);
  const SpanHex part_id(record.span_id);
  std::string part(run_id);
  // A run continues a remote trace as often as it is asked to.
  if (!SpanHex(record.parent_id).is_zero()) part.append("/").append(part_id.view());
  attributes_.clear();
  encode::append_json_attributes(&attributes_, record.attributes, record.attribute_count);
  store::TraceRow row;
  row.id = id.view();
  row.run_id = run_id;
  row.part = part;
  row.name = view(record.name);
  row.group_id = view(record.group_id);
  row.foreign_id = view(record.foreign_id);
  row.start_ns = record.start_ns;
  row.end_ns = record.end_ns;
  row.ended = ended;
  row.error_type = view(record.error_type);
  row.error_message = view(record.error_message);
  row.stop_reason = stop_reason(record);
  row.metadata = attributes_;
  row.dropped_attributes = record.dropped_attributes;
  row.flags = record.flags;
  return writer_->put_trace(row);
}

store::ContentCell RecordRows::content(const tr_value& value, std::string* scratch) {
  const std::string_view type = encode::value_type_name(value.type);
  switch (value.type) {
    case TR_TYPE_NULL:
      return {};
    case TR_TYPE_STR:
    case TR_TYPE_JSON:
      return {encode::text_of(value), type, false};
    case TR_TYPE_BYTES:
      return {encode::text_of(value), type, true};
    default:
      scratch->clear();
      encode::append_json_value(scratch, value);
      return {*scratch, type, false};
  }
}

int RecordRows::put_span(const tr_record& record) {
  const TraceHex trace_id(record.trace_id);
  const SpanHex span_id(record.span_id);
  const SpanHex parent_id(record.parent_id);
  const std::string kind = kind_name(record.kind);
  attributes_.clear();
  append_span_attributes(&attributes_, record);
  events_.clear();
  append_events(&events_, record);
  store::SpanRow row;
  row.trace_id = trace_id.view();
  row.span_id = span_id.view();
  row.parent_id = parent_id.view_or_empty();
  row.kind = record.kind;
  row.kind_name = kind;
  row.name = view(record.name);
  row.start_ns = record.start_ns;
  row.end_ns = record.end_ns;
  row.status = encode::status_name(record.flags);
  row.model = view(record.model);
  row.usage = record.usage;
  row.score = record.score;
  row.has_score = !std::isnan(record.score);
  row.score_name = view(record.score_name);
  row.step = record.step;
  row.input = content(record.input, &input_);
  row.output = content(record.output, &output_);
  row.error_type = view(record.error_type);
  row.error_message = view(record.error_message);
  row.foreign_id = view(record.foreign_id);
  row.attributes = attributes_;
  row.events = events_;
  row.dropped_attributes = record.dropped_attributes;
  row.flags = record.flags;
  return writer_->put_span(row);
}

int RecordRows::put_event(const tr_record& record) {
  const TraceHex trace_id(record.trace_id);
  attributes_.clear();
  encode::append_json_attributes(&attributes_, record.attributes, record.attribute_count);
  return writer_->put_trace_event({trace_id.view(), record.start_ns, view(record.name), attributes_});
}

int RecordRows::put_run(const tr_record& record) {
  const SpanHex id(record.span_id);
  const TraceHex trace_id(record.trace_id);
  const int code = writer_->put_run({id.view(), trace_id.view_or_empty(), view(record.name), view(record.project),
                                     view(record.group_id), record.start_ns});
  return code != SQLITE_OK ? code : put_items(record, "config");
}

int RecordRows::put_metrics(const tr_record& record) {
  using Cell = store::RunMetricRow::Cell;
  const SpanHex id(record.span_id);
  int64_t step = record.step;
  int code = writer_->begin_run_log(id.view(), record.start_ns, &step);
  for (size_t i = 0; i < record.attribute_count && code == SQLITE_OK; ++i) {
    const tr_value& value = record.attributes[i].value;
    store::RunMetricRow row;
    row.run = id.view();
    row.step = step;
    row.time_ns = record.start_ns;
    row.key = view(record.attributes[i].key);
    row.type = encode::value_type_name(value.type);
    if (value.type == TR_TYPE_I64 || value.type == TR_TYPE_BOOL) {
      row.cell = Cell::kI64;
      row.i64 = value.i64;
    } else if (value.type == TR_TYPE_F64) {
      const bool number = !std::isnan(value.f64);
      row.cell = number ? Cell::kF64 : Cell::kNull;
      row.f64 = value.f64;
      row.type = number ? row.type : "nan";
    } else if (value.type != TR_TYPE_NULL) {
      value_.clear();
      if (value.type != TR_TYPE_STR) encode::append_json_value(&value_, value);
      row.cell = Cell::kText;
      row.text = value.type == TR_TYPE_STR ? encode::text_of(value) : std::string_view(value_);
    }
    code = writer_->put_run_metric(row);
  }
  return code;
}

int RecordRows::put_items(const tr_record& record, std::string_view section) {
  int code = SQLITE_OK;
  for (size_t i = 0; i < record.attribute_count && code == SQLITE_OK; ++i) {
    code = put_item(record, section, view(record.attributes[i].key), record.attributes[i].value);
  }
  return code;
}

// A tag's name is the record's; its value is the first attribute, or none.
int RecordRows::put_tag(const tr_record& record) {
  tr_value empty{};
  empty.type = TR_TYPE_STR;
  return put_item(record, "tag", view(record.name), record.attribute_count > 0 ? record.attributes[0].value : empty);
}

int RecordRows::put_artifact(const tr_record& record) {
  std::string about;
  encode::append_json_attributes(&about, record.attributes, record.attribute_count);
  tr_value value{};
  value.type = TR_TYPE_JSON;
  value.data = about.data();
  value.size = about.size();
  return put_item(record, "artifact", view(record.name), value);
}

int RecordRows::put_item(const tr_record& record, std::string_view section, std::string_view key,
                         const tr_value& value) {
  const SpanHex id(record.span_id);
  attributes_.clear();
  encode::append_json_value(&attributes_, value);
  value_.clear();
  (void)encode::append_json_flags(&value_, value);
  return writer_->put_run_item({id.view(), record.start_ns, section, key, attributes_, value_});
}

}  // namespace trunkline::processors
