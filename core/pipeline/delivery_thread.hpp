// A thread that runs the hooks of one processor, or of several that agreed to share it. It never waits for a caller,
// and no caller waits for it; a hook that blocks stops this thread alone.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pipeline/processor.hpp"

namespace trunkline::pipeline {

class DeliveryThread : public std::enable_shared_from_this<DeliveryThread> {
 public:
  // The thread keeps itself and its processors alive until the last of them has finished. When the result is let go
  // before a processor was added, it ends at once. nullptr: there is no thread to be had.
  static std::shared_ptr<DeliveryThread> start();

  // False: the thread has ended already.
  bool add(std::shared_ptr<Processor> processor);
  void wake();

 private:
  DeliveryThread() = default;
  void dismiss();
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Processor>> processors_;
  bool signalled_ = false;
  bool ended_ = false;
  bool dismissed_ = false;
};

}  // namespace trunkline::pipeline
