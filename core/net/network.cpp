#include "net/network.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "os/thread.hpp"

namespace trunkline::net {
namespace {

constexpr int kPollMs = 1000;
constexpr long kMostConnections = 16;
constexpr long kOldestConnectionS = 55;  // what stood idle longer is closed by many a server at the wrong moment
constexpr auto kMaxAgeConnection = static_cast<CURLoption>(288);

// Of one process, found by its pid: after a fork the mutex may be in the hands of a thread that is not there.
struct Shared {
  pid_t pid = getpid();
  std::mutex mutex;
  std::weak_ptr<Network> network;
};

Shared* shared() {
  static std::atomic<Shared*> current{nullptr};
  Shared* found = current.load(std::memory_order_acquire);
  while (found == nullptr || found->pid != getpid()) {
    auto fresh = std::make_unique<Shared>();
    if (current.compare_exchange_strong(found, fresh.get(), std::memory_order_acq_rel)) return fresh.release();
  }
  return found;
}

}  // namespace

Network::Network(const CurlLibrary* curl) : curl_(curl), pid_(getpid()) {}

bool Network::of_this_process() const { return pid_ == getpid(); }

Expected<std::shared_ptr<Network>> Network::get() {
  Shared* const process = shared();
  const std::lock_guard lock(process->mutex);
  if (auto running = process->network.lock()) return running;
  const auto curl = CurlLibrary::load();
  if (!curl) return curl.error();
  std::shared_ptr<Network> fresh(new Network(*curl));
  if (Error error = fresh->run_thread()) return error;
  process->network = fresh;
  return fresh;
}

Error Network::run_thread() {
  multi_ = curl_->multi_init();
  if (multi_ == nullptr) return {TR_ENOMEM, "no memory for the network"};
  static_cast<void>(curl_->multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMostConnections));
  if (os::start_thread(&thread_, "trunkline-net", [this] { run(); })) return Error::none();
  return {TR_ENOMEM, "no thread for the network"};
}

Network::~Network() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  if (thread_.joinable()) {
    wake();
    thread_.join();
  }
  if (multi_ != nullptr) curl_->multi_cleanup(multi_);
}

void Network::wake() { static_cast<void>(curl_->multi_wakeup(multi_)); }

void Network::start(std::shared_ptr<Transfer> transfer) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(transfer));
  }
  wake();
}

bool Network::take_orders() {
  std::vector<std::shared_ptr<Transfer>> orders;
  {
    const std::lock_guard lock(mutex_);
    orders.swap(orders_);
    if (ending_) active_.insert(active_.end(), orders.begin(), orders.end());
    if (ending_) return false;
  }
  for (const auto& transfer : orders) begin(transfer);
  return true;
}

void Network::begin(const std::shared_ptr<Transfer>& transfer) {
  Error error = transfer->prepare(&sockets_);
  if (error) {
    const Failure failure = error.code == TR_EIO ? Failure::kFile : Failure::kRefused;
    return transfer->fail(failure, std::move(error.message));
  }
  static_cast<void>(curl_->easy_setopt(transfer->handle(), kMaxAgeConnection, kOldestConnectionS));
  if (curl_->multi_add_handle(multi_, transfer->handle()) != CURLM_OK) {
    return transfer->fail(Failure::kUnreachable, "no memory for a request");
  }
  active_.push_back(transfer);
}

void Network::stop_those_who_asked() {
  for (auto at = active_.begin(); at != active_.end();) {
    if (!(*at)->asked_to_stop()) {
      ++at;
      continue;
    }
    static_cast<void>(curl_->multi_remove_handle(multi_, (*at)->handle()));
    (*at)->fail(Failure::kAborted, "given up");
    at = active_.erase(at);
  }
}

void Network::reap() {
  int left = 0;
  while (CURLMsg* message = curl_->multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    const CURLcode code = message->data.result;
    const auto at = std::find_if(active_.begin(), active_.end(), [&](const auto& t) { return t->handle() == handle; });
    static_cast<void>(curl_->multi_remove_handle(multi_, handle));
    if (at == active_.end()) continue;
    (*at)->finish(code);
    active_.erase(at);
  }
}

void Network::run() {
  while (take_orders()) {
    stop_those_who_asked();
    int running = 0;
    static_cast<void>(curl_->multi_perform(multi_, &running));
    reap();
    sockets_.acknowledge_at_once();
    static_cast<void>(curl_->multi_poll(multi_, nullptr, 0, kPollMs, nullptr));
  }
  for (const auto& transfer : active_) {
    if (transfer->handle() != nullptr) static_cast<void>(curl_->multi_remove_handle(multi_, transfer->handle()));
    transfer->fail(Failure::kAborted, "given up");
  }
  active_.clear();
}

}  // namespace trunkline::net
