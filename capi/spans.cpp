// Spans.
#include <bit>

#include "guard.hpp"
#include "instance_access.hpp"
#include "record/recorder_inline.hpp"

using trunkline::Field;
using trunkline::capi::guarded;
using trunkline::capi::read_struct;
using trunkline::capi::view_of;
using trunkline::record::Attributes;
using trunkline::record::Bytes;
using trunkline::record::Entry;
using trunkline::record::HandleKind;
using trunkline::record::ThreadState;
using trunkline::record::Word;

namespace {

bool is_usage(const tr_usage& usage) {
  return usage.input >= -1 && usage.output >= -1 && usage.total >= -1 && usage.cache_read >= -1 &&
         usage.cache_write >= -1 && usage.reasoning >= -1;
}

// What put_fast left: a span of another thread, a stale handle, a large or redacted value, a limit.
__attribute__((noinline, cold)) int put_slowly(ThreadState& thread, tr_span span, Field field, tr_type type,
                                               std::string_view key, Bytes value) {
  return thread.recorder->put(thread, span, HandleKind::kSpan, field, type, key, value.data, value.bytes);
}

__attribute__((noinline, cold)) int put_slowly(ThreadState& thread, tr_span span, Field field, tr_type type,
                                               std::string_view key, Word value) {
  return thread.recorder->put(thread, span, HandleKind::kSpan, field, type, key, &value.bits, Word::size());
}

template <class Value>
__attribute__((always_inline)) inline int put(tr_span span, Field field, tr_type type, std::string_view key,
                                              Value value) {
  const Entry entry;
  if (__builtin_expect(!entry, 0)) return Entry::closed_result();
  const int done = entry.recorder().put_fast(entry.thread(), span, HandleKind::kSpan, field, type, key, value);
  return __builtin_expect(done <= 0, 1) ? done : put_slowly(entry.thread(), span, field, type, key, value);
}

// The key of an attribute. Its length may be TR_NUL; this is one test of it for everything that is not plain.
__attribute__((always_inline)) inline bool key_of(const char* key, size_t size, std::string_view* out) {
  if (__builtin_expect(key == nullptr || size - 1 >= trunkline::kMaxKeyBytes, 0)) {
    return view_of(key, size, out) && !out->empty() && out->size() <= trunkline::kMaxKeyBytes;
  }
  *out = {key, size};
  return true;
}

__attribute__((always_inline)) inline int set_text(tr_span span, tr_type type, const char* key, size_t key_size,
                                                   const char* value, size_t size) {
  if (span == 0) return TR_OK;
  std::string_view key_view;
  std::string_view text;
  if (!key_of(key, key_size, &key_view) || !view_of(value, size, &text)) return TR_EINVAL;
  return put(span, Field::kAttribute, type, key_view, Bytes{text.data(), text.size()});
}

__attribute__((always_inline)) inline int set_word(tr_span span, tr_type type, const char* key, size_t key_size,
                                                   uint64_t bits) {
  if (span == 0) return TR_OK;
  std::string_view key_view;
  if (!key_of(key, key_size, &key_view)) return TR_EINVAL;
  return put(span, Field::kAttribute, type, key_view, Word{bits});
}

// A field that has no key.
int set_field(tr_span span, Field field, tr_type type, const char* value, size_t size) {
  if (span == 0) return TR_OK;
  std::string_view text;
  if (!view_of(value, size, &text)) return TR_EINVAL;
  return put(span, field, type, {}, Bytes{text.data(), text.size()});
}

int set_content(tr_span span, Field field, tr_type type, const char* data, size_t size) {
  if (span == 0) return TR_OK;
  if (type != TR_TYPE_STR && type != TR_TYPE_JSON) return TR_EINVAL;
  return set_field(span, field, type, data, size);
}

int set_values(tr_span span, const Attributes& attributes) {
  const Entry entry;
  if (!entry) return Entry::closed_result();
  if (attributes.size == 0) return TR_OK;
  return entry.recorder().put_values(entry.thread(), span, HandleKind::kSpan, attributes);
}

__attribute__((always_inline)) inline tr_span start(tr_trace trace, tr_span parent, tr_kind kind, const char* name,
                                                    size_t name_size, const Attributes& attributes, bool good) {
  if (trace == 0) return 0;
  std::string_view name_view;
  good = view_of(name, name_size, &name_view) && good;
  const Entry entry;
  if (!entry) return 0;
  if (!good) entry.thread().counters.misuse.add();
  return entry.recorder().start_span(entry.thread(), trace, parent, kind, name_view, attributes);
}

int end_with(tr_span span, const Attributes& attributes) {
  if (span == 0) return TR_OK;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().end_span_with(entry.thread(), span, attributes);
}

}  // namespace

tr_span tr_span_start(tr_trace trace, tr_span parent, tr_kind kind, const char* name, size_t name_size) {
  return start(trace, parent, kind, name, name_size, {}, true);
}

tr_span tr_span_start_with(tr_trace trace, tr_span parent, tr_kind kind, const char* name, size_t name_size,
                           const tr_attribute* attributes, size_t count) {
  if (attributes == nullptr) return start(trace, parent, kind, name, name_size, {}, count == 0);
  return start(trace, parent, kind, name, name_size, {attributes, count, false}, true);
}

tr_span tr_span_start_packed(tr_trace trace, tr_span parent, tr_kind kind, const char* name, size_t name_size,
                             const void* packed, size_t packed_size) {
  return start(trace, parent, kind, name, name_size, {packed, packed_size, true}, true);
}

int tr_span_set_value(tr_span span, const char* key, size_t key_size, const tr_value* value) {
  if (span == 0) return TR_OK;
  std::string_view key_view;
  if (value == nullptr || !view_of(key, key_size, &key_view) || key_view.empty() ||
      key_view.size() > trunkline::kMaxKeyBytes) {
    return TR_EINVAL;
  }
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().put_value(entry.thread(), span, HandleKind::kSpan, key_view, *value);
}

int tr_span_set_values(tr_span span, const tr_attribute* attributes, size_t count) {
  if (span == 0) return TR_OK;
  if (attributes == nullptr && count != 0) return TR_EINVAL;
  return set_values(span, {attributes, count, false});
}

int tr_span_set_packed(tr_span span, const void* packed, size_t packed_size) {
  if (span == 0) return TR_OK;
  return set_values(span, {packed, packed_size, true});
}

int tr_span_set_str(tr_span span, const char* key, size_t key_size, const char* value, size_t size) {
  return set_text(span, TR_TYPE_STR, key, key_size, value, size);
}

int tr_span_set_json(tr_span span, const char* key, size_t key_size, const char* json, size_t size) {
  return set_text(span, TR_TYPE_JSON, key, key_size, json, size);
}

int tr_span_set_bytes(tr_span span, const char* key, size_t key_size, const void* value, size_t size) {
  if (span != 0 && size == TR_NUL) return TR_EINVAL;
  return set_text(span, TR_TYPE_BYTES, key, key_size, static_cast<const char*>(value), size);
}

int tr_span_set_i64(tr_span span, const char* key, size_t key_size, int64_t value) {
  return set_word(span, TR_TYPE_I64, key, key_size, static_cast<uint64_t>(value));
}

// The value is in a general register before the first touch of thread-local storage, whose resolver some C libraries
// let clobber vector registers.
int tr_span_set_f64(tr_span span, const char* key, size_t key_size, double value) {
  auto bits = std::bit_cast<uint64_t>(value);
  asm volatile("" : "+r"(bits));
  return set_word(span, TR_TYPE_F64, key, key_size, bits);
}

int tr_span_set_bool(tr_span span, const char* key, size_t key_size, int value) {
  return set_word(span, TR_TYPE_BOOL, key, key_size, value != 0 ? 1 : 0);
}

int tr_span_set_usage(tr_span span, const tr_usage* usage) {
  if (span == 0) return TR_OK;
  if (usage == nullptr || !is_usage(*usage)) return TR_EINVAL;
  return put(span, Field::kUsage, TR_TYPE_BYTES, {}, Bytes{usage, sizeof *usage});
}

int tr_span_set_model(tr_span span, const char* model, size_t size) {
  return set_field(span, Field::kModel, TR_TYPE_STR, model, size);
}

int tr_span_set_score(tr_span span, const char* name, size_t name_size, double score) {
  if (span == 0) return TR_OK;
  std::string_view name_view;
  if (!view_of(name, name_size, &name_view) || name_view.size() > trunkline::kMaxKeyBytes) return TR_EINVAL;
  return put(span, Field::kScore, TR_TYPE_F64, name_view, Word{std::bit_cast<uint64_t>(score)});
}

int tr_span_set_step(tr_span span, int64_t step) {
  if (span == 0) return TR_OK;
  return put(span, Field::kStep, TR_TYPE_I64, {}, Word{static_cast<uint64_t>(step)});
}

int tr_span_set_input(tr_span span, tr_type type, const char* data, size_t size) {
  return set_content(span, Field::kInput, type, data, size);
}

int tr_span_set_output(tr_span span, tr_type type, const char* data, size_t size) {
  return set_content(span, Field::kOutput, type, data, size);
}

int tr_span_set_error(tr_span span, const char* type, size_t type_size, const char* message, size_t message_size) {
  if (span == 0) return TR_OK;
  std::string_view type_view;
  std::string_view message_view;
  if (!view_of(type, type_size, &type_view) || !view_of(message, message_size, &message_view)) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().mark_failed(entry.thread(), span, HandleKind::kSpan, type_view, message_view);
}

int tr_span_set_foreign_id(tr_span span, const char* id, size_t size) {
  return set_field(span, Field::kForeignId, TR_TYPE_STR, id, size);
}

int tr_span_event(tr_span span, const char* name, size_t name_size, const tr_attribute* attributes, size_t count) {
  if (span == 0) return TR_OK;
  std::string_view name_view;
  if (!view_of(name, name_size, &name_view) || (attributes == nullptr && count != 0)) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().put_event(entry.thread(), span, name_view, attributes, count);
}

int tr_span_get_ids(tr_span span, uint8_t trace_id[16], uint8_t span_id[8]) {
  if (trace_id != nullptr) std::memset(trace_id, 0, 16);
  if (span_id != nullptr) std::memset(span_id, 0, 8);
  if (span == 0) return TR_OK;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  trunkline::TraceId trace;
  uint64_t id = 0;
  const int result = entry.recorder().ids(span, HandleKind::kSpan, &trace, &id);
  if (result != TR_OK) return result;
  if (trace_id != nullptr) trunkline::store_bytes(trace, trace_id);
  if (span_id != nullptr) std::memcpy(span_id, &id, sizeof id);
  return TR_OK;
}

int tr_span_end(tr_span span) {
  if (span == 0) return TR_OK;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().end(entry.thread(), span, HandleKind::kSpan);
}

int tr_span_end_with(tr_span span, const tr_attribute* attributes, size_t count) {
  if (attributes == nullptr && count != 0) {
    const int ended = tr_span_end(span);
    return ended != TR_OK || span == 0 ? ended : TR_EINVAL;
  }
  return end_with(span, {attributes, count, false});
}

int tr_span_end_packed(tr_span span, const void* packed, size_t packed_size) {
  return end_with(span, {packed, packed_size, true});
}

int tr_span_record(const tr_span_data* span) {
  if (span == nullptr) return TR_EINVAL;
  tr_span_data known;
  const int read = read_struct(span, &known, sizeof(tr_span_data));
  if (read != TR_OK) return read;
  if (known.trace == 0) return TR_OK;
  for (tr_string* text : {&known.name, &known.foreign_id, &known.error_type, &known.error_message}) {
    std::string_view view;
    if (!view_of(*text, &view)) return TR_EINVAL;
    *text = {view.data(), view.size()};
  }
  if (known.attributes == nullptr && known.attribute_count != 0) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().record_span(entry.thread(), known);
}
