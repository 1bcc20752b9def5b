#include "processors/jsonl/jsonl_processor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "store_support.hpp"

namespace trunkline {
namespace {

using namespace store_test;

class JsonlProcessorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    saved_state().clear();
    messages().clear();
  }
  std::string path() const { return directory_.file("traces.jsonl"); }

  // Every line, each valid JSON and ended by a newline.
  std::vector<json> lines() const {
    std::vector<json> result;
    const std::string bytes = read_file(path());
    EXPECT_TRUE(bytes.empty() || bytes.back() == '\n');
    std::istringstream in(bytes);
    for (std::string line; std::getline(in, line);) {
      EXPECT_TRUE(json::accept(line)) << line;
      result.push_back(json::parse(line, nullptr, false));
    }
    return result;
  }
  std::vector<uint64_t> sequences(const std::string& run_id = "run-a") const {
    std::vector<uint64_t> result;
    for (const json& line : lines()) {
      if (line["run"] == run_id) result.push_back(line["seq"]);
    }
    return result;
  }
  static std::vector<uint64_t> one_to(uint64_t last) {
    std::vector<uint64_t> result;
    for (uint64_t i = 1; i <= last; ++i) result.push_back(i);
    return result;
  }
  void make_spans(uint64_t count, std::string_view input = "x") {
    for (uint64_t i = 1; i <= count; ++i) records_.span(1, i).input = text(input);
  }

  TempDirectory directory_;
  Driven jsonl_{make_jsonl_processor, "", directory_.path()};
  Records records_;
};

TEST_F(JsonlProcessorTest, FillsTheTableAndRefusesBadOptions) {
  EXPECT_STREQ(jsonl_.table().name, "jsonl");
  EXPECT_EQ(jsonl_.table().destination, path());
  EXPECT_EQ(jsonl_.table().flags, TR_PROCESSOR_DURABLE | TR_PROCESSOR_SHARED);
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_EQ(Driven(make_jsonl_processor, "", "").error().code, TR_EINVAL);
  EXPECT_EQ(Driven(make_jsonl_processor, R"({"max_bytes":1})", "/tmp").error().code, TR_EINVAL);
  EXPECT_FALSE(Driven(make_jsonl_processor, R"({"path":"/tmp/x.jsonl"})", "").error());
}

TEST_F(JsonlProcessorTest, ARecordALine) {
  tr_record& start = records_.trace_start(1, "agent");
  start.group_id = str("chat");
  records_.attributes(start, {{str("$flags"), text("mine")}});
  tr_record& span = records_.add(TR_RECORD_SPAN_END, 1, 7, 6);
  span.kind = TR_KIND_GENERATION;
  span.name = str("a\nb\x1b\xff");
  span.model = str("gpt");
  span.usage = {1, 2, 3, -1, -1, -1};
  span.score_name = str("judge");
  span.step = 0;
  span.flags = TR_RECORD_FAILED | TR_RECORD_RECOVERED;
  span.error_type = str("E");
  span.input = text(TR_TYPE_JSON, "{\n \"q\": 1}");
  span.output = text(TR_TYPE_BYTES, "xyz");
  records_.attributes(span, {{str("n"), f64(kNan)}});
  const tr_attribute detail{str("v"), f64(kInfinity)};
  const tr_event event{str("note"), 42, &detail, 1};
  span.events = &event;
  span.event_count = 1;
  tr_record& finish = records_.add(TR_RECORD_RUN_FINISH, 1, 9);
  finish.run_status = TR_RUN_KILLED;
  ASSERT_EQ(jsonl_.deliver(records_.pointers()), TR_OK);
  const auto got = lines();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0], json::parse(R"({"run":"run-a","seq":1,"type":"trace_start",
      "trace":"01010101010101010101010101010101","name":"agent","start_ns":1001000,"group_id":"chat",
      "attributes":{"$$flags":"mine"}})"));
  EXPECT_EQ(got[1], json::parse(R"({"run":"run-a","seq":2,"type":"span_end","trace":"01010101010101010101010101010101",
      "span":"0700000000000000","parent":"0600000000000000","kind":"generation","name":"a\nb\u001b\ufffd",
      "start_ns":1002000,"end_ns":1002500,"status":"error","flags":["failed","recovered"],"model":"gpt",
      "usage":{"input":1,"output":2,"total":3},"score":null,"score_name":"judge","step":0,
      "error":{"type":"E","message":""},"input":{"q":1},"output":{"$bytes":"eHl6"},
      "attributes":{"n":null,"$flags":{"n":["nan"]}},
      "events":[{"name":"note","time_ns":42,"attributes":{"v":null,"$flags":{"v":["inf"]}}}],
      "$flags":{"score":["nan"],"output":["bytes"]}})"));
  EXPECT_EQ(got[2]["run_status"], "killed");
  EXPECT_EQ(got[2]["metrics_run"], "0900000000000000");
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(JsonlProcessorTest, NeverThroughASymbolicLink) {
  write_file(directory_.file("victim"), "");
  ASSERT_EQ(::symlink("victim", path().c_str()), 0);
  make_spans(1);
  EXPECT_EQ(jsonl_.deliver(records_.pointers()), TR_EAGAIN);
  EXPECT_EQ(std::filesystem::file_size(directory_.file("victim")), 0u);
}

// A crash may come after any batch was written and before, or after, it was acknowledged and its state saved.
TEST_F(JsonlProcessorTest, RedeliveryIsExactlyOnceWhereverTheCrash) {
  make_spans(12);
  for (size_t written = 0; written <= 12; written += 3) {
    for (size_t acknowledged = 0; acknowledged <= written; acknowledged += 3) {
      std::filesystem::remove(path());
      std::string state;
      {
        const Driven first(make_jsonl_processor, "", directory_.path());
        for (size_t from = 0; from < written; from += 3) {
          ASSERT_EQ(first.deliver(records_.pointers(from, from + 3)), TR_OK);
          if (from + 3 == acknowledged) state = saved_state();
        }
      }
      const Driven second(make_jsonl_processor, "", directory_.path());
      Records others;
      others.span(2, 1);
      ASSERT_EQ(second.deliver(others.pointers(), "run-other"), TR_OK);
      if (acknowledged > 0) {
        ASSERT_EQ(second.restore(state), TR_OK);
      }
      ASSERT_EQ(second.deliver(records_.pointers(acknowledged), "run-a", TR_BATCH_ADOPTED), TR_OK);
      EXPECT_EQ(sequences(), one_to(12)) << written << " " << acknowledged;
      EXPECT_EQ(sequences("run-other").size(), 1u);
    }
  }
}

TEST_F(JsonlProcessorTest, WithoutTheScanThereWouldBeDuplicates) {
  make_spans(3);
  ASSERT_EQ(jsonl_.deliver(records_.pointers()), TR_OK);
  const Driven second(make_jsonl_processor, "", directory_.path());
  ASSERT_EQ(second.deliver(records_.pointers()), TR_OK);  // neither restored nor adopted: control
  EXPECT_EQ(sequences().size(), 6u);
}

TEST_F(JsonlProcessorTest, RestoreOfAStateThatDoesNotFit) {
  make_spans(6);
  ASSERT_EQ(jsonl_.deliver(records_.pointers(0, 3)), TR_OK);
  for (const std::string& state : {std::string("junk"), std::string(16, '\xff'), std::string()}) {
    const Driven second(make_jsonl_processor, "", directory_.path());
    ASSERT_EQ(second.restore(state), TR_OK);
    ASSERT_EQ(second.deliver(records_.pointers(), "run-a", TR_BATCH_ADOPTED), TR_OK);
    EXPECT_EQ(sequences(), one_to(6));
  }
}

TEST_F(JsonlProcessorTest, TornTailIsCutOff) {
  const std::string content(400'000, 'x');  // longer than what is read at once
  make_spans(4, content);
  ASSERT_EQ(jsonl_.deliver(records_.pointers(0, 2)), TR_OK);
  const std::string whole = read_file(path());
  const std::string torn_line = whole.substr(0, whole.size() / 2 - 1);
  for (const size_t length : {size_t{1}, size_t{20}, torn_line.size()}) {
    write_file(path(), whole + torn_line.substr(0, length));
    const Driven second(make_jsonl_processor, "", directory_.path());
    ASSERT_EQ(second.deliver(records_.pointers(), "run-a", TR_BATCH_ADOPTED), TR_OK);
    EXPECT_EQ(sequences(), one_to(4));
  }
  write_file(path(), "no newline at all");
  const Driven third(make_jsonl_processor, "", directory_.path());
  ASSERT_EQ(third.deliver(records_.pointers(), "run-a", TR_BATCH_ADOPTED), TR_OK);
  EXPECT_EQ(sequences(), one_to(4));
}

TEST_F(JsonlProcessorTest, FullDiskLosesNothing) {
  const SmallDisk disk(directory_.path(), "size=1m");
  if (!disk) GTEST_SKIP() << "cannot mount a tmpfs";
  const std::string content(3'000, 'x');
  make_spans(1'000, content);
  size_t next = 0;
  while (next < records_.size() && jsonl_.deliver(records_.pointers(next, next + 20)) == TR_OK) next += 20;
  ASSERT_LT(next, records_.size());  // control: it did become full
  EXPECT_EQ(jsonl_.deliver(records_.pointers(next, next + 20)), TR_EAGAIN);
  EXPECT_EQ(messages().size(), 1u);
  EXPECT_EQ(sequences(), one_to(next));  // no half batch, no half line
  ASSERT_TRUE(disk.remount("size=64m"));
  for (; next < records_.size(); next += 20) ASSERT_EQ(jsonl_.deliver(records_.pointers(next, next + 20)), TR_OK);
  EXPECT_EQ(sequences(), one_to(1'000));
}

TEST_F(JsonlProcessorTest, ReadOnlyDisk) {
  const SmallDisk disk(directory_.path(), "size=1m");
  if (!disk) GTEST_SKIP() << "cannot mount a tmpfs";
  make_spans(1);
  ASSERT_TRUE(disk.remount("size=1m", MS_RDONLY));
  EXPECT_EQ(jsonl_.deliver(records_.pointers()), TR_EAGAIN);
  ASSERT_TRUE(disk.remount("size=1m"));
  EXPECT_EQ(jsonl_.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(sequences(), one_to(1));
}

TEST_F(JsonlProcessorTest, FourProcessesAndKills) {
  const std::string content(5'000, 'x');  // more than a page
  make_spans(200, content);
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(start_child([&] {
      const Driven mine(make_jsonl_processor, "", directory_.path());
      const std::string run_id = "run-" + std::to_string(i);
      const size_t step = i == 3 ? 1 : 5;
      for (size_t from = 0; from < records_.size(); from += step) {
        while (mine.deliver(records_.pointers(from, from + step), run_id.c_str()) == TR_EAGAIN) {
        }
        if (i == 3) ::usleep(from < 8 ? 1'000 : 100'000);  // so that it does not finish before it is killed
      }
    }));
  }
  ::usleep(10'000);
  ::kill(children[3], SIGKILL);  // the others go on, over whatever it left
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wait_child(children[static_cast<size_t>(i)]), 0);
  (void)wait_child(children[3]);
  const std::string left = read_file(path());
  EXPECT_EQ(left.find("\"run-3\",\"seq\":200,"), std::string::npos);  // control: it had not finished
  const Driven adopter(make_jsonl_processor, "", directory_.path());
  ASSERT_EQ(adopter.deliver(records_.pointers(), "run-3", TR_BATCH_ADOPTED), TR_OK);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(sequences("run-" + std::to_string(i)), one_to(200)) << i;
}

TEST_F(JsonlProcessorTest, WaitsForTheLockOnlyBriefly) {
  make_spans(2);
  ASSERT_EQ(jsonl_.deliver(records_.pointers(0, 1)), TR_OK);
  const UniqueFd other(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  EXPECT_EQ(jsonl_.deliver(records_.pointers(1)), TR_EAGAIN);
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_EQ(jsonl_.deliver(records_.pointers(1)), TR_OK);
}

TEST_F(JsonlProcessorTest, RotatedFileIsLetGo) {
  make_spans(2);
  ASSERT_EQ(jsonl_.deliver(records_.pointers(0, 1)), TR_OK);
  std::filesystem::rename(path(), directory_.file("old.jsonl"));
  ASSERT_EQ(jsonl_.deliver(records_.pointers(1)), TR_OK);
  EXPECT_EQ(sequences(), std::vector<uint64_t>{2});
}

TEST_F(JsonlProcessorTest, RunIdThatNeedsEscaping) {
  make_spans(2);
  const char* run_id = "a\"b\\\n";
  ASSERT_EQ(jsonl_.deliver(records_.pointers(0, 1), run_id), TR_OK);
  const Driven second(make_jsonl_processor, "", directory_.path());
  ASSERT_EQ(second.deliver(records_.pointers(), run_id, TR_BATCH_ADOPTED), TR_OK);
  EXPECT_EQ(sequences(run_id), one_to(2));
}

}  // namespace
}  // namespace trunkline
