#include "model/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace trunkline {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080u;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Position of the first byte >= 0x80 from `at` on.
size_t skip_ascii(std::string_view text, size_t at) {
  while (at + 16 <= text.size()) {
    uint64_t words[2];
    std::memcpy(words, text.data() + at, sizeof words);
    if (((words[0] | words[1]) & kHighBits) != 0) break;
    at += 16;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) < 0x80) ++at;
  return at;
}

struct Sequence {
  size_t size;  // of the character, or of the maximal part of an ill-formed one
  bool valid;
};

bool is_continuation(char byte) { return (static_cast<uint8_t>(byte) & 0xC0) == 0x80; }

// How many bytes the lead byte announces; 0: it cannot begin a character.
size_t announced_size(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  if (lead < 0xE0) return 2;
  return lead < 0xF0 ? 3 : 4;
}

// The second byte is where overlong forms, surrogates and too large code points show.
bool allowed_second(uint8_t lead, uint8_t second) {
  switch (lead) {
    case 0xE0:
      return second >= 0xA0 && second <= 0xBF;
    case 0xED:
      return second >= 0x80 && second <= 0x9F;
    case 0xF0:
      return second >= 0x90 && second <= 0xBF;
    case 0xF4:
      return second >= 0x80 && second <= 0x8F;
    default:
      return second >= 0x80 && second <= 0xBF;
  }
}

Sequence sequence_at(std::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  const size_t size = announced_size(lead);
  if (size <= 1) return {1, size == 1};
  if (at + 1 >= text.size() || !allowed_second(lead, static_cast<uint8_t>(text[at + 1]))) return {1, false};
  for (size_t i = 2; i < size; ++i) {
    if (at + i >= text.size() || !is_continuation(text[at + i])) return {i, false};
  }
  return {size, true};
}

// Position of the first ill-formed sequence from `at` on.
size_t skip_valid(std::string_view text, size_t at) {
  while ((at = skip_ascii(text, at)) < text.size()) {
    const Sequence sequence = sequence_at(text, at);
    if (!sequence.valid) return at;
    at += sequence.size;
  }
  return at;
}

}  // namespace

bool utf8_valid(std::string_view text) { return skip_valid(text, 0) == text.size(); }

std::string utf8_repair(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  size_t at = 0;
  while (true) {
    const size_t bad = skip_valid(text, at);
    out.append(text, at, bad - at);
    if (bad == text.size()) return out;
    out.append(kReplacement);
    at = bad + sequence_at(text, bad).size;
  }
}

size_t utf8_cut(std::string_view text, size_t max) {
  if (max >= text.size()) return text.size();
  for (size_t back = 0; back < 4 && back <= max; ++back) {
    const char byte = text[max - back];
    if (is_continuation(byte)) continue;
    const bool divided = back > 0 && announced_size(static_cast<uint8_t>(byte)) > back;
    return divided ? max - back : max;
  }
  return max;
}

void utf8_append(std::string* out, char32_t code_point) {
  const auto put = [out](char32_t byte) { out->push_back(static_cast<char>(static_cast<uint8_t>(byte))); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000)) {
    out->append(kReplacement);
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace trunkline
