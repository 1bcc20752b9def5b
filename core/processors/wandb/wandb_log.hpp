// The container of a `.wandb` file, as `wandb sync` reads it: a head of 7 bytes, then records in blocks of 32 KiB, each
// in chunks with a CRC-32. It may grow by and by; what is cut short at its end is a record less.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trunkline::wandb {

// CRC-32 as in IEEE 802.3.
uint32_t crc32(uint32_t seed, std::string_view bytes);

// Appends the head of a file.
void append_log_head(std::string* out);

// Appends a record to `out`, which begins at `begin` bytes into the file.
void append_log_record(std::string* out, uint64_t begin, std::string_view record);

// The records of a file, up to where it is cut short or damaged.
class LogReader {
 public:
  explicit LogReader(std::string_view bytes) : bytes_(bytes) {}

  // Whether it begins as such a file does.
  bool is_log() const;
  bool next(std::string* record);

 private:
  std::string_view bytes_;
  size_t at_ = 7;
};

}  // namespace trunkline::wandb
