// Writes packed attributes as docs/abi.md has them: what the library must read, written by another hand.
#pragma once

#include <cstring>
#include <string>

#include "trunkline.h"

namespace trunkline::test {

template <class T>
void pack_number(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void pack_text(std::string* out, const void* data, size_t size) {
  if (size == TR_NUL) size = std::strlen(static_cast<const char*>(data));
  pack_number(out, static_cast<uint32_t>(size));
  if (size != 0) out->append(static_cast<const char*>(data), size);
}

inline void pack_value(std::string* out, const tr_value& value) {
  const auto elements = [&](size_t element) {
    pack_number(out, static_cast<uint32_t>(value.size));
    out->append(static_cast<const char*>(value.data), value.size * element);
  };
  switch (value.type) {
    case TR_TYPE_BOOL:
      return pack_number(out, static_cast<uint8_t>(value.i64));
    case TR_TYPE_I64:
      return pack_number(out, value.i64);
    case TR_TYPE_F64:
      return pack_number(out, value.f64);
    case TR_TYPE_STR:
    case TR_TYPE_BYTES:
    case TR_TYPE_JSON:
      return pack_text(out, value.data, value.size);
    case TR_TYPE_BOOL_ARRAY:
      return elements(1);
    case TR_TYPE_I64_ARRAY:
    case TR_TYPE_F64_ARRAY:
      return elements(8);
    case TR_TYPE_STR_ARRAY:
      pack_number(out, static_cast<uint32_t>(value.size));
      for (size_t i = 0; i < value.size; ++i) {
        const tr_string& text = static_cast<const tr_string*>(value.data)[i];
        pack_text(out, text.data, text.size);
      }
      return;
    default:
      return;
  }
}

inline std::string packed(const tr_attribute* attributes, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) {
    const tr_string& key = attributes[i].key;
    const size_t key_size = key.size == TR_NUL ? std::strlen(key.data) : key.size;
    pack_number(&out, static_cast<uint8_t>(attributes[i].value.type));
    pack_number(&out, static_cast<uint16_t>(key_size));
    out.append(key.data, key_size);
    pack_value(&out, attributes[i].value);
  }
  return out;
}

}  // namespace trunkline::test
