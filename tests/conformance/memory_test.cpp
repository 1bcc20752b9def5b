// What a host is told when the memory for spans is used up.
#include "session.hpp"

namespace trunkline::conformance {
namespace {

TEST(Memory, ThatIsUsedUpIsSaidWithItsLimit) {
  const TempDirectory directory;
  Session session(directory.path(), [](tr_config& config) { config.max_memory = 4u << 20; });
  const tr_trace trace = tr_trace_start("t", TR_NUL, nullptr);
  for (int i = 0; i < 5000 && stats().spans_refused == 0; ++i) tr_span_start(trace, 0, TR_KIND_STEP, "open", TR_NUL);
  ASSERT_GT(stats().spans_refused, 0u);
  tr_trace_end(trace);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  const auto said = [&] {
    for (const std::string& message : session.messages()) {
      if (message.find("max_memory, 4 MiB") != std::string::npos) return true;
    }
    return false;
  };
  for (int i = 0; i < 6000 && !said(); ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(said());
}

}  // namespace
}  // namespace trunkline::conformance
