#include "net/client.hpp"

#include <algorithm>

namespace trunkline::net {
namespace {

constexpr std::chrono::milliseconds kLook{20};  // how often the time that is left is asked for

// The parent's, in a child: its thread is not here, and nobody may wait for it.
void leave_behind(std::shared_ptr<Network> network) { new std::shared_ptr<Network>(std::move(network)); }

}  // namespace

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  give_up();
  network_ = std::move(other.network_);
  transfer_ = std::move(other.transfer_);
  response_ = std::move(other.response_);
  return *this;
}

void Ticket::give_up() {
  if (transfer_ == nullptr || !network_->of_this_process()) return;
  transfer_->ask_to_stop();
  network_->wake();
  transfer_ = nullptr;
}

Response Ticket::wait(const TimeLeft& time_left) {
  if (transfer_ == nullptr) return std::move(response_);
  while (!transfer_->wait(kLook)) {
    if (!time_left || time_left() != 0) continue;
    give_up();
    Response response;
    response.failure = Failure::kAborted;
    response.error = "given up: no time is left";
    return response;
  }
  Response response = transfer_->take();
  transfer_ = nullptr;
  return response;
}

Client::Client(Endpoint endpoint, TimeLeft time_left)
    : endpoint_(std::make_shared<const Endpoint>(std::move(endpoint))), time_left_(std::move(time_left)) {}

Client::~Client() {
  if (network_ != nullptr && !network_->of_this_process()) leave_behind(std::move(network_));
}

Ticket Client::submit(Request request) {
  if (network_ != nullptr && !network_->of_this_process()) leave_behind(std::move(network_));
  Response refused;
  refused.failure = Failure::kRefused;
  if (network_ == nullptr) {
    auto network = Network::get();
    refused.error = network ? "" : network.error().message;
    if (!network) return Ticket(std::move(refused));
    network_ = std::move(*network);
  }
  if (Error error = endpoint_->check()) {
    refused.error = std::move(error.message);
    return Ticket(std::move(refused));
  }
  auto transfer = std::make_shared<Transfer>(network_->curl(), endpoint_, std::move(request));
  network_->start(transfer);
  return {network_, transfer};
}

}  // namespace trunkline::net
