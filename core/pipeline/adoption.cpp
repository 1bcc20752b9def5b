#include "pipeline/adoption.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "os/thread.hpp"
#include "os/time.hpp"

namespace trunkline::pipeline {
namespace {

constexpr int64_t kMomentNs = 250'000'000;
constexpr auto kLookAgainAfter = std::chrono::seconds(30);

}  // namespace

Adoption::Adoption(std::string directory, std::string own_run, std::shared_ptr<const Redactor> redactor,
                   Registry* registry, MessageLog* messages, Expired expired)
    : directory_(std::move(directory)),
      own_run_(std::move(own_run)),
      redactor_(std::move(redactor)),
      registry_(registry),
      messages_(messages),
      expired_(expired) {}

Adoption::~Adoption() { stop(INT64_MAX, INT64_MAX); }

Error Adoption::start() {
  asked_ = 1;
  if (os::start_thread(&thread_, "trunkline-adopt", [this] { run(); })) return Error::none();
  ended_ = true;
  done_ = asked_;
  return {TR_ENOMEM, "no thread can be made"};
}

bool Adoption::stop(int64_t enough, int64_t deadline) {
  if (!thread_.joinable()) return true;
  bool ended = false;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    // The thread needs a moment to come to its end.
    const int64_t time = std::max<int64_t>(0, enough - os::monotonic_now());
    enough_ = enough - std::min(time / 4, kMomentNs);
    changed_.notify_all();
    while (!ended_) {
      const int64_t left = deadline - os::monotonic_now();
      if (left <= 0) break;
      changed_.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(left, 1'000'000'000)));
    }
    ended = ended_;
  }
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
  return ended;
}

bool Adoption::has_ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool Adoption::has_had_enough() {
  const std::lock_guard lock(mutex_);
  return stopping_ && os::monotonic_now() >= enough_;
}

void Adoption::look_again() {
  const std::lock_guard lock(mutex_);
  ++asked_;
  changed_.notify_all();
}

bool Adoption::wait_until_done(int64_t deadline) {
  std::unique_lock lock(mutex_);
  while (done_ != asked_ || holding_) {
    const int64_t left = deadline - os::monotonic_now();
    if (left <= 0 || stopping_) return false;
    changed_.wait_for(lock, std::chrono::nanoseconds(std::min<int64_t>(left, 100'000'000)));
  }
  return true;
}

void Adoption::run() {
  std::unique_lock lock(mutex_);
  // Once at least: also a program that ends at once takes its part.
  do {
    const uint64_t asked = asked_;
    lock.unlock();
    pass();
    lock.lock();
    done_ = asked;
    holding_ = std::any_of(held_.begin(), held_.end(), [](const auto& each) { return !each.second.feeds.empty(); });
    changed_.notify_all();
    if (asked_ == asked && !stopping_)
      changed_.wait_for(lock, kLookAgainAfter, [&] { return stopping_ || asked_ != asked; });
  } while (!stopping_);
  ended_ = true;
  changed_.notify_all();
}

void Adoption::pass() {
  for (auto each = held_.begin(); each != held_.end();) {
    each = tend(&each->second) ? std::next(each) : held_.erase(each);
  }
  const auto ids = RunDirectory::list(directory_);
  if (!ids) {
    fail("cannot look for dead runs", ids.error());
    return;
  }
  for (const std::string& id : *ids) {
    if (has_had_enough()) return;  // there may be very many
    if (id != own_run_ && held_.count(id) == 0) take_up(id);
  }
}

void Adoption::take_up(const std::string& id) {
  auto adopted = DeadRun::adopt(directory_, id, redactor_.get());
  if (!adopted) {
    // Alive, somebody else's, or of another version: not ours.
    if (adopted.error().code != TR_EAGAIN) fail("a dead run is left alone", adopted.error());
    return;
  }
  const Recovered& recovered = (*adopted)->recovered();
  // One that waits for others is let go, and met again in the next pass.
  if (waiting_.count(id) == 0) counters_.runs_adopted.fetch_add(1, std::memory_order_relaxed);
  counters_.records_recovered.fetch_add(recovered.finished + recovered.incomplete, std::memory_order_relaxed);
  counters_.records_corrupt.fetch_add(recovered.corrupt, std::memory_order_relaxed);
  Held held{std::move(*adopted), {}};
  if (tend(&held)) held_.emplace(id, std::move(held));
}

// Gives the run's cursors to processors. False: nothing of it is ours (any more); the run is let go, or removed.
bool Adoption::tend(Held* held) {
  for (auto feed = held->feeds.begin(); feed != held->feeds.end();) {
    feed = feed->second->load(std::memory_order_acquire) ? held->feeds.erase(feed) : std::next(feed);
  }
  auto cursors = held->run->unfinished_cursors();
  if (!cursors) {
    fail("the cursors of a dead run cannot be read", cursors.error());
    return false;
  }
  for (const Cursor& cursor : *cursors) {
    if (held->feeds.count(cursor.identity) != 0) continue;
    for (const auto& processor : registry_->all()) {
      if (!processor->durable() || processor->identity() != cursor.identity) continue;
      auto file = CursorFile::open(held->run->fd(), cursor.identity);
      if (!file) continue;
      auto feed = std::make_shared<Feed>(held->run, held->run->id(), true);
      feed->begin(cursor, std::move(*file));
      auto finished = std::make_shared<std::atomic<bool>>(false);
      feed->on_finished = [this, finished] {
        finished->store(true, std::memory_order_release);
        look_again();
      };
      held->feeds.emplace(cursor.identity, std::move(finished));
      processor->add_adopted_feed(std::move(feed));
    }
  }
  if (!held->feeds.empty()) return true;
  const bool expired = expired_ == Expired::kRemoved && os::unix_now() - held->run->created_unix_ns() > kExpiryNs;
  if (cursors->empty() || expired) {
    if (!cursors->empty()) counters_.runs_expired.fetch_add(1, std::memory_order_relaxed);
    if (const Error error = held->run->remove()) fail("a dead run cannot be removed", error);
  } else {
    waiting_.insert(held->run->id());
    counters_.runs_waiting.store(waiting_.size(), std::memory_order_relaxed);
  }
  return false;
}

void Adoption::fail(const std::string& what, const Error& error) {
  counters_.failures.fetch_add(1, std::memory_order_relaxed);
  messages_->warn(what + ": " + error.message);
}

}  // namespace trunkline::pipeline
