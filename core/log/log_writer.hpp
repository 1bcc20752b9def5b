// Appends records to the log of a run directory: preallocated segments of fixed size, written by pwrite so that a full
// disk is an error code, and used again once all readers are past them. Nothing is made before the first append.
//
// A segment is filled under the name "spare-..." and takes its own name when its first frames are in it, so a reader
// never meets one half made. Frames of an append that failed are wiped before the error is returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "log/segment.hpp"
#include "model/expected.hpp"
#include "os/file.hpp"

namespace trunkline {

struct LogOptions {
  uint64_t segment_bytes = 8u << 20;  // rounded up to 4 KiB
  bool fsync = false;                 // false: sync() does nothing, the page cache is enough
};

// One thread. The thread should block SIGXFSZ, so that a limit on file sizes is an error.
class LogWriter {
 public:
  // A new log, or one that goes on after the last valid frame of what is there, in a fresh segment.
  // TR_EUNSUPPORTED: a newer version wrote it.
  static Expected<LogWriter> open(int directory_fd, const LogOptions& options);

  // All frames or an Error: TR_EIO; TR_EINVAL, sequences that do not strictly increase; TR_ELIMIT, a payload over 1
  // GiB. Gaps between sequences are allowed. After an error the same or other frames may be appended.
  Error append(const Frame* frames, size_t n);

  // What was appended is on the disk.
  Error sync();

  // Segments all of whose frames are < sequence become free: two are kept to be used again, others are removed. The
  // newest segment stays, so that the numbering of records survives.
  void release_before(uint64_t sequence);

  uint64_t bytes() const;                           // on disk, without free segments
  uint64_t first_sequence() const;                  // of the oldest frame in the log, 0: none
  uint64_t last_sequence() const { return last_; }  // the newest that was ever in the log, 0: none
  // release_before(this + 1) frees the oldest segment; 0: only one is left.
  uint64_t oldest_segment_last_sequence() const;

 private:
  struct Segment {
    uint32_t index = 0;
    uint64_t first = 0;  // 0: no frame
    uint64_t last = 0;
    uint64_t bytes = 0;
    bool recyclable = false;
    bool dirty = false;
  };
  struct OpenFile {
    UniqueFd fd;
    std::string name;  // of a spare
    uint64_t capacity = 0;
    bool preallocated = false;
  };
  struct Piece {  // the frames of one append that go into one segment
    size_t begin = 0;
    size_t end = 0;
    uint64_t bytes = 0;
    uint64_t capacity = 0;  // of the segment to be made for it; 0: goes into the active one
  };
  struct Undo;

  LogWriter(UniqueFd directory, const LogOptions& options);
  Error recover();
  Error recover_last(size_t at, const std::vector<log_detail::SegmentHeader>& headers, uint64_t* last);
  Error check(const Frame* frames, size_t n) const;
  std::vector<Piece> plan(const Frame* frames, size_t n) const;
  Expected<std::vector<OpenFile>> reserve(const std::vector<Piece>& pieces);
  Expected<OpenFile> make_spare(uint64_t capacity);
  void keep_or_discard(OpenFile spare);
  Error write_pieces(const Frame* frames, const std::vector<Piece>& pieces, std::vector<OpenFile>& fresh, Undo& undo);
  Error extend(const Frame* frames, const Piece& piece);
  Error begin_segment(const Frame* frames, const Piece& piece, OpenFile& file);
  Error write_frames(const OpenFile& file, uint64_t offset, uint64_t epoch, const Frame* frames, const Piece& piece);
  Error flush(int fd, uint64_t* offset);
  void roll_back(Undo& undo);
  void release(const Segment& segment);
  bool recycle(const Segment& segment);

  UniqueFd directory_;
  LogOptions options_;
  std::deque<Segment> segments_;
  std::vector<OpenFile> spares_;
  OpenFile active_;  // the file of segments_.back(), if open
  uint64_t offset_ = 0;
  uint64_t active_epoch_ = 0;
  uint64_t last_ = 0;
  uint32_t next_index_ = 1;
  uint64_t next_epoch_ = 1;
  uint32_t next_spare_ = 1;
  bool directory_dirty_ = false;
  std::vector<char> staging_;
};

}  // namespace trunkline
