// The format of a log segment, as bytes: a header, written twice so that no single damaged byte costs the segment, then
// frames. Both are little-endian and aligned to 8 bytes. Every checksum of a frame begins with the segment's epoch:
// when a file is used again for a later segment, the frames it still holds of the earlier one do not verify.
//
//   header  { magic[8], version u32, index u32, epoch u64, first_sequence u64, previous_last u64, capacity u64,
//             reserved[12], crc u32 }                                        twice, 128 bytes
//   frame   { length u32, crc u32, sequence u64, payload[length], zeros to a multiple of 8 }
//
// After the last frame the writer leaves 16 zero bytes if there is room. A newer version keeps the first 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline {

// One record of the log.
struct Frame {
  uint64_t sequence = 0;  // from 1
  std::string_view payload;
};

namespace log_detail {

constexpr uint32_t kSegmentVersion = 1;
constexpr size_t kHeaderCopy = 64;
constexpr size_t kSegmentHeader = 2 * kHeaderCopy;
constexpr size_t kFrameHeader = 16;
constexpr uint64_t kMaxPayload = 1ull << 30;

struct SegmentHeader {
  uint32_t version = kSegmentVersion;
  uint32_t index = 0;           // the number in the file's name
  uint64_t epoch = 0;           // unique in the run, increasing
  uint64_t first_sequence = 0;  // of the first frame
  uint64_t previous_last = 0;   // newest sequence of the log before this segment
  uint64_t capacity = 0;        // bytes of the file that belong to the segment
};

enum class HeaderState { kGood, kMissing, kBlank, kDamaged, kNewer };

void encode_header(const SegmentHeader& header, char out[kSegmentHeader]);
// kGood only if the header names `index`. kBlank: zeros, a segment on its way to being used again.
HeaderState decode_header(const char* data, size_t n, uint32_t index, SegmentHeader* header);

struct FrameHeader {
  uint32_t length = 0;
  uint32_t crc = 0;
  uint64_t sequence = 0;

  bool blank() const { return length == 0 && crc == 0 && sequence == 0; }
};

FrameHeader load_frame_header(const char* data);
void store_frame_header(const FrameHeader& header, char out[kFrameHeader]);

uint32_t epoch_seed(uint64_t epoch);
// The checksum of a frame before its payload, which is to be continued with the payload.
uint32_t frame_crc(uint32_t seed, uint32_t length, uint64_t sequence);

constexpr uint64_t padded(uint64_t n) { return (n + 7) & ~uint64_t{7}; }
constexpr uint64_t frame_size(uint64_t payload) { return kFrameHeader + padded(payload); }

std::string segment_name(uint32_t index);
std::optional<uint32_t> parse_segment_name(const std::string& name);
// Numbers of the segments in the directory, sorted.
Expected<std::vector<uint32_t>> list_segments(int directory_fd);

struct OpenedSegment {
  HeaderState state = HeaderState::kMissing;
  UniqueFd fd;
  SegmentHeader header;
};

// An error only if the system failed; what is wrong with the segment itself is the state.
Expected<OpenedSegment> open_segment(int directory_fd, uint32_t index);

}  // namespace log_detail
}  // namespace trunkline
