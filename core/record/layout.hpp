// The layout of the recorder file: a pool of 64 KiB pages, the first of which describes the file. A page holds 32 slots
// (live traces, spans and runs), a chunk (a thread's finished records), or an extent (large values and what overflows a
// slot). The layout is all that recovery has after a kill, so every field that tells "valid up to here" is stored last.
#pragma once

#include <atomic>
#include <cstdint>

#include "model/record_header.hpp"

namespace trunkline::record {

inline constexpr uint32_t kPageBytes = 65536;
inline constexpr uint32_t kSlotsPerPage = 32;
inline constexpr uint32_t kSlotBytes = 1984;
inline constexpr uint64_t kFileMagic = 0x314345524B4E5254;  // "TRNKREC1"

enum class PageType : uint32_t { kFree = 0, kSlots = 1, kChunk = 2, kExtent = 3 };

struct PageHeader {
  std::atomic<uint32_t> type;
  std::atomic<uint32_t> next;        // free list; extents: the page where the last value goes on
  std::atomic<uint32_t> committed;   // chunk: bytes of whole records; extent: bytes in use
  std::atomic<uint32_t> drained;     // chunk: bytes the worker has logged
  std::atomic<uint32_t> references;  // extent: values not yet logged, plus one while a thread appends
  std::atomic<uint32_t> full;        // chunk: its thread has left it
  uint32_t holds;                    // chunk: records logged later than their turn (ends of traces); the worker's
  uint32_t first_hold;               // offset of the first of them
  uint32_t reserved[8];
};
static_assert(sizeof(PageHeader) == 64);

struct Page {
  PageHeader header;
  uint8_t data[kPageBytes - sizeof(PageHeader)];
};
static_assert(sizeof(Page) == kPageBytes);
inline constexpr uint32_t kPageDataBytes = sizeof(Page::data);

struct FileHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t page_bytes;
  std::atomic<uint64_t> pages;       // pages ever handed out, this one included
  std::atomic<int64_t> wall_offset;  // Unix time minus clock reading
  std::atomic<int64_t> heartbeat;    // clock reading of the worker's last pass
};
inline constexpr uint32_t kFileVersion = 2;

// Where bytes begin in an extent page; page 0: nowhere.
struct ExtentReference {
  uint32_t page = 0;
  uint32_t offset = 0;
};

struct alignas(64) Slot {
  std::atomic<uint64_t> state;
  std::atomic<uint32_t> length;  // bytes of whole items; stored last
  uint32_t next;                 // free and ended lists, slot number + 1
  std::atomic<uint64_t> trace_high;
  std::atomic<uint64_t> trace_low;
  std::atomic<uint64_t> span_id;
  std::atomic<uint64_t> parent_id;  // of a trace: the remote span it continues
  int64_t start;
  int64_t end;
  uint64_t uid;
  int64_t stamp;
  uint32_t type;  // tr_record_type its end will have
  uint32_t flags;
  uint32_t kind;
  uint16_t attributes;
  uint16_t dropped;
  ExtentReference overflow;  // first and last block of items that did not fit into `data`
  ExtentReference overflow_last;
  std::atomic<uint64_t> trace_root;     // of a span: the id that stands for its trace; trace ids may be shared
  uint32_t next_batch;                  // list of free batches, slot number + 1
  std::atomic<uint32_t> context_flags;  // of a trace: those of its W3C context
  std::atomic<uint32_t> owner;          // ordinal of the thread that writes without the lock; 0: none
  uint32_t reserved;
  uint8_t data[kSlotBytes - 144];
};
static_assert(sizeof(Slot) == kSlotBytes);
inline constexpr uint32_t kSlotDataBytes = sizeof(Slot::data);

// Items that did not fit into a slot, within one extent page.
struct OverflowBlock {
  ExtentReference next;
  uint32_t capacity;
  std::atomic<uint32_t> length;  // bytes of whole items; stored last
};

// In a chunk, followed by the slot's items.
struct ChunkRecord {
  uint32_t bytes;    // of all of it, padded to 8
  uint32_t dropped;  // attributes over the limit
  ExtentReference overflow;
  RecordHeader header;
};
static_assert(sizeof(ChunkRecord) == 96);

constexpr uint32_t padded(uint32_t bytes) { return (bytes + 7u) & ~7u; }

}  // namespace trunkline::record
