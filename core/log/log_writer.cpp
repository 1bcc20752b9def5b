#include "log/log_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

#include "log/guard.hpp"
#include "log/segment_reader.hpp"
#include "os/crc32c.hpp"

namespace trunkline {

using log_detail::frame_size;
using log_detail::guarded;
using log_detail::HeaderState;
using log_detail::kFrameHeader;
using log_detail::kSegmentHeader;
using log_detail::OpenedSegment;
using log_detail::SegmentHeader;
using log_detail::SegmentReader;

namespace {

constexpr size_t kKeptSpares = 2;
constexpr size_t kStaging = 512 << 10;         // written at once
constexpr size_t kWrittenInPlace = 256 << 10;  // payloads from this size on are not copied
constexpr uint64_t kMinSegment = 4096;
constexpr uint64_t kMaxSegment = 1ull << 30;
constexpr char kSparePrefix[] = "spare-";

uint64_t round_up(uint64_t n) { return (n + 4095) & ~uint64_t{4095}; }

uint64_t unix_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

void append_bytes(std::vector<char>& to, const char* data, size_t n) { to.insert(to.end(), data, data + n); }

// Space that is really there, so that later writes cannot meet a full disk; false where the file system has no such
// thing and the file grows as it is written.
Expected<bool> preallocate(int fd, uint64_t bytes) {
  int result = 0;
  do {
    result = ::fallocate(fd, 0, 0, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return true;
  if (errno == EOPNOTSUPP || errno == ENOSYS) return false;
  return io_error("log segment", errno);
}

template <class Sync>
Error sync_through(Sync&& sync) {
  int result = 0;
  do {
    result = sync();
  } while (result != 0 && errno == EINTR);
  return result == 0 ? Error::none() : io_error("sync the log", errno);
}

Error wipe(int fd, uint64_t from, uint64_t to) {
  const std::vector<char> zeros(std::min<uint64_t>(to - from, 64 << 10));
  while (from < to) {
    const size_t n = std::min<uint64_t>(zeros.size(), to - from);
    if (Error error = pwrite_all(fd, zeros.data(), n, from)) return error;
    from += n;
  }
  return Error::none();
}

}  // namespace

// The state before an append. `active` is filled only once the append has moved on to another segment.
struct LogWriter::Undo {
  size_t segments = 0;
  uint64_t last = 0;
  uint64_t segment_last = 0;
  uint64_t segment_bytes = 0;
  uint64_t offset = 0;
  uint64_t epoch = 0;
  uint64_t touched = 0;  // end of what the append may have written into the segment that was active
  OpenFile active;
};

LogWriter::LogWriter(UniqueFd directory, const LogOptions& options)
    : directory_(std::move(directory)), options_(options) {
  options_.segment_bytes = round_up(std::clamp(options.segment_bytes, kMinSegment, kMaxSegment));
}

// ---- opening ------------------------------------------------------------------------------------------------------

Expected<LogWriter> LogWriter::open(int directory_fd, const LogOptions& options) {
  return guarded([&]() -> Expected<LogWriter> {
    Expected<UniqueFd> directory = duplicate(directory_fd);
    if (!directory) return directory.error();
    LogWriter writer(std::move(*directory), options);
    if (Error error = writer.recover()) return error;
    return writer;
  });
}

Error LogWriter::recover() {
  Expected<std::vector<uint32_t>> indices = log_detail::list_segments(directory_.get());
  if (!indices) return indices.error();
  std::vector<SegmentHeader> headers;
  uint64_t newest_epoch = 0;
  for (const uint32_t index : *indices) {
    Expected<OpenedSegment> opened = log_detail::open_segment(directory_.get(), index);
    if (!opened) return opened.error();
    if (opened->state == HeaderState::kNewer) return {TR_EUNSUPPORTED, "the log was written by a newer version"};
    const bool good = opened->state == HeaderState::kGood;
    struct stat info {};
    if (opened->fd && ::fstat(opened->fd.get(), &info) != 0) return io_error("log segment", errno);
    const uint64_t bytes = std::min(static_cast<uint64_t>(info.st_size), static_cast<uint64_t>(info.st_blocks) * 512u);
    // A damaged segment is not used again: what its frames' epoch was is not known.
    segments_.push_back({index, good ? opened->header.first_sequence : 0, 0, bytes,
                         good && opened->header.capacity == options_.segment_bytes, false});
    headers.push_back(good ? opened->header : SegmentHeader{});
    newest_epoch = std::max(newest_epoch, headers.back().epoch);
    next_index_ = index + 1;
  }
  // The clock keeps the epochs new even if the newest header was lost.
  next_epoch_ = std::max(newest_epoch + 1, unix_ns());
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (Error error = recover_last(i, headers, &last_)) return error;
  }
  Expected<std::vector<std::string>> names = list_directory(directory_.get());
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (name.rfind(kSparePrefix, 0) == 0) ::unlinkat(directory_.get(), name.c_str(), 0);
  }
  return Error::none();
}

// The last sequence of a segment: as its successor says, else by reading it.
Error LogWriter::recover_last(size_t at, const std::vector<SegmentHeader>& headers, uint64_t* last) {
  Segment& segment = segments_[at];
  const SegmentHeader& header = headers[at];
  *last = std::max(*last, header.previous_last);
  const bool told = at + 1 < headers.size() && headers[at + 1].epoch != 0 && headers[at + 1].index == segment.index + 1;
  if (told) {
    *last = std::max(*last, headers[at + 1].previous_last);
  } else if (header.epoch != 0) {
    Expected<OpenedSegment> opened = log_detail::open_segment(directory_.get(), segment.index);
    if (!opened) return opened.error();
    uint64_t found = 0;
    if (opened->state == HeaderState::kGood) {
      SegmentReader reader(std::move(*opened));
      Expected<uint64_t> end = log_detail::walk_to_end(reader, header.first_sequence - 1);
      if (!end) return end.error();
      found = *end;
    }
    if (found < header.first_sequence) segment.first = 0;
    *last = std::max(*last, found < header.first_sequence ? 0 : found);
  }
  segment.last = *last;
  return Error::none();
}

// ---- appending ----------------------------------------------------------------------------------------------------

Error LogWriter::append(const Frame* frames, size_t n) {
  if (n == 0) return Error::none();
  if (Error error = check(frames, n)) return error;
  Undo undo{segments_.size(), last_, 0, 0, offset_, active_epoch_, offset_, {}};
  if (!segments_.empty()) undo.segment_last = segments_.back().last;
  if (!segments_.empty()) undo.segment_bytes = segments_.back().bytes;
  Error error = guarded([&]() -> Error {
    const std::vector<Piece> pieces = plan(frames, n);
    // All the room first: a full disk shows before anything is written.
    Expected<std::vector<OpenFile>> fresh = reserve(pieces);
    if (!fresh) return fresh.error();
    Error failure = write_pieces(frames, pieces, *fresh, undo);
    for (OpenFile& file : *fresh) {
      if (file.fd) keep_or_discard(std::move(file));
    }
    return failure;
  });
  if (error) roll_back(undo);
  return error;
}

Error LogWriter::check(const Frame* frames, size_t n) const {
  uint64_t last = last_;
  for (size_t i = 0; i < n; ++i) {
    if (frames[i].sequence <= last) return {TR_EINVAL, "sequences do not increase"};
    if (frames[i].payload.size() > log_detail::kMaxPayload) return {TR_ELIMIT, "a record is too large for the log"};
    last = frames[i].sequence;
  }
  return Error::none();
}

std::vector<LogWriter::Piece> LogWriter::plan(const Frame* frames, size_t n) const {
  std::vector<Piece> pieces;
  uint64_t room = active_.fd ? active_.capacity - offset_ : 0;
  for (size_t i = 0; i < n; ++i) {
    const uint64_t size = frame_size(frames[i].payload.size());
    if (size > room) {
      const uint64_t capacity = std::max(options_.segment_bytes, round_up(kSegmentHeader + size));
      pieces.push_back({i, i, 0, capacity});
      room = capacity - kSegmentHeader;
    } else if (pieces.empty()) {
      pieces.push_back({i, i, 0, 0});
    }
    pieces.back().end = i + 1;
    pieces.back().bytes += size;
    room -= size;
  }
  return pieces;
}

// A file for each piece that needs one; all or none.
Expected<std::vector<LogWriter::OpenFile>> LogWriter::reserve(const std::vector<Piece>& pieces) {
  std::vector<OpenFile> files;
  for (const Piece& piece : pieces) {
    if (piece.capacity == 0) continue;
    if (piece.capacity == options_.segment_bytes && !spares_.empty()) {
      files.push_back(std::move(spares_.back()));
      spares_.pop_back();
      continue;
    }
    Expected<OpenFile> made = make_spare(piece.capacity);
    if (!made) {
      for (OpenFile& file : files) keep_or_discard(std::move(file));
      return made.error();
    }
    files.push_back(std::move(*made));
  }
  return files;
}

Expected<LogWriter::OpenFile> LogWriter::make_spare(uint64_t capacity) {
  OpenFile file;
  file.capacity = capacity;
  file.name = kSparePrefix + std::to_string(next_spare_++);
  file.fd = open_file_at(directory_.get(), file.name.c_str(), O_RDWR | O_CREAT | O_EXCL);
  if (!file.fd) return io_error("log segment", errno);
  Expected<bool> preallocated = preallocate(file.fd.get(), capacity);
  if (!preallocated) {
    ::unlinkat(directory_.get(), file.name.c_str(), 0);
    return preallocated.error();
  }
  file.preallocated = *preallocated;
  return file;
}

void LogWriter::keep_or_discard(OpenFile spare) {
  const bool useful = spare.capacity == options_.segment_bytes && spares_.size() < kKeptSpares;
  if (useful) {
    spares_.push_back(std::move(spare));
  } else {
    ::unlinkat(directory_.get(), spare.name.c_str(), 0);
  }
}

Error LogWriter::write_pieces(const Frame* frames, const std::vector<Piece>& pieces, std::vector<OpenFile>& fresh,
                              Undo& undo) {
  auto file = fresh.begin();
  for (const Piece& piece : pieces) {
    if (piece.capacity == 0) {
      undo.touched = std::min(active_.capacity, offset_ + piece.bytes + kFrameHeader);
      if (Error error = extend(frames, piece)) return error;
      continue;
    }
    if (segments_.size() == undo.segments) undo.active = std::move(active_);
    if (Error error = begin_segment(frames, piece, *file++)) return error;
  }
  return Error::none();
}

Error LogWriter::extend(const Frame* frames, const Piece& piece) {
  if (Error error = write_frames(active_, offset_, active_epoch_, frames, piece)) return error;
  offset_ += piece.bytes;
  Segment& segment = segments_.back();
  last_ = segment.last = frames[piece.end - 1].sequence;
  if (!active_.preallocated) segment.bytes = std::max(segment.bytes, offset_);
  segment.dirty = true;
  return Error::none();
}

// Header and frames first, the name last: that is what makes them visible.
Error LogWriter::begin_segment(const Frame* frames, const Piece& piece, OpenFile& file) {
  if (next_index_ == UINT32_MAX) return {TR_ELIMIT, "the log has used up its segment numbers"};
  const uint64_t first = frames[piece.begin].sequence;
  const uint64_t last = frames[piece.end - 1].sequence;
  const SegmentHeader header{log_detail::kSegmentVersion, next_index_, next_epoch_++, first, last_, file.capacity};
  staging_.resize(kSegmentHeader);
  log_detail::encode_header(header, staging_.data());
  if (Error error = write_frames(file, 0, header.epoch, frames, piece)) return error;
  const std::string name = log_detail::segment_name(header.index);
  segments_.push_back({header.index, first, last, file.preallocated ? file.capacity : kSegmentHeader + piece.bytes,
                       file.capacity == options_.segment_bytes, true});
  if (::renameat(directory_.get(), file.name.c_str(), directory_.get(), name.c_str()) != 0) {
    segments_.pop_back();
    return io_error("log segment", errno);
  }
  active_ = std::move(file);
  offset_ = kSegmentHeader + piece.bytes;
  active_epoch_ = header.epoch;
  last_ = last;
  ++next_index_;
  directory_dirty_ = true;
  return Error::none();
}

// Writes at `offset` what is staged already, a segment's header, then the frames and, if there is room, 16 zeros.
Error LogWriter::write_frames(const OpenFile& file, uint64_t offset, uint64_t epoch, const Frame* frames,
                              const Piece& piece) {
  const uint32_t seed = log_detail::epoch_seed(epoch);
  const uint64_t end = offset + staging_.size() + piece.bytes;
  const char zeros[kFrameHeader] = {};
  for (size_t i = piece.begin; i < piece.end; ++i) {
    const std::string_view payload = frames[i].payload;
    const auto length = static_cast<uint32_t>(payload.size());
    const uint32_t head = log_detail::frame_crc(seed, length, frames[i].sequence);
    char header[kFrameHeader];
    log_detail::store_frame_header({length, crc32c(head, payload.data(), length), frames[i].sequence}, header);
    append_bytes(staging_, header, sizeof header);
    if (length >= kWrittenInPlace) {
      if (Error error = flush(file.fd.get(), &offset)) return error;
      if (Error error = pwrite_all(file.fd.get(), payload.data(), length, offset)) return error;
      offset += length;
    } else {
      append_bytes(staging_, payload.data(), length);
    }
    append_bytes(staging_, zeros, log_detail::padded(length) - length);
    if (staging_.size() < kStaging) continue;
    if (Error error = flush(file.fd.get(), &offset)) return error;
  }
  if (end + sizeof zeros <= file.capacity) append_bytes(staging_, zeros, sizeof zeros);
  return flush(file.fd.get(), &offset);
}

Error LogWriter::flush(int fd, uint64_t* offset) {
  Error error = pwrite_all(fd, staging_.data(), staging_.size(), *offset);
  *offset += staging_.size();
  staging_.clear();
  return error;
}

// Nothing of a failed append may verify: its segments go, and its frames in the segment it began in are wiped.
void LogWriter::roll_back(Undo& undo) {
  staging_.clear();
  if (segments_.size() > undo.segments) active_.fd.reset();
  while (segments_.size() > undo.segments) {
    release({segments_.back().index, 0, 0, 0, false, false});
    segments_.pop_back();
    --next_index_;
  }
  if (undo.active.fd) active_ = std::move(undo.active);
  last_ = undo.last;
  offset_ = undo.offset;
  active_epoch_ = undo.epoch;
  if (!segments_.empty()) segments_.back().last = undo.segment_last;
  if (!segments_.empty()) segments_.back().bytes = undo.segment_bytes;
  if (!active_.fd || undo.touched == undo.offset) return;
  const int fd = active_.fd.get();
  const auto from = static_cast<off_t>(undo.offset);
  const auto size = static_cast<off_t>(undo.touched - undo.offset);
  const bool wiped = (!active_.preallocated && ::ftruncate(fd, from) == 0) ||
                     !guarded([&] { return wipe(fd, undo.offset, undo.touched); }) ||
                     ::fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, from, size) == 0;
  if (!wiped) active_.fd.reset();  // a device that does not even take zeros: go on in another segment
}

// ---- syncing and releasing ----------------------------------------------------------------------------------------

Error LogWriter::sync() {
  if (!options_.fsync) return Error::none();
  return guarded([&]() -> Error {
    for (Segment& segment : segments_) {
      if (!segment.dirty) continue;
      const UniqueFd fd = open_file_at(directory_.get(), log_detail::segment_name(segment.index).c_str(), O_RDONLY);
      if (!fd) return io_error("sync the log", errno);
      if (Error error = sync_through([&] { return ::fdatasync(fd.get()); })) return error;
      segment.dirty = false;
    }
    if (!directory_dirty_) return Error::none();
    if (Error error = sync_through([&] { return ::fsync(directory_.get()); })) return error;
    directory_dirty_ = false;
    return Error::none();
  });
}

void LogWriter::release_before(uint64_t sequence) {
  while (segments_.size() > 1 && segments_.front().last < sequence) {
    release(segments_.front());
    segments_.pop_front();
  }
}

void LogWriter::release(const Segment& segment) {
  const Error error = guarded([&]() -> Error {
    if (segment.recyclable && spares_.size() < kKeptSpares && recycle(segment)) return Error::none();
    const std::string name = log_detail::segment_name(segment.index);
    ::unlinkat(directory_.get(), name.c_str(), 0);
    return Error::none();
  });
  if (error) return;  // out of memory: the file stays until the run directory goes
  directory_dirty_ = true;
}

// The header goes before anything else changes: a reader that fails to verify a frame here looks at it, and knows.
bool LogWriter::recycle(const Segment& segment) {
  const std::string name = log_detail::segment_name(segment.index);
  OpenFile file;
  file.capacity = options_.segment_bytes;
  file.name = kSparePrefix + std::to_string(next_spare_++);
  file.fd = open_file_at(directory_.get(), name.c_str(), O_RDWR);
  struct stat info {};
  if (!file.fd || ::fstat(file.fd.get(), &info) != 0) return false;
  Expected<bool> preallocated = preallocate(file.fd.get(), file.capacity);
  if (!preallocated) return false;
  file.preallocated = *preallocated;
  if (wipe(file.fd.get(), 0, kSegmentHeader)) return false;
  if (::renameat(directory_.get(), name.c_str(), directory_.get(), file.name.c_str()) != 0) return false;
  spares_.push_back(std::move(file));
  return true;
}

uint64_t LogWriter::bytes() const {
  uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.bytes;
  return sum;
}

uint64_t LogWriter::first_sequence() const {
  for (const Segment& segment : segments_) {
    if (segment.first != 0) return segment.first;
  }
  return 0;
}

uint64_t LogWriter::oldest_segment_last_sequence() const { return segments_.size() > 1 ? segments_.front().last : 0; }

}  // namespace trunkline
