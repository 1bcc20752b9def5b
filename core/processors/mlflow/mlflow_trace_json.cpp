#include "processors/mlflow/mlflow_trace_json.hpp"

#include <cmath>
#include <protozero/pbf_reader.hpp>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "encode/otlp_fields.hpp"
#include "model/names.hpp"

namespace trunkline::mlflow {
namespace {

using namespace encode;
using protozero::pbf_reader;

std::string_view view_of(protozero::data_view bytes) { return {bytes.data(), bytes.size()}; }

// Numbers that are none: within a text as Python's JSON has them, in the file itself, which others read too, as texts.
enum class NotFinite { Word, Text };

void append_double(std::string* out, double value, NotFinite form) {
  if (std::isfinite(value)) return append_json_f64(out, value);
  const std::string_view word = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  form == NotFinite::Text ? append_json_string(out, word) : void(out->append(word));
}

void append_any(std::string* out, pbf_reader any, NotFinite form);

void append_list(std::string* out, pbf_reader list, NotFinite form) {
  out->push_back('[');
  for (bool first = true; list.next(otlp::container::kValues); first = false) {
    if (!first) out->push_back(',');
    append_any(out, list.get_message(), form);
  }
  out->push_back(']');
}

void append_map(std::string* out, pbf_reader map, NotFinite form) {
  out->push_back('{');
  for (bool first = true; map.next(otlp::container::kValues); first = false) {
    if (!first) out->push_back(',');
    pbf_reader pair = map.get_message();
    while (pair.next()) {
      if (pair.tag() == otlp::key_value::kKey) {
        append_json_string(out, view_of(pair.get_view()));
        out->push_back(':');
      } else {
        append_any(out, pair.get_message(), form);
      }
    }
  }
  out->push_back('}');
}

void append_any(std::string* out, pbf_reader any, NotFinite form) {
  if (!any.next()) return void(out->append("null"));
  switch (any.tag()) {
    case otlp::any_value::kString:
      return append_json_string(out, view_of(any.get_view()));
    case otlp::any_value::kBool:
      return void(out->append(any.get_bool() ? "true" : "false"));
    case otlp::any_value::kInt:
      return append_json_i64(out, any.get_int64());
    case otlp::any_value::kDouble:
      return append_double(out, any.get_double(), form);
    case otlp::any_value::kArray:
      return append_list(out, any.get_message(), form);
    case otlp::any_value::kMap:
      return append_map(out, any.get_message(), form);
    default:
      return void(out->append("null"));
  }
}

void append_id(std::string* out, protozero::data_view id) {
  out->push_back('"');
  append_base64(out, view_of(id));
  out->push_back('"');
}

// The members of "attributes": of a span each value is a text that holds JSON, of an event JSON itself.
class AttributeWriter {
 public:
  explicit AttributeWriter(bool as_text) : as_text_(as_text) {}

  void add(pbf_reader pair, std::vector<Item>* tags) {
    std::string_view key;
    std::string value;
    while (pair.next()) {
      if (pair.tag() == otlp::key_value::kKey) {
        key = view_of(pair.get_view());
      } else if (tags != nullptr && is_tag(key)) {
        pbf_reader any = pair.get_message();
        if (any.next(otlp::any_value::kString)) value = any.get_string();
        tags->push_back({std::string(key.substr(names::kMlflowTraceTagPrefix.size())), value});
        return;
      } else {
        append_any(&value, pair.get_message(), as_text_ ? NotFinite::Word : NotFinite::Text);
      }
    }
    json(key, value);
  }
  void json(std::string_view key, std::string_view value) {
    if (!members_.empty()) members_.push_back(',');
    append_json_string(&members_, key);
    members_.push_back(':');
    as_text_ ? append_json_string(&members_, value) : void(members_.append(value));
  }
  void append_to(std::string* out) const { out->append("{").append(members_).append("}"); }

 private:
  static bool is_tag(std::string_view key) {
    return key.substr(0, names::kMlflowTraceTagPrefix.size()) == names::kMlflowTraceTagPrefix;
  }
  bool as_text_;
  std::string members_;
};

void append_event(std::string* out, pbf_reader event) {
  JsonObject object(out);
  AttributeWriter attributes(false);
  while (event.next()) {
    switch (event.tag()) {
      case otlp::event::kTime:
        object.i64("time_unix_nano", static_cast<int64_t>(event.get_fixed64()));
        break;
      case otlp::event::kName:
        object.string("name", view_of(event.get_view()));
        break;
      case otlp::event::kAttributes:
        attributes.add(event.get_message(), nullptr);
        break;
      default:
        event.skip();
    }
  }
  attributes.append_to(object.member("attributes"));
  object.close();
}

struct Status {
  int code = otlp::status::kUnset;
  std::string message;
};

Status read_status(pbf_reader message) {
  Status status;
  while (message.next()) {
    if (message.tag() == otlp::status::kCode) {
      status.code = message.get_enum();
    } else {
      status.message = message.get_string();
    }
  }
  return status;
}

}  // namespace

std::string trace_name_of(const uint8_t (&trace_id)[16]) { return "tr-" + std::string(HexId<16>(trace_id).view()); }

bool append_trace_span(const tr_record& record, const OtlpTrace& trace, std::string* out, std::vector<Item>* tags) {
  std::string fields;
  OtlpSpanWriter writer(OtlpDialect::Mlflow);
  if (!writer.append(record, trace, &fields)) return false;
  JsonObject object(out);
  AttributeWriter attributes(true);
  std::string events;
  Status status;
  bool has_parent = false;
  std::string request_id;
  append_json_string(&request_id, trace_name_of(record.trace_id));
  attributes.json(names::kMlflowTraceRequestId, request_id);
  pbf_reader span(fields);
  while (span.next()) {
    switch (span.tag()) {
      case otlp::span::kTraceId:
        append_id(object.member("trace_id"), span.get_view());
        break;
      case otlp::span::kSpanId:
        append_id(object.member("span_id"), span.get_view());
        break;
      case otlp::span::kParentSpanId:
        append_id(object.member("parent_span_id"), span.get_view());
        has_parent = true;
        break;
      case otlp::span::kName:
        object.string("name", view_of(span.get_view()));
        break;
      case otlp::span::kStart:
        object.i64("start_time_unix_nano", static_cast<int64_t>(span.get_fixed64()));
        break;
      case otlp::span::kEnd:
        object.i64("end_time_unix_nano", static_cast<int64_t>(span.get_fixed64()));
        break;
      case otlp::span::kAttributes:
        attributes.add(span.get_message(), tags);
        break;
      case otlp::span::kEvents:
        if (!events.empty()) events.push_back(',');
        append_event(&events, span.get_message());
        break;
      case otlp::span::kStatus:
        status = read_status(span.get_message());
        break;
      default:
        span.skip();
    }
  }
  static constexpr std::string_view kCodes[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
  if (!has_parent) object.member("parent_span_id")->append("null");
  JsonObject status_object(object.member("status"));
  status_object.string("code", kCodes[status.code]);
  status_object.string("message", status.message);
  status_object.close();
  object.member("events")->append("[").append(events).append("]");
  attributes.append_to(object.member("attributes"));
  object.member("links")->append("[]");
  object.close();
  return true;
}

}  // namespace trunkline::mlflow
