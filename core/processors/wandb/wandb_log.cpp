#include "processors/wandb/wandb_log.hpp"

#include <algorithm>
#include <array>

namespace trunkline::wandb {
namespace {

constexpr size_t kBlock = 32768;
constexpr size_t kChunkHead = 7;  // checksum, length, type

constexpr std::string_view kHead(":W&B\xe1\xbe\0", 7);

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

void append_log_head(std::string* out) { out->append(kHead); }

bool LogReader::is_log() const { return bytes_.substr(0, kHead.size()) == kHead; }

bool LogReader::next(std::string* record) {
  record->clear();
  for (;;) {
    if (const size_t room = kBlock - at_ % kBlock; room < kChunkHead) at_ += room;
    if (at_ + kChunkHead > bytes_.size()) return false;
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes_[at_ + i])); };
    const size_t size = byte(4) | byte(5) << 8;
    const uint32_t told = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    const uint32_t type = byte(6);
    if (size > bytes_.size() - at_ - kChunkHead || type < 1 || type > 4) return false;
    if (crc32(0, bytes_.substr(at_ + kChunkHead - 1, size + 1)) != told) return false;
    record->append(bytes_.substr(at_ + kChunkHead, size));
    at_ += kChunkHead + size;
    if (type == 1 || type == 4) return true;
  }
}

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
