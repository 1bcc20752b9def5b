#include "model/packed_attributes.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace trunkline {
namespace {

class Bytes {
 public:
  Bytes(const void* data, size_t size) : at_(static_cast<const char*>(data)), end_(at_ + size) {}

  bool empty() const { return at_ == end_; }

  template <class T>
  bool take(T* value) {
    const char* bytes = nullptr;
    if (!take(sizeof *value, &bytes)) return false;
    std::memcpy(value, bytes, sizeof *value);
    return true;
  }

  bool take(size_t size, const char** bytes) {
    if (static_cast<size_t>(end_ - at_) < size) return false;
    *bytes = at_;
    at_ += size;
    return true;
  }

  bool take_text(tr_string* text) {
    uint32_t size = 0;
    if (!take(&size)) return false;
    text->size = size;
    return take(size, &text->data);
  }

 private:
  const char* at_;
  const char* end_;
};

// Room for the texts of arrays. Without any the texts are only looked at.
struct TextRoom {
  tr_string* free = nullptr;
  size_t left = 0;
  bool exhausted = false;

  tr_string* take(size_t count) {
    exhausted = free != nullptr && left < count;
    if (free == nullptr || exhausted) return nullptr;
    left -= count;
    return std::exchange(free, free + count);
  }
};

bool take_texts(Bytes* bytes, TextRoom* room, tr_value* value) {
  uint32_t count = 0;
  if (!bytes->take(&count)) return false;
  tr_string* const texts = room->take(count);
  if (room->exhausted) return false;
  value->data = texts;
  value->size = count;
  tr_string seen;
  for (size_t i = 0; i < count; ++i) {
    if (!bytes->take_text(texts == nullptr ? &seen : &texts[i])) return false;
  }
  return true;
}

bool take_scalars(Bytes* bytes, size_t element, tr_value* value) {
  uint32_t count = 0;
  const char* data = nullptr;
  if (!bytes->take(&count) || !bytes->take(count * element, &data)) return false;
  value->data = data;
  value->size = count;
  return true;
}

bool take_value(Bytes* bytes, tr_value* value, TextRoom* room) {
  switch (value->type) {
    case TR_TYPE_NULL:
      return true;
    case TR_TYPE_BOOL: {
      uint8_t truth = 0;
      if (!bytes->take(&truth)) return false;
      value->i64 = truth != 0 ? 1 : 0;
      return true;
    }
    case TR_TYPE_I64:
      return bytes->take(&value->i64);
    case TR_TYPE_F64:
      return bytes->take(&value->f64);
    case TR_TYPE_STR:
    case TR_TYPE_BYTES:
    case TR_TYPE_JSON: {
      tr_string text;
      if (!bytes->take_text(&text)) return false;
      value->data = text.data;
      value->size = text.size;
      return true;
    }
    case TR_TYPE_BOOL_ARRAY:
      return take_scalars(bytes, sizeof(uint8_t), value);
    case TR_TYPE_I64_ARRAY:
    case TR_TYPE_F64_ARRAY:
      return take_scalars(bytes, sizeof(int64_t), value);
    case TR_TYPE_STR_ARRAY:
      return take_texts(bytes, room, value);
    default:
      return false;
  }
}

bool take_attribute(Bytes* bytes, tr_attribute* attribute, TextRoom* room) {
  uint8_t type = 0;
  uint16_t key_size = 0;
  if (!bytes->take(&type) || !bytes->take(&key_size) || key_size == 0) return false;
  attribute->key.size = key_size;
  attribute->value = {};
  attribute->value.type = type;
  return bytes->take(key_size, &attribute->key.data) && take_value(bytes, &attribute->value, room);
}

}  // namespace

// What a span commonly has is read at once; of more it is first seen how much there is.
PackedAttributes::PackedAttributes(const void* bytes, size_t size) noexcept {
  if (bytes == nullptr || size > PTRDIFF_MAX) {
    if (size != 0) result_ = TR_EINVAL;
    return;
  }
  if (read(bytes, size, kFew, kFew)) return;
  size_t attributes = 0;
  size_t texts = 0;
  tr_attribute seen;
  TextRoom none;
  for (Bytes rest(bytes, size); !rest.empty() && take_attribute(&rest, &seen, &none); ++attributes) {
    if (seen.value.type == TR_TYPE_STR_ARRAY) texts += seen.value.size;
  }
  if (!reserve(attributes, texts)) {
    count_ = 0;
    result_ = TR_ENOMEM;
  } else if (!read(bytes, size, attributes, texts)) {
    result_ = TR_EINVAL;  // what follows them is no attribute
  }
}

// False: there is more than that.
bool PackedAttributes::read(const void* bytes, size_t size, size_t attributes, size_t texts) noexcept {
  count_ = 0;
  TextRoom room{texts_, texts};
  for (Bytes rest(bytes, size); !rest.empty(); ++count_) {
    if (count_ == attributes) return false;
    if (take_attribute(&rest, &attributes_[count_], &room)) continue;
    if (!room.exhausted) result_ = TR_EINVAL;
    return !room.exhausted;
  }
  return true;
}

bool PackedAttributes::reserve(size_t attributes, size_t texts) noexcept {
  if (attributes > kFew) {
    many_attributes_.reset(new (std::nothrow) tr_attribute[attributes]);
    attributes_ = many_attributes_.get();
  }
  if (texts > kFew) {
    many_texts_.reset(new (std::nothrow) tr_string[texts]);
    texts_ = many_texts_.get();
  }
  return attributes_ != nullptr && texts_ != nullptr;
}

}  // namespace trunkline
