// A recorder file as a killed process left it, read into memory: what its worker had not logged yet. Finished records
// are those committed to chunks and those in slots marked ENDED; live slots are records that were never ended. A record
// may be found twice, or be in the log already: its uid tells.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/expected.hpp"
#include "record/items_view.hpp"
#include "record/layout.hpp"

namespace trunkline::record {

class Image {
 public:
  struct Entry {
    RecordHeader header;  // of an open record: flags INCOMPLETE, end at the worker's last sign of life
    uint32_t dropped;
    bool open;
    std::string_view items;
    ExtentReference overflow;
  };

  // `fd`: the recorder file; borrowed. An empty or foreign file gives an image without entries.
  static Expected<Image> load(int fd);

  // In the order of their stamps; open records last, spans before traces and runs.
  const std::vector<Entry>& entries() const { return entries_; }
  int64_t wall_offset() const { return wall_offset_; }
  // Parts that could not be believed.
  uint64_t corrupt() const { return corrupt_; }

  template <class Visit>
  bool visit_items(const Entry& entry, Visit&& visit) {
    const Page* pages = pages_.get();
    ItemsView view([pages](uint32_t page) -> const Page& { return pages[page]; }, count_, &scratch_);
    return view.visit(entry.items, entry.overflow, visit);
  }

 private:
  struct Free {
    void operator()(Page* pages) const;
  };
  void scan_chunk(const Page& page);
  void scan_slots(const Page& page);

  std::unique_ptr<Page[], Free> pages_;
  uint64_t count_ = 0;
  int64_t wall_offset_ = 0;
  int64_t heartbeat_ = 0;
  uint64_t corrupt_ = 0;
  std::vector<Entry> entries_;
  std::unordered_set<uint64_t> logged_;  // uids of what chunks say is in the log
  std::string scratch_;
};

}  // namespace trunkline::record
