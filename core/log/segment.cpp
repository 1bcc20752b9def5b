#include "log/segment.hpp"

#include <fcntl.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "os/crc32c.hpp"

namespace trunkline::log_detail {
namespace {

static_assert(std::endian::native == std::endian::little, "the log is little-endian");

constexpr char kMagic[8] = {'T', 'R', 'K', 'L', 'S', 'E', 'G', '\n'};
constexpr size_t kCrcAt = kHeaderCopy - sizeof(uint32_t);

template <class T>
T load(const char* p) {
  T value{};
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <class T>
void store(char* p, T value) {
  std::memcpy(p, &value, sizeof value);
}

HeaderState decode_copy(const char* p, uint32_t index, SegmentHeader* header) {
  if (std::memcmp(p, kMagic, sizeof kMagic) != 0) return HeaderState::kDamaged;
  if (load<uint32_t>(p + kCrcAt) != crc32c(0, p, kCrcAt)) return HeaderState::kDamaged;
  header->version = load<uint32_t>(p + 8);
  if (header->version > kSegmentVersion) return HeaderState::kNewer;
  header->index = load<uint32_t>(p + 12);
  header->epoch = load<uint64_t>(p + 16);
  header->first_sequence = load<uint64_t>(p + 24);
  header->previous_last = load<uint64_t>(p + 32);
  header->capacity = load<uint64_t>(p + 40);
  const bool sound = header->index == index && header->capacity >= kSegmentHeader &&
                     header->capacity <= (uint64_t{1} << 40) && header->first_sequence > header->previous_last;
  return sound ? HeaderState::kGood : HeaderState::kDamaged;
}

}  // namespace

void encode_header(const SegmentHeader& header, char out[kSegmentHeader]) {
  std::memset(out, 0, kSegmentHeader);
  std::memcpy(out, kMagic, sizeof kMagic);
  store(out + 8, header.version);
  store(out + 12, header.index);
  store(out + 16, header.epoch);
  store(out + 24, header.first_sequence);
  store(out + 32, header.previous_last);
  store(out + 40, header.capacity);
  store(out + kCrcAt, crc32c(0, out, kCrcAt));
  std::memcpy(out + kHeaderCopy, out, kHeaderCopy);
}

HeaderState decode_header(const char* data, size_t n, uint32_t index, SegmentHeader* header) {
  if (std::all_of(data, data + n, [](char c) { return c == 0; })) return HeaderState::kBlank;
  HeaderState result = HeaderState::kDamaged;
  for (size_t at = 0; at + kHeaderCopy <= n && at < kSegmentHeader; at += kHeaderCopy) {
    SegmentHeader copy;
    const HeaderState state = decode_copy(data + at, index, &copy);
    if (state == HeaderState::kNewer) return state;
    // Two sound copies that differ are a header written half: the new one is the later.
    if (state == HeaderState::kGood && (result != HeaderState::kGood || copy.epoch > header->epoch)) {
      result = state;
      *header = copy;
    }
  }
  return result;
}

FrameHeader load_frame_header(const char* data) {
  return {load<uint32_t>(data), load<uint32_t>(data + 4), load<uint64_t>(data + 8)};
}

void store_frame_header(const FrameHeader& header, char out[kFrameHeader]) {
  store(out, header.length);
  store(out + 4, header.crc);
  store(out + 8, header.sequence);
}

uint32_t epoch_seed(uint64_t epoch) { return crc32c(0, &epoch, sizeof epoch); }

uint32_t frame_crc(uint32_t seed, uint32_t length, uint64_t sequence) {
  char bytes[sizeof length + sizeof sequence];
  store(bytes, length);
  store(bytes + sizeof length, sequence);
  return crc32c(seed, bytes, sizeof bytes);
}

std::string segment_name(uint32_t index) {
  char name[32];
  std::snprintf(name, sizeof name, "seg-%08u", index);
  return name;
}

std::optional<uint32_t> parse_segment_name(const std::string& name) {
  if (name.size() < 12 || name.size() > 14 || name.compare(0, 4, "seg-") != 0) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 4; i < name.size(); ++i) {
    if (name[i] < '0' || name[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(name[i] - '0');
  }
  // The last number is left unused, so that there always is a next one; other spellings are not ours.
  if (value >= UINT32_MAX || segment_name(static_cast<uint32_t>(value)) != name) return std::nullopt;
  return static_cast<uint32_t>(value);
}

Expected<std::vector<uint32_t>> list_segments(int directory_fd) {
  Expected<std::vector<std::string>> names = list_directory(directory_fd);
  if (!names) return names.error();
  std::vector<uint32_t> indices;
  for (const std::string& name : *names) {
    if (const std::optional<uint32_t> index = parse_segment_name(name)) indices.push_back(*index);
  }
  std::sort(indices.begin(), indices.end());
  return indices;
}

Expected<OpenedSegment> open_segment(int directory_fd, uint32_t index) {
  OpenedSegment segment;
  const std::string name = segment_name(index);
  segment.fd = open_file_at(directory_fd, name.c_str(), O_RDONLY);
  if (!segment.fd) {
    if (errno == ENOENT) return segment;
    if (errno != EINVAL && errno != ELOOP && errno != ENXIO) return io_error(name, errno);
    segment.state = HeaderState::kDamaged;  // a link, a directory, a fifo: nothing we wrote
    return segment;
  }
  char block[kSegmentHeader];
  Expected<size_t> n = pread_all(segment.fd.get(), block, sizeof block, 0);
  if (!n) return n.error();
  segment.state = decode_header(block, *n, index, &segment.header);
  return segment;
}

}  // namespace trunkline::log_detail
