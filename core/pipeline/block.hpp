// A run of consecutive log records in memory, shared by all processors that read them: the bytes as they are in the
// log, and, from the first time somebody asks, the same as tr_record structs.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/record_header.hpp"
#include "pipeline/arena.hpp"
#include "trunkline.h"

namespace trunkline::pipeline {

class Block {
 public:
  struct Entry {
    uint64_t sequence;
    uint64_t origin;  // sequence of the first record of the trace or run it belongs to
    uint32_t type;
    uint32_t offset;  // of the payload in the bytes
    uint32_t size;
  };

  // Room for about so much, where that is known.
  void reserve(size_t records, size_t bytes);
  // Appends a record. Only before the block is shared.
  void add(uint64_t sequence, std::string_view payload);

  bool empty() const { return entries_.empty(); }
  const std::vector<Entry>& entries() const { return entries_; }
  uint64_t first_sequence() const { return entries_.front().sequence; }
  uint64_t last_sequence() const { return entries_.back().sequence; }
  size_t bytes() const { return bytes_.size(); }
  std::string_view payload(const Entry& entry) const { return {bytes_.data() + entry.offset, entry.size}; }
  // Counts of records, and of finished spans among them, whose origin is not before `first`.
  tr_tally tally(uint64_t first, bool span_starts) const;

  // The records as structs, in the order of entries(). Any thread.
  std::span<const tr_record> records() const;
  // Added to every record's flags; before the first call of records().
  void set_flags(uint32_t flags) { flags_ = flags; }

  // Empties it; the memory stays. Only when nobody else has it.
  void clear();
  // Bytes of memory that it holds.
  size_t capacity() const;

 private:
  void decode() const;

  std::string bytes_;
  std::vector<Entry> entries_;
  uint32_t flags_ = 0;
  mutable std::mutex decoding_;
  mutable std::atomic<bool> decoded_{false};
  mutable std::vector<tr_record> records_;  // as many as there ever were at once
  mutable Arena arena_;                     // for what a record points to and the bytes do not hold as it is
};

}  // namespace trunkline::pipeline
