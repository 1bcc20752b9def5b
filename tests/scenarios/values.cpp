#include "scenarios/values.hpp"

#include <cmath>
#include <cstring>
#include <limits>

namespace trunkline::scenarios {
namespace {

constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_of(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    for (size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : kDigits[three >> (18 - 6 * k) & 63];
  }
  return text;
}

std::string from_base64(const std::string& text) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const char* digit = std::strchr(kDigits, c);
    if (digit == nullptr) throw Refused("no base64: " + text);
    bits = bits << 6 | static_cast<uint32_t>(digit - kDigits);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

std::string repeated(const std::string& text, int64_t times) {
  std::string result;
  for (int64_t i = 0; i < times; ++i) result += text;
  return result;
}

json text_of(const void* data, size_t size) { return std::string(static_cast<const char*>(data), size); }

template <class T, class Convert>
json list_of(const tr_value& value, Convert convert) {
  json list = json::array();
  for (size_t i = 0; i < value.size; ++i) list.push_back(convert(static_cast<const T*>(value.data)[i]));
  return list;
}

json flags_of(uint32_t flags) {
  json names = json::array();
  const char* const known[] = {"truncated", "redacted", "invalid_json", "repaired"};
  for (size_t i = 0; i < 4; ++i) {
    if ((flags >> i & 1) != 0) names.push_back(known[i]);
  }
  if (flags >> 4 != 0) names.push_back("unknown");
  return names;
}

}  // namespace

double real_of(const json& given) {
  if (given == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (given == "inf") return std::numeric_limits<double>::infinity();
  if (given == "-inf") return -std::numeric_limits<double>::infinity();
  if (given == "-0") return -0.0;
  if (!given.is_number_float()) throw Refused("no double: " + given.dump());
  return given.get<double>();
}

json json_of_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (value == 0 && std::signbit(value)) return "-0";
  return value;
}

tr_string Values::text(std::string given) {
  texts_.push_back(std::move(given));
  return {texts_.back().data(), texts_.back().size()};
}

tr_value Values::array(const std::string& type, const json& elements) {
  if (type == "bools") {
    auto& list = bools_.emplace_back();
    for (const json& each : elements) list.push_back(each.get<bool>() ? 1 : 0);
    return {TR_TYPE_BOOL_ARRAY, 0, 0, 0, list.data(), list.size()};
  }
  if (type == "i64s") {
    auto& list = integers_.emplace_back(elements.get<std::vector<int64_t>>());
    return {TR_TYPE_I64_ARRAY, 0, 0, 0, list.data(), list.size()};
  }
  if (type == "f64s") {
    auto& list = reals_.emplace_back();
    for (const json& each : elements) list.push_back(real_of(each));
    return {TR_TYPE_F64_ARRAY, 0, 0, 0, list.data(), list.size()};
  }
  if (type != "strs") throw Refused("a value of the unknown type " + type);
  auto& list = strings_.emplace_back();
  for (const json& each : elements) list.push_back(text(each.get<std::string>()));
  return {TR_TYPE_STR_ARRAY, 0, 0, 0, list.data(), list.size()};
}

tr_value Values::value(const json& given) {
  Fields fields(given, "a value");
  const int64_t times = fields.integer("repeat", 1);
  const auto of_text = [&](tr_type type, const std::string& bytes) {
    const tr_string kept = text(repeated(bytes, times));
    fields.finish();
    return tr_value{type, 0, 0, 0, kept.data, kept.size};
  };
  if (fields.has("str")) return of_text(TR_TYPE_STR, fields.text("str"));
  if (fields.has("str_base64")) return of_text(TR_TYPE_STR, from_base64(fields.text("str_base64")));
  if (fields.has("bytes")) return of_text(TR_TYPE_BYTES, from_base64(fields.text("bytes")));
  if (fields.has("json")) return of_text(TR_TYPE_JSON, fields.text("json"));
  if (given.size() != 1) throw Refused("a value has one type: " + given.dump());
  const json& content = given.begin().value();
  if (fields.has("null")) return {TR_TYPE_NULL, 0, 0, 0, nullptr, 0};
  if (fields.has("bool")) return {TR_TYPE_BOOL, 0, content.get<bool>() ? 1 : 0, 0, nullptr, 0};
  if (fields.has("i64")) return {TR_TYPE_I64, 0, content.get<int64_t>(), 0, nullptr, 0};
  if (fields.has("f64")) return {TR_TYPE_F64, 0, 0, real_of(content), nullptr, 0};
  return array(given.begin().key(), content);
}

const std::vector<tr_attribute>& Values::attributes(const json& given) {
  if (!given.is_object()) throw Refused("attributes are no object");
  std::vector<tr_attribute> list;
  for (const auto& [key, content] : given.items()) list.push_back({text(key), value(content)});
  return attributes_.emplace_back(std::move(list));
}

json normal_value(const tr_value& value) {
  json normal = json::object();
  switch (value.type) {
    case TR_TYPE_NULL:
      normal["null"] = nullptr;
      break;
    case TR_TYPE_BOOL:
      normal["bool"] = value.i64 != 0;
      break;
    case TR_TYPE_I64:
      normal["i64"] = value.i64;
      break;
    case TR_TYPE_F64:
      normal["f64"] = json_of_real(value.f64);
      break;
    case TR_TYPE_STR:
      normal["str"] = text_of(value.data, value.size);
      break;
    case TR_TYPE_BYTES:
      normal["bytes"] = base64_of({static_cast<const char*>(value.data), value.size});
      break;
    case TR_TYPE_JSON:
      normal["json"] = json::parse(text_of(value.data, value.size).get<std::string>());
      break;
    case TR_TYPE_BOOL_ARRAY:
      normal["bools"] = list_of<uint8_t>(value, [](uint8_t each) { return each != 0; });
      break;
    case TR_TYPE_I64_ARRAY:
      normal["i64s"] = list_of<int64_t>(value, [](int64_t each) { return each; });
      break;
    case TR_TYPE_F64_ARRAY:
      normal["f64s"] = list_of<double>(value, json_of_real);
      break;
    case TR_TYPE_STR_ARRAY:
      normal["strs"] = list_of<tr_string>(value, [](const tr_string& each) { return text_of(each.data, each.size); });
      break;
    default:
      normal["type"] = value.type;
  }
  if (value.flags != 0) normal["flags"] = flags_of(value.flags);
  return normal;
}

json normal_attributes(const tr_attribute* attributes, size_t count) {
  json normal = json::object();
  for (size_t i = 0; i < count; ++i) {
    const std::string key(attributes[i].key.data, attributes[i].key.size);
    if (normal.contains(key)) throw std::runtime_error("an attribute twice: " + key);
    normal[key] = normal_value(attributes[i].value);
  }
  return normal;
}

json normal_expectation(const json& given) {
  json expected = given;
  if (expected.contains("any")) return expected;
  if (expected.contains("json")) expected["json"] = json::parse(expected["json"].get<std::string>());
  if (!expected.contains("repeat")) return expected;
  const int64_t times = expected["repeat"].get<int64_t>();
  expected.erase("repeat");
  if (expected.contains("str")) expected["str"] = repeated(expected["str"].get<std::string>(), times);
  if (expected.contains("bytes")) {
    expected["bytes"] = base64_of(repeated(from_base64(expected["bytes"].get<std::string>()), times));
  }
  return expected;
}

}  // namespace trunkline::scenarios
