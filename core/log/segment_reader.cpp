#include "log/segment_reader.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/crc32c.hpp"

namespace trunkline::log_detail {
namespace {

constexpr uint64_t kReadSize = 256 << 10;
constexpr uint64_t kStreamed = 1 << 20;
// Sequences may have gaps, but behind damage a frame that leaps further than this is taken for noise.
constexpr uint64_t kMaxLeap = uint64_t{1} << 32;

// The next offset at or after `offset` where the file has data; the end of all data: UINT64_MAX.
uint64_t next_data(int fd, uint64_t offset) {
  const off_t at = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (at < 0) return errno == ENXIO ? UINT64_MAX : offset;
  return std::max(offset, static_cast<uint64_t>(at) & ~uint64_t{7});
}

}  // namespace

SegmentReader::SegmentReader(OpenedSegment segment)
    : fd_(std::move(segment.fd)), header_(segment.header), seed_(epoch_seed(segment.header.epoch)) {}

// n bytes at offset, or nullptr where the file or the segment ends before. Reads ahead.
Expected<const char*> SegmentReader::view(uint64_t offset, uint64_t n) {
  const char* const nothing = nullptr;
  if (n > header_.capacity || offset > header_.capacity - n) return nothing;
  if (offset >= buffer_start_ && offset + n <= buffer_start_ + buffer_size_) {
    return static_cast<const char*>(buffer_.data() + (offset - buffer_start_));
  }
  if (n > kReadSize) {
    // A length is believed, and memory taken for it, only after a look at the file.
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return io_error("segment", errno);
    if (static_cast<uint64_t>(info.st_size) < offset + n) return nothing;
  }
  const uint64_t want = std::max(n, kReadSize);
  buffer_size_ = 0;
  if (buffer_.size() != want) buffer_ = std::vector<char>(want);
  Expected<size_t> got = pread_all(fd_.get(), buffer_.data(), std::min(want, header_.capacity - offset), offset);
  if (!got) return got.error();
  buffer_start_ = offset;
  buffer_size_ = *got;
  return *got < n ? nothing : static_cast<const char*>(buffer_.data());
}

// Frames too large to be taken into memory on the word of a length that may be damaged.
Expected<bool> SegmentReader::verify_streamed(uint64_t offset, const FrameHeader& header) {
  uint32_t crc = frame_crc(seed_, header.length, header.sequence);
  uint64_t at = offset + kFrameHeader;
  for (uint64_t left = header.length; left > 0;) {
    const uint64_t n = std::min(left, kReadSize);
    Expected<const char*> bytes = view(at, n);
    if (!bytes) return bytes.error();
    if (*bytes == nullptr) return false;
    crc = crc32c(crc, *bytes, n);
    at += n;
    left -= n;
  }
  return crc == header.crc;
}

Expected<bool> SegmentReader::verify(uint64_t offset, Frame* frame, uint64_t* size) {
  Expected<const char*> bytes = view(offset, kFrameHeader);
  if (!bytes) return bytes.error();
  if (*bytes == nullptr) return false;
  const FrameHeader header = load_frame_header(*bytes);
  if (header.sequence == 0 || header.length > kMaxPayload) return false;
  if (header.length > kStreamed) {
    Expected<bool> sound = verify_streamed(offset, header);
    if (!sound || !*sound) return sound;
  }
  bytes = view(offset, kFrameHeader + header.length);
  if (!bytes) return bytes.error();
  if (*bytes == nullptr) return false;
  // The bytes may have been read anew: the header is taken from the same reading as the payload.
  const FrameHeader again = load_frame_header(*bytes);
  if (again.length != header.length) return false;
  const char* payload = *bytes + kFrameHeader;
  if (again.crc != crc32c(frame_crc(seed_, again.length, again.sequence), payload, again.length)) return false;
  *frame = {again.sequence, {payload, again.length}};
  *size = frame_size(again.length);
  return true;
}

Expected<bool> SegmentReader::peek(Frame* frame) {
  const bool buffered = position_ >= buffer_start_ && position_ + kFrameHeader <= buffer_start_ + buffer_size_;
  if (buffered) {
    Expected<bool> sound = verify(position_, frame, &peeked_);
    if (!sound || *sound) return sound;
  }
  // What is buffered may be older than the file. At the end of a log in use, a look costs one small read.
  buffer_size_ = 0;
  char bytes[kFrameHeader] = {};
  Expected<size_t> n = pread_all(fd_.get(), bytes, sizeof bytes, position_);
  if (!n) return n.error();
  blank_ = load_frame_header(bytes).blank();
  if (blank_ || *n < sizeof bytes) return false;
  return verify(position_, frame, &peeked_);
}

Expected<bool> SegmentReader::find(uint64_t after, uint64_t* found) {
  // Noise that looks like frame after frame must not make the search quadratic.
  uint64_t budget = 4 * header_.capacity + kStreamed;
  Frame frame;
  uint64_t size = 0;
  for (uint64_t at = position_ + 8; at + kFrameHeader <= header_.capacity; at += 8) {
    if (at < buffer_start_ || at + kFrameHeader > buffer_start_ + buffer_size_) {
      at = next_data(fd_.get(), at);
      if (at >= header_.capacity) return false;
    }
    Expected<const char*> bytes = view(at, kFrameHeader);
    if (!bytes) return bytes.error();
    if (*bytes == nullptr) return false;
    const FrameHeader header = load_frame_header(*bytes);
    if (header.sequence <= after || header.sequence - after > kMaxLeap) continue;
    if (header.length > header_.capacity - at - kFrameHeader) continue;
    if (header.length > budget) return false;
    budget -= header.length;
    Expected<bool> sound = verify(at, &frame, &size);
    if (!sound) return sound;
    if (*sound) {
      *found = at;
      return true;
    }
  }
  return false;
}

Expected<SegmentReader::Search> SegmentReader::search(uint64_t after, bool thorough) {
  if (searched_from_ == position_) return Search::kNothing;
  if (!thorough && searched_ && blank_) return Search::kNothing;
  uint64_t at = 0;
  Expected<bool> found = find(after, &at);
  if (!found) return found.error();
  if (!*found) {
    searched_ = true;
    searched_from_ = position_;
    return Search::kNothing;
  }
  Frame frame;
  Expected<bool> complete = peek(&frame);
  if (!complete) return complete.error();
  if (*complete) return Search::kRetry;
  position_ = at;
  return Search::kFound;
}

Expected<bool> SegmentReader::recycled() {
  char block[kSegmentHeader];
  Expected<size_t> n = pread_all(fd_.get(), block, sizeof block, 0);
  if (!n) return n.error();
  SegmentHeader now;
  return decode_header(block, *n, header_.index, &now) != HeaderState::kGood || now.epoch != header_.epoch;
}

Expected<uint64_t> walk_to_end(SegmentReader& reader, uint64_t known) {
  Frame frame;
  while (true) {
    Expected<bool> there = reader.peek(&frame);
    if (!there) return there.error();
    if (*there) {
      known = std::max(known, frame.sequence);
      reader.advance();
      continue;
    }
    Expected<SegmentReader::Search> search = reader.search(known, false);
    if (!search) return search.error();
    if (*search == SegmentReader::Search::kNothing) return known;
  }
}

}  // namespace trunkline::log_detail
