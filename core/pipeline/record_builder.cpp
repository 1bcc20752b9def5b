#include "pipeline/record_builder.hpp"

#include <cstring>
#include <utility>

#include "encode/json_scan.hpp"
#include "model/utf8.hpp"

namespace trunkline::pipeline {

void RecordBuilder::begin(const RecordHeader& header, int64_t wall_offset, uint64_t origin) {
  wall_offset_ = wall_offset;
  RecordHeader logged = header;
  if ((header.flags & kExplicitTimes) == 0) {
    if (logged.end < logged.start) {
      logged.end = logged.start;
      logged.flags |= TR_RECORD_TIME_CLAMPED;
    }
    logged.start += wall_offset;
    logged.end += wall_offset;
  }
  logged.flags &= ~kExplicitTimes;
  if (logged.type == TR_RECORD_TRACE_START || logged.type == TR_RECORD_SPAN_START) logged.end = 0;
  logged.stamp = origin;
  payload_.assign(reinterpret_cast<const char*>(&logged), sizeof logged);
}

std::string_view RecordBuilder::finish(uint32_t dropped_attributes) {
  if (dropped_attributes != 0) {
    append_item(&payload_, Field::kDropped, TR_TYPE_I64, {}, 0,
                {reinterpret_cast<const char*>(&dropped_attributes), sizeof dropped_attributes});
  }
  const auto items = static_cast<uint32_t>(payload_.size() - sizeof(RecordHeader));
  std::memcpy(payload_.data() + offsetof(RecordHeader, item_bytes), &items, sizeof items);
  return payload_;
}

void RecordBuilder::add(const ItemView& item) { add_to(&payload_, item); }

void RecordBuilder::add_to(std::string* out, const ItemView& item) {
  if (item.field == Field::kEvent) {
    add_event(out, item);
    return;
  }
  ItemView cleaned = item;
  cleaned.key = clean_key(item.key);
  switch (item.type) {
    case TR_TYPE_STR:
    case TR_TYPE_JSON:
      add_text(out, cleaned);
      break;
    case TR_TYPE_STR_ARRAY:
      add_strings(out, cleaned);
      break;
    default:
      append_item(out, item.field, item.type, cleaned.key, item.flags, item.value);
      break;
  }
}

// Keys are text too: made by programs out of what they were given.
std::string_view RecordBuilder::clean_key(std::string_view key) {
  if (key.empty() || clean_keys_.contains(key)) return key;
  const std::string_view result = repair_key(key);
  if (result.data() == key.data() && result.size() == key.size()) clean_keys_.add(key);
  return result;
}

std::string_view RecordBuilder::repair_key(std::string_view key) {
  std::string_view result = key;
  if (!utf8_valid(result)) {
    key_ = utf8_repair(result);
    result = key_;
  }
  std::string replaced;
  if (redactor_->replace_patterns(result, &replaced)) {
    key_ = std::move(replaced);
    result = key_;
    ++redacted_;
  }
  return result.substr(0, utf8_cut(result, kMaxKeyBytes));
}

std::string_view RecordBuilder::clean(std::string_view key, std::string_view text, bool json, std::string* buffer,
                                      uint32_t* flags) {
  std::string_view result = text;
  if (!utf8_valid(text)) {
    repaired_ = utf8_repair(text);
    *flags |= TR_VALUE_REPAIRED;
    result = repaired_;
  }
  buffer->clear();
  const bool changed =
      json ? encode::json_redact(result, *redactor_, buffer) : encode::redact_text(key, result, *redactor_, buffer);
  if (changed) {
    *flags |= TR_VALUE_REDACTED;
    ++redacted_;
    return *buffer;
  }
  if (result.data() == repaired_.data()) {
    *buffer = repaired_;
    return *buffer;
  }
  return result;
}

void RecordBuilder::add_text(std::string* out, const ItemView& item) {
  uint32_t flags = item.flags;
  tr_type type = item.type;
  // What is not JSON is kept as the text it is.
  if (type == TR_TYPE_JSON && encode::json_check(item.value) != encode::JsonCheck::Valid) {
    type = TR_TYPE_STR;
    flags |= TR_VALUE_INVALID_JSON;
  }
  const std::string_view value = clean(item.key, item.value, type == TR_TYPE_JSON, &redacted_text_, &flags);
  append_item(out, item.field, type, item.key, flags, value);
}

void RecordBuilder::add_strings(std::string* out, const ItemView& item) {
  std::string strings;
  uint32_t flags = item.flags;
  std::string_view rest = item.value;
  while (rest.size() >= 4) {
    uint32_t size;
    std::memcpy(&size, rest.data(), sizeof size);
    rest.remove_prefix(4);
    if (size > rest.size()) break;
    const std::string_view value = clean(item.key, rest.substr(0, size), false, &redacted_text_, &flags);
    const auto new_size = static_cast<uint32_t>(value.size());
    strings.append(reinterpret_cast<const char*>(&new_size), sizeof new_size);
    strings.append(value);
    rest.remove_prefix(size);
  }
  append_item(out, item.field, item.type, item.key, flags, strings);
}

void RecordBuilder::add_event(std::string* out, const ItemView& item) {
  int64_t time = 0;
  uint32_t name_size = 0;
  if (item.value.size() < sizeof time + sizeof name_size) return;
  std::memcpy(&time, item.value.data(), sizeof time);
  std::memcpy(&name_size, item.value.data() + sizeof time, sizeof name_size);
  std::string_view rest = item.value.substr(sizeof time + sizeof name_size);
  if (name_size > rest.size()) return;
  time += wall_offset_;
  std::string event;
  uint32_t flags = 0;
  const std::string_view name = clean({}, rest.substr(0, name_size), false, &redacted_text_, &flags);
  const auto new_size = static_cast<uint32_t>(name.size());
  event.append(reinterpret_cast<const char*>(&time), sizeof time);
  event.append(reinterpret_cast<const char*>(&new_size), sizeof new_size);
  event.append(name);
  ItemReader reader(rest.substr(name_size));
  ItemView nested;
  while (reader.next(&nested)) add_to(&event, nested);
  append_item(out, item.field, item.type, item.key, item.flags, event);
}

}  // namespace trunkline::pipeline
