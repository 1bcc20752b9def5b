// Packed attributes: several attributes in one run of bytes, for hosts to whom a call, or an array of structs that
// point into their memory, is dear. The form is part of the ABI (docs/abi.md). Read here into the attributes of the C
// API, which point into the bytes; nothing is copied, and nothing allocated for what a span commonly has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "trunkline.h"

namespace trunkline {

class PackedAttributes {
 public:
  // `bytes` may be NULL when size is 0, and must live as long as this.
  PackedAttributes(const void* bytes, size_t size) noexcept;

  const tr_attribute* data() const { return attributes_; }
  // What stands before a defect, if there is one.
  size_t count() const { return count_; }
  // TR_EINVAL: a defect was met. TR_ENOMEM: there was no memory for so many.
  int result() const { return result_; }

 private:
  static constexpr size_t kFew = 16;

  bool read(const void* bytes, size_t size, size_t attributes, size_t texts) noexcept;
  bool reserve(size_t attributes, size_t texts) noexcept;

  size_t count_ = 0;
  int result_ = TR_OK;
  std::array<tr_attribute, kFew> few_attributes_;
  std::array<tr_string, kFew> few_texts_;
  tr_attribute* attributes_ = few_attributes_.data();
  tr_string* texts_ = few_texts_.data();
  std::unique_ptr<tr_attribute[]> many_attributes_;
  std::unique_ptr<tr_string[]> many_texts_;
};

}  // namespace trunkline
