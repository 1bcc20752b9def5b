#include "pipeline/block.hpp"

#include <algorithm>
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

void* Block::Arena::take(size_t bytes) {
  bytes = (bytes + 15) & ~size_t{15};
  if (bytes > left_) {
    const size_t size = std::max<size_t>(bytes, 16384);
    chunks_.push_back(std::make_unique<std::byte[]>(size));
    at_ = chunks_.back().get();
    left_ = size;
  }
  void* taken = at_;
  at_ += bytes;
  left_ -= bytes;
  return taken;
}

const std::vector<tr_record>& Block::records() const {
  std::call_once(decoded_, [this] { decode(); });
  return records_;
}

void Block::decode() const {
  records_.resize(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    RecordDecoder decoder(&arena_);
    decoder.decode(entries_[i].sequence, payload(entries_[i]), &records_[i]);
    records_[i].flags |= flags_;
  }
}

}  // namespace trunkline::pipeline
