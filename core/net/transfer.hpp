// One request on its way: its handle in libcurl, what has come back of it, and who waits for it. The asking thread and
// the network thread share it; libcurl is touched by the latter alone.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "net/curl_library.hpp"
#include "net/endpoint.hpp"
#include "net/message.hpp"

namespace trunkline::net {

class SocketList;

class Transfer {
 public:
  Transfer(const CurlLibrary* curl, std::shared_ptr<const Endpoint> endpoint, Request request);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // The asking thread's.
  bool wait(std::chrono::milliseconds longest);
  Response take();
  void ask_to_stop() { stop_.store(true, std::memory_order_release); }

  // The network thread's. prepare: an Error says that nothing can be sent; TR_EIO: the file that was to be.
  Error prepare(SocketList* sockets);
  CURL* handle() const { return easy_; }
  bool asked_to_stop() const { return stop_.load(std::memory_order_acquire); }
  void finish(CURLcode code);
  void fail(Failure failure, std::string error);

 private:
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_read(char* data, size_t size, size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);

  template <class Value>
  void set(CURLoption option, Value value) {
    if (curl_->easy_setopt(easy_, option, value) != CURLE_OK) set_everything_ = false;
  }
  template <class Value>
  void try_to_set(CURLoption option, Value value) {
    static_cast<void>(curl_->easy_setopt(easy_, option, value));
  }
  void set_terms();
  void set_limits();
  Error set_body();
  Error set_headers();
  void append_header(std::string_view name, std::string_view value);
  void read_header(std::string_view line);
  bool save(std::string_view bytes);
  void end();
  std::string explain(CURLcode code) const;

  const CurlLibrary* const curl_;
  const std::shared_ptr<const Endpoint> endpoint_;
  const Request request_;
  CURL* easy_ = nullptr;
  curl_slist* lines_ = nullptr;
  SocketList* sockets_ = nullptr;
  bool set_everything_ = true;
  bool too_long_ = false;
  int unreadable_ = 0;  // an errno
  int unwritable_ = 0;
  size_t saved_bytes_ = 0;
  size_t head_bytes_ = 0;
  int file_ = -1;
  int64_t file_offset_ = 0;
  char reason_[CURL_ERROR_SIZE] = {};

  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  Response response_;
};

}  // namespace trunkline::net
