// The worker's side of the recorder: takes finished records out of the threads' chunks in the order in which they
// happened, and gives their memory back once they are in the log.
//
// Order: the clock is read first, then each chunk's committed length; records stamped before that reading are taken and
// sorted by stamp. Whatever happened before a taken record was stamped and committed earlier, so it is taken too.
#pragma once

#include <string>
#include <vector>

#include "record/items_view.hpp"
#include "record/recorder.hpp"

namespace trunkline::record {

// One finished record, still in the recorder's memory.
struct Taken {
  int64_t stamp;
  uint64_t uid;
  uint32_t page;    // 0: in a slot
  uint32_t offset;  // in the page, or the slot's number
};

// The header a slot's record has or will have.
RecordHeader header_of(const Slot& slot);

class Collector {
  // Pages of the live pool by index.
  struct PageOf {
    PagePool* pool;
    const Page& operator()(uint32_t page) const { return pool->page(page); }
  };
  ItemsView<PageOf> view() {
    PagePool& pool = recorder_->pool();
    return {PageOf{&pool}, pool.header().pages.load(std::memory_order_acquire), &scratch_};
  }

 public:
  explicit Collector(Recorder* recorder);

  // `epoch`: of the gate that opens to the recorder; its threads are those to look at, also after it has closed.
  void start(uint64_t epoch);
  // Appends what has been finished since the last call, in order. Returns the reading of the clock up to which that is
  // everything.
  int64_t take(std::vector<Taken>* out);

  RecordHeader header(const Taken& taken) const;
  uint32_t dropped_attributes(const Taken& taken) const;
  template <class Visit>
  bool visit_items(const Taken& taken, Visit&& visit) {
    const Source source = locate(taken);
    return view().visit(source.items, source.overflow, visit);
  }

  // The record is in the log: its memory may go.
  void done(const Taken& taken);
  // The record will be logged later than its turn; `done` follows then.
  void hold(const Taken& taken);
  // Frees what has become free. Ends a pass.
  void end_pass();

  // Which of the traces, named by the ids of their roots, have spans that are not ended; sets `open[i]`.
  void find_open_spans(const std::vector<uint64_t>& traces, std::vector<bool>* open);
  // Ends as incomplete what is open: spans of the given traces, or, with nullptr, everything. Taken by the next take.
  // Returns how many spans.
  uint64_t end_open(const std::vector<uint64_t>* traces);

  // Something was committed that the last take has not seen.
  bool anything_new() const;
  bool barrier_works() const { return recorder_->asymmetric_; }
  // Nothing is left in the recorder that a take has seen.
  bool idle() const { return full_.empty() && ended_.empty(); }

 private:
  struct Source {
    std::string_view items;
    ExtentReference overflow;
  };
  struct Locked {
    uint32_t number;
    uint64_t live;  // its state before
  };
  Source locate(const Taken& taken) const;
  void take_page(uint32_t page, uint32_t committed, int64_t before, std::vector<Taken>* out);
  uint64_t end_locked(const std::vector<Locked>& slots, int64_t now);
  template <class Visit>
  void each_live_slot(Visit&& visit);

  Recorder* recorder_;
  uint64_t epoch_ = 0;
  std::vector<uint32_t> taken_bytes_;  // by page
  std::vector<uint32_t> full_;         // chunks their threads have left
  std::vector<uint32_t> ended_;        // slots whose record found no chunk
  std::string scratch_;
  uint64_t next_uid_ = 0;  // of records the worker itself ends; threads' uids begin with an ordinal
};

}  // namespace trunkline::record
