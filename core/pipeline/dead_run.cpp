#include "pipeline/dead_run.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <unordered_set>
#include <utility>

#include "log/log_writer.hpp"
#include "os/file.hpp"
#include "pipeline/origins.hpp"
#include "pipeline/record_builder.hpp"
#include "pipeline/recorder_path.hpp"
#include "record/image.hpp"

namespace trunkline::pipeline {
namespace {

constexpr size_t kReadBytes = 1u << 20;
constexpr size_t kReadFrames = 1024;
constexpr size_t kAppendBytes = 1u << 20;

struct LogContents {
  std::unordered_set<uint64_t> uids;  // of records that the recorder has too
  Origins origins;
  std::unordered_set<uint64_t> ended;  // traces, by the ids of their roots: two may continue the same remote one
  uint64_t last_sequence = 0;
};

Error read_log(LogReader* reader, const std::unordered_set<uint64_t>& wanted, LogContents* contents) {
  uint64_t from = 1;
  for (;;) {
    auto result = reader->read(from, kReadBytes, kReadFrames);
    if (!result) return result.error();
    if (result->frames.empty()) return Error::none();
    for (const Frame& frame : result->frames) {
      RecordHeader header;
      if (frame.payload.size() < sizeof header) continue;
      std::memcpy(&header, frame.payload.data(), sizeof header);
      if (wanted.count(header.uid) != 0) contents->uids.insert(header.uid);
      contents->origins.learn(header, header.stamp);
      if (header.type == TR_RECORD_TRACE_END) contents->ended.insert(header.span_id);
      contents->last_sequence = frame.sequence;
    }
    from = contents->last_sequence + 1;
  }
}

// Appends records to the log of a dead run, in portions.
class Appender {
 public:
  Appender(LogWriter* writer, uint64_t next) : writer_(writer), next_(next) {}

  uint64_t next() const { return next_; }
  Error add(std::string_view payload) {
    sizes_.push_back(payload.size());
    bytes_.append(payload);
    ++next_;
    return bytes_.size() >= kAppendBytes ? flush() : Error::none();
  }
  Error flush() {
    std::vector<Frame> frames;
    size_t at = 0;
    uint64_t sequence = next_ - sizes_.size();
    for (const size_t size : sizes_) {
      frames.push_back({sequence++, std::string_view(bytes_).substr(at, size)});
      at += size;
    }
    Error error = frames.empty() ? Error::none() : writer_->append(frames.data(), frames.size());
    if (!error) {
      bytes_.clear();
      sizes_.clear();
    }
    return error;
  }

 private:
  LogWriter* writer_;
  uint64_t next_;
  std::string bytes_;
  std::vector<size_t> sizes_;
};

}  // namespace

Expected<std::shared_ptr<DeadRun>> DeadRun::adopt(const std::string& directory, const std::string& id,
                                                  const Redactor* redactor) {
  auto taken = RunDirectory::adopt(directory, id);
  if (!taken) return taken.error();
  std::shared_ptr<DeadRun> run(new DeadRun(std::move(*taken)));
  if (Error error = run->recover(redactor)) return error;
  return run;
}

Error DeadRun::open_reader() {
  auto reader = LogReader::open(directory_.fd());
  if (!reader) return reader.error();
  const std::lock_guard lock(mutex_);
  reader_.emplace(std::move(*reader));
  const Expected<uint64_t> last = reader_->last_sequence();
  if (!last) return last.error();  // a log that cannot be read now is not an empty one
  last_sequence_ = *last;
  return Error::none();
}

Error DeadRun::recover(const Redactor* redactor) {
  if (Error error = open_reader()) return error;
  std::string path;
  const Expected<UniqueFd> file = open_recorder(directory_.fd(), &path);
  if (!file) return file.error();
  if (!*file) return Error::none();
  auto image = record::Image::load(file->get());
  if (!image) return image.error();
  recovered_.corrupt += image->corrupt();

  std::unordered_set<uint64_t> uids;
  for (const auto& entry : image->entries()) {
    if (!entry.open) uids.insert(entry.header.uid);
  }
  LogContents contents;
  if (Error error = read_log(&*reader_, uids, &contents)) return error;
  auto writer = LogWriter::open(directory_.fd(), LogOptions{});
  if (!writer) return writer.error();
  // A processor may have taken from memory what the log could not keep: those numbers are used up.
  uint64_t last = std::max(contents.last_sequence, last_sequence_);
  const auto cursors = CursorFile::list(directory_.fd());
  if (!cursors) return cursors.error();
  for (const Cursor& cursor : *cursors) last = std::max(last, cursor.acknowledged);
  Appender appender(&*writer, last + 1);
  RecordBuilder builder(redactor);
  for (const auto& entry : image->entries()) {
    if (!entry.open && !contents.uids.insert(entry.header.uid).second) continue;  // in the log, or found twice
    const bool is_end = entry.header.type == TR_RECORD_TRACE_END;
    if (is_end && !contents.ended.insert(entry.header.span_id).second) continue;
    const uint64_t origin = contents.origins.of(entry.header, appender.next());
    RecordHeader header = entry.header;
    header.flags |= TR_RECORD_RECOVERED;
    builder.begin(header, image->wall_offset(), origin);
    if (!image->visit_items(entry, [&builder](const ItemView& item) { builder.add(item); })) ++recovered_.corrupt;
    if (Error error = appender.add(builder.finish(entry.dropped))) return error;
    ++(entry.open ? recovered_.incomplete : recovered_.finished);
  }
  if (Error error = appender.flush()) return error;
  // Only now that it is all in the log.
  unlinkat(directory_.fd(), kRecorderName, 0);
  if (!path.empty()) unlink(path.c_str());
  unlinkat(directory_.fd(), kRecorderPathName, 0);
  return open_reader();
}

Expected<std::vector<Cursor>> DeadRun::unfinished_cursors() {
  auto cursors = CursorFile::list(directory_.fd());
  if (!cursors) return cursors;
  std::vector<Cursor> unfinished;
  for (Cursor& cursor : *cursors) {
    if (cursor.acknowledged < last_sequence_) unfinished.push_back(std::move(cursor));
  }
  return unfinished;
}

Expected<std::shared_ptr<const Block>> DeadRun::read(uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  auto result = reader_->read(sequence, kReadBytes, kReadFrames);
  if (!result) return result.error();
  auto block = std::make_shared<Block>();
  for (const Frame& frame : result->frames) {
    if (frame.payload.size() >= sizeof(RecordHeader)) block->add(frame.sequence, frame.payload);
  }
  return std::shared_ptr<const Block>(block->empty() ? nullptr : std::move(block));
}

}  // namespace trunkline::pipeline
