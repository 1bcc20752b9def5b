// Walks the frames of one segment, also while a writer fills it and after a writer has taken its file for another
// segment. Everything it hands out has been verified in memory of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "log/segment.hpp"
#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline::log_detail {

class SegmentReader {
 public:
  explicit SegmentReader(OpenedSegment segment);  // of state kGood

  const SegmentHeader& header() const { return header_; }

  // The frame at the position; false: there is none that verifies, by a look at the file that began after the call.
  // The payload stays valid until the next call.
  Expected<bool> peek(Frame* frame);
  // Past the frame that peek has just shown.
  void advance() { position_ += peeked_; }

  enum class Search { kNothing, kFound, kRetry };
  // To be called where peek found nothing: looks for a frame behind damage, later than `after`, and moves there.
  // kRetry: the writer has meanwhile completed the frame at the position. Unless `thorough`, a place that looks like
  // the clean end of the log is searched once per segment, since the rest of it is then nothing but room.
  Expected<Search> search(uint64_t after, bool thorough);

  // The writer has taken the file for another segment; what could not be verified was not damage.
  Expected<bool> recycled();

 private:
  Expected<bool> verify(uint64_t offset, Frame* frame, uint64_t* size);
  Expected<bool> verify_streamed(uint64_t offset, const FrameHeader& header);
  Expected<const char*> view(uint64_t offset, uint64_t n);
  Expected<bool> find(uint64_t after, uint64_t* found);

  UniqueFd fd_;
  SegmentHeader header_;
  uint32_t seed_;
  uint64_t position_ = kSegmentHeader;
  uint64_t peeked_ = 0;
  bool blank_ = false;          // the position held zeros at the last peek
  bool searched_ = false;       // once, to the end
  uint64_t searched_from_ = 0;  // the last position searched from, in vain
  std::vector<char> buffer_;
  uint64_t buffer_start_ = 0;
  uint64_t buffer_size_ = 0;
};

// Walks to the end, over damage too. The last sequence found, or `known`.
Expected<uint64_t> walk_to_end(SegmentReader& reader, uint64_t known);

}  // namespace trunkline::log_detail
