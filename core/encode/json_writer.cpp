#include "encode/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "encode/json_text.hpp"
#include "model/utf8.hpp"

namespace trunkline::encode {
namespace {

void append_escape(std::string* out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\f':
      out->append("\\f");
      return;
    default:
      out->append("\\u00");
      out->push_back(kHex[static_cast<unsigned char>(c) >> 4]);
      out->push_back(kHex[static_cast<unsigned char>(c) & 15]);
  }
}

template <class T>
T element(const tr_value& value, size_t index) {
  T result;
  std::memcpy(&result, static_cast<const char*>(value.data) + index * sizeof(T), sizeof(T));
  return result;
}

template <class Append>
void append_array(std::string* out, size_t count, Append append) {
  out->push_back('[');
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out->push_back(',');
    append(i);
  }
  out->push_back(']');
}

// Collects words into a JSON array that is opened by the first one.
class Words {
 public:
  explicit Words(std::string* out) : out_(out) {}
  void add(std::string_view word) {
    out_->push_back(any_ ? ',' : '[');
    append_json_string(out_, word);
    any_ = true;
  }
  bool close() {
    if (any_) out_->push_back(']');
    return any_;
  }

 private:
  std::string* out_;
  bool any_ = false;
};

std::string_view not_finite(double value) { return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"; }

void add_not_finite(Words* words, const tr_value& value) {
  if (value.type == TR_TYPE_F64 && !std::isfinite(value.f64)) words->add(not_finite(value.f64));
  if (value.type != TR_TYPE_F64_ARRAY) return;
  for (size_t i = 0; i < value.size; ++i) {
    const double number = element<double>(value, i);
    if (!std::isfinite(number)) words->add(std::string(not_finite(number)) + ":" + std::to_string(i));
  }
}

void append_user_key(std::string* out, std::string_view key) {
  if (key.empty() || key.front() != '$') return append_json_string(out, key);
  append_json_string(out, "$" + std::string(key));
}

}  // namespace

void append_json_string(std::string* out, std::string_view text) {
  if (!utf8_valid(text)) return append_json_string(out, utf8_repair(text));
  out->push_back('"');
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = skip_plain_json(text, i);
    out->append(text, i, end - i);
    i = end;
    if (i < text.size()) append_escape(out, text[i]);
  }
  out->push_back('"');
}

void append_json_i64(std::string* out, int64_t value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out->append(buffer.data(), end.ptr);
}

void append_json_f64(std::string* out, double value) {
  if (!std::isfinite(value)) {
    out->append("null");
    return;
  }
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  const std::string_view text(buffer.data(), static_cast<size_t>(end.ptr - buffer.data()));
  out->append(text);
  if (text.find_first_of(".e") == std::string_view::npos) out->append(".0");
}

void append_json_text(std::string* out, std::string_view json) {
  if (json.empty()) {
    out->append("null");
    return;
  }
  const size_t begin = out->size();
  if (utf8_valid(json)) {
    out->append(json);
  } else {
    out->append(utf8_repair(json));
  }
  // Inside a JSON string a raw control character is not allowed, so every one that is here stands between tokens.
  for (size_t i = begin; i < out->size(); ++i) {
    if (static_cast<unsigned char>((*out)[i]) < 0x20) (*out)[i] = ' ';
  }
}

void append_base64(std::string* out, std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](size_t i) -> uint32_t { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out->push_back(kAlphabet[group >> 18]);
    out->push_back(kAlphabet[group >> 12 & 63]);
    out->push_back(i + 1 < bytes.size() ? kAlphabet[group >> 6 & 63] : '=');
    out->push_back(i + 2 < bytes.size() ? kAlphabet[group & 63] : '=');
  }
}

void append_json_value(std::string* out, const tr_value& value) {
  switch (value.type) {
    case TR_TYPE_BOOL:
      out->append(value.i64 != 0 ? "true" : "false");
      return;
    case TR_TYPE_I64:
      return append_json_i64(out, value.i64);
    case TR_TYPE_F64:
      return append_json_f64(out, value.f64);
    case TR_TYPE_STR:
      return append_json_string(out, text_of(value));
    case TR_TYPE_JSON:
      return append_json_text(out, text_of(value));
    case TR_TYPE_BYTES:
      out->append("{\"$bytes\":\"");
      append_base64(out, text_of(value));
      out->append("\"}");
      return;
    case TR_TYPE_BOOL_ARRAY:
      return append_array(out, value.size,
                          [&](size_t i) { out->append(element<uint8_t>(value, i) ? "true" : "false"); });
    case TR_TYPE_I64_ARRAY:
      return append_array(out, value.size, [&](size_t i) { append_json_i64(out, element<int64_t>(value, i)); });
    case TR_TYPE_F64_ARRAY:
      return append_array(out, value.size, [&](size_t i) { append_json_f64(out, element<double>(value, i)); });
    case TR_TYPE_STR_ARRAY:
      return append_array(out, value.size,
                          [&](size_t i) { append_json_string(out, view(element<tr_string>(value, i))); });
    default:
      out->append("null");
  }
}

bool append_json_flags(std::string* out, const tr_value& value) {
  const bool bytes = value.type == TR_TYPE_BYTES;
  const bool doubles = value.type == TR_TYPE_F64 || value.type == TR_TYPE_F64_ARRAY;
  if (value.flags == 0 && !bytes && !doubles) return false;
  Words words(out);
  if (doubles) add_not_finite(&words, value);
  if (bytes) words.add("bytes");
  if ((value.flags & TR_VALUE_TRUNCATED) != 0) words.add("truncated");
  if ((value.flags & TR_VALUE_REDACTED) != 0) words.add("redacted");
  if ((value.flags & TR_VALUE_INVALID_JSON) != 0) words.add("invalid_json");
  if ((value.flags & TR_VALUE_REPAIRED) != 0) words.add("repaired");
  return words.close();
}

void append_json_attributes(std::string* out, const tr_attribute* attributes, size_t count) {
  JsonObject object(out);
  for (size_t i = 0; i < count; ++i) object.attribute(attributes[i]);
  object.close();
}

std::string* JsonObject::member(std::string_view plain_key) {
  if (!first_) out_->push_back(',');
  first_ = false;
  out_->push_back('"');
  out_->append(plain_key);
  out_->append("\":");
  return out_;
}

std::string* JsonObject::any_member(std::string_view key) {
  if (!first_) out_->push_back(',');
  first_ = false;
  append_json_string(out_, key);
  out_->push_back(':');
  return out_;
}

void JsonObject::value(std::string_view key, const tr_value& value) {
  append_json_value(member(key), value);
  add_flags(key, value, false);
}

void JsonObject::attribute(const tr_attribute& attribute) {
  if (!first_) out_->push_back(',');
  first_ = false;
  append_user_key(out_, view(attribute.key));
  out_->push_back(':');
  append_json_value(out_, attribute.value);
  add_flags(view(attribute.key), attribute.value, true);
}

void JsonObject::flag(std::string_view key, const tr_value& value) { add_flags(key, value, false); }

void JsonObject::add_flags(std::string_view key, const tr_value& value, bool from_user) {
  const bool double_or_bytes =
      value.type == TR_TYPE_F64 || value.type == TR_TYPE_F64_ARRAY || value.type == TR_TYPE_BYTES;
  if (value.flags == 0 && !double_or_bytes) return;
  const size_t before = flags_.size();
  if (before > 0) flags_.push_back(',');
  from_user ? append_user_key(&flags_, key) : append_json_string(&flags_, key);
  flags_.push_back(':');
  if (!append_json_flags(&flags_, value)) flags_.resize(before);
}

void JsonObject::close() {
  if (!flags_.empty()) {
    member("$flags")->push_back('{');
    out_->append(flags_);
    out_->push_back('}');
  }
  out_->push_back('}');
}

}  // namespace trunkline::encode
