// The words and hexadecimal ids under which records appear in text: in the store, in JSON lines and on the console.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "trunkline.h"

namespace trunkline::encode {

// "trace_start", "span_end", ...; "unknown" for others.
std::string_view record_type_name(tr_record_type type);

// "null", "bool", "i64", "f64", "str", "bytes", "json", "bool[]", "i64[]", "f64[]", "str[]".
std::string_view value_type_name(tr_type type);

// Of something finished: "error", "incomplete" or "ok", the first that applies to the flags of its record.
std::string_view status_name(uint32_t record_flags);

// "finished", "failed", "killed".
std::string_view run_status_name(tr_run_status status);

// An id as lower-case hexadecimal text without an allocation. N is the number of bytes.
template <size_t N>
class HexId {
 public:
  explicit HexId(const uint8_t* bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    for (size_t i = 0; i < N; ++i) {
      text_[2 * i] = kDigits[bytes[i] >> 4];
      text_[2 * i + 1] = kDigits[bytes[i] & 15];
      any_ |= bytes[i];
    }
  }
  bool is_zero() const { return any_ == 0; }
  std::string_view view() const { return {text_.data(), text_.size()}; }
  // Empty for the id that is all zero.
  std::string_view view_or_empty() const { return is_zero() ? std::string_view{} : view(); }

 private:
  std::array<char, 2 * N> text_;
  unsigned any_ = 0;
};

}  // namespace trunkline::encode
