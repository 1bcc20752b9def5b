#include "processors/mlflow/mlflow_keys.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "encode/json_writer.hpp"

namespace trunkline::mlflow {
namespace {

constexpr size_t kHashCharacters = 17;  // '-' and 64 bits

// The character at `at` and its length; what is no UTF-8 is one byte of U+FFFD.
uint32_t character_at(std::string_view text, size_t at, size_t* length) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const uint32_t first = byte(at);
  *length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  if (first < 0x80) return first;
  uint32_t value = first & (0xffu >> (*length + 1));
  for (size_t i = 1; i < *length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) *length = 1;
    value = value << 6 | (byte(at + i) & 0x3f);
  }
  return *length == 1 ? 0xfffd : value;
}

struct Range {
  uint32_t first;
  uint32_t last;
};

// Blocks that hold no letters. A character that this lets through and MLflow does not take costs its own item alone.
constexpr Range kNoLetters[] = {{0x80, 0xa9},     {0xab, 0xb1},     {0xb4, 0xb4},       {0xb6, 0xb8},
                                {0xbb, 0xbb},     {0xbf, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},
                                {0x2000, 0x206f}, {0x20a0, 0x20cf}, {0x2190, 0x245f},   {0x2500, 0x2775},
                                {0x2794, 0x2bff}, {0x3000, 0x3004}, {0x3008, 0x3020},   {0xd800, 0xf8ff},
                                {0xfe00, 0xfe1f}, {0xfff0, 0xffff}, {0x1f000, 0x1f0ff}, {0x1f200, 0x1faff}};

bool is_legal(uint32_t c) {
  if (c < 0x80) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    return word || c == '/' || c == '.' || c == '-' || c == ' ' || c == ':';
  }
  for (const Range& range : kNoLetters) {
    if (c >= range.first && c <= range.last) return false;
  }
  return true;
}

uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

std::string with_legal_characters(std::string_view key) {
  std::string out;
  for (size_t at = 0, length = 0; at < key.size(); at += length) {
    if (is_legal(character_at(key, at, &length))) {
      out.append(key.substr(at, length));
    } else {
      out.push_back('_');
    }
  }
  return out;
}

std::string with_legal_path(std::string_view key) {
  std::string out;
  for (size_t begin = 0; begin <= key.size();) {
    const size_t end = std::min(key.find('/', begin), key.size());
    const std::string_view part = key.substr(begin, end - begin);
    if (begin > 0) out.push_back('/');
    out += part.empty() ? "_" : part == "." ? "_" : part == ".." ? "__" : std::string(part);
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::string legal_key(std::string_view key) {
  std::string legal = with_legal_path(with_legal_characters(key));
  if (cut_text(legal, kMostKeyCharacters).size() == legal.size()) return legal;
  char hash[kHashCharacters + 1];
  std::snprintf(hash, sizeof hash, "-%016llx", static_cast<unsigned long long>(hash_of(key)));
  std::string cut(cut_text(legal, kMostKeyCharacters - kHashCharacters));
  while (!cut.empty() && cut.back() == '/') cut.back() = '_';
  return cut + hash;
}

std::string_view cut_text(std::string_view text, size_t characters) {
  size_t at = 0;
  for (size_t length = 0; at < text.size() && characters > 0; at += length, --characters) {
    (void)character_at(text, at, &length);
  }
  return text.substr(0, at);
}

std::string value_text(const tr_value& value) {
  if (value.type == TR_TYPE_STR || value.type == TR_TYPE_JSON) return std::string(encode::text_of(value));
  std::string text;
  encode::append_json_value(&text, value);
  return text;
}

bool value_number(const tr_value& value, double* number) {
  if (value.type == TR_TYPE_F64) *number = value.f64;
  if (value.type == TR_TYPE_I64 || value.type == TR_TYPE_BOOL) *number = static_cast<double>(value.i64);
  return value.type == TR_TYPE_F64 || value.type == TR_TYPE_I64 || value.type == TR_TYPE_BOOL;
}

}  // namespace trunkline::mlflow
