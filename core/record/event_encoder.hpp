// Encodes an event's attributes as nested items. Run twice, first to count and then to write, so that an event needs no
// buffer whatever its size.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "model/item.hpp"
#include "model/names.hpp"
#include "model/redactor.hpp"
#include "record/recorder.hpp"

namespace trunkline::record {

struct CountingSink {
  size_t bytes = 0;
  void write(const void*, size_t size) { bytes += size; }
};

template <class Sink>
class EventEncoder {
 public:
  EventEncoder(Sink* sink, const Policy& policy) : sink_(sink), policy_(policy) {}

  void time_and_name(int64_t time, std::string_view name) {
    const auto size = static_cast<uint32_t>(name.size());
    sink_->write(&time, sizeof time);
    sink_->write(&size, sizeof size);
    sink_->write(name.data(), name.size());
  }

  // False: the attribute is not valid and was left out.
  bool attribute(const tr_attribute& attribute) {
    const size_t key_size = length(attribute.key.data, attribute.key.size);
    if (attribute.key.data == nullptr || key_size == 0 || key_size > kMaxKeyBytes) return false;
    const std::string_view key(attribute.key.data, key_size);
    const tr_value& value = attribute.value;
    if (policy_.redactor->key_matches(key)) {
      item(key, TR_TYPE_STR, TR_VALUE_REDACTED, "__redacted__", 12);
      return true;
    }
    switch (value.type) {
      case TR_TYPE_NULL:
        item(key, value.type, 0, nullptr, 0);
        return true;
      case TR_TYPE_BOOL:
      case TR_TYPE_I64:
        item(key, value.type, 0, &value.i64, sizeof value.i64);
        return true;
      case TR_TYPE_F64:
        item(key, value.type, 0, &value.f64, sizeof value.f64);
        return true;
      case TR_TYPE_STR:
      case TR_TYPE_BYTES:
      case TR_TYPE_JSON:
        return text(key, value);
      case TR_TYPE_BOOL_ARRAY:
        return scalars(key, value, 1);
      case TR_TYPE_I64_ARRAY:
      case TR_TYPE_F64_ARRAY:
        return scalars(key, value, 8);
      case TR_TYPE_STR_ARRAY:
        return strings(key, value);
      default:
        return false;
    }
  }

 private:
  static size_t length(const void* data, size_t size) {
    return size == TR_NUL ? (data == nullptr ? 0 : std::strlen(static_cast<const char*>(data))) : size;
  }

  void item(std::string_view key, tr_type type, uint32_t flags, const void* value, size_t size) {
    const ItemHeader header = make_item(Field::kAttribute, type, key.size(), flags, size);
    sink_->write(&header, sizeof header);
    sink_->write(key.data(), key.size());
    if (size != 0) sink_->write(value, size);
  }

  bool text(std::string_view key, const tr_value& value) {
    if (!policy_.content && (value.type != TR_TYPE_STR || !is_metric_key(key))) return true;
    const size_t size = length(value.data, value.size);
    if (size != 0 && value.data == nullptr) return false;
    const bool cut = size > policy_.max_value_bytes;
    item(key, value.type, cut ? TR_VALUE_TRUNCATED : 0, value.data, cut ? policy_.max_value_bytes : size);
    return true;
  }

  bool scalars(std::string_view key, const tr_value& value, size_t element) {
    if (value.size != 0 && value.data == nullptr) return false;
    const size_t most = policy_.max_value_bytes / element;
    const bool cut = value.size > most;
    item(key, value.type, cut ? TR_VALUE_TRUNCATED : 0, value.data, (cut ? most : value.size) * element);
    return true;
  }

  bool strings(std::string_view key, const tr_value& value) {
    if (!policy_.content && !is_metric_key(key)) return true;
    const auto* from = static_cast<const tr_string*>(value.data);
    if (value.size != 0 && from == nullptr) return false;
    size_t bytes = 0;
    size_t count = 0;
    for (; count < value.size; ++count) {
      const size_t size = length(from[count].data, from[count].size);
      if (size != 0 && from[count].data == nullptr) return false;
      if (size > policy_.max_value_bytes || bytes + size + 4 > policy_.max_value_bytes) break;
      bytes += size + 4;
    }
    const ItemHeader header =
        make_item(Field::kAttribute, value.type, key.size(), count < value.size ? TR_VALUE_TRUNCATED : 0, bytes);
    sink_->write(&header, sizeof header);
    sink_->write(key.data(), key.size());
    for (size_t i = 0; i < count; ++i) {
      const auto size = static_cast<uint32_t>(length(from[i].data, from[i].size));
      sink_->write(&size, sizeof size);
      sink_->write(from[i].data, size);
    }
    return true;
  }

  Sink* sink_;
  const Policy& policy_;
};

}  // namespace trunkline::record
