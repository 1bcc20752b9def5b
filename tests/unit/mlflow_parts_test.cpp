// The traces of a batch as the sink hands them on: each whole and by itself, also where one run has several.
#include <algorithm>
#include <set>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "mlflow_sink_fixture.hpp"
#include "processors/mlflow/run_state.hpp"

namespace trunkline::mlflow_test {
namespace {

using store_test::saved_state;
using store_test::str;
using store_test::text;

class MlflowParts : public MlflowSink {
 protected:
  void SetUp() override {
    MlflowSink::SetUp();
    stored_.runs.emplace_back();
    stored_.runs[0].begin.experiment_id = "0";
  }
  std::unique_ptr<mlflow::Sink> joined() {
    mlflow::SinkOptions with = options();
    with.run_id = "0";
    return sink(std::move(with));
  }
  // The trace's own span is 0x..<root>; names and inputs of a trace say which it is.
  tr_record& begin(uint8_t trace, uint64_t root, uint64_t remote = 0) {
    tr_record& record = records_.trace_start(trace, name_of(root));
    id_of(root, &record.span_id);
    id_of(remote, &record.parent_id);
    record.group_id = record.name;
    return record;
  }
  tr_record& span(uint8_t trace, uint64_t root, uint64_t parent = 0) {
    tr_record& record = records_.span(trace, 1000 + records_.size(), name_of(root));
    id_of(parent, &record.parent_id);
    record.input = text(texts_.emplace_back("asked of " + std::to_string(root)));
    record.output = text(texts_.emplace_back("told by " + std::to_string(root)));
    return record;
  }
  void end(uint8_t trace, uint64_t root) {
    tr_record& record = records_.trace_end(trace, name_of(root));
    id_of(root, &record.span_id);
    record.start_ns = 1000;
  }
  // All that was told of the trace whose own span is `root`, of one part or several.
  void expect_whole_trace(uint64_t root, uint8_t trace, size_t spans) {
    size_t starts = 0, ends = 0, seen = 0;
    for (const TracePart& part : stored_.parts) {
      if (part.root_id != hex(root)) continue;
      starts += part.start != nullptr ? 1 : 0;
      ends += part.end != nullptr ? 1 : 0;
      seen += part.spans.size();
      EXPECT_EQ(part.name, name_of(root));
      EXPECT_EQ(part.group_id, name_of(root));
      EXPECT_EQ(part.run_id, "0");
      if (part.start != nullptr) {
        EXPECT_EQ(part.start->trace_id[0], trace);
      }
      if (part.end != nullptr) {
        EXPECT_EQ(part.end->trace_id[0], trace);
        EXPECT_EQ(part.request_preview, "asked of " + std::to_string(root));
        EXPECT_EQ(part.response_preview, "told by " + std::to_string(root));
      }
      for (const tr_record* each : part.spans) {
        EXPECT_EQ(each->trace_id[0], trace);
        EXPECT_EQ(encode::view(each->name), name_of(root));
      }
    }
    EXPECT_EQ(starts, 1u) << root;
    EXPECT_EQ(ends, 1u) << root;
    EXPECT_EQ(seen, spans) << root;
  }
  double total_steps() const {
    double total = -1;
    for (const Metric& metric : stored_.runs[0].metrics) total = metric.key == "total_steps" ? metric.value : total;
    return total;
  }

 private:
  const std::string& name_of(uint64_t root) { return texts_.emplace_back("trace " + std::to_string(root)); }
  static void id_of(uint64_t number, uint8_t (*id)[8]) { std::memcpy(*id, &number, sizeof *id); }
  static std::string hex(uint64_t number) {
    uint8_t id[8];
    id_of(number, &id);
    return std::string(encode::HexId<8>(id).view_or_empty());
  }
};

TEST_F(MlflowParts, TracesOfOneRunThatFollowEachOther) {
  for (const uint8_t trace : {uint8_t{1}, uint8_t{2}}) {
    begin(trace, trace);
    for (int i = 0; i < 2 + trace; ++i) span(trace, trace);
    end(trace, trace);
  }
  ASSERT_EQ(deliver(*joined(), records_.pointers()), TR_OK);
  EXPECT_EQ(stored_.parts.size(), 2u);
  expect_whole_trace(1, 1, 3);
  expect_whole_trace(2, 2, 4);
}

void add_interleaved(const std::function<void(uint8_t)>& begin, const std::function<void(uint8_t)>& span,
                     const std::function<void(uint8_t)>& end) {
  begin(1);
  span(1);
  begin(2);
  span(2);
  span(1);
  span(2);
  end(1);
  span(2);
  end(2);
}

// In one batch or in many: what a trace is called and where its spans hang does not depend on the others.
TEST_F(MlflowParts, TracesOfOneRunThatOverlap) {
  add_interleaved([&](uint8_t trace) { begin(trace, trace); }, [&](uint8_t trace) { span(trace, trace); },
                  [&](uint8_t trace) { end(trace, trace); });
  for (const size_t size : {records_.size(), size_t{1}, size_t{2}, size_t{4}}) {
    stored_.parts.clear();
    const auto to = joined();
    for (size_t i = 0; i < records_.size(); i += size) {
      ASSERT_EQ(deliver(*to, records_.pointers(i, i + size)), TR_OK);
    }
    expect_whole_trace(1, 1, 2);
    expect_whole_trace(2, 2, 3);
  }
}

// A process that dies while two of them are open: its successor knows both by the saved state.
TEST_F(MlflowParts, TracesOfOneRunGoOnInTheNextProcess) {
  add_interleaved([&](uint8_t trace) { begin(trace, trace); }, [&](uint8_t trace) { span(trace, trace); },
                  [&](uint8_t trace) { end(trace, trace); });
  ASSERT_EQ(deliver(*joined(), records_.pointers(0, 4)), TR_OK);
  const auto second = joined();
  second->restore("run-a", saved_state());
  ASSERT_EQ(deliver(*second, records_.pointers(4), TR_BATCH_ADOPTED), TR_OK);
  expect_whole_trace(1, 1, 2);
  expect_whole_trace(2, 2, 3);
}

// Two requests of one distributed trace that one process serves: the same trace id, a root each.
TEST_F(MlflowParts, TracesOfOneIdHaveARootEach) {
  constexpr uint64_t kRemote = 77;
  begin(5, 1, kRemote);
  span(5, 1, kRemote);
  end(5, 1);
  begin(5, 2, kRemote);
  span(5, 2, kRemote);
  span(5, 2, kRemote);
  begin(5, 3, kRemote);
  span(5, 3, kRemote);
  end(5, 3);
  end(5, 2);
  ASSERT_EQ(deliver(*joined(), records_.pointers()), TR_OK);
  expect_whole_trace(1, 5, 1);
  expect_whole_trace(2, 5, 2);
  expect_whole_trace(3, 5, 1);
}

// The saved state has an end; what it has no room for costs names after a crash, and no numbers.
TEST_F(MlflowParts, ARunWithMoreOpenTracesThanAStateHolds) {
  constexpr int kTraces = 250;
  for (int i = 1; i <= kTraces; ++i) {
    begin(static_cast<uint8_t>(i), static_cast<uint64_t>(i)).name = str(texts_.emplace_back(std::string(200, 'n')));
    step(static_cast<uint8_t>(i), 0);
  }
  const size_t middle = records_.size();
  for (int i = 1; i <= kTraces; ++i) {
    step(static_cast<uint8_t>(i), 1);
    end(static_cast<uint8_t>(i), static_cast<uint64_t>(i));
  }
  ASSERT_EQ(deliver(*joined(), records_.pointers(0, middle)), TR_OK);
  EXPECT_LE(saved_state().size(), 65536u);
  EXPECT_GT(saved_state().size(), 20'000u);
  const auto second = joined();
  second->restore("run-a", saved_state());
  ASSERT_EQ(deliver(*second, records_.pointers(middle), TR_BATCH_ADOPTED), TR_OK);
  EXPECT_EQ(total_steps(), 2 * kTraces);
  std::set<const tr_record*> ends;
  for (const TracePart& part : stored_.parts) ends.insert(part.end);
  ends.erase(nullptr);
  EXPECT_EQ(ends.size(), static_cast<size_t>(kTraces));
  EXPECT_LT(saved_state().size(), 1'000u);  // none is open any more
}

}  // namespace
}  // namespace trunkline::mlflow_test
