// How a processor talks to its server: one Client for one endpoint, used by the processor's delivery thread. The first
// request starts the network thread, if no other processor has.
#pragma once

#include <functional>
#include <memory>

#include "net/endpoint.hpp"
#include "net/message.hpp"
#include "net/network.hpp"

namespace trunkline::net {

// How many milliseconds a hook may still wait; asked again and again while it does. UINT32_MAX: as long as it likes.
using TimeLeft = std::function<uint32_t()>;

// A request that is on its way. Dropping it gives the request up.
class Ticket {
 public:
  Ticket() = default;
  explicit Ticket(Response response) : response_(std::move(response)) {}
  Ticket(std::shared_ptr<Network> network, std::shared_ptr<Transfer> transfer)
      : network_(std::move(network)), transfer_(std::move(transfer)) {}
  Ticket(Ticket&&) = default;
  Ticket& operator=(Ticket&& other) noexcept;
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { give_up(); }

  // Waits until there is an answer, or no time is left: then the request is given up.
  Response wait(const TimeLeft& time_left);

 private:
  void give_up();

  std::shared_ptr<Network> network_;
  std::shared_ptr<Transfer> transfer_;
  Response response_;
};

class Client {
 public:
  // `endpoint` was checked. Without `time_left` there is always time.
  explicit Client(Endpoint endpoint, TimeLeft time_left = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const Endpoint& endpoint() const { return *endpoint_; }
  Ticket submit(Request request);
  Response perform(Request request) { return submit(std::move(request)).wait(time_left_); }
  Response wait(Ticket* ticket) { return ticket->wait(time_left_); }

 private:
  const std::shared_ptr<const Endpoint> endpoint_;
  const TimeLeft time_left_;
  std::shared_ptr<Network> network_;
};

}  // namespace trunkline::net
