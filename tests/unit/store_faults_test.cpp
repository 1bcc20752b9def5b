// What happens to the store when the disk, other processes or the file itself misbehave: nothing is lost, nothing
// doubled.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>

#include "processors/local/local_processor.hpp"
#include "store/store_file.hpp"
#include "store_support.hpp"

namespace trunkline {
namespace {

using namespace store_test;

constexpr int kOpenForWriting = 0x00000002;  // SQLITE_OPEN_READWRITE

std::vector<std::string> files_with(const std::string& directory, std::string_view part) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.find(part) != std::string::npos) names.push_back(name);
  }
  return names;
}

int deliver_until_taken(const Driven& processor, const std::vector<const tr_record*>& records, const char* run_id) {
  int result = TR_EAGAIN;
  for (int i = 0; i < 1'000 && result == TR_EAGAIN; ++i) {
    result = processor.deliver(records, run_id);
    if (result == TR_EAGAIN) ::usleep(1'000);
  }
  return result;
}

void run_sql(const std::string& path, const char* sql) {
  store::Database database;
  ASSERT_EQ(database.open(path, kOpenForWriting, 1'000), 0);
  ASSERT_EQ(database.execute(sql), 0) << sql;
}

class StoreFaults : public ::testing::Test {
 protected:
  void SetUp() override { messages().clear(); }
  std::string path() const { return directory_.file("traces.db"); }
  int64_t count(const char* sql) const { return query(path(), sql); }

  TempDirectory directory_;
  Records records_;
};

TEST_F(StoreFaults, FourProcessesWriteAtOnce) {
  std::vector<pid_t> children;
  for (uint8_t i = 1; i <= 4; ++i) {
    children.push_back(start_child([&] {
      const Driven local(make_local_processor, "", directory_.path());
      Records mine;
      for (uint64_t span = 1; span <= 1'000; ++span) mine.span(i, span).usage.input = 1;
      const std::string run_id = "run-" + std::to_string(i);
      for (size_t from = 0; from < mine.size(); from += 20) {
        EXPECT_EQ(deliver_until_taken(local, mine.pointers(from, from + 20), run_id.c_str()), TR_OK);
      }
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(wait_child(child), 0);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 4'000);
  EXPECT_EQ(count("SELECT sum(span_count) FROM traces"), 4'000);
  EXPECT_EQ(count("SELECT sum(input_tokens) FROM traces"), 4'000);
  EXPECT_EQ(query_text(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(StoreFaults, KilledAtAnyTimeAndRedelivered) {
  for (int i = 0; i < 2'000; ++i) {
    records_.attributes(records_.add(TR_RECORD_RUN_LOG, 1, 9), {{str("loss"), f64(0.5)}});
  }
  {
    const Driven local(make_local_processor, "", directory_.path());
    ASSERT_EQ(local.deliver(records_.pointers(0, 1)), TR_OK);  // so that making the file is not most of the time
  }
  const auto written = [&] { return count("SELECT count(*) FROM run_metrics"); };
  // Until some of the children, which live longer and longer, came to write.
  for (int round = 0; round < 10 || (round < 100 && written() <= 1); ++round) {
    const pid_t child = start_child([&] {
      const Driven local(make_local_processor, "", directory_.path());
      for (size_t from = 0; from < records_.size(); from += 8) {
        (void)deliver_until_taken(local, records_.pointers(from, from + 8), "run-a");
      }
      ::pause();
    });
    ::usleep(static_cast<useconds_t>(5'000 + round * 7'000));
    ::kill(child, SIGKILL);
    EXPECT_EQ(wait_child(child), -1);
  }
  EXPECT_GT(written(), 1);  // control: they did
  const Driven local(make_local_processor, "", directory_.path());
  ASSERT_EQ(deliver_until_taken(local, records_.pointers(), "run-a"), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM run_metrics"), 2'000);
  EXPECT_EQ(count("SELECT count(DISTINCT step) FROM run_metrics"), 2'000);
}

TEST_F(StoreFaults, FullDiskLosesNothing) {
  const SmallDisk disk(directory_.path(), "size=1m");
  if (!disk) GTEST_SKIP() << "cannot mount a tmpfs";
  const std::string content(2'000, 'x');
  for (uint64_t i = 1; i <= 1'000; ++i) records_.span(1, i).input = text(content);
  const Driven local(make_local_processor, "", directory_.path());
  size_t next = 0;
  while (next < records_.size() && local.deliver(records_.pointers(next, next + 20)) == TR_OK) next += 20;
  ASSERT_LT(next, records_.size());  // control: it did become full
  EXPECT_EQ(local.deliver(records_.pointers(next, next + 20)), TR_EAGAIN);
  EXPECT_EQ(messages().size(), 1u);  // one complaint for many failures of a kind
  EXPECT_EQ(count("SELECT count(*) FROM spans"), static_cast<int64_t>(next));
  ASSERT_TRUE(disk.remount("size=64m"));
  for (; next < records_.size(); next += 20) ASSERT_EQ(local.deliver(records_.pointers(next, next + 20)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1'000);
  EXPECT_EQ(count("SELECT span_count FROM traces"), 1'000);
  EXPECT_EQ(query_text(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(StoreFaults, FullFromTheFirstDelivery) {
  const SmallDisk disk(directory_.path(), "size=1m");
  if (!disk) GTEST_SKIP() << "cannot mount a tmpfs";
  write_file(directory_.file("filler"), std::string(2 << 20, 'x'));
  records_.span(1, 1);
  const Driven local(make_local_processor, "", directory_.path());
  EXPECT_EQ(local.deliver(records_.pointers()), TR_EAGAIN);
  std::filesystem::remove(directory_.file("filler"));
  EXPECT_EQ(local.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1);
}

TEST_F(StoreFaults, ReadOnlyDisk) {
  const SmallDisk disk(directory_.path(), "size=16m");
  if (!disk) GTEST_SKIP() << "cannot mount a tmpfs";
  records_.span(1, 1);
  records_.span(1, 2);
  // Twice: where the file has yet to be made, and where it is there. It must not be open while the disk changes.
  for (const size_t next : {size_t{0}, size_t{1}}) {
    const Driven local(make_local_processor, "", directory_.path());
    ASSERT_TRUE(disk.remount("size=16m", MS_RDONLY));
    EXPECT_EQ(local.deliver(records_.pointers(next, next + 1)), TR_EAGAIN);
    EXPECT_EQ(files_with(directory_.path(), ".corrupt-").size(), 0u);
    ASSERT_TRUE(disk.remount("size=16m"));
    EXPECT_EQ(local.deliver(records_.pointers(next, next + 1)), TR_OK);
  }
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 2);
}

TEST_F(StoreFaults, DirectoryThatIsMissingForAWhile) {
  records_.span(1, 1);
  const Driven local(make_local_processor, "", directory_.file("later"));
  EXPECT_EQ(local.deliver(records_.pointers()), TR_EAGAIN);
  std::filesystem::create_directory(directory_.file("later"));
  EXPECT_EQ(local.deliver(records_.pointers()), TR_OK);
}

TEST_F(StoreFaults, LockedByAnotherProcess) {
  records_.span(1, 1);
  records_.span(1, 2);
  const Driven local(make_local_processor, "", directory_.path());
  ASSERT_EQ(local.deliver(records_.pointers(0, 1)), TR_OK);
  store::Database other;
  ASSERT_EQ(other.open(path(), kOpenForWriting, 0), 0);
  ASSERT_EQ(other.execute("BEGIN IMMEDIATE"), 0);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(local.deliver(records_.pointers(1)), TR_EAGAIN);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  ASSERT_EQ(other.execute("ROLLBACK"), 0);
  EXPECT_EQ(local.deliver(records_.pointers(1)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 2);
}

TEST_F(StoreFaults, GarbageIsMovedAsideAndANewFileBegun) {
  const std::string garbage(8'192, 'x');
  write_file(path(), garbage);
  records_.span(1, 1);
  const Driven local(make_local_processor, "", directory_.path());
  EXPECT_EQ(local.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1);
  EXPECT_EQ(messages().size(), 1u);
  EXPECT_NE(messages()[0].find("is damaged; it was moved to"), std::string::npos);
  const auto moved = files_with(directory_.path(), ".corrupt-");
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(read_file(directory_.file(moved[0])), garbage);
}

TEST_F(StoreFaults, DamageFoundWhileWriting) {
  for (uint64_t i = 1; i <= 3'000; ++i) records_.span(1, i);
  const Driven local(make_local_processor, "", directory_.path());
  ASSERT_EQ(local.deliver(records_.pointers(0, 2'000)), TR_OK);
  run_sql(path(), "PRAGMA wal_checkpoint(TRUNCATE)");
  std::string bytes = read_file(path());
  ASSERT_GT(bytes.size(), 200'000u);
  for (size_t i = 4'096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(0xA5);
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);  // in place: the same file
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  const Driven again(make_local_processor, "", directory_.path());
  EXPECT_EQ(again.deliver(records_.pointers(2'000)), TR_OK);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1'000);
  EXPECT_EQ(messages().size(), 1u);
  EXPECT_FALSE(files_with(directory_.path(), ".corrupt-").empty());
}

TEST_F(StoreFaults, DamageFoundByFourProcessesAtOnce) {
  write_file(path(), std::string(8'192, 'x'));
  std::vector<pid_t> children;
  for (uint8_t i = 1; i <= 4; ++i) {
    children.push_back(start_child([&] {
      const Driven local(make_local_processor, "", directory_.path());
      Records mine;
      mine.span(i, 1);
      EXPECT_EQ(deliver_until_taken(local, mine.pointers(), ("run-" + std::to_string(i)).c_str()), TR_OK);
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(wait_child(child), 0);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 4);
  EXPECT_EQ(files_with(directory_.path(), ".corrupt-").size(), 1u);  // no good file was moved
}

TEST_F(StoreFaults, OnlyTheFileThatWasOpenIsMovedAside) {
  store::StoreFile file({path(), true}, [](std::string_view sentence) { keep_message(TR_LEVEL_ERROR, sentence); });
  ASSERT_FALSE(file.open());
  std::filesystem::rename(path(), directory_.file("moved-by-another-process"));
  std::filesystem::remove(path() + "-wal");
  std::filesystem::remove(path() + "-shm");
  records_.span(1, 1);
  {
    const Driven local(make_local_processor, "", directory_.path());
    ASSERT_EQ(local.deliver(records_.pointers()), TR_OK);
  }
  ASSERT_FALSE(file.quarantine());
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1);
  EXPECT_TRUE(files_with(directory_.path(), ".corrupt-").empty());
  ASSERT_FALSE(file.open());
  ASSERT_FALSE(file.quarantine());  // control: now it is the same file
  EXPECT_FALSE(files_with(directory_.path(), ".corrupt-").empty());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(StoreFaults, EmptyFileIsANewStore) {
  write_file(path(), "");
  records_.span(1, 1);
  const Driven local(make_local_processor, "", directory_.path());
  EXPECT_EQ(local.deliver(records_.pointers()), TR_OK);
  EXPECT_TRUE(messages().empty());
}

TEST_F(StoreFaults, AFileTheUserNamedIsNotMovedUnlessItIsAStore) {
  const std::string notes = directory_.file("notes.txt");
  const std::string options = json{{"path", notes}}.dump();
  write_file(notes, "dear diary, " + std::string(8'192, 'x'));
  const std::string before = read_file(notes);
  records_.span(1, 1);
  const Driven local(make_local_processor, options, directory_.path());
  EXPECT_EQ(local.deliver(records_.pointers()), TR_EAGAIN);
  EXPECT_EQ(read_file(notes), before);
  EXPECT_TRUE(files_with(directory_.path(), ".corrupt-").empty());
}

TEST_F(StoreFaults, OtherPrograms) {
  store::Database other;
  ASSERT_EQ(other.open(path(), kOpenForWriting | 4, 0), 0);
  ASSERT_EQ(other.execute("CREATE TABLE bookmarks(url)"), 0);
  other.close();
  records_.span(1, 1);
  const Driven local(make_local_processor, "", directory_.path());
  EXPECT_EQ(local.deliver(records_.pointers()), TR_EAGAIN);
  ASSERT_EQ(messages().size(), 1u);
  EXPECT_NE(messages()[0].find("another program"), std::string::npos);
  EXPECT_EQ(count("SELECT count(*) FROM sqlite_schema"), 1);
}

TEST_F(StoreFaults, NewerSchemaIsRefusedAndLeftAlone) {
  records_.span(1, 1);
  records_.span(1, 2);
  {
    const Driven local(make_local_processor, "", directory_.path());
    ASSERT_EQ(local.deliver(records_.pointers(0, 1)), TR_OK);
  }
  run_sql(path(), "PRAGMA user_version=99");
  const Driven local(make_local_processor, "", directory_.path());
  EXPECT_EQ(local.deliver(records_.pointers(1)), TR_EAGAIN);
  ASSERT_EQ(messages().size(), 1u);
  EXPECT_NE(messages()[0].find("newer version"), std::string::npos);
  EXPECT_EQ(count("SELECT count(*) FROM spans"), 1);
  run_sql(path(), "PRAGMA user_version=2");
  EXPECT_EQ(local.deliver(records_.pointers(1)), TR_OK);
}

// The bound of the file, with the write-ahead log put back into it.
uint64_t size_on_disk(const std::string& path) {
  run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)");
  return std::filesystem::file_size(path);
}

TEST_F(StoreFaults, MaxBytesHoldsAndTheNewestStay) {
  constexpr uint64_t kMost = 2u << 20;
  const Driven local(make_local_processor, R"({"max_bytes":2097152})", directory_.path());
  const std::string small(1'000, 's');
  const std::string large(150'000, 'l');
  for (int trace = 1; trace <= 200; ++trace) {
    Records batch;
    const std::string run_id = "run-" + std::to_string(trace);
    const auto id = static_cast<uint8_t>(trace);
    batch.trace_start(id).start_ns = trace * 1'000'000;
    for (uint64_t span = 1; span <= 40; ++span) batch.span(id, span).input = text(small);
    if (trace % 5 == 0) batch.span(id, 41).input = text(large);
    batch.trace_end(id).start_ns = trace * 1'000'000;
    ASSERT_EQ(local.deliver(batch.pointers(), run_id.c_str()), TR_OK);
    if (trace % 20 == 0) {
      ASSERT_LE(size_on_disk(path()), kMost) << trace;
    }
  }
  const int64_t traces = count("SELECT count(*) FROM traces");
  EXPECT_GT(traces, 10);
  EXPECT_LT(traces, 60);  // control: 200 would be four times as large
  EXPECT_EQ(count("SELECT min(start_ns) FROM traces"), (201 - traces) * 1'000'000);  // the newest, without a gap
  EXPECT_EQ(count("SELECT count(*) FROM spans WHERE trace_id NOT IN(SELECT id FROM traces)"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM traces WHERE span_count<>(SELECT count(*) FROM spans WHERE trace_id=id)"), 0);
  EXPECT_EQ(query_text(path(), "PRAGMA integrity_check"), "ok");
}

// Text of which the index takes as much as the rows do: what goes takes its part of the index with it, and the others
// stay.
TEST_F(StoreFaults, MaxBytesHoldsWithTextThatIsSearched) {
  const Driven local(make_local_processor, R"({"max_bytes":4194304})", directory_.path());
  int word = 0;
  int64_t fewest = INT64_MAX;
  for (int trace = 1; trace <= 250; ++trace) {
    Records batch;
    const auto id = static_cast<uint8_t>(trace);
    batch.trace_start(id).start_ns = trace * 1'000'000;
    std::string words;
    while (words.size() < 40'000) words += "word" + std::to_string(++word) + " ";
    batch.span(id, 1).input = text(words);
    batch.trace_end(id).start_ns = trace * 1'000'000;
    ASSERT_EQ(local.deliver(batch.pointers(), ("run-" + std::to_string(trace)).c_str()), TR_OK);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    fewest = trace > 30 ? std::min(fewest, count("SELECT count(*) FROM traces")) : fewest;
  }
  EXPECT_LE(size_on_disk(path()), 4u << 20);
  EXPECT_GE(fewest, 15);                                     // of about 30 that there is room for
  EXPECT_GT(count("SELECT count(*) FROM search_parts"), 1);  // control: there is an index
}

TEST_F(StoreFaults, MaxBytesHoldsForATraceThatNeverEnds) {
  const Driven local(make_local_processor, R"({"max_bytes":1048576})", directory_.path());
  const std::string content(1'000, 'x');
  records_.trace_start(1);
  for (uint64_t i = 1; i <= 4'000; ++i) records_.span(1, i).input = text(content);
  for (size_t from = 0; from < records_.size(); from += 100) {
    ASSERT_EQ(local.deliver(records_.pointers(from, from + 100)), TR_OK);
  }
  EXPECT_LE(size_on_disk(path()), 1u << 20);
  EXPECT_EQ(count("SELECT span_count FROM traces"), 4'000);
  EXPECT_EQ(count("SELECT pruned_spans+(SELECT count(*) FROM spans) FROM traces"), 4'000);
  EXPECT_GT(count("SELECT count(*) FROM spans"), 100);
  EXPECT_EQ(query_text(path(), "SELECT span_id FROM spans ORDER BY rowid DESC"), "a00f000000000000");  // the last one
}

TEST_F(StoreFaults, OneBatchLargerThanTheStore) {
  const Driven local(make_local_processor, R"({"max_bytes":1048576})", directory_.path());
  const std::string content(20'000, 'x');
  for (uint8_t trace = 1; trace <= 200; ++trace) {
    records_.trace_start(trace);
    records_.span(trace, 1).input = text(content);
    records_.trace_end(trace);
  }
  ASSERT_EQ(local.deliver(records_.pointers()), TR_OK);
  EXPECT_LE(size_on_disk(path()), 1u << 20);
  EXPECT_GT(count("SELECT count(*) FROM traces"), 10);
}

TEST_F(StoreFaults, AFileThatGrewTooLargeShrinks) {
  const std::string content(5'000, 'x');
  for (uint8_t trace = 1; trace <= 250; ++trace) {
    records_.trace_start(trace);
    for (uint64_t span = 1; span <= 4; ++span) records_.span(trace, span).input = text(content);
    records_.trace_end(trace);
  }
  {
    const Driven local(make_local_processor, "", directory_.path());
    ASSERT_EQ(local.deliver(records_.pointers()), TR_OK);
  }
  ASSERT_GT(size_on_disk(path()), 4u << 20);
  const Driven smaller(make_local_processor, R"({"max_bytes":2097152})", directory_.path());
  Records more;
  more.span(251, 1);
  ASSERT_EQ(smaller.deliver(more.pointers(), "run-b"), TR_OK);
  EXPECT_LE(size_on_disk(path()), 2u << 20);
}

TEST_F(StoreFaults, RunsArePrunedToo) {
  const Driven local(make_local_processor, R"({"max_bytes":1048576})", directory_.path());
  const std::string content(500, 'x');
  for (uint64_t run = 1; run <= 100; ++run) {
    records_.add(TR_RECORD_RUN_START, 0, run);
    for (int i = 0; i < 40; ++i) {
      records_.attributes(records_.add(TR_RECORD_RUN_LOG, 0, run), {{str("note"), text(content)}});
    }
    records_.add(TR_RECORD_RUN_FINISH, 0, run);
  }
  for (size_t from = 0; from < records_.size(); from += 100) {
    ASSERT_EQ(local.deliver(records_.pointers(from, from + 100)), TR_OK);
  }
  EXPECT_LE(size_on_disk(path()), 1u << 20);
  EXPECT_GT(count("SELECT count(*) FROM runs"), 3);
  EXPECT_EQ(count("SELECT count(*) FROM run_metrics WHERE run NOT IN(SELECT id FROM runs)"), 0);
}

}  // namespace
}  // namespace trunkline
