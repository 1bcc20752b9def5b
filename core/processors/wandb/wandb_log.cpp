#include "processors/wandb/wandb_log.hpp"

#include <algorithm>
#include <array>

namespace trunkline::wandb {
namespace {

constexpr size_t kBlock = 32768;
constexpr size_t kChunkHead = 7;  // checksum, length, type

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320 : 0);
    table[i] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

char chunk_type(bool first, bool last) {
  if (first && last) return 1;
  return first ? 2 : last ? 4 : 3;
}

void append_chunk(std::string* out, char type, std::string_view part) {
  const uint32_t checksum = crc32(crc32(0, {&type, 1}), part);
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(checksum >> shift & 0xff));
  out->push_back(static_cast<char>(part.size() & 0xff));
  out->push_back(static_cast<char>(part.size() >> 8));
  out->push_back(type);
  out->append(part);
}

}  // namespace

uint32_t crc32(uint32_t seed, std::string_view bytes) {
  uint32_t value = ~seed;
  for (const char c : bytes) value = (value >> 8) ^ kTable[(value ^ static_cast<unsigned char>(c)) & 0xff];
  return ~value;
}

void append_log_head(std::string* out) { out->append(":W&B\xe1\xbe\0", 7); }

void append_log_record(std::string* out, uint64_t begin, std::string_view record) {
  for (bool first = true; first || !record.empty(); first = false) {
    size_t room = kBlock - (begin + out->size()) % kBlock;
    if (room < kChunkHead) {
      out->append(room, '\0');
      room = kBlock;
    }
    const std::string_view part = record.substr(0, room - kChunkHead);
    record.remove_prefix(part.size());
    append_chunk(out, chunk_type(first, record.empty()), part);
  }
}

}  // namespace trunkline::wandb
