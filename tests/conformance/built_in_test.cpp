// The processors that come with the library, held to what every processor is held to; what they took is counted by
// reading it back.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include "session.hpp"
#include "support/peer.hpp"
#include "support/peer_state.hpp"

namespace trunkline::conformance {
namespace {

enum class BuiltIn { kLocal, kJsonl, kConsole, kMlflow, kWandb };

std::string built_in_name(BuiltIn which) {
  switch (which) {
    case BuiltIn::kLocal:
      return "local";
    case BuiltIn::kJsonl:
      return "jsonl";
    case BuiltIn::kConsole:
      return "console";
    case BuiltIn::kMlflow:
      return "mlflow";
    case BuiltIn::kWandb:
      return "wandb";
  }
  return "?";
}

class BuiltIns : public testing::TestWithParam<BuiltIn> {
 protected:
  BuiltIns() {
    if (GetParam() == BuiltIn::kMlflow) {
      server_.emplace("fake_mlflow.py");
      ::setenv("MLFLOW_TRACKING_URI", server_->url().c_str(), 1);
    }
    if (GetParam() == BuiltIn::kWandb) {
      server_.emplace("fake_wandb.py");
      ::setenv("WANDB_BASE_URL", server_->url().c_str(), 1);
      ::setenv("WANDB_API_KEY", "0123456789abcdef0123456789abcdef01234567", 1);
      ::setenv("WANDB_DIR", directory_.path().c_str(), 1);
    }
    // The console writes to the standard error: for as long as the test runs that is a file.
    if (GetParam() != BuiltIn::kConsole) return;
    std::fflush(stderr);
    saved_stderr_ = ::dup(2);
    const int file = ::open(directory_.file("console").c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(file, 2);
    ::close(file);
  }
  ~BuiltIns() override {
    if (saved_stderr_ < 0) return;
    ::dup2(saved_stderr_, 2);
    ::close(saved_stderr_);
  }

  tr_processor table() const {
    tr_processor table{};
    table.struct_size = sizeof table;
    tr_error error{sizeof error, 0, {}};
    int result = TR_EINVAL;
    switch (GetParam()) {
      case BuiltIn::kLocal:
        result = tr_local_processor(nullptr, 0, &table, &error);
        break;
      case BuiltIn::kJsonl:
        result = tr_jsonl_processor(nullptr, 0, &table, &error);
        break;
      case BuiltIn::kConsole:
        result = tr_console_processor(nullptr, 0, &table, &error);
        break;
      case BuiltIn::kMlflow:
        result = tr_mlflow_processor(nullptr, 0, &table, &error);
        break;
      case BuiltIn::kWandb:
        result = tr_wandb_processor(R"({"interval_ms": 0})", TR_NUL, &table, &error);
        break;
    }
    EXPECT_EQ(result, TR_OK) << error.message;
    return table;
  }

  tr_processor_id attach() const {
    const tr_processor processor = table();
    tr_processor_id id = 0;
    EXPECT_EQ(tr_add_processor(&processor, &id), TR_OK);
    return id;
  }

  // How often each span is there.
  std::map<std::string, int> spans() const {
    std::map<std::string, int> counts;
    if (GetParam() == BuiltIn::kLocal) {
      sqlite3* db = nullptr;
      EXPECT_EQ(sqlite3_open_v2(directory_.file("traces.db").c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
      const auto row = [](void* into, int, char** values, char**) {
        ++(*static_cast<std::map<std::string, int>*>(into))[values[0]];
        return 0;
      };
      EXPECT_EQ(sqlite3_exec(db, "SELECT name FROM spans", row, &counts, nullptr), SQLITE_OK);
      sqlite3_close(db);
      return counts;
    }
    if (GetParam() == BuiltIn::kMlflow) {
      const nlohmann::json state = test::ask(*server_, "/_state");
      for (const auto& [name, times] : state.at("spans").items()) {
        if (name != "trace" && name != "before") counts[name] = times;
      }
      return counts;
    }
    if (GetParam() == BuiltIn::kWandb) {
      const nlohmann::json state = test::ask(*server_, "/_state");
      for (const auto& [id, run] : state.at("runs").items()) {
        for (const nlohmann::json& row : run.at("history")) ++counts["span-" + row.at("step/number").dump()];
      }
      return counts;
    }
    const bool json = GetParam() == BuiltIn::kJsonl;
    std::ifstream in(directory_.file(json ? "traces.jsonl" : "console"));
    for (std::string line; std::getline(in, line);) {
      if (json && (line.front() != '{' || line.back() != '}')) ADD_FAILURE() << "a torn line: " << line;
      if (json && line.find("\"type\":\"span\"") == std::string::npos &&
          line.find("\"type\":\"span_end\"") == std::string::npos) {
        continue;
      }
      const size_t at = line.find("span-");
      if (at != std::string::npos) ++counts[line.substr(at, line.find_first_not_of("0123456789-", at + 5) - at)];
    }
    return counts;
  }

  // A span "span-<number>": not every tracker keeps names of steps, all keep their numbers.
  static void add_numbered(tr_trace trace, int number) {
    const tr_span span = start_span(trace, "span-" + std::to_string(number));
    tr_span_set_step(span, number);
    tr_span_end(span);
  }

  // A trace of spans "span-<from>" and so on.
  static void record(int from, int count) {
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    for (int i = from; i < from + count; ++i) add_numbered(trace, i);
    tr_trace_end(trace);
  }

  void expect_each_once(int count) const {
    const auto found = spans();
    EXPECT_EQ(found.size(), static_cast<size_t>(count));
    for (const auto& [name, times] : found) EXPECT_EQ(times, 1) << name;
  }

  TempDirectory directory_;
  std::optional<test::Peer> server_;
  int saved_stderr_ = -1;
};

class DurableBuiltIns : public BuiltIns {};

TEST_P(BuiltIns, TakeEverythingOnce) {
  Session session(directory_.path());
  const tr_processor_id id = attach();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 10; ++i) record((t * 10 + i) * 50, 50);
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor_stats counts = stats_of(id);
  EXPECT_EQ(counts.delivered.spans, 1500u);
  EXPECT_TRUE(law_holds(counts));
  EXPECT_EQ(session.stop(), TR_OK);
  expect_each_once(1500);
}

TEST_P(BuiltIns, StartedByTheirNames) {
  const std::string name = built_in_name(GetParam());
  Session session(directory_.path(), [&](tr_config& config) { config.processors = name.c_str(); });
  record(0, 20);
  EXPECT_EQ(session.stop(), TR_OK);
  EXPECT_TRUE(session.messages().empty()) << session.messages()[0];
  expect_each_once(20);
}

TEST_P(BuiltIns, LiveOverSeveralLives) {
  for (int life = 0; life < 3; ++life) {
    Session session(directory_.path());
    attach();
    record(life * 20, 20);
    EXPECT_EQ(session.stop(), TR_OK);
  }
  expect_each_once(60);
}

TEST_P(BuiltIns, AreRemovedAndReplaced) {
  Session session(directory_.path());
  const tr_processor_id id = attach();
  record(0, 10);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  ASSERT_EQ(tr_remove_processor(id), TR_OK);
  record(10, 10);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor again = table();
  ASSERT_EQ(tr_set_processors(&again, 1), TR_OK);
  record(20, 10);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  const auto found = spans();
  EXPECT_EQ(found.size(), 20u);
  EXPECT_EQ(found.count("span-10"), 0u);
  EXPECT_EQ(found.count("span-29"), 1u);
}

TEST_P(BuiltIns, WorkInAProcessWithoutADisk) {
  const std::string name = built_in_name(GetParam());
  Session session("/proc/nowhere", [&](tr_config& config) { config.processors = name.c_str(); });
  EXPECT_EQ(stats().mode, TR_MODE_MEMORY);
  record(0, 20);
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(session.stop(), TR_OK);
  if (GetParam() == BuiltIn::kConsole) expect_each_once(20);
}

TEST_P(BuiltIns, OneThatIsNotKnownIsSaidWithThoseThatAreAndTheOthersStart) {
  const std::string name = built_in_name(GetParam());
  const std::string processors = "nope," + name;
  Session session(directory_.path(), [&](tr_config& config) { config.processors = processors.c_str(); });
  tr_processor_id id = 0;
  EXPECT_EQ(tr_find_processor(name.data(), name.size(), &id), TR_OK);
  ASSERT_FALSE(session.messages().empty());
  EXPECT_NE(session.messages()[0].find("nope (there are local, jsonl, console, "), std::string::npos)
      << session.messages()[0];
}

TEST_P(BuiltIns, TablesThatAreNotRegisteredAreReleasedByTheirOwner) {
  Session session(directory_.path());
  const tr_processor mine = table();
  ASSERT_NE(mine.release, nullptr);
  mine.release(mine.user_data);
  tr_processor small{};
  small.struct_size = 8;
  tr_error error{sizeof error, 0, {}};
  EXPECT_EQ(tr_local_processor(nullptr, 0, &small, &error), TR_EINVAL);
  EXPECT_NE(error.message[0], '\0');
  tr_processor other{};
  other.struct_size = sizeof other;
  for (const auto make :
       {tr_local_processor, tr_jsonl_processor, tr_console_processor, tr_mlflow_processor, tr_wandb_processor}) {
    EXPECT_EQ(make("{\"no such option\":1}", TR_NUL, &other, &error), TR_EINVAL);
    EXPECT_EQ(make("{", TR_NUL, &other, &error), TR_EINVAL);
    EXPECT_EQ(make(nullptr, 0, nullptr, &error), TR_EINVAL);
  }
}

TEST_P(BuiltIns, ReplacedInTheMiddleOfATrace) {
  Session session(directory_.path());
  attach();
  const tr_trace before = tr_trace_start("before", TR_NUL, nullptr);
  add_numbered(before, 1);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  const tr_processor again = table();
  ASSERT_EQ(tr_set_processors(&again, 1), TR_OK);
  add_numbered(before, 2);  // of a trace that the new one has not seen begin
  tr_trace_end(before);
  record(3, 1);
  EXPECT_EQ(session.stop(), TR_OK);
  const auto found = spans();
  EXPECT_EQ(found.count("span-1"), 1u);
  EXPECT_EQ(found.count("span-2"), 0u);
  EXPECT_EQ(found.count("span-3"), 1u);
}

TEST_P(BuiltIns, DoNotNoticeABlockedOrFailingNeighbour) {
  Session session(directory_.path());
  std::atomic<bool> open{false};
  tr_processor blocked{};
  blocked.struct_size = sizeof blocked;
  blocked.name = "blocked";
  blocked.user_data = &open;
  blocked.on_batch = [](void* self, const tr_batch*) {
    while (!*static_cast<std::atomic<bool>*>(self)) std::this_thread::sleep_for(1ms);
    return TR_OK;
  };
  tr_processor failing{};
  failing.struct_size = sizeof failing;
  failing.name = "failing";
  failing.on_span_end = [](void*, const tr_record*) { return TR_EIO; };
  ASSERT_EQ(tr_add_processor(&blocked, nullptr), TR_OK);
  ASSERT_EQ(tr_add_processor(&failing, nullptr), TR_OK);
  const tr_processor_id id = attach();
  record(0, 100);
  EXPECT_TRUE(eventually([&] { return stats_of(id).delivered.spans == 100; }, 30s));
  open = true;
  EXPECT_EQ(session.stop(), TR_OK);
  expect_each_once(100);
}

TEST_P(BuiltIns, ReleasedOnce) {
  static std::atomic<int> releases;
  static void (*release)(void*);
  releases = 0;
  tr_processor counted = table();
  release = counted.release;
  counted.release = [](void* self) {
    ++releases;
    release(self);
  };
  {
    Session session(directory_.path());
    ASSERT_EQ(tr_add_processor(&counted, nullptr), TR_OK);
    record(0, 10);
    EXPECT_EQ(releases, 0);
    EXPECT_EQ(session.stop(), TR_OK);
    EXPECT_EQ(releases, 1);
  }
  const auto counting = counted.release;
  counted = table();
  counted.release = counting;
  EXPECT_EQ(tr_add_processor(&counted, nullptr), TR_ESTATE);
  EXPECT_EQ(releases, 2);
}

// What cannot be written is asked for again until there is a place for it.
TEST_P(DurableBuiltIns, OfferedAgainUntilTheirPlaceIsThere) {
  Session session(directory_.path());
  const bool json = GetParam() == BuiltIn::kJsonl;
  const std::string folder = directory_.file("late");
  const std::string options = R"({"path": ")" + folder + (json ? "/traces.jsonl" : "/traces.db") + R"("})";
  tr_processor late{};
  late.struct_size = sizeof late;
  ASSERT_EQ((json ? tr_jsonl_processor : tr_local_processor)(options.data(), options.size(), &late, nullptr), TR_OK);
  tr_processor_id id = 0;
  ASSERT_EQ(tr_add_processor(&late, &id), TR_OK);
  record(0, 50);
  EXPECT_TRUE(eventually([&] { return stats_of(id).retries > 0; }, 30s));
  EXPECT_EQ(stats_of(id).delivered.spans, 0u);
  std::filesystem::create_directory(folder);
  ASSERT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(stats_of(id).delivered.spans, 50u);
  EXPECT_EQ(session.stop(), TR_OK);
  for (const char* name : {"traces.jsonl", "traces.db"}) {
    if (std::filesystem::exists(folder + "/" + name))
      std::filesystem::rename(folder + "/" + name, directory_.file(name));
  }
  expect_each_once(50);
}

// Killed at random moments, life after life: what each life knows to be finished is there in the end, once.
TEST_P(DurableBuiltIns, EachSpanOnceOverManyKills) {
  constexpr int kLives = 12;
  constexpr int kMost = 20'000;
  int finished = 0;
  std::vector<std::pair<int, int>> certain;  // ranges of spans that had ended when the process died
  for (int life = 0; life < kLives; ++life) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      Session session(directory_.path());
      attach();
      for (int i = 0; i < kMost; i += 10) {
        record(life * kMost + i, 10);
        const int done = i + 10;
        static_cast<void>(!::write(ends[1], &done, sizeof done));
        if (i % 100 == 0) std::this_thread::sleep_for(1ms);
      }
      ::pause();
    }
    ::close(ends[1]);
    pollfd began{ends[0], POLLIN, 0};
    ASSERT_EQ(::poll(&began, 1, 60'000), 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + life * 17 % 90));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    int done = 0;
    for (int told; ::read(ends[0], &told, sizeof told) == sizeof told;) done = told;
    ::close(ends[0]);
    certain.emplace_back(life * kMost, life * kMost + done);
    finished += done;
  }
  EXPECT_GT(finished, 500);
  {
    Session session(directory_.path());
    attach();
    const auto all_adopted = [&] {
      size_t runs = 0;
      for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(directory_.path() + "/run")) ++runs;
      return runs == 1;  // our own
    };
    EXPECT_TRUE(eventually(all_adopted)) << "dead runs are left";
    EXPECT_EQ(session.stop(), TR_OK);
  }
  const auto found = spans();
  for (const auto& [name, times] : found) EXPECT_EQ(times, 1) << name;
  for (const auto& [from, to] : certain) {
    for (int i = from; i < to; ++i) ASSERT_EQ(found.count("span-" + std::to_string(i)), 1u) << "lost: span " << i;
  }
}

std::string built_in_of(const testing::TestParamInfo<BuiltIn>& each) { return built_in_name(each.param); }

TEST(BuiltInMessages, GoToTheHostsCallback) {
  const TempDirectory directory;
  Session session(directory.path());
  const std::string options = R"({"path": "/proc/no-such-folder/traces.jsonl"})";
  tr_processor table{};
  table.struct_size = sizeof table;
  ASSERT_EQ(tr_jsonl_processor(options.data(), options.size(), &table, nullptr), TR_OK);
  ASSERT_EQ(tr_add_processor(&table, nullptr), TR_OK);
  record_trace("lost", 1);
  EXPECT_TRUE(eventually(
      [&] {
        const auto messages = session.messages();
        return std::any_of(messages.begin(), messages.end(),
                           [](const std::string& m) { return m.find("/proc/no-such-folder") != std::string::npos; });
      },
      30s))
      << "the host was not told";
  session.stop(0);
}

INSTANTIATE_TEST_SUITE_P(Conformance, BuiltIns,
                         testing::Values(BuiltIn::kLocal, BuiltIn::kJsonl, BuiltIn::kConsole, BuiltIn::kMlflow,
                                         BuiltIn::kWandb),
                         built_in_of);
INSTANTIATE_TEST_SUITE_P(Conformance, DurableBuiltIns, testing::Values(BuiltIn::kLocal, BuiltIn::kJsonl), built_in_of);

}  // namespace
}  // namespace trunkline::conformance
