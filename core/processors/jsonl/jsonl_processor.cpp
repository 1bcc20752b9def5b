#include "processors/jsonl/jsonl_processor.hpp"

#include <cstring>
#include <map>
#include <memory>

#include "encode/json_options.hpp"
#include "os/fork_guard.hpp"
#include "processors/jsonl/jsonl_file.hpp"
#include "processors/jsonl/jsonl_line.hpp"

namespace trunkline {
namespace {

using processors::guarded;
using processors::JsonlFile;
using processors::JsonlLock;
using processors::ProcessorHost;

constexpr size_t kWriteBytes = size_t{1} << 20;

// What is saved with each batch: where the file ended then.
struct SavedState {
  uint64_t inode;
  uint64_t size;
};

class JsonlProcessor {
 public:
  JsonlProcessor(std::string path, const ProcessorHost& host) : host_(host), file_(std::move(path)) {}

  const std::string& path() const { return file_.path(); }

  // The scan waits for the first batch, where the file is locked and a failure can be reported.
  void restore(const char* run_id, const void* state, size_t size) {
    SavedState saved{};
    if (size == sizeof saved) std::memcpy(&saved, state, sizeof saved);
    scans_[run_id] = saved;
  }

  int on_batch(const tr_batch& batch) {
    const os::GuardedWork work;  // a child must not inherit the file's lock
    const Error error = write(batch);
    if (error) {
      if (error.message != complained_) say(host_, TR_LEVEL_WARN, "JSON lines could not be written: " + error.message);
      complained_ = error.message;
      return TR_EAGAIN;
    }
    complained_.clear();
    return TR_OK;
  }

 private:
  Error write(const tr_batch& batch) {
    const JsonlLock lock(&file_);
    if (lock.error()) return lock.error();
    const std::string run_id = batch.run_id == nullptr ? "" : batch.run_id;
    const std::string prefix = processors::line_prefix(run_id);
    if (Error error = find_written(batch, run_id, prefix)) return error;
    const uint64_t begin = file_.size();
    uint64_t highest = written_[run_id];
    if (Error error = write_lines(batch, prefix, !run_id.empty(), &highest)) {
      // What cannot even be cut off again is found by a scan before the batch is tried again.
      if (!file_.cut(begin)) scans_[run_id] = {file_.inode(), begin};
      return error;
    }
    written_[run_id] = highest;
    const SavedState state{file_.inode(), file_.size()};
    (void)host_.save(&state, sizeof state);  // without it the next scan is longer, no more
    return Error::none();
  }

  // Which records of the run earlier processes wrote already.
  Error find_written(const tr_batch& batch, const std::string& run_id, const std::string& prefix) {
    const auto scan = scans_.find(run_id);
    const bool adopted = (batch.flags & TR_BATCH_ADOPTED) != 0 && written_.count(run_id) == 0;
    if (scan == scans_.end() && !adopted) return Error::none();
    const bool same_file = scan != scans_.end() && scan->second.inode == file_.inode();
    const Expected<uint64_t> highest = file_.highest(prefix, same_file ? scan->second.size : 0);
    if (!highest) return highest.error();
    uint64_t& written = written_[run_id];
    written = std::max(written, *highest);
    scans_.erase(run_id);
    return Error::none();
  }

  // Whole lines in few writes. Without a run id (and so without a crash to survive) nothing is skipped.
  Error write_lines(const tr_batch& batch, const std::string& prefix, bool skip_written, uint64_t* highest) {
    lines_.clear();
    for (size_t i = 0; i < batch.count; ++i) {
      const tr_record& record = *batch.records[i];
      if (skip_written && record.sequence <= *highest) continue;
      *highest = record.sequence;
      processors::append_line(&lines_, record, prefix);
      if (lines_.size() < kWriteBytes) continue;
      if (Error error = file_.append(lines_)) return error;
      lines_.clear();
    }
    Error error = lines_.empty() ? Error::none() : file_.append(lines_);
    if (lines_.capacity() > 4 * kWriteBytes) std::string().swap(lines_);
    return error;
  }

  const ProcessorHost host_;
  JsonlFile file_;
  std::map<std::string, SavedState> scans_;  // runs to be looked for in the file
  std::map<std::string, uint64_t> written_;  // the highest sequence written of each run
  std::string lines_;
  std::string complained_;
};

int on_batch(void* user_data, const tr_batch* batch) {
  return guarded([&] { return static_cast<JsonlProcessor*>(user_data)->on_batch(*batch); });
}

int restore(void* user_data, const char* run_id, const void* state, size_t size) {
  return guarded([&] {
    static_cast<JsonlProcessor*>(user_data)->restore(run_id, state, size);
    return TR_OK;
  });
}

void release(void* user_data) { delete static_cast<JsonlProcessor*>(user_data); }

}  // namespace

Error make_jsonl_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                           const ProcessorHost& host) {
  std::string option;
  encode::JsonOptions options(options_json, "jsonl processor");
  options.read_string("path", &option);
  if (Error error = options.finish()) return error;
  Expected<std::string> path = processors::choose_path("jsonl processor", option, directory, "traces.jsonl");
  if (!path) return path.error();

  auto processor = std::make_unique<JsonlProcessor>(std::move(*path), host);
  tr_processor table{};
  table.flags = TR_PROCESSOR_DURABLE | TR_PROCESSOR_SHARED;
  table.user_data = processor.get();
  table.name = "jsonl";
  table.destination = processor->path().c_str();
  table.on_batch = on_batch;
  table.restore = restore;
  table.release = release;
  Error error = processors::hand_over(table, out);
  if (!error) (void)processor.release();
  return error;
}

}  // namespace trunkline
