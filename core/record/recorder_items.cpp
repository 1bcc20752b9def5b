// Items: where the bytes of names, attributes and events go - into the slot, into a block of overflow, or, when they
// are large, into extents.
#include <algorithm>
#include <bit>
#include <cstring>

#include "model/names.hpp"
#include "model/packed_attributes.hpp"
#include "model/packed_plain.hpp"
#include "model/redactor.hpp"
#include "record/clock.hpp"
#include "record/event_encoder.hpp"
#include "record/extent.hpp"
#include "record/recorder.hpp"
#include "record/recorder_inline.hpp"

namespace trunkline::record {
namespace {

constexpr uint32_t kLargeValue = 2048;     // a larger value is never copied twice
constexpr uint32_t kOverflowBlock = 2048;  // least capacity of a block of overflow

size_t scalar_bytes(const tr_value& value) {
  switch (value.type) {
    case TR_TYPE_BOOL_ARRAY:
      return value.size;
    case TR_TYPE_I64_ARRAY:
      return value.size * sizeof(int64_t);
    case TR_TYPE_F64_ARRAY:
      return value.size * sizeof(double);
    default:
      return 0;
  }
}

size_t text_size(const void* data, size_t size) {
  return size == TR_NUL ? (data == nullptr ? 0 : std::strlen(static_cast<const char*>(data))) : size;
}

// The largest size that does not cut a UTF-8 sequence.
size_t cut_text(const char* data, size_t size) {
  size_t cut = size;
  while (cut > 0 && size - cut < 3 && (static_cast<uint8_t>(data[cut]) & 0xC0) == 0x80) --cut;
  return cut;
}

}  // namespace

// Where an item's value is written: directly, or as a stream into extents.
struct Recorder::Place {
  uint8_t* direct = nullptr;
  ExtentWriter stream;
  std::atomic<uint32_t>* length = nullptr;
  uint32_t bytes = 0;

  void write(const void* data, size_t size) {
    if (size == 0) return;
    if (direct != nullptr) {
      std::memcpy(direct, data, size);
      direct += size;
    } else {
      stream.write(data, size);
    }
  }
  void finish() { length->store(length->load(std::memory_order_relaxed) + bytes, std::memory_order_release); }
};

uint8_t* Recorder::reserve(ThreadState& thread, Slot& slot, uint32_t bytes, std::atomic<uint32_t>** length) noexcept {
  const uint32_t used = slot.length.load(std::memory_order_relaxed);
  if (__builtin_expect(used + bytes <= kSlotDataBytes && slot.overflow.page == 0, 1)) {
    *length = &slot.length;
    return slot.data + used;
  }
  if (slot.overflow_last.page != 0) {
    auto* block =
        reinterpret_cast<OverflowBlock*>(pool_->page(slot.overflow_last.page).data + slot.overflow_last.offset);
    const uint32_t in_block = block->length.load(std::memory_order_relaxed);
    if (in_block + bytes <= block->capacity) {
      *length = &block->length;
      return reinterpret_cast<uint8_t*>(block + 1) + in_block;
    }
  }
  const uint32_t capacity = std::max(kOverflowBlock, padded(bytes));
  const ExtentReference taken = take_block(thread, static_cast<uint32_t>(sizeof(OverflowBlock)) + capacity);
  if (taken.page == 0) return nullptr;
  auto* block = reinterpret_cast<OverflowBlock*>(pool_->page(taken.page).data + taken.offset);
  block->next = {};
  block->capacity = capacity;
  block->length.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);  // whole before it is linked
  if (slot.overflow_last.page != 0) {
    reinterpret_cast<OverflowBlock*>(pool_->page(slot.overflow_last.page).data + slot.overflow_last.offset)->next =
        taken;
  } else {
    slot.overflow = taken;
  }
  slot.overflow_last = taken;
  *length = &block->length;
  return reinterpret_cast<uint8_t*>(block + 1);
}

bool Recorder::place(ThreadState& thread, Slot& slot, const ItemHeader& header, std::string_view key,
                     Place* out) noexcept {
  const uint32_t inline_bytes = static_cast<uint32_t>(sizeof header + key.size()) + header.value_size;
  const bool fits =
      slot.overflow.page == 0 && slot.length.load(std::memory_order_relaxed) + uint64_t{inline_bytes} <= kSlotDataBytes;
  if (__builtin_expect(fits || header.value_size <= kLargeValue, 1)) {
    uint8_t* at = reserve(thread, slot, inline_bytes, &out->length);
    if (at == nullptr) return false;
    std::memcpy(at, &header, sizeof header);
    if (!key.empty()) std::memcpy(at + sizeof header, key.data(), key.size());
    out->direct = at + sizeof header + key.size();
    out->bytes = inline_bytes;
    return true;
  }
  const ExtentReference value = take_extent(thread, header.value_size);
  if (value.page == 0) return false;
  out->bytes = static_cast<uint32_t>(sizeof header + key.size() + sizeof value);
  uint8_t* at = reserve(thread, slot, out->bytes, &out->length);
  if (at == nullptr) {
    release_extent(*pool_, value, header.value_size);
    return false;
  }
  ItemHeader in_extent = header;
  in_extent.key_and_flags = static_cast<uint16_t>(in_extent.key_and_flags | kItemInExtent << kItemFlagShift);
  std::memcpy(at, &in_extent, sizeof in_extent);
  if (!key.empty()) std::memcpy(at + sizeof in_extent, key.data(), key.size());
  std::memcpy(at + sizeof in_extent + key.size(), &value, sizeof value);
  out->stream = ExtentWriter(pool_.get(), value);
  return true;
}

bool Recorder::admits_content(Field field, tr_type type, std::string_view key) const noexcept {
  switch (field) {
    case Field::kInput:
    case Field::kOutput:
    case Field::kErrorMessage:
      return false;
    case Field::kAttribute:
      break;
    default:
      return true;
  }
  switch (type) {
    case TR_TYPE_STR:
    case TR_TYPE_STR_ARRAY:
      return is_metric_key(key);
    case TR_TYPE_BYTES:
    case TR_TYPE_JSON:
      return false;
    default:
      return true;
  }
}

int Recorder::append(ThreadState& thread, Slot& slot, Field field, tr_type type, std::string_view key,
                     const void* value, size_t size, uint32_t flags) noexcept {
  if (__builtin_expect(!policy_.content, 0) && !admits_content(field, type, key)) return TR_OK;
  int result = TR_OK;
  if (field == Field::kAttribute) {
    if (__builtin_expect(slot.attributes >= policy_.max_attributes, 0)) {
      if (slot.dropped != UINT16_MAX) ++slot.dropped;
      thread.counters.attributes_dropped.add();
      return TR_ELIMIT;
    }
    if (__builtin_expect(policy_.redactor->key_matches(key), 0)) {
      type = TR_TYPE_STR;
      value = kRedacted.data();
      size = kRedacted.size();
      flags |= TR_VALUE_REDACTED;
      thread.counters.values_redacted.add();
    }
  }
  if (__builtin_expect(size > policy_.max_value_bytes, 0)) {
    size = type == TR_TYPE_STR || type == TR_TYPE_JSON
               ? cut_text(static_cast<const char*>(value), policy_.max_value_bytes)
               : policy_.max_value_bytes & ~7ull;
    flags |= TR_VALUE_TRUNCATED;
    thread.counters.values_truncated.add();
    result = TR_ELIMIT;
  }
  Place at;
  if (__builtin_expect(!place(thread, slot, make_item(field, type, key.size(), flags, size), key, &at), 0)) {
    thread.counters.values_dropped.add();
    return TR_ENOMEM;
  }
  at.write(value, size);
  at.finish();
  if (field == Field::kAttribute) ++slot.attributes;
  return result;
}

// Texts in an array: a 32-bit size before each.
int Recorder::append_strings(ThreadState& thread, Slot& slot, std::string_view key, const tr_value& value) noexcept {
  const auto* strings = static_cast<const tr_string*>(value.data);
  if (!policy_.content && !is_metric_key(key)) return TR_OK;
  if (slot.attributes >= policy_.max_attributes || policy_.redactor->key_matches(key)) {
    return append(thread, slot, Field::kAttribute, TR_TYPE_STR, key, nullptr, 0);  // which counts it
  }
  size_t bytes = 0;
  size_t count = 0;
  for (; count < value.size; ++count) {
    const size_t size = text_size(strings[count].data, strings[count].size);
    if (size != 0 && strings[count].data == nullptr) return TR_EINVAL;
    if (size > policy_.max_value_bytes || bytes + size + 4 > policy_.max_value_bytes) break;
    bytes += size + 4;
  }
  const bool cut = count < value.size;
  Place at;
  if (!place(thread, slot,
             make_item(Field::kAttribute, TR_TYPE_STR_ARRAY, key.size(), cut ? TR_VALUE_TRUNCATED : 0, bytes), key,
             &at)) {
    thread.counters.values_dropped.add();
    return TR_ENOMEM;
  }
  for (size_t i = 0; i < count; ++i) {
    const auto size = static_cast<uint32_t>(text_size(strings[i].data, strings[i].size));
    at.write(&size, sizeof size);
    at.write(strings[i].data, size);
  }
  at.finish();
  ++slot.attributes;
  if (cut) thread.counters.values_truncated.add();
  return cut ? TR_ELIMIT : TR_OK;
}

int Recorder::append_word(ThreadState& thread, Slot& slot, tr_type type, std::string_view key, uint64_t bits) noexcept {
  if (append_plain(slot, Field::kAttribute, type, key, Word{bits})) return TR_OK;
  return append(thread, slot, Field::kAttribute, type, key, &bits, sizeof bits);
}

int Recorder::append_text(ThreadState& thread, Slot& slot, tr_type type, std::string_view key,
                          std::string_view text) noexcept {
  if (append_plain(slot, Field::kAttribute, type, key, Bytes{text.data(), text.size()})) return TR_OK;
  return append(thread, slot, Field::kAttribute, type, key, text.data(), text.size());
}

int Recorder::append_value(ThreadState& thread, Slot& slot, std::string_view key, const tr_value& value) noexcept {
  switch (value.type) {
    case TR_TYPE_NULL:
      return append(thread, slot, Field::kAttribute, value.type, key, nullptr, 0);
    case TR_TYPE_BOOL:
      return append_word(thread, slot, value.type, key, value.i64 != 0 ? 1 : 0);
    case TR_TYPE_I64:
      return append_word(thread, slot, value.type, key, static_cast<uint64_t>(value.i64));
    case TR_TYPE_F64:
      return append_word(thread, slot, value.type, key, std::bit_cast<uint64_t>(value.f64));
    default:
      break;
  }
  if (value.type > TR_TYPE_STR_ARRAY) return TR_EINVAL;
  const bool text = value.type == TR_TYPE_STR || value.type == TR_TYPE_BYTES || value.type == TR_TYPE_JSON;
  if (value.type == TR_TYPE_BYTES && value.size == TR_NUL) return TR_EINVAL;
  const size_t elements = text ? text_size(value.data, value.size) : value.size;
  if (elements > PTRDIFF_MAX / 16 || (elements != 0 && value.data == nullptr)) return TR_EINVAL;
  if (text) {
    return append_text(thread, slot, value.type, key, {static_cast<const char*>(value.data), elements});
  }
  if (value.type == TR_TYPE_STR_ARRAY) return append_strings(thread, slot, key, value);
  return append(thread, slot, Field::kAttribute, value.type, key, value.data, scalar_bytes(value));
}

int Recorder::append_values(ThreadState& thread, Slot& slot, const tr_attribute* attributes, size_t count) noexcept {
  int first_error = TR_OK;
  for (size_t i = 0; i < count; ++i) {
    const tr_attribute& attribute = attributes[i];
    const size_t key_size = text_size(attribute.key.data, attribute.key.size);
    int result = TR_EINVAL;
    if (attribute.key.data != nullptr && key_size != 0 && key_size <= kMaxKeyBytes) {
      result = append_value(thread, slot, {attribute.key.data, key_size}, attribute.value);
    }
    if (first_error == TR_OK) first_error = result;
  }
  return first_error;
}

// Scalars and texts are written as they are read; what comes from the first list on, or from a defect, goes through
// structs.
int Recorder::append_packed(ThreadState& thread, Slot& slot, const void* packed, size_t size) noexcept {
  int first_error = TR_OK;
  PackedPlain plain(packed, size);
  for (PlainAttribute each; plain.next(&each);) {
    int result = TR_EINVAL;
    if (each.key.size() <= kMaxKeyBytes) {
      result = each.is_text ? append_text(thread, slot, each.type, each.key, each.text)
                            : append_word(thread, slot, each.type, each.key, each.bits);
    }
    if (first_error == TR_OK) first_error = result;
  }
  if (__builtin_expect(plain.left() == 0, 1)) return first_error;
  const PackedAttributes rest(plain.rest(), plain.left());
  if (rest.result() == TR_ENOMEM) thread.counters.values_dropped.add();
  const int result = append_values(thread, slot, rest.data(), rest.count());
  if (first_error == TR_OK) first_error = result;
  return first_error == TR_OK ? rest.result() : first_error;
}

int Recorder::append_attributes(ThreadState& thread, Slot& slot, const Attributes& attributes) noexcept {
  return attributes.packed
             ? append_packed(thread, slot, attributes.data, attributes.size)
             : append_values(thread, slot, static_cast<const tr_attribute*>(attributes.data), attributes.size);
}

int Recorder::append_event(ThreadState& thread, Slot& slot, std::string_view name, const tr_attribute* attributes,
                           size_t count) noexcept {
  if (slot.attributes >= policy_.max_attributes) {
    return append(thread, slot, Field::kAttribute, TR_TYPE_NULL, name, nullptr, 0);  // counts it
  }
  const int64_t now = clock_.now();
  const size_t kept = std::min<size_t>(count, policy_.max_attributes);
  CountingSink counter;
  EventEncoder<CountingSink> measure(&counter, policy_);
  measure.time_and_name(now, name);
  int result = kept < count ? TR_ELIMIT : TR_OK;
  for (size_t i = 0; i < kept; ++i) {
    if (!measure.attribute(attributes[i])) result = TR_EINVAL;
  }
  if (kept < count) thread.counters.attributes_dropped.add(count - kept);
  // An event is bounded as a value is.
  if (counter.bytes > policy_.max_value_bytes + kMaxKeyBytes) {
    thread.counters.values_dropped.add();
    return TR_ELIMIT;
  }
  Place at;
  if (!place(thread, slot, make_item(Field::kEvent, TR_TYPE_BYTES, 0, 0, counter.bytes), {}, &at)) {
    thread.counters.values_dropped.add();
    return TR_ENOMEM;
  }
  EventEncoder<Place> encoder(&at, policy_);
  encoder.time_and_name(now, name);
  for (size_t i = 0; i < kept; ++i) encoder.attribute(attributes[i]);
  at.finish();
  ++slot.attributes;
  return result;
}

}  // namespace trunkline::record
