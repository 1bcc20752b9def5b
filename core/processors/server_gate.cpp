#include "processors/server_gate.hpp"

#include <unistd.h>

#include <algorithm>

#include "os/time.hpp"

namespace trunkline::processors {
namespace {

constexpr net::Backoff::Limits kLimits{500'000'000, 60'000'000'000, 600'000'000'000};
constexpr int64_t kHaltNs = 30'000'000'000;  // somebody has to change something first
constexpr uint32_t kFailuresWorthAWord = 2;  // what passes by itself is not

uint64_t seed() {
  return static_cast<uint64_t>(os::monotonic_now()) * 0x9e3779b97f4a7c15 ^ static_cast<uint64_t>(getpid());
}

}  // namespace

ServerGate::ServerGate(std::string server, const ProcessorHost& host)
    : server_(std::move(server)), host_(host), backoff_(kLimits, seed()) {}

bool ServerGate::is_open() {
  if (os::monotonic_now() >= opens_at_) return true;
  const uint32_t left = time_left();
  if (left == UINT32_MAX || left == 0 || tried_at_end_) return false;
  trying_at_end_ = true;
  return true;
}

void ServerGate::succeeded() {
  if (!complained_.empty()) say(host_, TR_LEVEL_INFO, server_ + " answers again");
  complained_.clear();
  backoff_.reset();
  opens_at_ = 0;
}

void ServerGate::failed(const net::Response& response, net::Verdict verdict, const std::string& sentence) {
  tried_at_end_ = trying_at_end_;
  int64_t wait = backoff_.next(response, os::unix_now());
  if (verdict == net::Verdict::kHalt) wait = std::max(wait, kHaltNs);
  opens_at_ = os::monotonic_now() + wait;
  const bool worth_it = verdict == net::Verdict::kHalt || backoff_.failures() >= kFailuresWorthAWord;
  if (!worth_it || sentence == complained_ || response.failure == net::Failure::kAborted) return;
  complained_ = sentence;
  say(host_, TR_LEVEL_WARN, sentence);
}

}  // namespace trunkline::processors
