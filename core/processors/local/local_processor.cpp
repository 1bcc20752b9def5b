#include "processors/local/local_processor.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <memory>

#include "encode/json_options.hpp"
#include "os/fork_guard.hpp"
#include "os/time.hpp"
#include "processors/local/record_rows.hpp"

namespace trunkline {
namespace {

using processors::guarded;
using processors::ProcessorHost;
using processors::RecordRows;

constexpr uint64_t kDefaultMaxBytes = uint64_t{2} << 30;
constexpr uint64_t kSmallestMaxBytes = uint64_t{1} << 20;
constexpr uint64_t kLargestTransaction = uint64_t{32} << 20;
// The search index is built beside the writing, in a tenth of its time, but enough for the few records of a quiet
// agent.
constexpr int64_t kLeastIndexingNs = 2'000'000;
// Another process may be writing: what passes by itself is not worth a word.
constexpr int64_t kPatienceNs = 3'000'000'000;

class LocalProcessor final : private os::PutDownAtFork {
 public:
  LocalProcessor(store::StoreLocation location, uint64_t max_bytes, const ProcessorHost& host)
      : host_(host),
        path_(location.path),
        transaction_bytes_(std::min(max_bytes / 8, kLargestTransaction)),
        writer_(std::move(location), max_bytes, [this](std::string_view s) { say(host_, TR_LEVEL_ERROR, s); }),
        rows_(&writer_) {}

  ~LocalProcessor() {
    if (!failing_.empty() && failing_ != complained_) say(host_, TR_LEVEL_WARN, failing_);
    const os::GuardedWork work;
    retire(work);
    writer_.close();
  }

  const std::string& path() const { return path_; }

  int on_batch(const tr_batch& batch) {
    const os::GuardedWork work;
    const int64_t start = os::monotonic_now();
    // Twice: after damage the first try moves the file aside.
    for (bool last : {false, true}) {
      const Error error = write(batch);
      if (!error) {
        failing_.clear();
        complained_.clear();
        // An index that cannot be built now, or never (there is no FTS5), is no reason to complain: who searches does
        // it, or says so.
        (void)writer_.index_texts(std::max((os::monotonic_now() - start) / 10, kLeastIndexingNs));
        return TR_OK;
      }
      if (last || !damaged_) return complain(error);
    }
    return TR_EAGAIN;
  }

 private:
  void put_down() noexcept override { writer_.put_down(); }

  Error write(const tr_batch& batch) {
    damaged_ = false;
    if (os::forked_amid_work()) {
      return {TR_EAGAIN, "the process was forked in the middle of a write to the store: a later start takes this up"};
    }
    if (Error error = writer_.ensure_open()) return error;
    size_t next = 0;
    while (next < batch.count) {
      const int code = write_transaction(batch, &next);
      if (code == SQLITE_OK) continue;
      damaged_ = store::is_corrupt(code);
      return writer_.fail(code);
    }
    return Error::none();
  }

  // A batch is one transaction, unless its bytes would overrun what the store may hold.
  int write_transaction(const tr_batch& batch, size_t* next) {
    size_t end = *next;
    uint64_t bytes = 0;
    for (; end < batch.count && (end == *next || bytes < transaction_bytes_); ++end) {
      bytes += processors::estimate_bytes(*batch.records[end]);
    }
    int code = writer_.make_room(bytes);
    if (code != SQLITE_OK) return code;
    const std::string_view run_id = batch.run_id == nullptr ? "" : batch.run_id;
    uint64_t cursor = 0;
    code = writer_.begin();
    if (code == SQLITE_OK) code = writer_.read_cursor(run_id, &cursor);
    for (size_t i = *next; i < end && code == SQLITE_OK; ++i) {
      const tr_record& record = *batch.records[i];
      if (!run_id.empty() && record.sequence <= cursor) continue;
      cursor = record.sequence;
      code = rows_.put(record, run_id);
    }
    if (code == SQLITE_OK) code = writer_.commit(run_id, cursor);
    if (code == SQLITE_OK) *next = end;
    return code;
  }

  // Once until it works again, or fails otherwise: the batch is offered many times.
  int complain(const Error& error) {
    const int64_t now = os::monotonic_now();
    if (failing_.empty()) failing_since_ = now;
    failing_ = error.message;
    const bool may_pass = writer_.is_locked() && now - failing_since_ < kPatienceNs;
    if (!may_pass && failing_ != complained_) {
      say(host_, TR_LEVEL_WARN, failing_);
      complained_ = failing_;
    }
    return error.code == TR_EAGAIN ? TR_EAGAIN : TR_EIO;
  }

  const ProcessorHost host_;
  const std::string path_;
  const uint64_t transaction_bytes_;
  store::StoreWriter writer_;
  RecordRows rows_;
  std::string failing_;  // with what; empty: it works
  std::string complained_;
  int64_t failing_since_ = 0;
  bool damaged_ = false;
};

int on_batch(void* user_data, const tr_batch* batch) {
  return guarded([&] { return static_cast<LocalProcessor*>(user_data)->on_batch(*batch); });
}

void release(void* user_data) { delete static_cast<LocalProcessor*>(user_data); }

}  // namespace

Error make_local_processor(std::string_view options_json, const std::string& directory, tr_processor* out,
                           const ProcessorHost& host) {
  std::string option;
  uint64_t max_bytes = kDefaultMaxBytes;
  encode::JsonOptions options(options_json, "local processor");
  options.read_string("path", &option);
  options.read_u64("max_bytes", kSmallestMaxBytes, &max_bytes);
  if (Error error = options.finish()) return error;
  const Expected<std::string> path = processors::choose_path("local processor", option, directory, "traces.db");
  if (!path) return path.error();

  auto processor = std::make_unique<LocalProcessor>(store::StoreLocation{*path, option.empty()}, max_bytes, host);
  tr_processor table{};
  table.flags = TR_PROCESSOR_DURABLE | TR_PROCESSOR_SHARED;
  table.user_data = processor.get();
  table.name = "local";
  table.destination = processor->path().c_str();
  table.on_batch = on_batch;
  table.release = release;
  Error error = processors::hand_over(table, out);
  if (!error) (void)processor.release();
  return error;
}

}  // namespace trunkline
