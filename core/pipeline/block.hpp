// A run of consecutive log records in memory, shared by all processors that read them: the bytes as they are in the
// log, and, from the first time somebody asks, the same as tr_record structs.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "model/record_header.hpp"
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
  const std::vector<tr_record>& records() const;
  // Added to every record's flags; before the first call of records().
  void set_flags(uint32_t flags) { flags_ = flags; }

 private:
  // Memory for what a record points to and the bytes do not hold as they are.
  class Arena {
   public:
    void* take(size_t bytes);
    template <class T>
    T* array(size_t n) {
      return n == 0 ? nullptr : static_cast<T*>(take(n * sizeof(T)));
    }

   private:
    std::deque<std::unique_ptr<std::byte[]>> chunks_;
    size_t left_ = 0;
    std::byte* at_ = nullptr;
  };
  friend class RecordDecoder;

  void decode() const;

  std::string bytes_;
  std::vector<Entry> entries_;
  uint32_t flags_ = 0;
  mutable std::once_flag decoded_;
  mutable std::vector<tr_record> records_;
  mutable Arena arena_;
};

}  // namespace trunkline::pipeline
