// Traces as files at a server that takes no spans: how much is sent for a long one, and what is left over of it.
#include "processors/mlflow/rest_trace_files.hpp"

#include <set>

#include "mlflow_support.hpp"
#include "processors/mlflow/span_list.hpp"
#include "support/peer_state.hpp"

namespace trunkline::mlflow_test {
namespace {

using store_test::kHost;
using store_test::str;
using store_test::text;

constexpr size_t kNoLimit = mlflow::kMostSpanBytes;

class MlflowTraceFiles : public testing::Test {
 protected:
  // As a process begins: it remembers nothing.
  void begin_process(size_t most_bytes = kNoLimit) {
    net::Endpoint endpoint;
    endpoint.url = std::move(*net::parse_url(server_.url()));
    files_.reset();
    rest_ = std::make_unique<mlflow::Rest>(std::move(endpoint), 60'000, kHost);
    files_ = std::make_unique<mlflow::RestTraceFiles>(rest_.get(), most_bytes);
  }
  Error tell(TracePart part) {
    part.experiment_id = "0";
    return files_->add(part, {}, &refused_);
  }
  // The spans are called 0, 1, ...
  TracePart spans(size_t count) {
    TracePart part;
    for (size_t i = 0; i < count; ++i) {
      const std::string& name = texts_.emplace_back(std::to_string(spans_++));
      tr_record& record = records_.span(1, spans_, name);
      record.input = text(filling_);
      part.spans.push_back(&record);
    }
    return part;
  }
  TracePart start() {
    TracePart part;
    part.start = &records_.add(TR_RECORD_TRACE_START, 1, kRoot);
    return part;
  }
  TracePart end() {
    TracePart part;
    tr_record& record = records_.add(TR_RECORD_TRACE_END, 1, kRoot);
    record.name = str("trace");
    part.end = &record;
    return part;
  }
  json artifacts() { return test::ask(server_, "/_state")["artifacts"]; }
  std::multiset<std::string> stored() {
    const json all = artifacts();
    for (const auto& [name, content] : all.items()) {
      if (content.is_array()) return content.get<std::multiset<std::string>>();
    }
    return {};
  }
  // Each of the spans, and the trace's own.
  void expect_whole() {
    std::multiset<std::string> expected{"trace"};
    for (size_t i = 0; i < spans_; ++i) expected.insert(std::to_string(i));
    EXPECT_EQ(stored(), expected);
    EXPECT_EQ(artifacts().size(), 1u);
    EXPECT_TRUE(refused_.empty());
  }

  static constexpr uint64_t kRoot = 1'000'000;
  test::Peer server_{"fake_mlflow.py", {"--no-spans"}};
  std::unique_ptr<mlflow::Rest> rest_;
  std::unique_ptr<mlflow::RestTraceFiles> files_;
  store_test::Records records_;
  std::deque<std::string> texts_;
  std::string filling_;
  size_t spans_ = 0;
  std::vector<Refusal> refused_;
};

// Twice as long costs twice as much, however many batches it comes in.
TEST_F(MlflowTraceFiles, ALongTraceIsNotSentAgainWithEachBatch) {
  constexpr size_t kBatches = 200;
  filling_.assign(1000, 'x');
  begin_process();
  ASSERT_FALSE(tell(start()));
  for (size_t i = 0; i < kBatches; ++i) ASSERT_FALSE(tell(spans(20)));
  EXPECT_LT(artifacts().size(), 40u);
  ASSERT_FALSE(tell(end()));
  expect_whole();
  const size_t bytes = spans_ * filling_.size();
  // A file of 256 KiB is sent again for each batch of some 30 KB until it is full; all of it once more at the end.
  EXPECT_LT(test::ask(server_, "/_state")["received"], 12 * bytes);  // whole with each batch it would be 100 times
}

TEST_F(MlflowTraceFiles, GoOnInTheNextProcess) {
  begin_process();
  TracePart first = spans(3);
  first.start = start().start;
  ASSERT_FALSE(tell(first));
  const TracePart second = spans(3);
  ASSERT_FALSE(tell(second));
  begin_process();
  ASSERT_FALSE(tell(second));  // nobody knew that it was taken
  ASSERT_FALSE(tell(spans(2)));
  begin_process();
  const TracePart last = end();
  ASSERT_FALSE(tell(last));
  expect_whole();
  begin_process();
  ASSERT_FALSE(tell(last));
  expect_whole();
}

// What is said again after a failure, by a process that may have forgotten what it said.
TEST_F(MlflowTraceFiles, AreNotDoubledByFailures) {
  const auto tell_until_taken = [&](const TracePart& part, const std::string& faults, int expected) {
    test::ask(server_, "/_faults", faults);
    int failures = 0;
    for (Error error = tell(part); error; error = tell(part)) {
      EXPECT_EQ(error.code, TR_EAGAIN);
      ASSERT_LT(++failures, 10);
      begin_process();  // whose gate is open
    }
    EXPECT_EQ(failures, expected);
  };
  begin_process();
  ASSERT_FALSE(tell(start()));
  ASSERT_FALSE(tell(spans(2)));
  tell_until_taken(spans(3),
                   R"([{"match": "/spans/", "times": 1, "fault": ["status", "503"], "after": true},
                       {"match": "/spans/", "times": 1, "fault": ["status", "503"]}])",
                   2);
  tell_until_taken(end(),
                   R"([{"match": "/spans/", "method": "GET", "times": 1, "fault": ["status", "503"]},
                       {"match": "traces.json", "times": 1, "fault": ["status", "503"], "after": true},
                       {"match": "3.0/mlflow/traces", "method": "POST", "times": 1, "fault": ["status", "503"],
                        "after": true}])",
                   3);
  expect_whole();
}

TEST_F(MlflowTraceFiles, WhatThereIsNoRoomForIsCounted) {
  filling_.assign(10'000, 'x');
  begin_process(60'000);
  ASSERT_FALSE(tell(start()));
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(tell(spans(1)));
  uint64_t refused = 0;
  for (const Refusal& refusal : refused_) refused += refusal.items;
  EXPECT_GT(refused, 3u);
  EXPECT_LT(refused, 8u);
  EXPECT_EQ(refused_.at(0).what, "spans");
  // A process that does not know how much there is finds out when it gathers it.
  begin_process(30'000);
  ASSERT_FALSE(tell(end()));
  const auto names = stored();
  EXPECT_EQ(names.count("trace"), 1u);
  EXPECT_GE(names.size(), 3u);
  const uint64_t before = refused;
  refused += refused_.back().items;
  EXPECT_GT(refused, before);
  EXPECT_EQ(names.size() - 1 + refused, spans_);
}

}  // namespace
}  // namespace trunkline::mlflow_test
