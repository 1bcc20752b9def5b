// What is said to W&B's server of a run, and what its answers are taken for.
#include <limits>

#include "processors/wandb/log_reader.hpp"
#include "processors/wandb/run_body.hpp"
#include "processors/wandb/wandb_log.hpp"
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

RunState some_run() {
  RunState state;
  state.id = "id 1";
  state.entity = "e/x";
  state.project = "p";
  state.start_ns = 1'000'000'000;
  state.lines = 5;
  state.config = {{"lr", "0.5"}};
  state.summary = {{"loss", "Infinity"}};
  return state;
}

TEST(WandbBody, RowsAreSplitByBytesAndTheEndGoesWithTheLast) {
  RunState state = some_run();
  RunDelta delta;
  for (int64_t i = 0; i < 10; ++i)
    delta.rows.push_back({i, 2'000'000'000, {{"text", '"' + std::string(100, 'x') + '"'}}});
  state.next_step = 10;
  state.last_ns = 2'500'000'000;
  size_t seen = 0;
  int requests = 0;
  for (size_t next = 0; seen < delta.rows.size(); seen = next, ++requests) {
    const json body = json::parse(wandb::stream_body(state, delta, {{}, 3}, seen, 400, &next));
    ASSERT_GT(next, seen);
    EXPECT_EQ(body["files"]["wandb-history.jsonl"]["offset"], 5 + seen);
    EXPECT_EQ(body["files"]["wandb-history.jsonl"]["content"].size(), next - seen);
    const bool last = next == delta.rows.size();
    EXPECT_EQ(body.contains("complete"), last);
    EXPECT_EQ(body["files"].contains("wandb-summary.json"), last);
    if (!last) continue;
    EXPECT_EQ(body["exitcode"], 3);
    EXPECT_EQ(body["files"]["wandb-summary.json"]["content"][0],
              R"({"_runtime":1.5,"_step":9,"_timestamp":2.5,"loss":Infinity,"_wandb":{"runtime":1}})");
  }
  EXPECT_GT(requests, 2);
  EXPECT_EQ(wandb::stream_path(state), "/files/e%2Fx/p/id%201/file_stream");
}

TEST(WandbBody, AnUpsertHasTheWholeConfigAndWhatTheSdkLooksFor) {
  const json variables = json::parse(wandb::upsert_variables(some_run(), {}));
  const json config = json::parse(variables["config"].get<std::string>());
  EXPECT_EQ(config["lr"], json({{"value", 0.5}}));
  EXPECT_TRUE(config["_wandb"]["value"]["t"].is_object());
  EXPECT_FALSE(variables.contains("notes"));
}

TEST(WandbBody, AnswersOfAnyShape) {
  RunState state;
  EXPECT_FALSE(wandb::read_place(R"({"data": {"upsertBucket": {"bucket": {"project": {"name": "p"}}}}})", &state));
  EXPECT_TRUE(wandb::read_place(
      R"({"data": {"upsertBucket": {"bucket": {"project": {"name": "p", "entity": {"name": "e"}}}}}})", &state));
  EXPECT_EQ(state.entity + state.project, "ep");
  for (const char* none : {"", "[]", "{", R"({"data": null})", R"({"data": {"model": {"bucket": null}}})"}) {
    EXPECT_FALSE(wandb::read_found_run(none, &state)) << none;
  }
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  json answer;
  answer["data"]["model"]["bucket"] = {
      {"historyLineCount", 7},
      {"historyTail", json({R"({"x":NaN,"_step": 41,"_runtime":1.5})"}).dump()},
      {"eventsTail", json({R"({"system.cpu":3,"_runtime":2.25})"}).dump()},
      {"summaryMetrics", R"({"a":1,"_step":3,"deep":)" + deep + "}"},
      {"config", R"({"lr":{"value":2},"_wandb":{"value":{"t":{}}},"d":{"value":)" + deep + "}}"},
      {"tags", {"x", 3}}};
  state = some_run();
  EXPECT_TRUE(wandb::read_found_run(answer.dump(), &state));
  EXPECT_EQ(state.lines, 7);
  EXPECT_EQ(state.next_step, 42);
  EXPECT_EQ(state.ran_ns, 2'250'000'000);
  EXPECT_EQ(state.summary.at("a"), "1");
  EXPECT_EQ(state.tags, std::vector<std::string>{"x"});
  wandb::read_found_config(answer.dump(), &state);
  EXPECT_EQ(state.config.at("lr"), "0.5");  // ours stands
  EXPECT_EQ(state.config.at("_wandb"), R"({"value":{"t":{}}})");
}

// How long a run has run is the latest that is known of it; what is no such number is nothing.
TEST(WandbBody, TheTimeOfARunThatIsGoneOnWith) {
  const auto ran = [](const char* bucket) {
    RunState state;
    const std::string answer = std::string(R"({"data":{"model":{"bucket":)") + bucket + "}}}";
    EXPECT_TRUE(wandb::read_found_run(answer, &state)) << bucket;
    return state.ran_ns;
  };
  EXPECT_EQ(ran(R"({"summaryMetrics": "{\"_runtime\":7,\"_wandb\":{\"runtime\":8}}"})"), 8'000'000'000);
  EXPECT_EQ(ran(R"({"summaryMetrics": "{\"_runtime\":9.5}"})"), 9'500'000'000);
  EXPECT_EQ(ran(R"({"historyTail": "[\"{\\\"_runtime\\\":1e300}\"]"})"), 1'000'000'000'000'000'000);
  for (const char* none :
       {R"({})", R"({"historyTail": "[]"})", R"({"historyTail": "[\"{\\\"_runtime\\\":NaN}\"]"})",
        R"({"historyTail": "[\"{\\\"_runtime\\\":-3}\"]"})", R"({"historyTail": "[\"{\\\"_runtime\\\":\"x\"}\"]"})",
        R"({"summaryMetrics": "{\"_runtime\":\"7\",\"_wandb\":[]}"})"}) {
    EXPECT_EQ(ran(none), 0) << none;
  }
}

// Of protobuf messages: up to 127 bytes with their number, and an item of a row.
std::string sized(const std::string& bytes) { return static_cast<char>(bytes.size()) + bytes; }
std::string item(const std::string& key, const std::string& value) {
  return "\x0a" + sized("\x0a" + sized(key) + "\x82\x01" + sized(value));
}

// Numbers at the end of what there is, from a server or a file: a step may be one, and a damaged file has any.
TEST(WandbBody, NumbersOfAnySize) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  RunState state;
  const std::string tail = json({"{\"_step\":" + std::to_string(kMost) + "}"}).dump();
  json answer;
  answer["data"]["model"]["bucket"] = {{"historyTail", tail}, {"historyLineCount", kMost}};
  EXPECT_TRUE(wandb::read_found_run(answer.dump(), &state));
  EXPECT_EQ(state.next_step, kMost);
  EXPECT_LT(state.lines, kMost / 2);
  for (const char* seconds : {"1e300", "-1e300", "NaN", "inf", "9300000000"}) {
    std::string file;
    wandb::append_log_head(&file);
    wandb::append_log_record(&file, 0,
                             "\x12" + sized(item("_step", std::to_string(kMost)) + item("_timestamp", seconds)));
    const std::string start = "\x8a\x01" + sized("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f");  // of the most seconds
    wandb::append_log_record(&file, 0, "\x8a\x01" + sized("\x0a\x03run" + start));
    const auto run = wandb::read_wandb_log(file);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->state.next_step, kMost);
    for (const int64_t ns : {run->delta.rows.back().ns, run->state.start_ns}) {
      EXPECT_GE(ns, 0);
      EXPECT_LT(ns, kMost - 1'000'000'000);
    }
    EXPECT_TRUE(json::accept(row_text({kMost, run->delta.rows.back().ns, {}}, run->state)));
  }
}

// Whatever a file holds, reading it ends.
TEST(WandbLogReader, DamageIsTheEndOfWhatIsRead) {
  test::TempDirectory directory;
  std::string file;
  wandb::append_log_head(&file);
  std::string record = "\x08\x01\x8a\x01\x05\x0a\x03run";  // number, run{id}
  wandb::append_log_record(&file, 0, record);
  EXPECT_EQ(wandb::read_wandb_log(file)->state.id, "run");
  for (size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = file;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      EXPECT_FALSE(wandb::read_wandb_log(bad)) << at;
    }
    EXPECT_FALSE(wandb::read_wandb_log(file.substr(0, at)));
  }
  std::string nonsense;
  wandb::append_log_head(&nonsense);
  wandb::append_log_record(&nonsense, 0, "\x8a\x01\xff\xff\xff\xff\x0f");
  EXPECT_FALSE(wandb::read_wandb_log(nonsense));
}

}  // namespace
}  // namespace trunkline::wandb_test
