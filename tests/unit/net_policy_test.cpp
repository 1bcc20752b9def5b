// What the network module decides without a network: URLs, secrets, proxies, what is tried again and when.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <type_traits>

#include "net/endpoint.hpp"
#include "net/rate_limit.hpp"
#include "net/retry_policy.hpp"
#include "net/url.hpp"

namespace trunkline::net {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(NetUrl, IsSplitAndPutIntoWordsWithoutWhatItHides) {
  const auto url = parse_url("HTTPS://us%40er:p%2Fw@Host.Example:8443/mlflow/");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "host.example");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->path, "/mlflow");
  EXPECT_EQ(url->user.reveal(), "us@er");
  EXPECT_EQ(url->password.reveal(), "p/w");
  EXPECT_EQ(url->text(), "https://host.example:8443/mlflow");
}

TEST(NetUrl, WhatIsNoneIsRefusedWithoutQuotingIt) {
  for (const char* text : {"", "host", "ftp://h3cret", "file:///etc/passwd", "http://", "http:///p", "http://h:0x1",
                           "http://h:99999", "http://h:", "http://a b", "http://h/\r\nX: 1", "http://h?s3cret=1",
                           "http://h#x", "http://[::1", "http://[zz]", "http://h/p?q", "http://a\"b/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().message.find("3cret"), std::string::npos);
  }
  for (const char* text : {"http://h", "http://h:1/", "http://[::1]:80", "https://h/a/b", "http://u@h"}) {
    EXPECT_TRUE(parse_url(text)) << text;
  }
}

TEST(NetUrl, OnlyThisMachineIsLoopback) {
  for (const char* text : {"http://localhost", "http://127.0.0.1:5000", "http://127.9.9.9", "http://[::1]:1"}) {
    EXPECT_TRUE(parse_url(text)->is_loopback()) << text;
  }
  for (const char* text : {"http://127.evil.example", "http://localhost.evil.example", "http://128.0.0.1",
                           "http://0.0.0.0", "http://127.1", "http://127.0.0.1@evil.example"}) {
    EXPECT_FALSE(parse_url(text)->is_loopback()) << text;
  }
}

TEST(NetUrl, Escapes) {
  EXPECT_EQ(escape_url("a b/ü?&"), "a%20b%2F%C3%BC%3F%26");
  EXPECT_EQ(escape_url("a/b c", true), "a/b%20c");
}

TEST(NetSecret, MovesIsNoTextAndLeavesNothing) {
  static_assert(!std::is_copy_constructible_v<Secret> && !std::is_convertible_v<Secret, std::string_view> &&
                !std::is_convertible_v<std::string_view, Secret>);
  alignas(Secret) char place[sizeof(Secret)];
  auto* secret = new (place) Secret("wipe me");
  Secret moved(std::move(*secret));
  EXPECT_TRUE(secret->empty());
  EXPECT_EQ(moved.reveal(), "wipe me");
  secret->~Secret();
  EXPECT_EQ(moved.copy().reveal(), "wipe me");
}

TEST(NetEndpoint, ReadsProxiesAsEverybodyDoes) {
  static const std::map<std::string, const char*> kSet = {
      {"HTTP_PROXY", "http://evil"}, {"HTTPS_PROXY", "http://s"}, {"ALL_PROXY", "socks5://a"}, {"NO_PROXY", "x"}};
  const Proxies proxies = read_proxies([](const char* name) -> const char* {
    const auto found = kSet.find(name);
    return found == kSet.end() ? nullptr : found->second;
  });
  EXPECT_EQ(proxies.http, "socks5://a");  // not the one that a web server fills from a header
  EXPECT_EQ(proxies.https, "http://s");
  EXPECT_EQ(proxies.except, "x");
}

TEST(NetRetry, ReadsWhatServersAskFor) {
  const int64_t now = 784111777 * kSecond;  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("5", now), 5 * kSecond);
  EXPECT_EQ(parse_retry_after(" 0 ", now), 0);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:40 GMT", now), 3 * kSecond);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:30 GMT", now), 0);
  EXPECT_TRUE(parse_retry_after("99999999999999999999999", now));
  for (const char* text : {"", "-1", "1.5", "soon", "Sun, 06 Xyz 1994 08:49:40 GMT", "06 Nov 1994"}) {
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
  }
}

TEST(NetRetry, WaitsWithinItsLimitsAndNotInStep) {
  Backoff::Limits limits;
  const Response unreachable = [] {
    Response response;
    response.failure = Failure::kUnreachable;
    return response;
  }();
  int64_t sum = 0;
  int different = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Backoff one(limits, seed * 7919);
    int64_t first = 0;
    for (int failure = 0; failure < 12; ++failure) {
      const int64_t wait = one.next(unreachable, 0);
      EXPECT_GE(wait, 0);
      EXPECT_LE(wait, std::min(limits.longest_ns, limits.first_ns << failure));
      if (failure == 5) sum += wait;
      if (failure == 5) different += wait > 16 * kSecond ? 1 : 0;
      first = failure == 0 ? wait : first;
    }
  }
  EXPECT_GT(different, 50);  // evenly between nothing and 32 s
  EXPECT_LT(different, 150);
  EXPECT_NEAR(static_cast<double>(sum) / 200 / kSecond, 16.0, 4.0);
}

TEST(NetRetry, DoesWhatTheServerAsksButNotForYears) {
  Backoff::Limits limits;
  Backoff backoff(limits, 3);
  Response busy;
  busy.status = 429;
  busy.retry_after = "30";
  EXPECT_GE(backoff.next(busy, 0), 30 * kSecond);
  busy.retry_after = "63072000";
  EXPECT_LE(backoff.next(busy, 0), limits.retry_after_ns + limits.longest_ns);
  busy.retry_after = "-5";
  EXPECT_LE(backoff.next(busy, 0), limits.longest_ns);
}

// What is left is spread over the time, whatever the server says of it.
TEST(NetRateLimit, SpreadsWhatIsLeft) {
  RateLimit limit;
  const auto wait = [&](const char* remaining, const char* reset) {
    Response response;
    response.rate_remaining = remaining;
    response.rate_reset = reset;
    limit.told(response, 5 * kSecond);
    return limit.next_ns() - 5 * kSecond;
  };
  EXPECT_EQ(limit.next_ns(), 0);
  EXPECT_EQ(wait("4", "10"), 5 * kSecond / 2);
  EXPECT_EQ(wait("1", "10"), 10 * kSecond);
  EXPECT_EQ(wait("0", "10"), 10 * kSecond);
  EXPECT_EQ(wait("0.9", "9.1"), 10 * kSecond);
  EXPECT_EQ(wait("49", "49"), kSecond);
  EXPECT_EQ(wait("50", "50"), 0);
  EXPECT_EQ(wait("3", "0"), 0);
  EXPECT_EQ(wait("0", "86400"), RateLimit::kLongestNs);
  EXPECT_EQ(wait("2", "99999999999999999999999999"), RateLimit::kLongestNs);
  // So many requests in a row, each after its wait, take no less than the time they were given.
  int64_t sum = 0;
  for (int left = 30; left > 0; --left) sum += wait(std::to_string(left).c_str(), "30");
  EXPECT_GE(sum, 30 * kSecond);
}

TEST(NetRateLimit, WhatIsNoNumberSaysNothing) {
  RateLimit limit;
  Response told;
  told.rate_remaining = "1";
  told.rate_reset = "20";
  limit.told(told, 0);
  for (const char* word : {"", "-1", "1x", "x", ".5", "1e3", "+1", "0x1", " 1", "1,2", "nan"}) {
    Response response;
    response.rate_remaining = word;
    response.rate_reset = "0";
    limit.told(response, 0);
    response.rate_remaining = "1";
    response.rate_reset = word;
    limit.told(response, 0);
    EXPECT_EQ(limit.next_ns(), 20 * kSecond) << word;
  }
  EXPECT_EQ(parse_rate_number("12.", true), 12);
  EXPECT_EQ(parse_rate_number("12.01", true), 13);
  EXPECT_EQ(parse_rate_number("12.99", false), 12);
}

// As W&B means them: all that failed may pass, but for a few.
TEST(NetRetry, ATableOfWhatNeverPasses) {
  static constexpr int kNever[] = {400, 404, 501};
  constexpr RetryTable table = RetryTable::all_but(kNever);
  Response response;
  const auto verdict = [&](int status) {
    response.status = status;
    return table.verdict(response);
  };
  for (const int status : {200, 204}) EXPECT_EQ(verdict(status), Verdict::kDone) << status;
  for (const int status : {400, 404, 501}) EXPECT_EQ(verdict(status), Verdict::kNever) << status;
  for (const int status : {405, 408, 418, 429, 500, 502, 503, 504, 599}) EXPECT_EQ(verdict(status), Verdict::kLater);
  for (const int status : {301, 302, 401, 403, 407}) EXPECT_EQ(verdict(status), Verdict::kHalt) << status;
  response.failure = net::Failure::kUnreachable;
  EXPECT_EQ(verdict(200), Verdict::kLater);
}

TEST(NetRetry, EachStatusHasItsVerdict) {
  static constexpr int kLater[] = {408, 429, 500, 502, 503, 504};
  constexpr RetryTable table(kLater);
  const auto verdict = [&](int status) {
    Response response;
    response.status = status;
    return table.verdict(response);
  };
  for (int status : {200, 201, 204}) EXPECT_EQ(verdict(status), Verdict::kDone) << status;
  for (int status : kLater) EXPECT_EQ(verdict(status), Verdict::kLater) << status;
  for (int status : {301, 307, 401, 403, 407}) EXPECT_EQ(verdict(status), Verdict::kHalt) << status;
  for (int status : {400, 404, 409, 413, 422, 501}) EXPECT_EQ(verdict(status), Verdict::kNever) << status;
  Response tls;
  tls.failure = Failure::kTls;
  EXPECT_EQ(table.verdict(tls), Verdict::kHalt);
}

}  // namespace
}  // namespace trunkline::net
