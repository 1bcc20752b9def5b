// Traces.
#include "guard.hpp"
#include "instance_access.hpp"
#include "record/recorder.hpp"

using trunkline::Field;
using trunkline::capi::guarded;
using trunkline::capi::read_struct;
using trunkline::capi::recording;
using trunkline::capi::view_of;
using trunkline::record::Entry;
using trunkline::record::HandleKind;

namespace {

// Reads the options. False: something in them is wrong.
bool read_options(const tr_trace_options* options, tr_context* parent, trunkline::record::StartTrace* start) {
  if (options == nullptr) return true;
  tr_trace_options known;
  if (read_struct(options, &known, offsetof(tr_trace_options, metadata_count)) != TR_OK) return false;
  bool good = view_of(known.group_id, &start->group_id);
  good = view_of(known.foreign_id, &start->foreign_id) && good;
  if (known.metadata != nullptr) {
    start->metadata = known.metadata;
    start->metadata_count = known.metadata_count;
  }
  if (known.parent != nullptr) {
    good = read_struct(known.parent, parent, sizeof(tr_context)) == TR_OK && good;
    const trunkline::TraceId id = trunkline::load_trace_id(parent->trace_id);
    if (id.high != 0 || id.low != 0) start->parent = parent;
  }
  return good;
}

int put(tr_trace trace, Field field, tr_type type, std::string_view key, const void* value, size_t size) {
  if (field == Field::kAttribute && (key.empty() || key.size() > trunkline::kMaxKeyBytes)) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().put(entry.thread(), trace, HandleKind::kTrace, field, type, key, value, size);
}

int set_text(tr_trace trace, tr_type type, const char* key, size_t key_size, const char* value, size_t size) {
  if (trace == 0) return TR_OK;
  std::string_view key_view;
  std::string_view text;
  if (!view_of(key, key_size, &key_view) || !view_of(value, size, &text)) return TR_EINVAL;
  return put(trace, Field::kAttribute, type, key_view, text.data(), text.size());
}

}  // namespace

tr_trace tr_trace_start(const char* name, size_t name_size, const tr_trace_options* options) {
  return guarded([&]() -> tr_trace {
    trunkline::record::StartTrace start;
    tr_context parent{};
    bool good = view_of(name, name_size, &start.name);
    good = read_options(options, &parent, &start) && good;
    return recording([&](Entry& entry) -> tr_trace {
      if (!good) entry.thread().counters.misuse.add();
      return entry.recorder().start_trace(entry.thread(), start);
    });
  });
}

int tr_trace_set_value(tr_trace trace, const char* key, size_t key_size, const tr_value* value) {
  if (trace == 0) return TR_OK;
  return guarded([&] {
    std::string_view key_view;
    if (value == nullptr || !view_of(key, key_size, &key_view) || key_view.empty() ||
        key_view.size() > trunkline::kMaxKeyBytes) {
      return TR_EINVAL;
    }
    const Entry entry;
    if (!entry) return Entry::closed_result();
    return entry.recorder().put_value(entry.thread(), trace, HandleKind::kTrace, key_view, *value);
  });
}

int tr_trace_set_str(tr_trace trace, const char* key, size_t key_size, const char* value, size_t size) {
  return set_text(trace, TR_TYPE_STR, key, key_size, value, size);
}

int tr_trace_set_json(tr_trace trace, const char* key, size_t key_size, const char* json, size_t size) {
  return set_text(trace, TR_TYPE_JSON, key, key_size, json, size);
}

int tr_trace_set_i64(tr_trace trace, const char* key, size_t key_size, int64_t value) {
  if (trace == 0) return TR_OK;
  std::string_view key_view;
  if (!view_of(key, key_size, &key_view)) return TR_EINVAL;
  return put(trace, Field::kAttribute, TR_TYPE_I64, key_view, &value, sizeof value);
}

int tr_trace_set_f64(tr_trace trace, const char* key, size_t key_size, double value) {
  if (trace == 0) return TR_OK;
  std::string_view key_view;
  if (!view_of(key, key_size, &key_view)) return TR_EINVAL;
  return put(trace, Field::kAttribute, TR_TYPE_F64, key_view, &value, sizeof value);
}

int tr_trace_set_bool(tr_trace trace, const char* key, size_t key_size, int value) {
  if (trace == 0) return TR_OK;
  std::string_view key_view;
  if (!view_of(key, key_size, &key_view)) return TR_EINVAL;
  const int64_t truth = value != 0 ? 1 : 0;
  return put(trace, Field::kAttribute, TR_TYPE_BOOL, key_view, &truth, sizeof truth);
}

int tr_trace_set_error(tr_trace trace, const char* type, size_t type_size, const char* message, size_t message_size) {
  if (trace == 0) return TR_OK;
  std::string_view type_view;
  std::string_view message_view;
  if (!view_of(type, type_size, &type_view) || !view_of(message, message_size, &message_view)) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().mark_failed(entry.thread(), trace, HandleKind::kTrace, type_view, message_view);
}

int tr_trace_event(tr_trace trace, const char* name, size_t name_size, const tr_attribute* attributes, size_t count) {
  if (trace == 0) return TR_OK;
  std::string_view name_view;
  if (!view_of(name, name_size, &name_view) || (attributes == nullptr && count != 0)) return TR_EINVAL;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().record_event(entry.thread(), trace, name_view, attributes, count);
}

int tr_trace_get_id(tr_trace trace, uint8_t trace_id[16]) {
  if (trace_id == nullptr) return TR_EINVAL;
  std::memset(trace_id, 0, 16);
  if (trace == 0) return TR_OK;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  trunkline::TraceId id;
  uint64_t root = 0;
  const int result = entry.recorder().ids(trace, HandleKind::kTrace, &id, &root);
  if (result == TR_OK) trunkline::store_bytes(id, trace_id);
  return result;
}

int tr_trace_end(tr_trace trace) {
  if (trace == 0) return TR_OK;
  const Entry entry;
  if (!entry) return Entry::closed_result();
  return entry.recorder().end(entry.thread(), trace, HandleKind::kTrace);
}
