// The fixture of the fault tests finds what it is there to find.
#include <fcntl.h>
#include <gtest/gtest-spi.h>

#include "faults/fault_fixture.hpp"

namespace faults {
namespace {

using FixtureTest = FaultTest;

void record_spans(int count) {
  const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
  for (int i = 0; i < count; ++i) {
    EXPECT_EQ(tr_span_end(tr_span_start(trace, 0, TR_KIND_TOOL, "span", TR_NUL)), TR_OK);
  }
  EXPECT_EQ(tr_trace_end(trace), TR_OK);
}

TEST_F(FixtureTest, an_honest_run_conserves) {
  start();
  record_spans(1000);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(counting_.spans(), 1000u);
}

TEST_F(FixtureTest, a_span_that_is_not_counted_is_noticed) {
  start();
  counting_.spans_to_forget = 1;
  record_spans(1000);
  EXPECT_NONFATAL_FAILURE(expect_conserved(), "delivered = counted");
}

TEST_F(FixtureTest, a_processor_that_refuses_is_accounted_for) {
  start();
  tr_processor refusing{};
  refusing.struct_size = sizeof refusing;
  refusing.name = "refusing";
  refusing.on_batch = [](void*, const tr_batch*) { return TR_EIO; };
  tr_processor_id id = 0;
  ASSERT_EQ(tr_add_processor(&refusing, &id), TR_OK);
  record_spans(100);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats refused = stats_of(id);
  EXPECT_EQ(refused.delivered.spans, 0u);
  EXPECT_EQ(refused.rejected.spans + refused.poisoned.spans, 100u);
  EXPECT_EQ(refused.offered.spans, dropped(refused) + refused.pending.spans);
}

TEST_F(FixtureTest, a_descriptor_left_open_is_noticed) {
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  EXPECT_NONFATAL_FAILURE(expect_nothing_left(std::chrono::seconds(1)), "descriptors");
  close(fd);
}

TEST_F(FixtureTest, a_thread_left_running_is_noticed) {
  std::atomic<bool> stop{false};
  std::thread thread([&] {
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  EXPECT_NONFATAL_FAILURE(expect_nothing_left(std::chrono::seconds(1)), "threads");
  stop = true;
  thread.join();
}

}  // namespace
}  // namespace faults
