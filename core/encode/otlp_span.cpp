#include "encode/otlp_span.hpp"

#include <algorithm>
#include <cstring>
#include <protozero/pbf_writer.hpp>

#include "encode/json_writer.hpp"
#include "encode/otlp_derived.hpp"
#include "encode/otlp_fields.hpp"
#include "encode/otlp_kinds.hpp"
#include "model/names.hpp"
#include "model/utf8.hpp"

namespace trunkline::encode {
namespace {

using protozero::pbf_writer;

constexpr uint32_t kRemoteKnown = 0x100;
constexpr uint32_t kRemote = 0x200;

template <size_t N>
bool is_zero(const uint8_t (&id)[N]) {
  return std::all_of(id, id + N, [](uint8_t byte) { return byte == 0; });
}
bool is_zero(const std::array<uint8_t, 8>& id) { return id == std::array<uint8_t, 8>{}; }

template <size_t N>
void add_id(pbf_writer* message, uint32_t tag, const uint8_t (&id)[N]) {
  message->add_bytes(tag, reinterpret_cast<const char*>(id), N);
}

void add_text(pbf_writer* message, uint32_t tag, std::string_view text) {
  if (utf8_valid(text)) return message->add_string(tag, text.data(), text.size());
  message->add_string(tag, utf8_repair(text));
}

uint64_t unix_time(int64_t nanoseconds) { return static_cast<uint64_t>(std::max<int64_t>(nanoseconds, 0)); }

// Spans without a parent lie under the trace's own span, which alone lies under a remote one.
void add_parent(pbf_writer* message, const tr_record& record, const OtlpTrace& trace, bool is_trace) {
  const bool below_root = is_zero(record.parent_id) ||
                          std::memcmp(record.parent_id, trace.remote_parent.data(), trace.remote_parent.size()) == 0;
  uint8_t parent[8];
  std::memcpy(parent, record.parent_id, sizeof parent);
  if (!is_trace && below_root && !is_zero(trace.root_id)) std::memcpy(parent, trace.root_id.data(), sizeof parent);
  if (!is_zero(parent)) add_id(message, otlp::span::kParentSpanId, parent);
  const bool remote =
      !is_zero(trace.remote_parent) && std::memcmp(parent, trace.remote_parent.data(), trace.remote_parent.size()) == 0;
  message->add_fixed32(otlp::span::kFlags, trace.trace_flags | kRemoteKnown | (remote ? kRemote : 0));
}

// MLflow takes a status that is not set for a good one, and says so of the trace.
void add_status(pbf_writer* message, const tr_record& record, OtlpDialect dialect) {
  pbf_writer status(*message, otlp::span::kStatus);
  if ((record.flags & TR_RECORD_FAILED) != 0) {
    if (record.error_message.size != 0) add_text(&status, otlp::status::kMessage, view(record.error_message));
    status.add_enum(otlp::status::kCode, otlp::status::kError);
  } else if ((record.flags & TR_RECORD_INCOMPLETE) == 0) {
    status.add_enum(otlp::status::kCode, otlp::status::kOk);
  } else if (dialect == OtlpDialect::Mlflow) {
    add_text(&status, otlp::status::kMessage, "never ended");
    status.add_enum(otlp::status::kCode, otlp::status::kError);
  }
}

void add_events(std::string* out, const tr_event* events, size_t count, OtlpBytes bytes) {
  for (size_t i = 0; i < count; ++i) {
    std::string fields;
    pbf_writer event(fields);
    event.add_fixed64(otlp::event::kTime, unix_time(events[i].time_ns));
    add_text(&event, otlp::event::kName, view(events[i].name));
    OtlpAttributes attributes(&fields, otlp::event::kAttributes, bytes);
    for (size_t k = 0; k < events[i].attribute_count; ++k) {
      attributes.value(view(events[i].attributes[k].key), events[i].attributes[k].value);
    }
    pbf_writer(*out).add_message(otlp::span::kEvents, fields);
  }
}

bool has_event(const tr_record& record, std::string_view name) {
  return std::any_of(record.events, record.events + record.event_count,
                     [&](const tr_event& event) { return view(event.name) == name; });
}

// An error that the host did not describe by an event of its own.
void add_exception(std::string* out, const tr_record& record, const OtlpKnown& known) {
  if ((record.flags & TR_RECORD_FAILED) == 0 || has_event(record, names::kExceptionEvent)) return;
  std::string fields;
  pbf_writer event(fields);
  event.add_fixed64(otlp::event::kTime, unix_time(record.end_ns));
  add_text(&event, otlp::event::kName, names::kExceptionEvent);
  OtlpAttributes attributes(&fields, otlp::event::kAttributes, OtlpBytes::Raw);
  attributes.text_unless_empty(names::kExceptionType, view(record.error_type));
  attributes.text_unless_empty(names::kExceptionMessage, view(record.error_message));
  attributes.text_unless_empty(names::kExceptionStacktrace, known.text(OtlpKey::kExceptionStacktrace));
  pbf_writer(*out).add_message(otlp::span::kEvents, fields);
}

// A score as the event that evaluations are, beside the attributes.
void add_evaluation(std::string* out, const tr_record& record, const OtlpKnown& known) {
  if (record.score_name.size == 0 || has_event(record, names::kEvaluationEvent)) return;
  std::string fields;
  pbf_writer event(fields);
  event.add_fixed64(otlp::event::kTime, unix_time(record.end_ns));
  add_text(&event, otlp::event::kName, names::kEvaluationEvent);
  OtlpAttributes attributes(&fields, otlp::event::kAttributes, OtlpBytes::Raw);
  attributes.text(names::kEvaluationName, view(record.score_name));
  attributes.f64(names::kEvaluationScore, record.score);
  attributes.text_unless_empty(names::kEvaluationLabel, known.text(OtlpKey::kEvaluationLabel));
  attributes.text_unless_empty(names::kEvaluationExplanation, known.text(OtlpKey::kEvaluationExplanation));
  pbf_writer(*out).add_message(otlp::span::kEvents, fields);
}

bool is_finished(const tr_record& record) {
  return (record.type == TR_RECORD_SPAN_END || record.type == TR_RECORD_TRACE_END) && record.end_ns > 0;
}

}  // namespace

OtlpTrace otlp_trace_of(const tr_record& record) {
  OtlpTrace trace;
  trace.name = view(record.name);
  trace.conversation_id = view(record.group_id);
  std::memcpy(trace.root_id.data(), record.span_id, trace.root_id.size());
  std::memcpy(trace.remote_parent.data(), record.parent_id, trace.remote_parent.size());
  if (!is_zero(trace.remote_parent)) trace.trace_flags = 1;  // whose id is random, its beginner knows
  const OtlpKnown known(record);
  trace.user_id = known.text(OtlpKey::kUserId);
  trace.agent_name = known.text(OtlpKey::kAgentName);
  if (trace.conversation_id.empty()) trace.conversation_id = known.text(OtlpKey::kConversationId);
  if (trace.conversation_id.empty()) trace.conversation_id = known.text(OtlpKey::kSessionId);
  return trace;
}

bool OtlpSpanWriter::append(const tr_record& record, const OtlpTrace& trace, std::string* out) {
  if (!is_finished(record) || is_zero(record.trace_id) || is_zero(record.span_id)) return false;
  const bool is_trace = record.type == TR_RECORD_TRACE_END;
  const tr_kind kind = is_trace ? TR_KIND_WORKFLOW : record.kind;
  pbf_writer message(*out);
  add_id(&message, otlp::span::kTraceId, record.trace_id);
  add_id(&message, otlp::span::kSpanId, record.span_id);
  add_parent(&message, record, trace, is_trace);
  add_text(&message, otlp::span::kName, view(record.name));
  message.add_enum(otlp::span::kKind, static_cast<int>(otlp_kind(kind).span_kind));
  message.add_fixed64(otlp::span::kStart, unix_time(record.start_ns));
  message.add_fixed64(otlp::span::kEnd, unix_time(std::max(record.start_ns, record.end_ns)));
  if (record.dropped_attributes != 0) {
    message.add_uint32(otlp::span::kDroppedAttributes, record.dropped_attributes);
  }
  add_status(&message, record, derived_.dialect());
  const OtlpKnown known(record);
  derived_.append(record, trace, known, out);
  const OtlpBytes bytes = derived_.dialect() == OtlpDialect::Mlflow ? OtlpBytes::Base64 : OtlpBytes::Raw;
  add_events(out, record.events, record.event_count, bytes);
  if (is_trace) add_events(out, trace.events, trace.event_count, bytes);
  add_exception(out, record, known);
  add_evaluation(out, record, known);
  return true;
}

}  // namespace trunkline::encode
