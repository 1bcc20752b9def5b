// Runs as `.wandb` files, read back by a reader of the tests' own: blocks, what a file holds, and how it goes on after
// a crash, a full disk, or somebody's hand. That W&B's own client takes them, tests/peers/wandb_sync_test.py shows.
#include <sys/stat.h>

#include "processors/wandb/wandb_log.hpp"
#include "processors/wandb/wandb_processor.hpp"
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

using store_test::Driven;
using store_test::messages;
using store_test::Records;
using store_test::saved_state;
using store_test::str;

TEST(WandbLog, RecordsOfAnySizeComeBack) {
  EXPECT_EQ(wandb::crc32(0, "123456789"), 0xcbf43926u);
  EXPECT_EQ(wandb::crc32(wandb::crc32(0, "1234"), "56789"), 0xcbf43926u);
  std::vector<std::string> all;
  // Around the end of the first block, where there is no room for a head, and over several blocks.
  for (size_t size = 32768 - 7 - 7 - 20; size < 32768 - 7 - 7 + 20; ++size) all.emplace_back(size, 'a');
  all.emplace_back("");
  all.emplace_back(200'000, 'b');
  for (const std::string& first : all) {
    for (const bool at_once : {true, false}) {
      std::string file;
      wandb::append_log_head(&file);
      const std::vector<std::string> records = {first, "second", std::string(40'000, 'c')};
      for (const std::string& record : records) {
        if (at_once) {
          wandb::append_log_record(&file, 0, record);
          continue;
        }
        std::string more;
        wandb::append_log_record(&more, file.size(), record);
        file += more;
      }
      EXPECT_EQ(read_log(file), records) << first.size();
    }
  }
}

TEST(WandbLog, ACutCostsTheLastRecordOnly) {
  std::string file;
  wandb::append_log_head(&file);
  for (int i = 0; i < 3; ++i) wandb::append_log_record(&file, 0, std::string(20'000, static_cast<char>('a' + i)));
  for (size_t cut = file.size() - 1; cut > file.size() - 19'000; cut -= 997) {
    EXPECT_EQ(read_log(file.substr(0, cut)).size(), 2u) << cut;
  }
}

class WandbFiles : public testing::Test {
 protected:
  void SetUp() override {
    saved_state().clear();
    messages().clear();
    for (const char* name : {"WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT", "WANDB_DIR"}) ::unsetenv(name);
  }
  std::unique_ptr<Driven> processor(const std::string& more = "") const {
    const std::string options =
        R"({"mode": "offline", "project": "proj", "dir": ")" + directory_.path() + "\"" + more + "}";
    return std::make_unique<Driven>(&make_wandb_processor, options, directory_.path());
  }
  void make_trace(uint8_t trace, int64_t steps, int64_t later_ns = 0) {
    records_.trace_start(trace, "a run").start_ns += later_ns;
    for (int64_t i = 0; i < steps; ++i) {
      tr_record& record = records_.span(trace, records_.size() + 1, "step");
      record.kind = TR_KIND_STEP;
      record.step = i;
    }
    records_.trace_end(trace, "a run");
  }
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path())) {
      if (entry.path().extension() == ".wandb") all.push_back(entry.path().string());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  LoggedRun only() const {
    const auto all = files();
    EXPECT_EQ(all.size(), 1u);
    return read_logged_run(test::read_file(all.at(0)));
  }
  static void expect_whole(const LoggedRun& run, int64_t steps) {
    ASSERT_EQ(run.rows.size(), static_cast<size_t>(steps));
    for (int64_t i = 0; i < steps; ++i) {
      EXPECT_EQ(run.rows[static_cast<size_t>(i)]["step/number"], i);
      EXPECT_EQ(run.rows[static_cast<size_t>(i)]["_step"], i);
    }
    EXPECT_EQ(run.summary["total_steps"], steps);
    EXPECT_EQ(run.exit_code, 0);
    for (size_t i = 0; i < run.numbers.size(); ++i) EXPECT_EQ(run.numbers[i], static_cast<int64_t>(i) + 1);
  }

  test::TempDirectory directory_;
  Records records_;
};

TEST_F(WandbFiles, ARunIsAFile) {
  make_trace(1, 5);
  const auto to = processor(R"(, "tags": ["a", "b"], "config": {"lr": 0.5, "deep": {"x": [1]}}, "id": "mine")");
  ASSERT_EQ(to->deliver(records_.pointers()), TR_OK);
  const LoggedRun run = only();
  expect_whole(run, 5);
  EXPECT_EQ(run.name, "a run");
  EXPECT_EQ(run.id, "mine");
  EXPECT_EQ(run.project, "proj");
  EXPECT_EQ(run.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(run.config, json::parse(R"({"lr": 0.5, "deep": {"x": [1]}})"));
  EXPECT_NE(files()[0].find("/wandb/offline-run-19700101_"), std::string::npos);
  EXPECT_TRUE(messages().empty());
}

// Whatever the umask; and no link is followed to somewhere else.
TEST_F(WandbFiles, AreForTheirOwnerAlone) {
  const mode_t before = umask(0);
  make_trace(1, 5);
  ASSERT_EQ(processor(R"(, "id": "mine")")->deliver(records_.pointers()), TR_OK);
  umask(before);
  const std::filesystem::path run = std::filesystem::path(files()[0]).parent_path();
  constexpr auto kOthers = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  size_t looked_at = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(run.parent_path())) {
    EXPECT_EQ(entry.symlink_status().permissions() & kOthers, std::filesystem::perms::none) << entry.path();
    ++looked_at;
  }
  EXPECT_GT(looked_at, 3u);
  std::filesystem::remove_all(run);
  const std::string elsewhere = directory_.file("elsewhere");
  std::filesystem::create_directory(elsewhere);
  std::filesystem::create_directory_symlink(elsewhere, run);
  EXPECT_EQ(processor(R"(, "id": "mine")")->deliver(records_.pointers()), TR_EAGAIN);
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
}

// Runs of one id that begin within a second, each of a process of its own: none takes the file of another.
TEST_F(WandbFiles, RunsOfOneIdHaveFilesOfTheirOwn) {
  constexpr int kRuns = 3;
  for (int i = 0; i < kRuns; ++i) {
    records_ = {};
    saved_state().clear();
    make_trace(static_cast<uint8_t>(i + 1), 5, i);
    ASSERT_EQ(processor(R"(, "id": "shared")")->deliver(records_.pointers()), TR_OK);
    ASSERT_EQ(processor(R"(, "id": "shared")")->deliver(records_.pointers()), TR_OK);  // and again, after a crash
  }
  EXPECT_EQ(files().size(), size_t{kRuns});
}

TEST_F(WandbFiles, WithoutAKeyAndAModeItSaysSoOnce) {
  const Driven to(&make_wandb_processor, R"({"dir": ")" + directory_.path() + "\"}", directory_.path());
  ASSERT_FALSE(to.error());
  ASSERT_EQ(messages().size(), 1u);
  EXPECT_NE(messages()[0].find("WANDB_API_KEY"), std::string::npos);
  make_trace(1, 1);
  make_trace(2, 1);
  ASSERT_EQ(to.deliver(records_.pointers()), TR_OK);
  EXPECT_EQ(files().size(), 2u);
  EXPECT_EQ(messages().size(), 1u);
}

TEST_F(WandbFiles, DisabledWritesNothing) {
  make_trace(1, 5);
  const Driven to(&make_wandb_processor, R"({"mode": "disabled", "dir": ")" + directory_.path() + "\"}", "");
  ASSERT_EQ(to.deliver(records_.pointers()), TR_OK);
  EXPECT_TRUE(files().empty());
}

// A process that dies at any time between writing and saving: the file is cut to where the state says, and goes on.
TEST_F(WandbFiles, ADeathAtAnyTimeLeavesNoGapAndNoDouble) {
  for (size_t dead_at = 0; dead_at < 12; ++dead_at) {
    std::filesystem::remove_all(directory_.file("wandb"));
    records_ = {};
    saved_state().clear();
    make_trace(1, 10);
    std::string state;
    {
      const auto first = processor();
      for (size_t i = 0; i <= dead_at; ++i) {
        state = saved_state();
        ASSERT_EQ(first->deliver(records_.pointers(i, i + 1)), TR_OK);
      }
    }
    test::write_file(files().at(0), test::read_file(files().at(0)) + "torn");
    const auto second = processor();
    if (!state.empty()) second->restore(state);
    ASSERT_EQ(second->deliver(records_.pointers(dead_at), "run-a", TR_BATCH_ADOPTED), TR_OK);
    expect_whole(only(), 10);
  }
}

// What somebody took away is not made up: the other runs go on.
TEST_F(WandbFiles, AFileThatIsGoneOrCutIsLeftAlone) {
  for (const bool cut : {false, true}) {
    std::filesystem::remove_all(directory_.file("wandb"));
    records_ = {};
    messages().clear();
    make_trace(1, 4);
    make_trace(2, 4);
    const auto to = processor();
    ASSERT_EQ(to->deliver(records_.pointers(0, 3)), TR_OK);
    if (cut) {
      std::filesystem::resize_file(files().at(0), 20);
    } else {
      std::filesystem::remove_all(directory_.file("wandb"));
    }
    ASSERT_EQ(to->deliver(records_.pointers(3)), TR_OK);
    ASSERT_EQ(files().size(), cut ? 2u : 1u);
    expect_whole(read_logged_run(test::read_file(files().back())), 4);
    EXPECT_EQ(messages().size(), 1u);
  }
}

TEST_F(WandbFiles, OnAFullDiskRecordsWait) {
  std::filesystem::create_directory(directory_.file("wandb"));
  const store_test::SmallDisk disk(directory_.file("wandb"), "size=64k");
  if (!disk) GTEST_SKIP() << "mounting is not allowed here";
  make_trace(1, 3'000);
  const auto to = processor();
  int result = TR_OK;
  size_t at = 0;
  for (; at < records_.size() && result == TR_OK; at += result == TR_OK ? 500 : 0) {
    result = to->deliver(records_.pointers(at, at + 500));
  }
  EXPECT_EQ(result, TR_EAGAIN);
  EXPECT_EQ(to->deliver(records_.pointers(at, at + 500)), TR_EAGAIN);
  size_t said = 0;
  for (const std::string& message : messages()) said += message.find("No space left") != std::string::npos ? 1 : 0;
  EXPECT_EQ(said, 1u);
  ASSERT_TRUE(disk.remount("size=64m"));
  for (; at < records_.size(); at += 500) ASSERT_EQ(to->deliver(records_.pointers(at, at + 500)), TR_OK);
  expect_whole(only(), 3'000);
}

TEST_F(WandbFiles, OptionsThatCannotBe) {
  for (const char* options :
       {R"({"no such": 1})", R"({"project": "a/b"})", R"({"id": "a:b"})", R"({"id": ".."})", R"({"mode": "sometimes"})",
        R"({"mode": "online"})", R"({"resume": "perhaps"})", R"({"tags": [1]})", R"({"config": []})",
        R"({"api_key": "two words"})", R"({"api_key": "k\r\nX-More: y"})",
        R"({"mode": "online", "api_key": "k", "base_url": "file:///etc/passwd"})",
        R"({"mode": "online", "api_key": "k", "base_url": "ftp://x"})",
        R"({"mode": "online", "api_key": "k", "base_url": "http://example.org"})"}) {
    const Driven to(&make_wandb_processor, options, directory_.path());
    EXPECT_EQ(to.error().code, TR_EINVAL) << options;
    EXPECT_EQ(to.error().message.find("two words"), std::string::npos);
  }
}

}  // namespace
}  // namespace trunkline::wandb_test
