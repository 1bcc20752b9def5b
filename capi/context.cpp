// Propagation.
#include "guard.hpp"
#include "instance_access.hpp"
#include "model/traceparent.hpp"
#include "record/recorder.hpp"

using trunkline::record::Entry;
using trunkline::record::HandleKind;

int tr_context_inject(uint64_t span_or_trace, char* buffer, size_t capacity) {
  if (buffer == nullptr || capacity < TR_TRACEPARENT_SIZE + 1) return TR_EINVAL;
  buffer[0] = '\0';
  if (span_or_trace == 0) return TR_ESTALE;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  const HandleKind kind =
      trunkline::record::is_kind(span_or_trace, HandleKind::kTrace) ? HandleKind::kTrace : HandleKind::kSpan;
  trunkline::TraceId trace;
  uint64_t id = 0;
  const int result = entry.recorder().ids(span_or_trace, kind, &trace, &id);
  if (result != TR_OK) return result;
  trunkline::TraceParent parent{};
  trunkline::store_bytes(trace, parent.trace_id);
  std::memcpy(parent.span_id, &id, sizeof id);
  parent.flags = static_cast<uint8_t>(entry.recorder().context_flags(span_or_trace));
  trunkline::format_traceparent(parent, buffer);
  return TR_OK;
}

int tr_context_extract(const char* traceparent, size_t size, tr_context* context) {
  std::string_view text;
  if (context == nullptr || context->struct_size < sizeof(tr_context) ||
      !trunkline::capi::view_of(traceparent, size, &text)) {
    return TR_EINVAL;
  }
  const auto parsed = trunkline::parse_traceparent(text);
  if (!parsed) return TR_EINVAL;
  context->flags = parsed->flags;
  std::memcpy(context->trace_id, parsed->trace_id, sizeof context->trace_id);
  std::memcpy(context->span_id, parsed->span_id, sizeof context->span_id);
  return TR_OK;
}
