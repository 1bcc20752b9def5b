#include "pipeline/feed.hpp"

#include <utility>

namespace trunkline::pipeline {

void Feed::begin(const Cursor& cursor, std::optional<CursorFile> file) {
  cursor_ = cursor;
  file_ = std::move(file);
  next_ = cursor.acknowledged + 1;
  if (!cursor.state.empty()) saved_state_ = cursor.state;
}

void Feed::set_first_sequence(uint64_t first) {
  cursor_.first_sequence = first;
  cursor_.acknowledged = first - 1;
  next_ = first;
}

Feed::Range Feed::next() const {
  if (!again_.empty()) return {again_.begin()->first, again_.begin()->second};
  return {next_, 0};
}

void Feed::give(Range range) {
  const auto again = again_.find(range.from);
  if (again != again_.end()) {
    const uint64_t end = again->second;
    again_.erase(again);
    if (range.to < end) again_[range.to + 1] = end;
  } else {
    next_ = range.to + 1;
  }
  out_[range.from] = Out{range.to, false, std::nullopt};
}

Error Feed::acknowledge(Range range, std::optional<std::string> state) {
  const auto found = out_.find(range.from);
  if (found == out_.end()) return Error{TR_EINVAL, "acknowledged twice"};
  found->second.acknowledged = true;
  found->second.state = std::move(state);
  bool moved = false;
  // Nothing moves past what is to be offered again.
  while (!out_.empty() && out_.begin()->second.acknowledged &&
         (again_.empty() || out_.begin()->first < again_.begin()->first)) {
    Out& first = out_.begin()->second;
    cursor_.acknowledged = first.to;
    if (first.state) cursor_.state = std::move(*first.state);
    out_.erase(out_.begin());
    moved = true;
  }
  return moved && file_ ? file_->store(cursor_) : Error::none();
}

void Feed::offer_again(Range range) {
  out_.erase(range.from);
  again_[range.from] = range.to;
}

std::optional<std::string> Feed::take_saved_state() { return std::exchange(saved_state_, std::nullopt); }

}  // namespace trunkline::pipeline
