#include "pipeline/block.hpp"

#include <cstring>

#include "pipeline/record_decoder.hpp"

namespace trunkline::pipeline {

void Block::reserve(size_t records, size_t bytes) {
  entries_.reserve(records);
  bytes_.reserve(bytes);
}

void Block::add(uint64_t sequence, std::string_view payload) {
  RecordHeader header;
  std::memcpy(&header, payload.data(), sizeof header);
  entries_.push_back({sequence, header.stamp, header.type, static_cast<uint32_t>(bytes_.size()),
                      static_cast<uint32_t>(payload.size())});
  bytes_.append(payload);
}

tr_tally Block::tally(uint64_t first, bool span_starts) const {
  tr_tally sum{0, 0};
  for (const Entry& entry : entries_) {
    if (entry.origin < first || (entry.type == TR_RECORD_SPAN_START && !span_starts)) continue;
    ++sum.records;
    if (entry.type == TR_RECORD_SPAN_END) ++sum.spans;
  }
  return sum;
}

std::span<const tr_record> Block::records() const {
  if (!decoded_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(decoding_);
    if (!decoded_.load(std::memory_order_relaxed)) decode();
  }
  return {records_.data(), entries_.size()};
}

void Block::decode() const {
  arena_.reset();  // of what an attempt left for which there was no memory
  if (records_.size() < entries_.size()) records_.resize(entries_.size());
  RecordDecoder decoder(&arena_);
  for (size_t i = 0; i < entries_.size(); ++i) {
    decoder.decode(entries_[i].sequence, payload(entries_[i]), &records_[i]);
    records_[i].flags |= flags_;
  }
  decoded_.store(true, std::memory_order_release);
}

void Block::clear() {
  bytes_.clear();
  entries_.clear();
  arena_.reset();
  flags_ = 0;
  decoded_.store(false, std::memory_order_relaxed);
}

size_t Block::capacity() const {
  return bytes_.capacity() + entries_.capacity() * sizeof(Entry) + records_.capacity() * sizeof(tr_record) +
         arena_.capacity();
}

}  // namespace trunkline::pipeline
