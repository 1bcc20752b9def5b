#include "pipeline/delivery_thread.hpp"

#include <algorithm>
#include <chrono>

#include "os/thread.hpp"
#include "os/time.hpp"
#include "record/thread_state.hpp"

namespace trunkline::pipeline {
namespace {

constexpr int64_t kLongestWaitNs = 60'000'000'000;  // everything that makes work also wakes

// What hooks record on this thread is not recorded: it would feed back into them.
void mark_thread() {
  const record::Entry entry;
  if (entry) entry.thread().in_callback = 1;
}

}  // namespace

std::shared_ptr<DeliveryThread> DeliveryThread::start() {
  std::shared_ptr<DeliveryThread> self(new DeliveryThread);
  std::thread thread;
  if (!os::start_thread(&thread, "trunkline-out", [self] { self->run(); })) return nullptr;
  thread.detach();
  return {self.get(), [self](DeliveryThread* each) { each->dismiss(); }};
}

bool DeliveryThread::add(std::shared_ptr<Processor> processor) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    processor->on_wake = [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->wake();
    };
    processors_.push_back(std::move(processor));
  }
  wake();
  return true;
}

void DeliveryThread::dismiss() {
  {
    const std::lock_guard lock(mutex_);
    dismissed_ = true;
  }
  wake();
}

void DeliveryThread::wake() {
  const std::lock_guard lock(mutex_);
  signalled_ = true;
  wake_.notify_one();
}

void DeliveryThread::run() {
  bool had_any = false;
  for (;;) {
    mark_thread();
    std::vector<std::shared_ptr<Processor>> processors;
    {
      const std::lock_guard lock(mutex_);
      signalled_ = false;
      processors = processors_;
    }
    bool more = false;
    int64_t due = os::monotonic_now() + kLongestWaitNs;
    for (const auto& processor : processors) {
      had_any = true;
      const Processor::Next next = processor->step();
      if (next == Processor::Next::kMore) more = true;
      if (next == Processor::Next::kWait) due = std::min(due, processor->next_due());
      if (next == Processor::Next::kFinished) {
        const std::lock_guard lock(mutex_);
        processors_.erase(std::remove(processors_.begin(), processors_.end(), processor), processors_.end());
      }
    }
    if (more) continue;
    std::unique_lock lock(mutex_);
    if ((had_any || dismissed_) && processors_.empty()) {
      ended_ = true;
      return;
    }
    if (!signalled_) {
      const int64_t wait = due - os::monotonic_now();
      if (wait > 0) wake_.wait_for(lock, std::chrono::nanoseconds(std::min(wait, kLongestWaitNs)));
    }
  }
}

}  // namespace trunkline::pipeline
