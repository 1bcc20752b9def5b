// A sink over a backend in memory, given batches of records made here: what the tests of the sink share.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "mlflow_support.hpp"

namespace trunkline::mlflow_test {

class MlflowSink : public testing::Test {
 protected:
  void SetUp() override {
    store_test::saved_state().clear();
    store_test::messages().clear();
  }
  std::unique_ptr<mlflow::Sink> sink(mlflow::SinkOptions with = options()) {
    return std::make_unique<mlflow::Sink>(std::move(with), std::make_unique<MemoryBackend>(&stored_),
                                          store_test::kHost);
  }
  static int deliver(mlflow::Sink& to, const std::vector<const tr_record*>& records, uint32_t flags = 0) {
    tr_batch batch{};
    batch.flags = flags;
    batch.run_id = "run-a";
    batch.records = records.data();
    batch.count = records.size();
    return to.on_batch(batch);
  }
  void step(uint8_t trace, int64_t number) {
    tr_record& record = records_.span(trace, records_.size() + 1, "step");
    record.kind = TR_KIND_STEP;
    record.step = number;
  }
  // A trace of `steps` steps.
  void make_trace(uint8_t trace, int64_t steps) {
    records_.trace_start(trace);
    for (int64_t i = 0; i < steps; ++i) step(trace, i);
    records_.trace_end(trace);
  }
  void expect_whole(int64_t steps) {
    ASSERT_EQ(stored_.runs.size(), 1u);
    std::vector<int64_t> seen;
    for (const Metric& metric : stored_.runs[0].metrics) {
      if (metric.key == "step/number") seen.push_back(metric.step);
      if (metric.key == "step/number") {
        EXPECT_EQ(metric.value, static_cast<double>(metric.step));
      }
      if (metric.key == "total_steps") {
        EXPECT_EQ(metric.value, static_cast<double>(steps));
      }
    }
    EXPECT_EQ(seen.size(), static_cast<size_t>(steps));
    for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<int64_t>(i));
    EXPECT_EQ(stored_.runs[0].status, RunStatus::kFinished);
  }

  // A file that holds its name, and the record that it is an artifact of run 7 below "a".
  std::string log_artifact(const std::string& name) {
    const std::string& file = texts_.emplace_back(folder_.file(name));
    store_test::write_file(file, name);
    const auto version = file_version(file);
    EXPECT_TRUE(version);
    tr_record& record = records_.add(TR_RECORD_RUN_ARTIFACT, 0, 7);
    record.name = store_test::str(texts_.emplace_back("a/" + name));
    records_.attributes(record, {{store_test::str("file"), store_test::text(file)},
                                 {store_test::str("size"), store_test::i64(version->size)},
                                 {store_test::str("modified_ns"), store_test::i64(version->modified_ns)}});
    return file;
  }

  Stored stored_;
  store_test::Records records_;
  const store_test::TempDirectory folder_;
  std::deque<std::string> texts_;
};

}  // namespace trunkline::mlflow_test
