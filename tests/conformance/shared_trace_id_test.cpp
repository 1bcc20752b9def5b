// Traces of one process that continue the same remote one: they share its id and nothing else.
#include "session.hpp"

namespace trunkline::conformance {
namespace {

// Two requests of one caller: the end of one trace must leave the spans of the other alone, though they share an id.
TEST(SharedTraceId, ATraceEndsItsOwnSpansOnly) {
  const TempDirectory directory;
  Session session(directory.path());
  tr_context remote{};
  remote.struct_size = sizeof remote;
  ASSERT_EQ(tr_context_extract("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TR_NUL, &remote), TR_OK);
  tr_trace_options options{};
  options.struct_size = sizeof options;
  options.parent = &remote;
  const tr_trace first = tr_trace_start("first", TR_NUL, &options);
  const tr_trace second = tr_trace_start("second", TR_NUL, &options);
  const tr_span left_open = start_span(first, "left open");
  const tr_span working = start_span(second, "working");
  EXPECT_EQ(tr_trace_end(first), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);  // ends what ended traces have left open
  EXPECT_EQ(tr_span_end(left_open), TR_ESTALE);
  EXPECT_EQ(tr_span_end(working), TR_OK);
  EXPECT_EQ(tr_trace_end(second), TR_OK);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats().spans_incomplete, 1u);
}

}  // namespace
}  // namespace trunkline::conformance
