#include "pipeline/record_decoder.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "model/names.hpp"
#include "model/record_header.hpp"

namespace trunkline::pipeline {
namespace {

template <class T>
T read_as(std::string_view bytes, T fallback) {
  if (bytes.size() != sizeof(T)) return fallback;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

tr_string text(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

bool same_key(const tr_string& a, const tr_string& b) {
  return a.size == b.size && std::memcmp(a.data, b.data, a.size) == 0;
}

// Sets an attribute; the last value of a key wins and keeps the place of the first.
void set_attribute(std::vector<tr_attribute>* attributes, const tr_attribute& attribute) {
  for (tr_attribute& known : *attributes) {
    if (same_key(known.key, attribute.key)) {
      known.value = attribute.value;
      return;
    }
  }
  attributes->push_back(attribute);
}

}  // namespace

void RecordDecoder::decode(uint64_t sequence, std::string_view payload, tr_record* out) {
  attributes_.clear();
  events_.clear();
  RecordHeader header;
  std::memcpy(&header, payload.data(), sizeof header);
  *out = tr_record{};
  out->struct_size = sizeof *out;
  out->type = header.type;
  out->flags = header.flags;
  out->kind = header.kind;
  out->sequence = sequence;
  store_bytes(header.trace_id, out->trace_id);
  std::memcpy(out->span_id, &header.span_id, sizeof out->span_id);
  std::memcpy(out->parent_id, &header.parent_id, sizeof out->parent_id);
  out->start_ns = header.start;
  out->end_ns = header.end;
  out->usage = {-1, -1, -1, -1, -1, -1};
  out->score = std::numeric_limits<double>::quiet_NaN();
  out->step = -1;
  ItemReader reader(payload.substr(sizeof header));
  ItemView item;
  while (reader.next(&item)) decode_item(item, out);
  if (out->usage.total < 0 && (out->usage.input >= 0 || out->usage.output >= 0)) {
    out->usage.total = std::max<int64_t>(out->usage.input, 0) + std::max<int64_t>(out->usage.output, 0);
  }
  out->attributes = keep(attributes_, &out->attribute_count);
  auto* events = arena_->array<tr_event>(events_.size());
  std::copy(events_.begin(), events_.end(), events);
  out->events = events;
  out->event_count = events_.size();
}

const tr_attribute* RecordDecoder::keep(const std::vector<tr_attribute>& attributes, size_t* count) {
  auto* kept = arena_->array<tr_attribute>(attributes.size());
  std::copy(attributes.begin(), attributes.end(), kept);
  *count = attributes.size();
  return kept;
}

void RecordDecoder::decode_item(const ItemView& item, tr_record* out) {
  switch (item.field) {
    case Field::kAttribute:
      decode_attribute(item, out);
      break;
    case Field::kName:
      out->name = text(item.value);
      break;
    case Field::kModel:
      out->model = text(item.value);
      break;
    case Field::kUsage:
      out->usage = read_as(item.value, out->usage);
      break;
    case Field::kScore:
      out->score_name = text(item.key);
      out->score = read_as(item.value, out->score);
      break;
    case Field::kStep:
      out->step = read_as(item.value, out->step);
      break;
    case Field::kInput:
      out->input = decode_value(item);
      break;
    case Field::kOutput:
      out->output = decode_value(item);
      break;
    case Field::kErrorType:
      out->error_type = text(item.value);
      break;
    case Field::kErrorMessage:
      out->error_message = text(item.value);
      break;
    case Field::kForeignId:
      out->foreign_id = text(item.value);
      break;
    case Field::kGroupId:
      out->group_id = text(item.value);
      break;
    case Field::kProject:
      out->project = text(item.value);
      break;
    case Field::kEvent:
      decode_event(item.value);
      break;
    case Field::kRunOutcome: {
      const RunOutcome outcome = read_as(item.value, RunOutcome{});
      out->run_status = outcome.status;
      out->exit_code = outcome.exit_code;
      break;
    }
    case Field::kDropped:
      out->dropped_attributes = read_as(item.value, uint32_t{0});
      break;
  }
}

bool RecordDecoder::decode_known(const ItemView& item, tr_record* out) {
  const auto known = known_field(item.key);
  if (!known) return false;
  if (*known == KnownField::Model) {
    if (item.type != TR_TYPE_STR) return false;
    out->model = text(item.value);
    return true;
  }
  int64_t* field = nullptr;
  switch (*known) {
    case KnownField::UsageInput:
      field = &out->usage.input;
      break;
    case KnownField::UsageOutput:
      field = &out->usage.output;
      break;
    case KnownField::UsageTotal:
      field = &out->usage.total;
      break;
    case KnownField::UsageCacheRead:
      field = &out->usage.cache_read;
      break;
    case KnownField::UsageCacheWrite:
      field = &out->usage.cache_write;
      break;
    case KnownField::UsageReasoning:
      field = &out->usage.reasoning;
      break;
    default:
      return false;
  }
  if (item.type != TR_TYPE_I64) return false;
  *field = read_as(item.value, int64_t{-1});
  return true;
}

void RecordDecoder::decode_attribute(const ItemView& item, tr_record* out) {
  const bool has_fields = out->type == TR_RECORD_SPAN_END || out->type == TR_RECORD_SPAN_START;
  if (has_fields && decode_known(item, out)) return;
  set_attribute(&attributes_, {text(item.key), decode_value(item)});
}

tr_value RecordDecoder::decode_value(const ItemView& item) {
  tr_value value{};
  value.type = item.type;
  value.flags = item.flags;
  switch (item.type) {
    case TR_TYPE_BOOL:
    case TR_TYPE_I64:
      value.i64 = read_as(item.value, int64_t{0});
      break;
    case TR_TYPE_F64:
      value.f64 = read_as(item.value, 0.0);
      break;
    case TR_TYPE_I64_ARRAY:
    case TR_TYPE_F64_ARRAY: {
      // Copied for alignment.
      value.size = item.value.size() / 8;
      void* elements = arena_->take(item.value.size());
      if (!item.value.empty()) std::memcpy(elements, item.value.data(), item.value.size());
      value.data = elements;
      break;
    }
    case TR_TYPE_STR_ARRAY: {
      std::vector<tr_string> strings;
      std::string_view rest = item.value;
      while (rest.size() >= 4) {
        uint32_t size;
        std::memcpy(&size, rest.data(), sizeof size);
        rest.remove_prefix(4);
        if (size > rest.size()) break;
        strings.push_back(text(rest.substr(0, size)));
        rest.remove_prefix(size);
      }
      auto* kept = arena_->array<tr_string>(strings.size());
      std::copy(strings.begin(), strings.end(), kept);
      value.data = kept;
      value.size = strings.size();
      break;
    }
    case TR_TYPE_NULL:
      break;
    default:
      value.data = item.value.data();
      value.size = item.value.size();
      break;
  }
  return value;
}

void RecordDecoder::decode_event(std::string_view value) {
  tr_event event{};
  uint32_t name_size = 0;
  if (value.size() < sizeof event.time_ns + sizeof name_size) return;
  std::memcpy(&event.time_ns, value.data(), sizeof event.time_ns);
  std::memcpy(&name_size, value.data() + sizeof event.time_ns, sizeof name_size);
  value.remove_prefix(sizeof event.time_ns + sizeof name_size);
  if (name_size > value.size()) return;
  event.name = text(value.substr(0, name_size));
  std::vector<tr_attribute> attributes;
  ItemReader reader(value.substr(name_size));
  ItemView item;
  while (reader.next(&item)) set_attribute(&attributes, {text(item.key), decode_value(item)});
  event.attributes = keep(attributes, &event.attribute_count);
  events_.push_back(event);
}

}  // namespace trunkline::pipeline
