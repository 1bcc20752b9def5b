#include "encode/otlp_value.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <protozero/pbf_writer.hpp>

#include "encode/json_text.hpp"
#include "encode/json_walk.hpp"
#include "encode/json_writer.hpp"
#include "encode/otlp_fields.hpp"
#include "encode/otlp_message.hpp"
#include "model/names.hpp"
#include "model/utf8.hpp"

namespace trunkline::encode {
namespace {

using protozero::pbf_writer;

constexpr int kMostDepth = 24;
constexpr size_t kFixed64Field = 9;

size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

// A field of this length, all tags here being one byte.
size_t field_size(size_t length) { return 1 + varint_size(length) + length; }

struct Number {
  enum class Kind { kInteger, kDouble, kNeither } kind;
  int64_t integer = 0;
  double real = 0;
};

// A number that neither holds is kept as its text.
Number parse_number(std::string_view json) {
  Number number{Number::Kind::kInteger};
  const char* end = json.data() + json.size();
  const auto integer = std::from_chars(json.data(), end, number.integer);
  if (integer.ec == std::errc{} && integer.ptr == end) return number;
  number.kind = Number::Kind::kDouble;
  const auto real = std::from_chars(json.data(), end, number.real);
  if (real.ec != std::errc{} || real.ptr != end || !std::isfinite(number.real)) number.kind = Number::Kind::kNeither;
  return number;
}

template <class T>
T element(const tr_value& value, size_t index) {
  T result;
  std::memcpy(&result, static_cast<const char*>(value.data) + index * sizeof(T), sizeof(T));
  return result;
}

}  // namespace

std::string_view OtlpAttributes::clean(std::string_view text, std::string* buffer) {
  if (utf8_valid(text)) return text;
  *buffer = utf8_repair(text);
  return *buffer;
}

void OtlpAttributes::begin(std::string_view key, size_t any_size) {
  key = clean(key, &key_);
  begin_message(out_, tag_, field_size(key.size()) + field_size(any_size));
  pbf_writer(*out_).add_string(otlp::key_value::kKey, key.data(), key.size());
}

template <class Write>
void OtlpAttributes::scalar(std::string_view key, size_t any_size, Write write) {
  begin(key, any_size);
  begin_message(out_, otlp::key_value::kValue, any_size);
  pbf_writer any(*out_);
  write(any);
}

// `write` is given the message of an element and its number.
template <class Write>
void OtlpAttributes::array(std::string_view key, size_t count, Write write) {
  std::string list;
  for (size_t i = 0; i < count; ++i) {
    pbf_writer values(list);
    pbf_writer any(values, otlp::container::kValues);
    write(any, i);
  }
  scalar(key, field_size(list.size()), [&](pbf_writer& any) { any.add_message(otlp::any_value::kArray, list); });
}

void OtlpAttributes::text(std::string_view key, std::string_view value) {
  value = clean(value, &text_);
  scalar(key, field_size(value.size()),
         [&](pbf_writer& any) { any.add_string(otlp::any_value::kString, value.data(), value.size()); });
}

void OtlpAttributes::i64(std::string_view key, int64_t value) {
  scalar(key, 1 + varint_size(static_cast<uint64_t>(value)),
         [&](pbf_writer& any) { any.add_int64(otlp::any_value::kInt, value); });
}

void OtlpAttributes::boolean(std::string_view key, bool value) {
  scalar(key, 2, [&](pbf_writer& any) { any.add_bool(otlp::any_value::kBool, value); });
}

void OtlpAttributes::f64(std::string_view key, double value) {
  scalar(key, kFixed64Field, [&](pbf_writer& any) { any.add_double(otlp::any_value::kDouble, value); });
}

void OtlpAttributes::value(std::string_view key, const tr_value& value) {
  switch (value.type) {
    case TR_TYPE_BOOL:
      return boolean(key, value.i64 != 0);
    case TR_TYPE_I64:
      return i64(key, value.i64);
    case TR_TYPE_F64:
      return f64(key, value.f64);
    case TR_TYPE_STR:
      return text(key, text_of(value));
    case TR_TYPE_JSON:
      if (key.substr(0, names::kMlflowPrefix.size()) == names::kMlflowPrefix) return json(key, text_of(value));
      return text(key, text_of(value));
    case TR_TYPE_BYTES:
      if (bytes_ == OtlpBytes::Base64) {
        std::string base64;
        append_base64(&base64, text_of(value));
        return text(key, base64);
      }
      return scalar(key, field_size(value.size), [&](pbf_writer& any) {
        any.add_bytes(otlp::any_value::kBytes, text_of(value).data(), value.size);
      });
    case TR_TYPE_BOOL_ARRAY:
      return array(key, value.size, [&](pbf_writer& any, size_t i) {
        any.add_bool(otlp::any_value::kBool, element<uint8_t>(value, i) != 0);
      });
    case TR_TYPE_I64_ARRAY:
      return array(key, value.size, [&](pbf_writer& any, size_t i) {
        any.add_int64(otlp::any_value::kInt, element<int64_t>(value, i));
      });
    case TR_TYPE_F64_ARRAY:
      return array(key, value.size, [&](pbf_writer& any, size_t i) {
        any.add_double(otlp::any_value::kDouble, element<double>(value, i));
      });
    case TR_TYPE_STR_ARRAY:
      return array(key, value.size, [&](pbf_writer& any, size_t i) {
        const std::string_view item = clean(view(element<tr_string>(value, i)), &text_);
        any.add_string(otlp::any_value::kString, item.data(), item.size());
      });
    default:
      return scalar(key, 0, [](pbf_writer&) {});
  }
}

void OtlpAttributes::json(std::string_view key, std::string_view json) {
  nodes_.clear();
  begin(key, measure_json(json, 0));
  next_node_ = 0;
  write_json(otlp::key_value::kValue, json, 0);
}

// Bytes of the AnyValue, which `nodes_` keeps in the order in which write_json asks for them.
size_t OtlpAttributes::measure_json(std::string_view json, int depth) {
  const size_t index = nodes_.size();
  nodes_.push_back({0, 0});
  size_t any = 0;
  switch (json_type(json)) {
    case '{':
    case '[':
      if (depth < kMostDepth) {
        nodes_[index].container = measure_container(json, depth, json_type(json) == '{');
        any = field_size(nodes_[index].container);
      } else {
        any = field_size(clean(json, &text_).size());
      }
      break;
    case '"':
      any = json_string_value(json, &text_) ? field_size(text_.size()) : 0;
      break;
    case 't':
    case 'f':
      any = 2;
      break;
    case '0': {
      const Number number = parse_number(json);
      any = number.kind == Number::Kind::kInteger  ? 1 + varint_size(static_cast<uint64_t>(number.integer))
            : number.kind == Number::Kind::kDouble ? kFixed64Field
                                                   : field_size(json.size());
      break;
    }
    default:
      break;
  }
  nodes_[index].any = any;
  return any;
}

size_t OtlpAttributes::measure_container(std::string_view json, int depth, bool object) {
  size_t size = 0;
  JsonWalk walk(json);
  while (walk.next()) {
    size_t member = measure_json(walk.value(), depth + 1);
    if (object) {
      (void)unescape_json(walk.raw_key(), &key_);
      member = field_size(key_.size()) + field_size(member);
    }
    size += field_size(member);
  }
  return size;
}

void OtlpAttributes::write_json(uint32_t tag, std::string_view json, int depth) {
  const Node node = nodes_[next_node_++];
  begin_message(out_, tag, node.any);
  if (node.any == 0) return;
  const char type = json_type(json);
  if ((type == '{' || type == '[') && depth < kMostDepth) return write_container(json, depth, node.container);
  pbf_writer any(*out_);
  if (type == '"') {
    (void)json_string_value(json, &text_);
    any.add_string(otlp::any_value::kString, text_.data(), text_.size());
    return;
  }
  if (type == 't' || type == 'f') return any.add_bool(otlp::any_value::kBool, type == 't');
  const Number number = type == '0' ? parse_number(json) : Number{Number::Kind::kNeither};
  if (number.kind == Number::Kind::kInteger) return any.add_int64(otlp::any_value::kInt, number.integer);
  if (number.kind == Number::Kind::kDouble) return any.add_double(otlp::any_value::kDouble, number.real);
  const std::string_view raw = clean(json, &text_);
  any.add_string(otlp::any_value::kString, raw.data(), raw.size());
}

void OtlpAttributes::write_container(std::string_view json, int depth, size_t size) {
  const bool object = json_type(json) == '{';
  begin_message(out_, object ? otlp::any_value::kMap : otlp::any_value::kArray, size);
  const uint32_t value_tag = object ? uint32_t{otlp::key_value::kValue} : uint32_t{otlp::container::kValues};
  JsonWalk walk(json);
  while (walk.next()) {
    if (object) {
      (void)unescape_json(walk.raw_key(), &key_);
      const size_t any_size = nodes_[next_node_].any;
      begin_message(out_, otlp::container::kValues, field_size(key_.size()) + field_size(any_size));
      pbf_writer(*out_).add_string(otlp::key_value::kKey, key_.data(), key_.size());
    }
    write_json(value_tag, walk.value(), depth + 1);
  }
}

}  // namespace trunkline::encode
