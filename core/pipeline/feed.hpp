// One processor's way through one run's log: where it is, what it has been given and not acknowledged, and the cursor
// file that remembers both for the next process. Not thread-safe: its Processor locks.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "log/cursor_file.hpp"
#include "pipeline/block_source.hpp"

namespace trunkline::pipeline {

class Feed {
 public:
  struct Range {
    uint64_t from;
    uint64_t to;
  };

  Feed(std::shared_ptr<BlockSource> source, std::string run_id, bool adopted)
      : source_(std::move(source)), run_id_(std::move(run_id)), adopted_(adopted) {}

  const std::string& run_id() const { return run_id_; }
  bool adopted() const { return adopted_; }
  BlockSource& source() { return *source_; }
  uint64_t first_sequence() const { return cursor_.first_sequence; }
  uint64_t acknowledged() const { return cursor_.acknowledged; }

  // Begins at the cursor; `file` keeps it.
  void begin(const Cursor& cursor, std::optional<CursorFile> file);
  // Until the worker knows the exact place, the cursor on disk is a safe earlier one.
  void set_first_sequence(uint64_t first);

  // What to read next, ranges to be offered again first. False: wait until they are taken up by `retry`.
  Range next() const;
  // [from, to] is on its way to the processor.
  void give(Range range);
  // It was taken (or counted as lost): moves the cursor as far as possible. `state` to be kept with it.
  Error acknowledge(Range range, std::optional<std::string> state);
  void offer_again(Range range);

  bool anything_out() const { return !out_.empty() || !again_.empty(); }
  bool kept() const { return file_.has_value(); }
  // The state saved with the cursor, once: for restore.
  std::optional<std::string> take_saved_state();
  // Nobody has accepted it yet: it comes with the next batch again.
  void give_back_state(std::optional<std::string> state) { saved_state_ = std::move(state); }

  // Called when an adopted run has nothing more for this processor.
  std::function<void()> on_finished;

 private:
  struct Out {
    uint64_t to;
    bool acknowledged;
    std::optional<std::string> state;
  };

  std::shared_ptr<BlockSource> source_;
  std::string run_id_;
  bool adopted_;
  Cursor cursor_;
  std::optional<CursorFile> file_;
  std::optional<std::string> saved_state_;
  uint64_t next_ = 1;
  std::map<uint64_t, Out> out_;  // by first sequence
  std::map<uint64_t, uint64_t> again_;
};

}  // namespace trunkline::pipeline
