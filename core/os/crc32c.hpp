// CRC32C (Castagnoli), the checksum of everything the library writes to disk: by the processor's own instruction where
// it has one, else by tables. Calls chain: crc32c(crc32c(0, a), b) is the checksum of a followed by b.
#pragma once

#include <cstddef>
#include <cstdint>

namespace trunkline {

uint32_t crc32c(uint32_t seed, const void* data, size_t n);

// The table form, which crc32c falls back to.
uint32_t crc32c_portable(uint32_t seed, const void* data, size_t n);

}  // namespace trunkline
