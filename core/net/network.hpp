// The one thread that talks to servers, for all processors of the process: it runs one multi handle of libcurl. It is
// there while somebody holds the Network. A forked child neither has the thread nor may touch the handle: there the
// next to ask gets a Network of its own, and the parent's is let go of without a word.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/socket_list.hpp"
#include "net/transfer.hpp"

namespace trunkline::net {

class Network {
 public:
  // The process's. Errors: no libcurl (TR_EUNSUPPORTED), no thread (TR_ENOMEM).
  static Expected<std::shared_ptr<Network>> get();

  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const CurlLibrary* curl() const { return curl_; }
  bool of_this_process() const;
  void start(std::shared_ptr<Transfer> transfer);
  // Looks again at who asked to stop.
  void wake();

 private:
  explicit Network(const CurlLibrary* curl);
  Error run_thread();
  void run();
  bool take_orders();
  void begin(const std::shared_ptr<Transfer>& transfer);
  void stop_those_who_asked();
  void reap();

  const CurlLibrary* const curl_;
  const pid_t pid_;
  CURLM* multi_ = nullptr;
  SocketList sockets_;
  std::vector<std::shared_ptr<Transfer>> active_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Transfer>> orders_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace trunkline::net
