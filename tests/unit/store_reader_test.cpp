#include "store/store_reader.hpp"

#include "processors/local/local_processor.hpp"
#include "store/metadata.hpp"
#include "store_support.hpp"

namespace trunkline::store {
namespace {

using namespace store_test;

class StoreReader : public ::testing::Test {
 protected:
  // Five traces: 0xa1 to 0xa5, the third failed, the fifth running.
  void SetUp() override {
    const Driven local(make_local_processor, "", directory_.path());
    static constexpr std::string_view kNames[] = {"plan trip", "book flight", "Plan dinner", "100% sure",
                                                  "still going"};
    for (uint8_t i = 1; i <= 5; ++i) {
      const auto id = static_cast<uint8_t>(0xa0 + i);
      tr_record& start = records_.trace_start(id, kNames[i - 1]);
      start.start_ns = i * 1'000;
      start.group_id = str(i <= 2 ? "chat" : "");
      for (uint64_t span = 1; span <= i; ++span) {
        tr_record& record = records_.span(id, span);
        record.usage.input = 10;
        record.usage.total = 10;
      }
      if (i == 5) continue;
      tr_record& end = records_.trace_end(id, kNames[i - 1], i == 3 ? TR_RECORD_FAILED : 0);
      end.start_ns = i * 1'000;
      end.end_ns = 1'000'000 - i * 5'000;
    }
    ASSERT_EQ(local.deliver(records_.pointers()), TR_OK);
    auto opened = Store::open(directory_.file("traces.db"), Access::kRead);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::make_unique<Store>(std::move(*opened));
  }

  std::string names(const TraceFilter& filter) {
    const auto traces = store_->list_traces(filter);
    if (!traces) return traces.error().message;
    std::string list;
    for (const TraceSummary& trace : *traces) list += (list.empty() ? "" : ", ") + trace.name;
    return list;
  }

  TempDirectory directory_;
  Records records_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreReader, ListsAndSorts) {
  TraceFilter filter;
  EXPECT_EQ(names(filter), "still going, 100% sure, Plan dinner, book flight, plan trip");
  filter.limit = 2;
  EXPECT_EQ(names(filter), "still going, 100% sure");
  filter.offset = 4;
  EXPECT_EQ(names(filter), "plan trip");
  filter = {};
  filter.sort = TraceSort::kOldestFirst;
  EXPECT_EQ(names(filter).substr(0, 9), "plan trip");
  filter.sort = TraceSort::kMostSpansFirst;
  EXPECT_EQ(names(filter).substr(0, 11), "still going");
  filter.sort = TraceSort::kMostTokensFirst;
  EXPECT_EQ(names(filter).substr(0, 11), "still going");
  filter.sort = TraceSort::kLongestFirst;
  EXPECT_EQ(names(filter), "still going, plan trip, book flight, Plan dinner, 100% sure");
}

TEST_F(StoreReader, Filters) {
  TraceFilter filter;
  filter.name = "PLAN";
  EXPECT_EQ(names(filter), "Plan dinner, plan trip");
  filter.name = "%";  // a substring, not a pattern
  EXPECT_EQ(names(filter), "100% sure");
  filter.name = "' OR 1=1 --";
  EXPECT_EQ(names(filter), "");
  filter = {};
  filter.status = "error";
  EXPECT_EQ(names(filter), "Plan dinner");
  filter.status = "running";
  EXPECT_EQ(names(filter), "still going");
  filter = {};
  filter.since_ns = 2'000;
  filter.until_ns = 4'000;
  EXPECT_EQ(names(filter), "Plan dinner, book flight");
  filter = {};
  filter.group_id = "chat";
  EXPECT_EQ(names(filter), "book flight, plan trip");
}

TEST_F(StoreReader, GetsByUniquePrefix) {
  const auto trace = store_->get_trace("A3a");
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->name, "Plan dinner");
  EXPECT_EQ(trace->id.size(), 32u);
  EXPECT_EQ(store_->get_trace("a").error().code, TR_EINVAL);
  EXPECT_EQ(store_->get_trace("b").error().code, TR_ENOENT);
  EXPECT_EQ(store_->get_trace("").error().code, TR_EINVAL);
  EXPECT_EQ(store_->get_trace("a%").error().code, TR_EINVAL);
  EXPECT_TRUE(store_->get_trace(trace->id));
  EXPECT_EQ(store_->get_trace(trace->id + "0").error().code, TR_EINVAL);
}

TEST_F(StoreReader, SpansAndTotals) {
  const auto trace = store_->get_trace("a4");
  ASSERT_TRUE(trace);
  const auto spans = store_->spans_of(trace->id);
  ASSERT_TRUE(spans);
  ASSERT_EQ(spans->size(), 4u);
  EXPECT_LT(spans->front().start_ns, spans->back().start_ns);
  const auto totals = store_->totals();
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->traces, 5);
  EXPECT_EQ(totals->spans, 15);
  EXPECT_EQ(totals->running, 1);
  EXPECT_EQ(totals->failed, 1);
  EXPECT_EQ(totals->input_tokens, 150);
  EXPECT_EQ(totals->oldest_ns, 1'000);
  EXPECT_EQ(totals->newest_ns, 5'000);
  EXPECT_GT(totals->file_bytes, 0);
}

TEST_F(StoreReader, ReadsBesideAWriter) {
  const Driven local(make_local_processor, "", directory_.path());
  Records more;
  more.span(0xa5, 99);
  ASSERT_EQ(local.deliver(more.pointers(), "run-b"), TR_OK);
  EXPECT_EQ(store_->totals()->spans, 16);
}

TEST(Store, DistinctErrorsWhenOpening) {
  const TempDirectory directory;
  const std::string path = directory.file("traces.db");
  EXPECT_EQ(Store::open(path, Access::kRead).error().code, TR_ENOENT);
  EXPECT_FALSE(std::filesystem::exists(path));  // reading makes nothing
  EXPECT_EQ(Store::open(directory.path(), Access::kRead).error().code, TR_EIO);
  write_file(path, std::string(8'192, 'x'));
  EXPECT_EQ(Store::open(path, Access::kRead).error().code, TR_EIO);
  EXPECT_EQ(read_file(path), std::string(8'192, 'x'));  // and moves nothing
  std::filesystem::remove(path);
  {
    auto made = Store::open(path, Access::kWrite);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(Store::open(path, Access::kRead));
  }
  Database database;
  ASSERT_EQ(database.open(path, 2, 0), 0);
  ASSERT_EQ(database.execute("PRAGMA user_version=99"), 0);
  EXPECT_EQ(Store::open(path, Access::kRead).error().code, TR_EUNSUPPORTED);
}

TEST(Store, ReadsFromAReadOnlyDisk) {
  const TempDirectory directory;
  const SmallDisk disk(directory.path(), "size=16m");
  if (!disk) GTEST_SKIP() << "cannot mount a tmpfs";
  std::filesystem::create_directory(directory.file("a b#?"));
  {
    const Driven local(make_local_processor, "", directory.file("a b#?"));
    Records records;
    records.span(1, 1);
    ASSERT_EQ(local.deliver(records.pointers()), TR_OK);
  }
  ASSERT_TRUE(disk.remount("size=16m", MS_RDONLY));
  auto store = Store::open(directory.file("a b#?/traces.db"), Access::kRead);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(store->totals()->spans, 1);
}

TEST(StoreMetadata, NewerMembersWin) {
  EXPECT_EQ(merge_metadata("{}", "{}"), "{}");
  EXPECT_EQ(merge_metadata("{}", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(merge_metadata(R"({"a":1})", "{}"), R"({"a":1})");
  EXPECT_EQ(merge_metadata(R"({"a":1,"b":2})", R"({"b":3,"c":4})"), R"({"a":1,"b":3,"c":4})");
  EXPECT_EQ(merge_metadata(R"({"a":null,"$flags":{"a":["nan"]}})", R"({"a":2.0})"), R"({"a":2.0})");
  EXPECT_EQ(merge_metadata(R"({"a":null,"b":1,"$flags":{"a":["nan"]}})", R"({"b":null,"$flags":{"b":["inf"]}})"),
            R"({"a":null,"b":null,"$flags":{"a":["nan"],"b":["inf"]}})");
}

TEST(StoreMetadata, HostileTextKeepsItsPlace) {
  const std::string older = R"({"k\"{,:":"v\\","n":[1,{"x":"},]"}],"s":"a,b:c"})";
  const std::string merged = merge_metadata(older, R"({"z":{"deep":[[[]]]}})");
  json expected = json::parse(older);
  expected["z"] = json::parse(R"({"deep":[[[]]]})");
  EXPECT_EQ(json::parse(merged), expected);
  const std::string nested = R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(merge_metadata(nested, R"({"b":1})").size(), nested.size() + 6);
  EXPECT_EQ(merge_metadata("{", "{\"a\":1}"), "{\"a\":1}");
}

}  // namespace
}  // namespace trunkline::store
