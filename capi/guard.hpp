// What every function of the C API shares: nothing thrown leaves, text arguments become views, and structs that the
// caller's header made larger or smaller than ours are read and written within both sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

#include "model/expected.hpp"
#include "os/platform.hpp"
#include "trunkline.h"

namespace trunkline::capi {

// Runs a call and maps what it throws to a code.
template <class Call>
auto guarded(Call&& call) noexcept -> decltype(call()) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return static_cast<decltype(call())>(TR_ENOMEM);
  } catch (...) {
    return static_cast<decltype(call())>(TR_EINTERNAL);
  }
}

// False: NULL with a size, or a size that no object can have.
inline bool view_of(const char* data, size_t size, std::string_view* out) {
  if (data == nullptr) {
    *out = {};
    return size == 0 || size == TR_NUL;
  }
  if (size == TR_NUL) {
    *out = data;
    return true;
  }
  if (size > PTRDIFF_MAX) return false;
  *out = {data, size};
  return true;
}

inline bool view_of(const tr_string& text, std::string_view* out) { return view_of(text.data, text.size, out); }

// Copies a struct that begins with struct_size. TR_EINVAL: too small to be one; TR_EUNSUPPORTED: larger, with a tail
// that says something.
template <class T>
int read_struct(const T* from, T* to, size_t smallest) {
  const size_t size = from->struct_size;
  if (size < smallest) return TR_EINVAL;
  *to = T{};
  std::memcpy(to, from, size < sizeof(T) ? size : sizeof(T));
  to->struct_size = sizeof(T);
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) return TR_EUNSUPPORTED;
  }
  return TR_OK;
}

// Copies `from` into the caller's struct, no further than the caller's struct_size, which stays.
template <class T>
void write_struct(const T& from, T* to) {
  const uint32_t size = to->struct_size;
  std::memcpy(to, &from, size < sizeof(T) ? size : sizeof(T));
  to->struct_size = size;
}

// Fills the caller's error, when there is one, and returns the code.
int report(const Error& error, tr_error* out);

}  // namespace trunkline::capi
