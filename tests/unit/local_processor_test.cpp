#include "processors/local/local_processor.hpp"

#include <sys/stat.h>

#include "store/store_reader.hpp"
#include "store_support.hpp"

namespace trunkline {
namespace {

using namespace store_test;

class LocalProcessorTest : public ::testing::Test {
 protected:
  std::string path() const { return directory_.file("traces.db"); }
  int64_t count(const char* sql) const { return query(path(), sql); }
  std::string value(const std::string& sql) const { return query_text(path(), sql); }

  TempDirectory directory_;
  Driven local_{make_local_processor, "", directory_.path()};
  Records records_;
};

TEST_F(LocalProcessorTest, FillsTheTable) {
  EXPECT_STREQ(local_.table().name, "local");
  EXPECT_EQ(local_.table().destination, path());
  EXPECT_EQ(local_.table().flags, TR_PROCESSOR_DURABLE | TR_PROCESSOR_SHARED);
  EXPECT_FALSE(std::filesystem::exists(path()));  // nothing before the first delivery
}

TEST(LocalProcessor, RefusesBadOptionsAndTables) {
  const auto result = [](std::string_view options, const std::string& directory, uint32_t struct_size) {
    tr_processor table{};
    table.struct_size = struct_size;
    const Error error = make_local_processor(options, directory, &table, kHost);
    if (!error) table.release(table.user_data);
    EXPECT_EQ(!error, table.user_data != nullptr);
    return error;
  };
  const uint32_t size = sizeof(tr_processor);
  EXPECT_FALSE(result("", "/tmp", size));
  EXPECT_FALSE(result(R"({"path":"/tmp/x.db","max_bytes":1048576})", "", size));
  EXPECT_EQ(result("", "", size).code, TR_EINVAL);
  EXPECT_NE(result("", "", size).message.find("memory mode"), std::string::npos);
  EXPECT_NE(result(R"({"max_bytes":1000})", "/tmp", size).message.find("max_bytes"), std::string::npos);
  EXPECT_NE(result(R"({"pth":"x"})", "/tmp", size).message.find("\"pth\""), std::string::npos);
  EXPECT_EQ(result("", "/tmp", 0).code, TR_EINVAL);
  EXPECT_FALSE(result("", "/tmp", offsetof(tr_processor, tick_ms)));
  EXPECT_EQ(result("", "/tmp", 1u << 30).code, TR_EUNSUPPORTED);
}

TEST(LocalProcessor, FillsNoMoreThanTheCallersStruct) {
  struct {
    tr_processor table;
    uint64_t guard;
  } caller{};
  caller.guard = 0x1122334455667788u;
  caller.table.tick_ms = 77;
  caller.table.struct_size = offsetof(tr_processor, tick_ms);
  ASSERT_FALSE(make_local_processor("", "/tmp", &caller.table, kHost));
  EXPECT_EQ(caller.table.tick_ms, 77u);
  EXPECT_EQ(caller.guard, 0x1122334455667788u);
  caller.table.release(caller.table.user_data);
}

TEST_F(LocalProcessorTest, FileIsForItsOwnerAlone) {
  records_.trace_start(1);
  const mode_t before = ::umask(0);
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  ::umask(before);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info {};
    ASSERT_EQ(::stat((path() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(LocalProcessorTest, NeverThroughASymbolicLink) {
  write_file(directory_.file("victim"), "");
  ASSERT_EQ(::symlink("victim", path().c_str()), 0);
  records_.trace_start(1);
  messages().clear();
  EXPECT_EQ(local_.deliver(records_.pointers()), TR_EAGAIN);
  EXPECT_EQ(std::filesystem::file_size(directory_.file("victim")), 0u);
  ASSERT_EQ(messages().size(), 1u);
  EXPECT_NE(messages()[0].find("not a regular file"), std::string::npos);
  ASSERT_EQ(::unlink(path().c_str()), 0);
  EXPECT_EQ(local_.deliver(records_.pointers()), TR_OK);
}

TEST_F(LocalProcessorTest, EveryFieldOfASpan) {
  records_.trace_start(1, "agent");
  tr_record& span = records_.add(TR_RECORD_SPAN_END, 1, 7, 6);
  span.kind = TR_KIND_GENERATION;
  span.name = str("ask");
  span.foreign_id = str("f-1");
  span.model = str("gpt");
  span.usage = {10, 20, 30, 4, 5, 6};
  span.score = 0.25;
  span.score_name = str("judge");
  span.step = 3;
  span.flags = TR_RECORD_FAILED;
  span.error_type = str("Timeout");
  span.error_message = str("late");
  span.input = text(TR_TYPE_JSON, R"([{"role":"user"}])", TR_VALUE_REDACTED);
  span.output = text(TR_TYPE_STR, std::string_view("a\0b", 3));
  span.dropped_attributes = 2;
  records_.attributes(span, {{str("big"), i64(9007199254740993)}, {str("bad"), f64(kNan)}});
  const tr_attribute detail{str("n"), i64(1)};
  const tr_event event{str("note"), 42, &detail, 1};
  span.events = &event;
  span.event_count = 1;
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);

  auto store = store::Store::open(path(), store::Access::kRead);
  ASSERT_TRUE(store) << store.error().message;
  const auto spans = store->spans_of("01010101010101010101010101010101");
  ASSERT_TRUE(spans);
  ASSERT_EQ(spans->size(), 1u);
  const store::StoredSpan& got = spans->front();
  EXPECT_EQ(got.span_id, "0700000000000000");
  EXPECT_EQ(got.parent_id, "0600000000000000");
  EXPECT_EQ(got.kind, TR_KIND_GENERATION);
  EXPECT_EQ(got.kind_name, "generation");
  EXPECT_EQ(got.name, "ask");
  EXPECT_EQ(got.status, "error");
  EXPECT_EQ(got.foreign_id, "f-1");
  EXPECT_EQ(got.model, "gpt");
  EXPECT_EQ(got.input_tokens, 10);
  EXPECT_EQ(got.reasoning_tokens, 6);
  EXPECT_EQ(got.score, 0.25);
  EXPECT_EQ(got.step, 3);
  EXPECT_EQ(got.error_message, "late");
  EXPECT_EQ(got.input, R"([{"role":"user"}])");
  EXPECT_EQ(got.input_type, "json");
  EXPECT_EQ(got.output, std::string("a\0b", 3));
  EXPECT_EQ(got.output_type, "str");
  EXPECT_EQ(got.dropped_attributes, 2);
  EXPECT_EQ(json::parse(got.attributes),
            json::parse(R"({"big":9007199254740993,"bad":null,"$flags":{"bad":["nan"],"$input":["redacted"]}})"));
  EXPECT_EQ(json::parse(got.events), json::parse(R"([{"name":"note","time_ns":42,"attributes":{"n":1}}])"));

  const auto trace = store->get_trace("01");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->span_count, 1);
  EXPECT_EQ(trace->error_count, 1);
  EXPECT_EQ(trace->total_tokens, 30);
  EXPECT_EQ(trace->status, "running");
}

TEST_F(LocalProcessorTest, AbsentFieldsAreNull) {
  records_.span(1, 1);
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(
      count("SELECT parent_id IS NULL AND input_tokens IS NULL AND score IS NULL AND score_name IS NULL AND step IS "
            "NULL AND input IS NULL AND input_type IS NULL AND error_type IS NULL FROM spans"),
      1);
}

TEST_F(LocalProcessorTest, ScoreThatIsNoNumber) {
  records_.span(1, 1).score_name = str("judge");
  records_.span(1, 2).score = kInfinity;
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans WHERE score IS NULL AND score_name='judge'"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM spans WHERE score=9e999"), 1);
}

TEST_F(LocalProcessorTest, TraceFromStartToEnd) {
  tr_record& start = records_.trace_start(1, "agent");
  start.group_id = str("chat");
  records_.attributes(start, {{str("a"), i64(1)}, {str("n"), f64(kNan)}});
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(value("SELECT status FROM traces"), "running");
  EXPECT_EQ(count("SELECT end_ns IS NULL FROM traces"), 1);
  tr_record& end = records_.trace_end(1, "agent");
  records_.attributes(end, {{str("n"), f64(2)}, {str("stop_reason"), text("final")}});
  ASSERT_EQ(local_.deliver(records_.pointers(1)), TR_OK);
  EXPECT_EQ(value("SELECT status FROM traces"), "ok");
  EXPECT_EQ(value("SELECT stop_reason FROM traces"), "final");
  EXPECT_EQ(value("SELECT group_id FROM traces"), "chat");
  EXPECT_EQ(json::parse(value("SELECT metadata FROM traces")), json::parse(R"({"a":1,"n":2.0,"stop_reason":"final"})"));
}

TEST_F(LocalProcessorTest, IncompleteNeverReplacesComplete) {
  records_.span(1, 1, "complete").usage.input = 10;
  records_.span(1, 1, "incomplete", TR_RECORD_INCOMPLETE).usage.input = 99;
  records_.span(1, 2, "incomplete", TR_RECORD_INCOMPLETE | TR_RECORD_FAILED).usage.input = 99;
  records_.span(1, 2, "complete").usage.input = 20;
  ASSERT_EQ(local_.deliver(records_.pointers(0, 3)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans WHERE name='incomplete'"), 1);  // control: nothing better yet
  ASSERT_EQ(local_.deliver(records_.pointers(3)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans WHERE name='complete' AND status='ok'"), 2);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 2);
  EXPECT_EQ(count("SELECT span_count FROM traces"), 2);
  EXPECT_EQ(count("SELECT error_count FROM traces"), 0);
  EXPECT_EQ(count("SELECT input_tokens FROM traces"), 30);
}

TEST_F(LocalProcessorTest, IncompleteTraceInBothOrders) {
  records_.trace_start(1);
  records_.trace_end(1, "trace", TR_RECORD_INCOMPLETE);
  records_.trace_end(1, "trace");
  records_.trace_start(2);
  records_.trace_end(2, "trace");
  records_.trace_end(2, "trace", TR_RECORD_INCOMPLETE);
  ASSERT_EQ(local_.deliver(records_.pointers(0, 2)), TR_OK);
  EXPECT_EQ(value("SELECT status FROM traces"), "incomplete");
  ASSERT_EQ(local_.deliver(records_.pointers(2)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM traces WHERE status='ok'"), 2);
}

TEST_F(LocalProcessorTest, SpansBeforeTheirTrace) {
  records_.span(1, 1);
  records_.span(1, 2);
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(value("SELECT status FROM traces"), "incomplete");
  EXPECT_EQ(count("SELECT span_count FROM traces"), 2);
  EXPECT_EQ(count("SELECT end_ns-start_ns FROM traces"), 1'500);
  records_.trace_start(1, "late");
  records_.trace_end(1, "late");
  ASSERT_EQ(local_.deliver(records_.pointers(2)), TR_OK);
  EXPECT_EQ(value("SELECT status||' '||name||' '||span_count FROM traces"), "ok late 2");
}

TEST_F(LocalProcessorTest, TwoProcessesWriteOneTrace) {
  Records child;
  tr_record& child_start = child.trace_start(1, "child");
  child_start.start_ns = 5'000'000;
  child.span(1, 100);
  tr_record& child_end = child.trace_end(1, "child", TR_RECORD_FAILED);
  child_end.start_ns = 5'000'000;
  child_end.end_ns = 6'000'000;
  child_end.error_message = str("child failed");
  child.attributes(child_end, {{str("from"), text("child")}, {str("c"), i64(1)}});
  tr_record& start = records_.trace_start(1, "parent");
  records_.attributes(start, {{str("from"), text("parent")}, {str("p"), i64(1)}});
  records_.span(1, 1);
  records_.trace_end(1, "parent").end_ns = 9'000'000;

  ASSERT_EQ(local_.deliver(child.pointers(0, 1), "run-child"), TR_OK);
  ASSERT_EQ(local_.deliver(records_.pointers(0, 2), "run-parent"), TR_OK);
  ASSERT_EQ(local_.deliver(child.pointers(1), "run-child"), TR_OK);
  EXPECT_EQ(value("SELECT status||' '||name FROM traces"), "running parent");
  ASSERT_EQ(local_.deliver(records_.pointers(2), "run-parent"), TR_OK);
  EXPECT_EQ(value("SELECT status||' '||name||' '||end_ns||' '||span_count||' '||error_message FROM traces"),
            "error parent 9000000 2 child failed");
  EXPECT_EQ(json::parse(value("SELECT metadata FROM traces")), json::parse(R"({"from":"child","c":1,"p":1})"));
}

// Two requests of one caller to one server.
TEST_F(LocalProcessorTest, OneProcessContinuesATraceTwice) {
  const auto part = [this](uint8_t span, bool ended, uint32_t flags = 0) {
    tr_record& record = ended ? records_.trace_end(1, span == 1 ? "first" : "second", flags) : records_.trace_start(1);
    record.span_id[7] = span;
    record.parent_id[7] = static_cast<uint8_t>(span + 100);
    record.start_ns = span * 5'000'000;
    if (ended) record.end_ns = record.start_ns + 1'000'000;
  };
  part(1, false);
  part(2, false);
  part(1, true, TR_RECORD_FAILED);
  part(2, true);
  ASSERT_EQ(local_.deliver(records_.pointers(0, 3)), TR_OK);
  EXPECT_EQ(value("SELECT status FROM traces"), "running");
  ASSERT_EQ(local_.deliver(records_.pointers(3)), TR_OK);
  EXPECT_EQ(value("SELECT status||' '||name||' '||start_ns||' '||end_ns FROM traces"), "error first 5000000 11000000");
  EXPECT_EQ(value("SELECT group_concat(name||' '||end_ns,', ') FROM (SELECT * FROM trace_parts ORDER BY start_ns)"),
            "first 6000000, second 11000000");
}

TEST_F(LocalProcessorTest, RunsWithMetricsAndItems) {
  tr_record& start = records_.add(TR_RECORD_RUN_START, 1, 9);
  start.name = str("train");
  start.project = str("lab");
  records_.attributes(start, {{str("lr"), f64(0.1)}});
  records_.attributes(records_.add(TR_RECORD_RUN_LOG, 1, 9), {{str("loss"), f64(0.5)}, {str("n"), i64(3)}});
  records_.attributes(records_.add(TR_RECORD_RUN_LOG, 1, 9), {{str("loss"), f64(kNan)}});
  tr_record& far = records_.add(TR_RECORD_RUN_LOG, 1, 9);
  far.step = 10;
  records_.attributes(far, {{str("loss"), text("word")}});
  records_.attributes(records_.add(TR_RECORD_RUN_LOG, 1, 9), {{str("loss"), f64(0.1)}});
  records_.attributes(records_.add(TR_RECORD_RUN_SUMMARY, 1, 9), {{str("best"), f64(kInfinity)}});
  records_.attributes(records_.add(TR_RECORD_RUN_CONFIG, 1, 9), {{str("lr"), f64(0.2)}});
  tr_record& tag = records_.add(TR_RECORD_RUN_TAG, 1, 9);
  tag.name = str("team");
  records_.attributes(tag, {{str("team"), text("blue")}});
  tr_record& finish = records_.add(TR_RECORD_RUN_FINISH, 1, 9);
  finish.run_status = TR_RUN_FAILED;
  finish.exit_code = 3;
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(value("SELECT name||' '||project||' '||status||' '||exit_code FROM runs"), "train lab failed 3");
  EXPECT_EQ(value("SELECT group_concat(step) FROM run_metrics WHERE key='loss'"), "0,1,10,11");
  EXPECT_EQ(count("SELECT count(*) FROM run_metrics WHERE type='nan' AND value IS NULL"), 1);
  EXPECT_EQ(value("SELECT value FROM run_metrics WHERE type='str'"), "word");
  EXPECT_EQ(value("SELECT value FROM run_items WHERE section='config' AND key='lr'"), "0.2");
  EXPECT_EQ(value("SELECT value||flags FROM run_items WHERE section='summary'"), "null[\"inf\"]");
  EXPECT_EQ(value("SELECT key||value FROM run_items WHERE section='tag'"), "team\"blue\"");
}

TEST_F(LocalProcessorTest, MetricsOfAnUnknownRunAndEventsAreKept) {
  records_.attributes(records_.add(TR_RECORD_RUN_LOG, 1, 9), {{str("loss"), f64(0.5)}});
  tr_record& event = records_.add(TR_RECORD_EVENT, 1);
  event.name = str("message");
  records_.attributes(event, {{str("who"), text("user")}});
  records_.add(TR_RECORD_SPAN_START, 1, 3);
  records_.add(1'000, 1, 3);
  ASSERT_EQ(local_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(value("SELECT status FROM runs"), "incomplete");
  EXPECT_EQ(value("SELECT name||attributes FROM trace_events"), "message{\"who\":\"user\"}");
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 0);
}

TEST_F(LocalProcessorTest, RedeliveryIsExactlyOnceWhereverTheCrash) {
  for (uint64_t i = 1; i <= 20; ++i) {
    records_.span(1, i).usage.input = 1;
    records_.attributes(records_.add(TR_RECORD_RUN_LOG, 1, 9), {{str("loss"), f64(0.5)}});
  }
  // A crash may come after the transaction and before the acknowledgement, anywhere: each processor delivers from a
  // point that lies at or before the one reached.
  for (size_t reached = 0; reached <= records_.size(); reached += 4) {
    for (size_t from = 0; from <= reached; from += 3) {
      const Driven again(make_local_processor, "", directory_.path());
      ASSERT_EQ(again.deliver(records_.pointers(from, reached), "run-a", TR_BATCH_ADOPTED), TR_OK);
    }
  }
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 20);
  EXPECT_EQ(count("SELECT count(*) FROM run_metrics"), 20);  // these have no key: only the cursor keeps them single
  EXPECT_EQ(count("SELECT input_tokens FROM traces"), 20);
  EXPECT_EQ(count("SELECT sequence FROM cursors WHERE run_id='run-a'"), 40);
  ASSERT_EQ(local_.deliver(records_.pointers(), "run-b"), TR_OK);  // control: another run's records are others
  EXPECT_EQ(count("SELECT count(*) FROM run_metrics"), 40);
}

TEST_F(LocalProcessorTest, FileThatWasRemovedIsMadeAnew) {
  records_.span(1, 1);
  records_.span(1, 2);
  ASSERT_EQ(local_.deliver(records_.pointers(0, 1)), TR_OK);
  std::filesystem::remove(path());
  ASSERT_EQ(local_.deliver(records_.pointers(1)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1);
}

}  // namespace
}  // namespace trunkline
