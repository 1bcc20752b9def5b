// The full-text index: built in steps, cut into parts, exact when rows are deleted and rowids used again; the schema of
// version 1 migrated; and no query of the command line reads whole tables of spans.
#include <sqlite3.h>

#include <set>

#include "processors/local/local_processor.hpp"
#include "store/query.hpp"
#include "store/schema.hpp"
#include "store/search_index.hpp"
#include "store/store_file.hpp"
#include "store/store_reader.hpp"
#include "store/text_phrases.hpp"
#include "store_support.hpp"

namespace trunkline::store {
namespace {

using namespace store_test;

class StoreSearch : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = Store::open(path(), Access::kWrite);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::make_unique<Store>(std::move(*opened));
  }
  std::string path() const { return directory_.file("traces.db"); }

  void execute(const std::string& sql) {
    ASSERT_EQ(store_->database().execute(sql.c_str()), SQLITE_OK) << sqlite3_errmsg(store_->database().handle());
  }
  int64_t number(const std::string& sql) {
    int64_t value = -1;
    EXPECT_EQ(store_->database().query_i64(sql.c_str(), &value), SQLITE_OK) << sql;
    return value;
  }
  // Spans of a trace, all with this input.
  void insert(const std::string& trace, int first, int count, const std::string& input) {
    execute("INSERT OR IGNORE INTO traces(id,run_id,name,start_ns,end_ns,status,metadata) VALUES('" + trace +
            "','r','t',1,2,'ok','{}')");
    execute(
        "WITH RECURSIVE n(i) AS (SELECT " + std::to_string(first) + " UNION ALL SELECT i+1 FROM n LIMIT " +
        std::to_string(count) +
        ") INSERT INTO spans(trace_id,span_id,kind,kind_name,name,start_ns,end_ns,status,input,input_type,attributes,"
        "events,dropped_attributes,flags) SELECT '" +
        trace + "',printf('%016x',i),7,'tool','s'||i,i,i+1,'ok','" + input + "','str','{}','[]',0,0 FROM n");
  }
  void index_all() {
    const auto done = store_->update_search_index(INT64_MAX);
    ASSERT_TRUE(done);
    EXPECT_TRUE(*done);
    EXPECT_EQ(*store_->unindexed_spans(), 0);
  }
  size_t count(const std::string& text, const std::string& trace = "") {
    SpanSearch search;
    search.text = {text};
    search.trace_id = trace;
    search.limit = UINT32_MAX;
    const auto spans = store_->search(search);
    EXPECT_TRUE(spans) << spans.error().message;
    return spans ? spans->size() : 0;
  }

  TempDirectory directory_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreSearch, FindsTheSameWithAndWithoutTheIndex) {
  insert("a", 1, 3, "green apples");
  insert("b", 1, 2, "green pears");
  for (const bool indexed : {false, true}) {
    if (indexed) index_all();
    EXPECT_EQ(count("green"), 5u) << indexed;
    EXPECT_EQ(count("green pears"), 2u) << indexed;
    EXPECT_EQ(count("pears green"), 0u) << indexed;
    EXPECT_EQ(count("app*"), 3u) << indexed;
    EXPECT_EQ(count("app"), 0u) << indexed;
    EXPECT_EQ(count("green", "b"), 2u) << indexed;
  }
  insert("c", 1, 1, "green plums");  // half of it indexed
  EXPECT_EQ(count("green"), 6u);
}

TEST_F(StoreSearch, IsBuiltInSteps) {
  insert("a", 1, 10'000, "some words to index");
  bool more = true;
  int steps = 0;
  int64_t before = 0;
  for (; more; ++steps) {
    ASSERT_EQ(index_some(&store_->database(), 4'096, kPartBytes, &more), SQLITE_OK);
    const int64_t indexed = number("SELECT indexed FROM search_state");
    EXPECT_GT(indexed, before);
    EXPECT_EQ(count("words"), 10'000u) << steps;
    before = indexed;
    if (steps == 3) break;
  }
  EXPECT_TRUE(more);
  index_all();
  EXPECT_EQ(count("words"), 10'000u);
  ASSERT_EQ(index_some(&store_->database(), 4'096, kPartBytes, &more), SQLITE_OK);
  EXPECT_FALSE(more);
}

TEST_F(StoreSearch, PartsComeAndGo) {
  insert("a", 1, 40'000, "early words");
  insert("b", 1, 10'000, "late words");
  index_all();
  EXPECT_EQ(number("SELECT count(*) FROM search_parts"), 2);
  EXPECT_EQ(number("SELECT sum(spans) FROM search_parts"), 50'000);
  EXPECT_EQ(count("words"), 50'000u);
  ASSERT_FALSE(store_->remove("a"));
  ASSERT_FALSE(store_->shrink());
  EXPECT_EQ(number("SELECT count(*) FROM search_parts"), 1);
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_schema WHERE name='search_1'"), 0);
  EXPECT_EQ(count("early"), 0u);
  EXPECT_EQ(count("late"), 10'000u);
}

TEST_F(StoreSearch, RowidsThatAreUsedAgainAreIndexedAnew) {
  insert("a", 1, 10, "first");
  insert("b", 1, 10, "second");
  index_all();
  const int64_t last = number("SELECT max(rowid) FROM spans");
  ASSERT_FALSE(store_->remove("b"));
  insert("c", 1, 10, "third");
  ASSERT_EQ(number("SELECT max(rowid) FROM spans"), last) << "this SQLite does not use them again";
  for (const bool indexed : {false, true}) {
    if (indexed) index_all();
    EXPECT_EQ(count("second"), 0u) << indexed;
    EXPECT_EQ(count("third"), 10u) << indexed;
    EXPECT_EQ(count("first"), 10u) << indexed;
  }
}

TEST_F(StoreSearch, ASpanThatWasReplacedIsIndexedAnew) {
  const Driven local(make_local_processor, "", directory_.path());
  Records records;
  records.trace_start(1);
  records.span(1, 1, "span", TR_RECORD_INCOMPLETE).input = text("half of it");
  records.span(1, 1).input = text("all of it");
  ASSERT_EQ(local.deliver(records.pointers(0, 2)), TR_OK);
  index_all();
  EXPECT_EQ(count("half"), 1u);
  ASSERT_EQ(local.deliver(records.pointers(2)), TR_OK);
  for (const bool indexed : {false, true}) {
    if (indexed) index_all();
    EXPECT_EQ(count("half"), 0u) << indexed;
    EXPECT_EQ(count("all of it"), 1u) << indexed;
  }
}

TEST_F(StoreSearch, TracesByWords) {
  insert("a", 1, 6'000, "frequent");  // more than are looked up one by one
  insert("b", 1, 2, "frequent seldom");
  insert("c", 1, 2, "nothing");
  index_all();
  const auto ids = [&](const std::string& text, uint32_t limit = 10) {
    TraceFilter filter;
    filter.text = {text};
    filter.limit = limit;
    std::set<std::string> found;
    const auto traces = store_->list_traces(filter);
    EXPECT_TRUE(traces);
    for (const auto& trace : *traces) found.insert(trace.id);
    return found;
  };
  EXPECT_EQ(ids("frequent"), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(ids("seldom"), (std::set<std::string>{"b"}));
  EXPECT_EQ(ids("never"), (std::set<std::string>{}));
  EXPECT_EQ(ids("frequent", 1).size(), 1u);
}

TEST_F(StoreSearch, TextOfJson) {
  EXPECT_EQ(search_text(R"({"a":"line\nnext \u00fc \ud83e\udd8a \"q\""})", "json"),
            "{\"a\":\"line\nnext ü 🦊 \"q\"\"}");
  EXPECT_EQ(search_text(R"(line\nnext)", "str"), R"(line\nnext)");
  EXPECT_EQ(search_text("bytes", "bytes"), "");
  EXPECT_EQ(search_text("", ""), "");
}

TEST_F(StoreSearch, PhrasesThatAreNone) {
  EXPECT_EQ(TextPhrases::parse(store_->database(), {"..."}).error().code, TR_EINVAL);
  EXPECT_EQ(TextPhrases::parse(store_->database(), {""}).error().code, TR_EINVAL);
  const auto phrases = TextPhrases::parse(store_->database(), {"a\" OR b", "Größe*"});
  ASSERT_TRUE(phrases);
  EXPECT_EQ(phrases->expression("input"), "({input} : \"a or b\") AND ({input} : \"große\" *)");
}

TEST_F(StoreSearch, TheLocalProcessorIndexesWhatItHasWritten) {
  store_.reset();
  const Driven local(make_local_processor, "", directory_.path());
  Records records;
  records.trace_start(1);
  records.span(1, 1).input = text("indexed words");
  ASSERT_EQ(local.deliver(records.pointers(0, 1)), TR_OK);
  EXPECT_EQ(query(path(), "SELECT indexed FROM search_state"), 0);
  ASSERT_EQ(local.deliver(records.pointers(1)), TR_OK);
  EXPECT_EQ(query(path(), "SELECT indexed FROM search_state"), 1);
}

// As version 1 made it; the columns are those of docs/store.md at that time.
TEST(StoreMigration, FromVersionOne) {
  const TempDirectory directory;
  const std::string path = directory.file("traces.db");
  {
    auto made = Store::open(path, Access::kWrite);
    ASSERT_TRUE(made);
    Database& database = made->database();
    for (const char* sql :
         {"DROP TRIGGER spans_search", "DROP INDEX spans_by_kind", "DROP TABLE search_parts", "DROP TABLE search_state",
          "DROP INDEX runs_by_trace", "ALTER TABLE traces DROP COLUMN kinds", "PRAGMA user_version=1"}) {
      ASSERT_EQ(database.execute(sql), SQLITE_OK) << sql;
    }
    ASSERT_EQ(database.execute(
                  "INSERT INTO traces(id,run_id,name,start_ns,status,metadata) VALUES('aa','r','old',1,'ok','{}'),"
                  "('bb','r','none',1,'ok','{}')"),
              SQLITE_OK);
    ASSERT_EQ(
        database.execute(
            "INSERT INTO spans(trace_id,span_id,kind,kind_name,name,start_ns,end_ns,status,input,input_type,attributes,"
            "events,dropped_attributes,flags) VALUES('aa','1',7,'tool','s',1,2,'ok','old words','str','{}','[]',0,0),"
            "('aa','2',7,'tool','s',1,2,'ok',NULL,NULL,'{}','[]',0,0),"
            "('aa','3',99,'kind-99','s',1,2,'ok',NULL,NULL,'{}','[]',0,0)"),
        SQLITE_OK);
  }
  EXPECT_EQ(Store::open(path, Access::kRead).error().code, TR_EUNSUPPORTED);
  auto store = Store::open(path, Access::kWrite);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(query(path, "PRAGMA user_version"), kSchemaVersion);
  EXPECT_EQ(query(path, "SELECT kinds FROM traces WHERE id='aa'"), (int64_t{1} << 7) | (int64_t{1} << 62));
  EXPECT_EQ(query(path, "SELECT kinds FROM traces WHERE id='bb'"), 0);
  SpanSearch search;
  search.text = {"old words"};
  EXPECT_EQ(store->search(search)->size(), 1u);
  TraceFilter filter;
  filter.kind = TR_KIND_TOOL;
  EXPECT_EQ(store->list_traces(filter)->size(), 1u);
}

// What the statements of an action would read whole, as SQLite plans them.
class Plans {
 public:
  explicit Plans(Store* store) : store_(store) {
    sqlite3_trace_v2(store->database().handle(), SQLITE_TRACE_STMT, remember, this);
  }
  ~Plans() { sqlite3_trace_v2(store_->database().handle(), 0, nullptr, nullptr); }
  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;

  std::string scanned(const std::string& table) {
    sqlite3_trace_v2(store_->database().handle(), 0, nullptr, nullptr);
    std::string found;
    for (const std::string& sql : statements_) {
      Statement plan;
      if (sql.substr(0, 6) != "SELECT" || plan.prepare(store_->database(), "EXPLAIN QUERY PLAN " + sql) != SQLITE_OK)
        continue;
      while (plan.step() == SQLITE_ROW) {
        if (plan.text(3) == "SCAN " + table) found += sql + "\n";
      }
    }
    return found;
  }
  size_t size() const { return statements_.size(); }

 private:
  static int remember(unsigned, void* self, void* statement, void*) {
    static_cast<Plans*>(self)->statements_.insert(sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
    return 0;
  }
  Store* store_;
  std::set<std::string> statements_;
};

TEST_F(StoreSearch, NoQueryReadsAllSpans) {
  insert("a", 1, 10, "some words");
  insert("b", 1, 10, "some more");
  index_all();
  insert("b", 11, 1, "some words");
  Plans plans(store_.get());
  TraceFilter filter;
  EXPECT_TRUE(store_->list_traces(filter));
  filter.text = {"some"};
  filter.kind = TR_KIND_TOOL;
  filter.name = "t";
  filter.min_tokens = 0;
  EXPECT_TRUE(store_->list_traces(filter));
  EXPECT_TRUE(store_->get_trace("a"));
  EXPECT_TRUE(store_->spans_of("a"));
  EXPECT_TRUE(store_->events_of("a"));
  EXPECT_TRUE(store_->totals());
  EXPECT_TRUE(store_->spans_after({}, 5, 10));
  SpanFeed feed;
  feed.name = "s";
  EXPECT_TRUE(store_->last_spans(feed, 10));
  feed = {};
  feed.status = "error";
  feed.kind = TR_KIND_TOOL;
  EXPECT_TRUE(store_->last_spans(feed, 10));
  EXPECT_TRUE(store_->last_rowid());
  EXPECT_TRUE(store_->unindexed_spans());
  EXPECT_GT(count("some"), 0u);
  EXPECT_GT(count("some", "a"), 0u);
  EXPECT_GE(plans.size(), 12u);
  EXPECT_EQ(plans.scanned("spans"), "");
}

TEST_F(StoreSearch, APlanThatReadsAllIsNoticed) {
  Plans plans(store_.get());
  const QuerySink sink{[](const std::vector<std::string>&) {}, [](const QueryRow&) { return true; }};
  EXPECT_FALSE(run_query(&store_->database(), "SELECT * FROM spans WHERE name='x'", sink));
  EXPECT_NE(plans.scanned("spans"), "");
}

}  // namespace
}  // namespace trunkline::store
