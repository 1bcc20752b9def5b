// The owners of trunkline.hpp: what they end when an exception passes through has failed, all else has not.
#include <map>
#include <stdexcept>

#include "record_reader.hpp"
#include "session.hpp"
#include "trunkline.hpp"

namespace trunkline::conformance {
namespace {

struct End {
  bool failed = false;
  std::string error;
  int32_t exit_code = 0;
};

bool operator==(const End& a, const End& b) {
  return a.failed == b.failed && a.error == b.error && a.exit_code == b.exit_code;
}

// How all that `record` begins was ended, by name.
std::map<std::string, End> ends_of(const std::function<void()>& record) {
  const TempDirectory folder;
  std::map<std::string, End> ends;
  RecordReader reader(Kind::kHooks, [&](const tr_record& r) {
    if (r.type != TR_RECORD_SPAN_END && r.type != TR_RECORD_TRACE_END && r.type != TR_RECORD_RUN_FINISH) return;
    ends[std::string(trunkline::view(r.name))] = {(r.flags & TR_RECORD_FAILED) != 0,
                                                  std::string(trunkline::view(r.error_type)), r.exit_code};
  });
  Session session(folder.path());
  reader.attach();
  record();
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  session.stop();
  return ends;
}

void work(bool fails) {
  trunkline::Trace trace("trace");
  trunkline::Run run("run", trace.handle());
  trunkline::Span moved = trace.span(TR_KIND_STEP, "step");
  trunkline::Span span = std::move(moved);
  trace.span(TR_KIND_TOOL, "done before");
  if (fails) throw std::runtime_error("it fails");
}

const End kFine;
const End kLeft{true, "exception", 0};

TEST(Owners, EndAsFailedWhatAnExceptionLeaves) {
  const auto ends = ends_of([] { EXPECT_THROW(work(true), std::runtime_error); });
  EXPECT_EQ(ends, (std::map<std::string, End>{
                      {"trace", kLeft}, {"run", {true, "", 1}}, {"step", kLeft}, {"done before", kFine}}));
}

TEST(Owners, EndAsWellWhatBeginsAndEndsWhileAnExceptionIsOnItsWay) {
  struct Clean {
    ~Clean() { work(false); }
  };
  const auto ends = ends_of([] {
    try {
      const Clean clean;
      throw std::runtime_error("it fails");
    } catch (const std::runtime_error&) {
    }
  });
  EXPECT_EQ(ends,
            (std::map<std::string, End>{{"trace", kFine}, {"run", kFine}, {"step", kFine}, {"done before", kFine}}));
}

}  // namespace
}  // namespace trunkline::conformance
