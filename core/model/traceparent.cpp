#include "model/traceparent.hpp"

#include <cstddef>

namespace trunkline {
namespace {

constexpr uint8_t kKnownFlags = kTraceFlagSampled | kTraceFlagRandom;

// "00-<32>-<16>-<2>"
constexpr size_t kTraceIdAt = 3;
constexpr size_t kSpanIdAt = 36;
constexpr size_t kFlagsAt = 53;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(const char* text, uint8_t* out, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

char* write_hex(char* out, const uint8_t* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; ++i) {
    *out++ = kDigits[bytes[i] >> 4];
    *out++ = kDigits[bytes[i] & 15];
  }
  return out;
}

bool is_zero(const uint8_t* bytes, size_t size) {
  uint8_t any = 0;
  for (size_t i = 0; i < size; ++i) any = static_cast<uint8_t>(any | bytes[i]);
  return any == 0;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::optional<TraceParent> parse_traceparent(std::string_view text) {
  text = trim(text);
  uint8_t version = 0;
  if (text.size() < TR_TRACEPARENT_SIZE || !read_hex(text.data(), &version, 1) || version == 0xff) return std::nullopt;
  if (text.size() > TR_TRACEPARENT_SIZE && (version == 0 || text[TR_TRACEPARENT_SIZE] != '-')) return std::nullopt;
  if (text[kTraceIdAt - 1] != '-' || text[kSpanIdAt - 1] != '-' || text[kFlagsAt - 1] != '-') return std::nullopt;
  TraceParent parent;
  if (!read_hex(&text[kTraceIdAt], parent.trace_id, sizeof parent.trace_id) ||
      !read_hex(&text[kSpanIdAt], parent.span_id, sizeof parent.span_id) ||
      !read_hex(&text[kFlagsAt], &parent.flags, 1)) {
    return std::nullopt;
  }
  if (is_zero(parent.trace_id, sizeof parent.trace_id) || is_zero(parent.span_id, sizeof parent.span_id)) {
    return std::nullopt;
  }
  parent.flags &= kKnownFlags;
  return parent;
}

void format_traceparent(const TraceParent& parent, char out[TR_TRACEPARENT_SIZE + 1]) {
  const uint8_t version = 0;
  const uint8_t flags = parent.flags & kKnownFlags;
  out = write_hex(out, &version, 1);
  *out++ = '-';
  out = write_hex(out, parent.trace_id, sizeof parent.trace_id);
  *out++ = '-';
  out = write_hex(out, parent.span_id, sizeof parent.span_id);
  *out++ = '-';
  out = write_hex(out, &flags, 1);
  *out = '\0';
}

}  // namespace trunkline
