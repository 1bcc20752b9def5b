#include "model/packed_attributes.hpp"

#include <cstring>
#include <new>

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

// The texts of an array; `texts` NULL: only looks at them.
bool take_texts(Bytes* bytes, size_t count, tr_string* texts) {
  tr_string text;
  for (size_t i = 0; i < count; ++i) {
    if (!bytes->take_text(texts == nullptr ? &text : &texts[i])) return false;
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

bool take_value(Bytes* bytes, tr_value* value, tr_string* texts) {
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
    case TR_TYPE_STR_ARRAY: {
      uint32_t count = 0;
      if (!bytes->take(&count)) return false;
      value->data = texts;
      value->size = count;
      return take_texts(bytes, count, texts);
    }
    default:
      return false;
  }
}

bool take_attribute(Bytes* bytes, tr_attribute* attribute, tr_string* texts) {
  uint8_t type = 0;
  uint16_t key_size = 0;
  if (!bytes->take(&type) || !bytes->take(&key_size) || key_size == 0) return false;
  attribute->key.size = key_size;
  attribute->value = {};
  attribute->value.type = type;
  return bytes->take(key_size, &attribute->key.data) && take_value(bytes, &attribute->value, texts);
}

}  // namespace

// Looked at once to see how much there is, then read.
PackedAttributes::PackedAttributes(const void* bytes, size_t size) noexcept {
  if (bytes == nullptr || size > PTRDIFF_MAX) {
    if (size != 0) result_ = TR_EINVAL;
    return;
  }
  size_t attributes = 0;
  size_t texts = 0;
  tr_attribute seen;
  for (Bytes look(bytes, size); !look.empty(); ++attributes) {
    if (!take_attribute(&look, &seen, nullptr)) {
      result_ = TR_EINVAL;
      break;
    }
    if (seen.value.type == TR_TYPE_STR_ARRAY) texts += seen.value.size;
  }
  if (!reserve(attributes, texts)) {
    result_ = TR_ENOMEM;
    return;
  }
  tr_string* free_texts = texts_;
  for (Bytes read(bytes, size); count_ < attributes; ++count_) {
    tr_attribute& attribute = attributes_[count_];
    take_attribute(&read, &attribute, free_texts);
    if (attribute.value.type == TR_TYPE_STR_ARRAY) free_texts += attribute.value.size;
  }
}

bool PackedAttributes::reserve(size_t attributes, size_t texts) noexcept {
  attributes_ = few_attributes_.data();
  texts_ = few_texts_.data();
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
