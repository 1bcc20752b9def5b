#include "record/image.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "record/collector.hpp"
#include "record/handle.hpp"

namespace trunkline::record {
namespace {

constexpr uint64_t kMostPages = 1u << 15;  // as many as slot numbers can name

bool read_all(int fd, void* into, size_t size) {
  auto* at = static_cast<uint8_t*>(into);
  off_t offset = 0;
  while (size != 0) {
    const ssize_t n = pread(fd, at, size, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    offset += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

void Image::Free::operator()(Page* pages) const { std::free(pages); }

Expected<Image> Image::load(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return Error{TR_EIO, std::string("recorder file: ") + std::strerror(errno)};
  Image image;
  FileHeader header;
  if (static_cast<uint64_t>(info.st_size) < kPageBytes) return image;
  // An empty image would let the file be removed: an error of the disk is no reason for that.
  if (!read_all(fd, &header, sizeof header)) return Error{TR_EIO, "the recorder file cannot be read"};
  if (header.magic == __builtin_bswap64(kFileMagic)) {
    return Error{TR_EUNSUPPORTED, "the recorder file is of a machine of another byte order"};
  }
  if (header.magic != kFileMagic) return image;
  if (header.version != kFileVersion || header.page_bytes != kPageBytes) {
    return Error{TR_EUNSUPPORTED, "the recorder file is of another version"};
  }
  image.count_ = std::min({header.pages.load(), static_cast<uint64_t>(info.st_size) / kPageBytes, kMostPages});
  image.wall_offset_ = header.wall_offset.load();
  image.heartbeat_ = header.heartbeat.load();
  image.pages_.reset(static_cast<Page*>(std::aligned_alloc(64, image.count_ * kPageBytes)));
  if (image.pages_ == nullptr) return Error{TR_ENOMEM, "no memory to read the recorder file"};
  if (!read_all(fd, image.pages_.get(), image.count_ * kPageBytes)) {
    return Error{TR_EIO, "the recorder file cannot be read"};
  }
  for (uint64_t i = 1; i < image.count_; ++i) {
    const Page& page = image.pages_[i];
    switch (static_cast<PageType>(page.header.type.load(std::memory_order_relaxed))) {
      case PageType::kChunk:
        image.scan_chunk(page);
        break;
      case PageType::kSlots:
        image.scan_slots(page);
        break;
      default:
        break;
    }
  }
  // A thread may have been stopped between publishing a record and freeing its slot.
  const auto& logged = image.logged_;
  image.entries_.erase(
      std::remove_if(image.entries_.begin(), image.entries_.end(),
                     [&](const Entry& each) { return !each.open && logged.count(each.header.uid) != 0; }),
      image.entries_.end());
  std::stable_sort(image.entries_.begin(), image.entries_.end(), [](const Entry& a, const Entry& b) {
    if (a.open != b.open) return b.open;
    if (!a.open) return a.header.stamp < b.header.stamp;
    return (a.header.type == TR_RECORD_SPAN_END) > (b.header.type == TR_RECORD_SPAN_END);
  });
  return image;
}

void Image::scan_chunk(const Page& page) {
  const uint32_t committed = page.header.committed.load(std::memory_order_relaxed);
  const uint32_t drained = page.header.drained.load(std::memory_order_relaxed);
  const uint32_t first_hold = page.header.holds != 0 ? page.header.first_hold : drained;
  uint32_t at = 0;
  if (committed > kPageDataBytes || at > committed) {
    ++corrupt_;
    return;
  }
  while (committed - at >= sizeof(ChunkRecord)) {
    ChunkRecord record;
    std::memcpy(&record, page.data + at, sizeof record);
    if (record.bytes < sizeof record || record.bytes > committed - at || record.bytes % 8 != 0 ||
        record.header.item_bytes > record.bytes - sizeof record) {
      ++corrupt_;
      return;
    }
    const auto* items = reinterpret_cast<const char*>(page.data) + at + sizeof record;
    // Of what is drained only ends of traces may have been held; the rest is in the log, or was and is not needed any
    // more, and its extents may hold something else by now.
    const bool held = at >= first_hold && record.header.type == TR_RECORD_TRACE_END;
    if (at < drained && !held) {
      logged_.insert(record.header.uid);
    } else if (record.header.type != 0) {
      entries_.push_back({record.header, record.dropped, false, {items, record.header.item_bytes}, record.overflow});
    }
    at += record.bytes;
  }
}

void Image::scan_slots(const Page& page) {
  for (uint32_t i = 0; i < kSlotsPerPage; ++i) {
    const Slot& slot = reinterpret_cast<const Slot*>(page.data)[i];
    const uint64_t state = slot.state.load(std::memory_order_relaxed);
    if ((state & (kLive | kEnded)) == 0 || slot.type == 0) continue;
    RecordHeader header = header_of(slot);
    if (header.item_bytes > kSlotDataBytes) {
      ++corrupt_;
      continue;
    }
    const bool open = (state & kEnded) == 0;
    if (open) {
      header.flags |= TR_RECORD_INCOMPLETE;
      header.end = std::max(header.start, heartbeat_);
      header.uid = 0;
    }
    entries_.push_back(
        {header, slot.dropped, open, {reinterpret_cast<const char*>(slot.data), header.item_bytes}, slot.overflow});
  }
}

}  // namespace trunkline::record
