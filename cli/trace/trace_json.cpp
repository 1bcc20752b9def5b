#include "trace/trace_json.hpp"

namespace trunkline::cli {
namespace {

// Input and output are stored in the form of their type.
void append_content(std::string* out, const std::string& content, const std::string& type) {
  if (type.empty()) {
    out->append("null");
  } else if (type == "str") {
    encode::append_json_string(out, content);
  } else if (type == "bytes") {
    JsonMembers members(out);
    encode::append_base64(&(members.member("$bytes")->append("\"")), content);
    out->push_back('"');
    members.close();
  } else {
    append_stored_json(out, content);
  }
}

}  // namespace

void add_trace(JsonMembers* members, const store::TraceSummary& trace) {
  members->text("id", trace.id);
  members->text_or_null("run_id", trace.run_id);
  members->text("name", trace.name);
  members->text_or_null("group_id", trace.group_id);
  members->text_or_null("foreign_id", trace.foreign_id);
  members->text("status", trace.status);
  members->number("start_ns", trace.start_ns);
  members->number_or_null("end_ns", trace.end_ns);
  members->number_or_null("duration_ns", trace.end_ns ? std::optional(*trace.end_ns - trace.start_ns) : std::nullopt);
  members->text_or_null("error_type", trace.error_type);
  members->text_or_null("error_message", trace.error_message);
  members->text_or_null("stop_reason", trace.stop_reason);
  members->number("span_count", trace.span_count);
  members->number("error_count", trace.error_count);
  members->number("input_tokens", trace.input_tokens);
  members->number("output_tokens", trace.output_tokens);
  members->number("total_tokens", trace.total_tokens);
  members->number("pruned_spans", trace.pruned_spans);
  members->json("metadata", trace.metadata);
}

void append_span(std::string* out, const store::StoredSpan& span) {
  JsonMembers members(out);
  add_span(&members, span);
  members.close();
}

void append_event(std::string* out, const store::StoredEvent& event) {
  JsonMembers members(out);
  add_event(&members, event);
  members.close();
}

void add_span(JsonMembers* target, const store::StoredSpan& span) {
  JsonMembers& members = *target;
  members.text("trace_id", span.trace_id);
  members.text("span_id", span.span_id);
  members.text_or_null("parent_id", span.parent_id);
  members.number("kind", span.kind);
  members.text("kind_name", span.kind_name);
  members.text("name", span.name);
  members.text("status", span.status);
  members.number("start_ns", span.start_ns);
  const bool ended = span.status != "running";
  members.number_or_null("end_ns", ended ? std::optional(span.end_ns) : std::nullopt);
  members.number_or_null("duration_ns", ended ? std::optional(span.end_ns - span.start_ns) : std::nullopt);
  members.text_or_null("model", span.model);
  members.number_or_null("input_tokens", span.input_tokens);
  members.number_or_null("output_tokens", span.output_tokens);
  members.number_or_null("total_tokens", span.total_tokens);
  members.number_or_null("cache_read_tokens", span.cache_read_tokens);
  members.number_or_null("cache_write_tokens", span.cache_write_tokens);
  members.number_or_null("reasoning_tokens", span.reasoning_tokens);
  members.double_or_null("score", span.score);
  members.text_or_null("score_name", span.score_name);
  members.number_or_null("step", span.step);
  append_content(members.member("input"), span.input, span.input_type);
  members.text_or_null("input_type", span.input_type);
  append_content(members.member("output"), span.output, span.output_type);
  members.text_or_null("output_type", span.output_type);
  members.text_or_null("error_type", span.error_type);
  members.text_or_null("error_message", span.error_message);
  members.text_or_null("foreign_id", span.foreign_id);
  members.json("attributes", span.attributes);
  members.json("events", span.events);
  members.number("dropped_attributes", span.dropped_attributes);
  members.number("flags", span.flags);
}

void add_event(JsonMembers* members, const store::StoredEvent& event) {
  members->text("name", event.name);
  members->number("time_ns", event.time_ns);
  members->json("attributes", event.attributes);
}

}  // namespace trunkline::cli
