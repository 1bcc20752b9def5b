#include "pipeline/open_spans.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>

#include "model/item.hpp"
#include "model/record_header.hpp"
#include "pipeline/recorder_path.hpp"
#include "record/collector.hpp"
#include "record/handle.hpp"
#include "record/layout.hpp"

namespace trunkline::pipeline {
namespace {

using record::kPageBytes;
using record::Slot;

constexpr uint64_t kMostPages = 1u << 15;  // as many as slot numbers can name

bool read_at(int fd, uint64_t offset, void* into, size_t size) {
  return ::pread(fd, into, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

// Name and model where they lie in the slot itself; what is too long for it is left out.
void read_texts(std::string_view rest, OpenSpan* span) {
  ItemHeader header;
  while (rest.size() >= sizeof header) {
    std::memcpy(&header, rest.data(), sizeof header);
    rest.remove_prefix(sizeof header);
    const bool in_extent = (header.flags() & kItemInExtent) != 0;
    const size_t key = header.key_size();
    const size_t stored = in_extent ? sizeof(record::ExtentReference) : size_t{header.value_size};
    if (rest.size() < key || rest.size() - key < stored) return;
    const std::string_view value = rest.substr(key, stored);
    if (header.field == Field::kName && !in_extent) span->name = value;
    if (header.field == Field::kModel && !in_extent) span->model = value;
    rest.remove_prefix(key + stored);
  }
}

class OpenSpanReader {
 public:
  explicit OpenSpanReader(int fd) : fd_(fd), page_(new record::Page) {}

  std::vector<OpenSpan> read() {
    record::FileHeader header;
    if (!read_at(fd_, 0, &header, sizeof header) || header.magic != record::kFileMagic ||
        header.version != record::kFileVersion || header.page_bytes != kPageBytes) {
      return {};
    }
    wall_offset_ = header.wall_offset.load();
    const uint64_t pages = std::min(header.pages.load(), kMostPages);
    for (uint64_t page = 1; page < pages; ++page) {
      record::PageHeader type;
      if (!read_at(fd_, page * kPageBytes, &type, sizeof type)) break;
      if (type.type.load() != static_cast<uint32_t>(record::PageType::kSlots)) continue;
      if (read_at(fd_, page * kPageBytes, page_.get(), kPageBytes)) read_slots(page);
    }
    return std::move(spans_);
  }

 private:
  void read_slots(uint64_t page) {
    for (uint32_t i = 0; i < record::kSlotsPerPage; ++i) {
      const Slot& slot = reinterpret_cast<const Slot*>(page_->data)[i];
      const uint64_t state = slot.state.load();
      if ((state & record::kLive) == 0 || (state & record::kEnded) != 0 || slot.type != TR_RECORD_SPAN_END) continue;
      const RecordHeader header = record::header_of(slot);
      if (header.item_bytes > record::kSlotDataBytes) continue;
      OpenSpan span = read_span(header);
      read_texts({reinterpret_cast<const char*>(slot.data), header.item_bytes}, &span);
      const uint64_t at = page * kPageBytes + offsetof(record::Page, data) + i * uint64_t{record::kSlotBytes};
      uint64_t now = 0;
      const bool same = read_at(fd_, at, &now, sizeof now) && (now | record::kLocked) == (state | record::kLocked);
      if (same) spans_.push_back(std::move(span));
    }
  }

  OpenSpan read_span(const RecordHeader& header) const {
    OpenSpan span;
    store_bytes(header.trace_id, span.trace_id);
    std::memcpy(span.span_id, &header.span_id, sizeof span.span_id);
    std::memcpy(span.parent_id, &header.parent_id, sizeof span.parent_id);
    span.kind = header.kind;
    span.start_ns = header.start + ((header.flags & kExplicitTimes) != 0 ? 0 : wall_offset_);
    return span;
  }

  int fd_;
  int64_t wall_offset_ = 0;
  std::unique_ptr<record::Page> page_;
  std::vector<OpenSpan> spans_;
};

}  // namespace

std::vector<OpenSpan> read_open_spans(int directory_fd) {
  std::string path;
  const Expected<UniqueFd> file = open_recorder(directory_fd, &path);
  return file && *file ? OpenSpanReader(file->get()).read() : std::vector<OpenSpan>();
}

}  // namespace trunkline::pipeline
