// Packed attributes that are plain, read one by one from the front: scalars and texts, for which the structs of
// PackedAttributes would be a detour.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "trunkline.h"

namespace trunkline {

struct PlainAttribute {
  tr_type type;
  bool is_text;
  std::string_view key;
  std::string_view text;
  uint64_t bits;
};

class PackedPlain {
 public:
  PackedPlain(const void* bytes, size_t size) : at_(static_cast<const char*>(bytes)), left_(size) {}

  // False: the end, a list, a null or a defect; rest() stands before it.
  __attribute__((always_inline)) bool next(PlainAttribute* out) {
    if (left_ < kHead || at_ == nullptr || left_ > PTRDIFF_MAX) return false;
    const auto type = static_cast<uint8_t>(at_[0]);
    uint16_t key_size = 0;
    std::memcpy(&key_size, at_ + 1, sizeof key_size);
    const char* const value = at_ + kHead + key_size;
    const size_t before = kHead + key_size;
    if (key_size == 0 || left_ < before) return false;
    size_t size = 0;
    if (!read_value(type, value, left_ - before, out, &size)) return false;
    out->type = type;
    out->key = {at_ + kHead, key_size};
    at_ = value + size;
    left_ -= before + size;
    return true;
  }

  const void* rest() const { return at_; }
  size_t left() const { return left_; }

 private:
  static constexpr size_t kHead = 3;  // type and size of the key

  __attribute__((always_inline)) static bool read_value(uint8_t type, const char* value, size_t left,
                                                        PlainAttribute* out, size_t* size) {
    switch (type) {
      case TR_TYPE_STR:
      case TR_TYPE_BYTES:
      case TR_TYPE_JSON: {
        uint32_t length = 0;
        if (left < sizeof length) return false;
        std::memcpy(&length, value, sizeof length);
        if (left - sizeof length < length) return false;
        out->is_text = true;
        out->text = {value + sizeof length, length};
        *size = sizeof length + length;
        return true;
      }
      case TR_TYPE_I64:
      case TR_TYPE_F64:
        if (left < sizeof out->bits) return false;
        std::memcpy(&out->bits, value, sizeof out->bits);
        out->is_text = false;
        *size = sizeof out->bits;
        return true;
      case TR_TYPE_BOOL:
        if (left < 1) return false;
        out->bits = *value != 0 ? 1 : 0;
        out->is_text = false;
        *size = 1;
        return true;
      default:
        return false;
    }
  }

  const char* at_;
  size_t left_;
};

}  // namespace trunkline
