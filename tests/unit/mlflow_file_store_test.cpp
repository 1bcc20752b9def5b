#include "processors/mlflow/file_store.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <sstream>
#include <thread>

#include "processors/mlflow/file_store_path.hpp"
#include "processors/mlflow/file_store_yaml.hpp"
#include "store_support.hpp"

namespace trunkline::mlflow {
namespace {

using namespace store_test;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MlflowFileStore : public ::testing::Test {
 protected:
  std::string root() const { return directory_.file("mlruns"); }
  std::string run_path(const std::string& experiment, const std::string& run) const {
    return root() + "/" + experiment + "/" + run;
  }
  std::string start_run(FileStore& store, const std::string& name = "run") {
    const Expected<std::string> experiment = store.find_or_create_experiment("work");
    EXPECT_TRUE(experiment) << experiment.error().message;
    experiment_ = *experiment;
    const Expected<std::string> run = store.create_run({experiment_, name, "ada", 1'700'000'000'000, {{"k", "v"}}});
    EXPECT_TRUE(run) << run.error().message;
    return *run;
  }
  static RunItems metrics(std::vector<Metric> list) { return {std::move(list), {}, {}}; }
  static std::vector<std::string> lines(const std::string& path) {
    std::vector<std::string> found;
    std::istringstream in(read_file(path));
    for (std::string line; std::getline(in, line);) found.push_back(line);
    return found;
  }

  TempDirectory directory_;
  std::string experiment_;
  std::vector<Refusal> refused_;
};

TEST_F(MlflowFileStore, makes_nothing_before_the_first_operation_and_then_what_mlflow_expects) {
  FileStore store(root());
  EXPECT_FALSE(fs::exists(root()));
  const std::string run = start_run(store, "it's \"so\": #1");
  EXPECT_TRUE(fs::is_directory(root() + "/.trash"));
  EXPECT_THAT(read_file(root() + "/0/meta.yaml"), HasSubstr("name: 'Default'\n"));
  const std::string path = run_path(experiment_, run);
  for (const char* name : {"metrics", "params", "artifacts", "tags"}) EXPECT_TRUE(fs::is_directory(path + "/" + name));
  const std::string meta = read_file(path + "/meta.yaml");
  EXPECT_THAT(meta, HasSubstr("run_name: 'it''s \"so\": #1'\n"));
  EXPECT_THAT(meta, HasSubstr("status: 1\n"));
  EXPECT_THAT(meta, HasSubstr("end_time: null\n"));
  EXPECT_THAT(meta, HasSubstr("experiment_id: '" + experiment_ + "'\n"));
  EXPECT_EQ(read_file(path + "/tags/mlflow.runName"), "it's \"so\": #1");
  EXPECT_EQ(read_file(path + "/tags/k"), "v");
}

TEST_F(MlflowFileStore, is_for_its_owner_alone_unless_the_folder_was_there) {
  for (const mode_t mode : {mode_t{0700}, mode_t{0755}, mode_t{0777}}) {
    TempDirectory place;
    const std::string root = place.file("store");
    if (mode != 0700) {
      ::mkdir(root.c_str(), 0700);
      ::chmod(root.c_str(), mode);
    }
    FileStore store(root);
    const std::string experiment = *store.find_or_create_experiment("work");
    const std::string run = *store.create_run({experiment, "r", "ada", 1, {}});
    ASSERT_FALSE(store.log_batch(run, metrics({{"a/b", 1, 2, 3}}), &refused_));
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.path().string().find("/.t") != std::string::npos) continue;
      struct stat info {};
      ASSERT_EQ(::lstat(entry.path().c_str(), &info), 0);
      EXPECT_EQ(info.st_mode & 0777, entry.is_directory() ? mode : mode & 0666) << entry.path();
    }
  }
}

TEST_F(MlflowFileStore, finds_the_experiment_again_whoever_wrote_it) {
  FileStore store(root());
  const std::string id = *store.find_or_create_experiment("a 'b' \xC3\xA9");
  FileStore other(root());
  EXPECT_EQ(*other.find_or_create_experiment("a 'b' \xC3\xA9"), id);
  const std::string long_name(120, 'x');
  fs::create_directory(root() + "/77");
  write_file(root() + "/77/meta.yaml", "experiment_id: '77'\nlifecycle_stage: active\nname: \"tab\\tand \\u4E2D\"\n");
  fs::create_directory(root() + "/78");
  write_file(root() + "/78/meta.yaml",
             "lifecycle_stage: active\nname: long words that a writer\n  folded here\nx: 1\n");
  EXPECT_EQ(*other.find_or_create_experiment("tab\tand \xE4\xB8\xAD"), "77");
  EXPECT_EQ(*other.find_or_create_experiment("long words that a writer folded here"), "78");
  fs::rename(root() + "/78", root() + "/.trash/78");
  EXPECT_EQ(other.find_or_create_experiment("long words that a writer folded here").error().code, TR_EINVAL);
}

TEST_F(MlflowFileStore, creates_an_experiment_once_however_many_ask) {
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    children.push_back(start_child([&] {
      FileStore store(root());
      EXPECT_TRUE(store.find_or_create_experiment("shared"));
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(wait_child(child), 0);
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(root())) {
    count += read_file(entry.path().string() + "/meta.yaml").find("name: 'shared'") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(count, 1u);
}

TEST_F(MlflowFileStore, writes_metrics_exactly) {
  FileStore store(root());
  const std::string run = start_run(store);
  const double third = 1.0 / 3;
  ASSERT_FALSE(store.log_batch(run,
                               metrics({{"loss", 0.5, 10, 0},
                                        {"odd", kNan, 11, -3},
                                        {"odd", kInfinity, 12, 1},
                                        {"loss", third, 13, 1},
                                        {"odd", -kInfinity, 14, 2},
                                        {"deep/er/key", 5e-324, 15, 0}}),
                               &refused_));
  const std::string path = run_path(experiment_, run) + "/metrics/";
  EXPECT_THAT(lines(path + "loss"), ElementsAre("10 0.5 0", "13 0.3333333333333333 1"));
  EXPECT_THAT(lines(path + "odd"), ElementsAre("11 nan -3", "12 inf 1", "14 -inf 2"));
  EXPECT_THAT(lines(path + "deep/er/key"), ElementsAre("15 5e-324 0"));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(MlflowFileStore, adds_nothing_when_told_again) {
  std::vector<Metric> list;
  for (int i = 0; i < 100; ++i) list.push_back({"loss", i * 0.5, 1000 + i, i});
  std::string run;
  {
    FileStore store(root());
    run = start_run(store);
    ASSERT_FALSE(store.log_batch(run, metrics({list.begin(), list.begin() + 60}), &refused_));
  }
  const std::string path = run_path(experiment_, run) + "/metrics/loss";
  fs::resize_file(path, fs::file_size(path) - 3);  // the process died in the middle of a line
  FileStore store(root());
  ASSERT_FALSE(store.log_batch(run, metrics({list.begin() + 20, list.begin() + 70}), &refused_));
  ASSERT_FALSE(store.log_batch(run, metrics({list.begin() + 70, list.end()}), &refused_));
  const std::vector<std::string> found = lines(path);
  ASSERT_EQ(found.size(), 100u);
  for (size_t i = 0; i < found.size(); ++i) EXPECT_THAT(found[i], HasSubstr(" " + std::to_string(i))) << i;
}

TEST_F(MlflowFileStore, refuses_what_cannot_be_a_file_and_keeps_the_rest) {
  FileStore store(root());
  const std::string run = start_run(store);
  RunItems items;
  items.metrics = {{"a", 1, 1, 1}, {"a/b", 2, 2, 2}, {"c/d", 3, 3, 3}, {"c", 4, 4, 4}, {"last", 5, 5, 5}};
  items.params = {{"p", "1"}, {"p/q", "2"}, {"r", "3"}};
  items.tags = {{"t/u", "1"}, {"t", "2"}, {"v", "3"}};
  ASSERT_FALSE(store.log_batch(run, items, &refused_));
  std::vector<std::string> what;
  for (const Refusal& refusal : refused_) what.push_back(refusal.what);
  EXPECT_THAT(what, ElementsAre("metric a/b", "metric c/d", "param p/q", "tag t"));
  const std::string path = run_path(experiment_, run);
  for (const char* name :
       {"/metrics/a", "/metrics/c", "/metrics/last", "/params/p", "/params/r", "/tags/t/u", "/tags/v"}) {
    EXPECT_TRUE(fs::is_regular_file(path + name)) << name;
  }
}

TEST_F(MlflowFileStore, never_leaves_the_folder_of_the_run) {
  FileStore store(root());
  const std::string run = start_run(store);
  const std::string path = run_path(experiment_, run);
  const std::string outside = directory_.file("outside");
  fs::create_directory(outside);
  fs::create_directory_symlink(outside, path + "/metrics/link");
  write_file(outside + "/file", "");
  fs::create_symlink(outside + "/file", path + "/metrics/file");
  fs::create_directory_symlink(outside, path + "/tags/link");
  fs::create_symlink(outside + "/file", path + "/tags/file");
  RunItems items;
  for (const std::string& key :
       {std::string("../../up"), std::string("/etc/abs"), std::string("a/../../b"), std::string("."), std::string(".."),
        std::string(""), std::string("a//b"), std::string("a/"), std::string("x\0y", 3), std::string("link/in"),
        std::string("file"), std::string(300, 'k')}) {
    items.metrics.push_back({key, 1, 1, 1});
    items.params.push_back({key, "1"});
    items.tags.push_back({key, "1"});
  }
  items.metrics.push_back({"good", 1, 1, 1});
  ASSERT_FALSE(store.log_batch(run, items, &refused_));
  // A parameter "file" is one, for there is no link of its name; a tag takes the place of a link and not what it leads
  // to.
  EXPECT_EQ(refused_.size(), 3u * 12u - 3u);
  EXPECT_EQ(read_file(outside + "/file"), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1);
  EXPECT_TRUE(fs::is_regular_file(path + "/metrics/good"));
  EXPECT_FALSE(fs::exists(directory_.file("up")));
  for (const std::string& id : {std::string("../x"), std::string(32, '.'), std::string()}) {
    EXPECT_EQ(store.log_batch(id, items, &refused_).code, TR_ENOENT);
    EXPECT_EQ(store.create_run({id, "n", "u", 1, {}}).error().code, TR_ENOENT);
  }
  write_file(directory_.file("source"), "bytes");
  EXPECT_EQ(store.log_artifact(run, "../x", directory_.file("source")).code, TR_EINVAL);
}

TEST_F(MlflowFileStore, keeps_a_param_and_replaces_a_tag) {
  FileStore store(root());
  const std::string run = start_run(store);
  ASSERT_FALSE(store.log_batch(run, {{}, {{"p", "1"}}, {{"t", "1"}}}, &refused_));
  ASSERT_FALSE(store.log_batch(run, {{}, {{"p", "1"}}, {{"t", "2"}, {"mlflow.runName", "new: name"}}}, &refused_));
  EXPECT_THAT(refused_, IsEmpty());
  ASSERT_FALSE(store.log_batch(run, {{}, {{"p", "2"}}, {}}, &refused_));
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].what, "param p");
  const std::string path = run_path(experiment_, run);
  EXPECT_EQ(read_file(path + "/params/p"), "1");
  EXPECT_EQ(read_file(path + "/tags/t"), "2");
  EXPECT_THAT(read_file(path + "/meta.yaml"), HasSubstr("run_name: 'new: name'\n"));
}

TEST_F(MlflowFileStore, finds_runs_and_ends_them_and_knows_the_deleted) {
  FileStore store(root());
  const std::string first = start_run(store);
  const Expected<std::string> second =
      store.create_run({experiment_, "two", "ada", 1'700'000'000'001, {{"trunkline.trace_id", "t1"}}});
  FileStore other(root());
  EXPECT_EQ(*other.find_run(experiment_, {"trunkline.trace_id", "t1"}), *second);
  EXPECT_EQ(*other.find_run(experiment_, {"trunkline.trace_id", "t2"}), "");
  EXPECT_EQ(*other.find_experiment_of(first), experiment_);
  EXPECT_EQ(*other.read_tag(*second, "trunkline.trace_id"), "t1");
  EXPECT_EQ(*other.read_tag(first, "trunkline.trace_id"), "");
  EXPECT_EQ(*other.read_tag(first, "../meta.yaml"), "");
  ASSERT_FALSE(other.update_run(first, RunStatus::kFailed, 1'700'000'000'999));
  const std::string meta_path = run_path(experiment_, first) + "/meta.yaml";
  std::string meta = read_file(meta_path);
  EXPECT_THAT(meta, HasSubstr("status: 4\n"));
  EXPECT_THAT(meta, HasSubstr("end_time: 1700000000999\n"));
  write_file(meta_path, yaml_with(meta, "lifecycle_stage", "deleted"));
  EXPECT_EQ(other.log_batch(first, metrics({{"a", 1, 1, 1}}), &refused_).code, TR_ENOENT);
  EXPECT_EQ(other.find_experiment_of(std::string(32, 'a')).error().code, TR_ENOENT);
}

TEST_F(MlflowFileStore, says_later_when_the_disk_is_full_and_loses_nothing) {
  fs::create_directory(root());
  const SmallDisk disk(root(), "size=64k,mode=0700");
  if (!disk) GTEST_SKIP() << "mounting is not allowed here";
  FileStore store(root());
  const std::string run = start_run(store);
  std::vector<Metric> list;
  for (int i = 0; i < 20'000; ++i) list.push_back({"loss", i * 0.25, 1'700'000'000'000 + i, i});
  EXPECT_EQ(store.log_batch(run, metrics(list), &refused_).code, TR_EAGAIN);
  EXPECT_EQ(store.log_batch(run, metrics(list), &refused_).code, TR_EAGAIN);
  ASSERT_TRUE(disk.remount("size=16m,mode=0700"));
  EXPECT_FALSE(store.log_batch(run, metrics(list), &refused_));
  const std::vector<std::string> found = lines(run_path(experiment_, run) + "/metrics/loss");
  ASSERT_EQ(found.size(), list.size());
  EXPECT_THAT(found.back(), HasSubstr(" 19999"));
  EXPECT_THAT(refused_, IsEmpty());
}

// A process is killed again and again while it logs; the next says again what was not acknowledged, and more.
TEST_F(MlflowFileStore, survives_kills_without_a_line_twice_or_missing) {
  std::string run;
  {
    FileStore store(root());
    run = start_run(store);
  }
  constexpr int kMetrics = 6'000;
  constexpr int kBatch = 40;
  const auto metric = [](int i) { return Metric{i % 3 == 0 ? "a" : "b/c", i * 0.5, 1'000 + i, i}; };
  auto* done = static_cast<std::atomic<int>*>(
      ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int kills = 0;
  for (; *done < kMetrics; ++kills) {
    const int before = *done;
    const int most = std::min(before + 1'000, kMetrics);  // then it only says again, until it is killed
    const pid_t child = start_child([&] {
      FileStore store(root());
      for (int from = std::max(0, before - 2 * kBatch);; from = from + kBatch < most ? from + kBatch : before) {
        std::vector<Metric> batch;
        for (int i = from; i < std::min(from + kBatch, most); ++i) batch.push_back(metric(i));
        if (store.log_batch(run, metrics(batch), &refused_)) ::_exit(1);
        *done = std::max<int>(*done, std::min(from + kBatch, most));
      }
    });
    while (*done < std::min(before + 600, kMetrics)) std::this_thread::sleep_for(std::chrono::microseconds(50));
    ::kill(child, SIGKILL);
    EXPECT_EQ(wait_child(child), -1);
  }
  EXPECT_GE(kills, 6);
  std::vector<std::string> expected[2];
  for (int i = 0; i < kMetrics; ++i) {
    std::ostringstream line;
    line << 1'000 + i << ' ' << i * 0.5 << ' ' << i;
    expected[i % 3 == 0 ? 0 : 1].push_back(line.str());
  }
  const std::string path = run_path(experiment_, run) + "/metrics/";
  EXPECT_EQ(lines(path + "a"), expected[0]);
  EXPECT_EQ(lines(path + "b/c"), expected[1]);
  // What the killed left behind is gone once another has worked.
  FileStore store(root());
  ASSERT_TRUE(store.find_experiment_of(run));
  EXPECT_EQ(std::distance(fs::directory_iterator(root() + "/.trash"), {}), 1);
  ::munmap(done, sizeof(std::atomic<int>));
}

TEST_F(MlflowFileStore, keeps_artifacts) {
  FileStore store(root());
  const std::string run = start_run(store);
  const std::string bytes(700'000, 'z');
  write_file(directory_.file("source"), bytes);
  ASSERT_FALSE(store.log_artifact(run, "sub/x.bin", directory_.file("source")));
  EXPECT_EQ(read_file(run_path(experiment_, run) + "/artifacts/sub/x.bin"), bytes);
  EXPECT_EQ(store.log_artifact(run, "y", directory_.file("none")).code, TR_EINVAL);
  EXPECT_EQ(store.log_artifact(run, "y", directory_.path()).code, TR_EINVAL);
}

class MlflowFileTraces : public MlflowFileStore {
 protected:
  TracePart part() const {
    TracePart part;
    part.experiment_id = experiment_;
    part.run_id = run_;
    return part;
  }
  std::string trace_path() const { return root() + "/" + experiment_ + "/traces/tr-" + std::string(32, '1'); }
  json stored() const { return json::parse(read_file(trace_path() + "/artifacts/traces.json"))["spans"]; }
  void make_records() {
    start_ = &records_.add(TR_RECORD_TRACE_START, 0x11, 9);
    start_->name = str("answer");
    start_->group_id = str("conv");
    records_.attributes(*start_, {{str("user.id"), text("ada")}});
    for (uint64_t i = 0; i < 3; ++i) {
      tr_record& span = records_.span(0x11, 20 + i);
      span.input = text(TR_TYPE_JSON, R"({"q":1})");
      span.output = text("so");
      span.kind = TR_KIND_GENERATION;
      span.usage = {10, 5, 15, -1, -1, -1};
      spans_.push_back(&span);
    }
    end_ = &records_.add(TR_RECORD_TRACE_END, 0x11, 9);
    end_->name = str("answer");
    end_->group_id = str("conv");
    records_.attributes(*end_, {{str("stop_reason"), text("final")}, {str("../evil"), text("x")}});
  }
  std::string run_;
  Records records_;
  tr_record* start_ = nullptr;
  tr_record* end_ = nullptr;
  std::vector<const tr_record*> spans_;
};

TEST_F(MlflowFileTraces, come_whole_from_parts_even_of_several_processes) {
  make_records();
  {
    FileStore store(root());
    run_ = start_run(store);
    TracePart first = part();
    first.start = start_;
    first.spans = {spans_[0], spans_[1]};
    ASSERT_FALSE(store.send_traces({first}, &refused_));
  }
  EXPECT_FALSE(fs::exists(trace_path()));
  const std::string pending = root() + "/" + experiment_ + "/traces/.tr-" + std::string(32, '1') + ".spans";
  fs::resize_file(pending, fs::file_size(pending) - 5);  // it died while it wrote
  FileStore store(root());
  TracePart again = part();
  again.spans = {spans_[1]};
  ASSERT_FALSE(store.send_traces({again}, &refused_));
  TracePart last = part();
  last.spans = {spans_[2]};
  last.end = end_;
  last.tags = {{"env", "dev"}};
  ASSERT_FALSE(store.send_traces({last}, &refused_));
  EXPECT_FALSE(fs::exists(pending));
  const json spans = stored();
  ASSERT_EQ(spans.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(spans[i]["parent_span_id"], spans[3]["span_id"]);
    EXPECT_EQ(spans[i]["attributes"]["session.id"], "\"conv\"");
    EXPECT_EQ(spans[i]["attributes"]["user.id"], "\"ada\"");
  }
  EXPECT_TRUE(spans[3]["parent_span_id"].is_null());
  EXPECT_EQ(read_file(trace_path() + "/request_metadata/mlflow.trace.tokenUsage"),
            R"({"input_tokens":30,"output_tokens":15,"total_tokens":45})");
  EXPECT_EQ(read_file(trace_path() + "/request_metadata/mlflow.sourceRun"), run_);
  EXPECT_EQ(read_file(trace_path() + "/tags/stop_reason"), "final");
  EXPECT_EQ(read_file(trace_path() + "/tags/env"), "dev");
  EXPECT_EQ(read_file(trace_path() + "/tags/mlflow.traceName"), "answer");
  EXPECT_THAT(read_file(trace_path() + "/trace_info.yaml"), HasSubstr("request_preview: '{\"q\":1}'\n"));
  EXPECT_FALSE(fs::exists(root() + "/" + experiment_ + "/evil"));
}

TEST_F(MlflowFileTraces, are_the_same_when_told_again) {
  make_records();
  FileStore store(root());
  run_ = start_run(store);
  TracePart whole = part();
  whole.start = start_;
  whole.spans = spans_;
  whole.end = end_;
  ASSERT_FALSE(store.send_traces({whole}, &refused_));
  const std::string before = read_file(trace_path() + "/artifacts/traces.json");
  const std::string info = read_file(trace_path() + "/trace_info.yaml");
  FileStore other(root());
  ASSERT_FALSE(other.send_traces({whole}, &refused_));
  EXPECT_EQ(read_file(trace_path() + "/artifacts/traces.json"), before);
  EXPECT_EQ(read_file(trace_path() + "/trace_info.yaml"), info);
}

// Nothing is on disk of its start, nor in the memory of this process.
TEST_F(MlflowFileTraces, hang_together_by_what_each_part_says) {
  make_records();
  FileStore store(root());
  run_ = start_run(store);
  TracePart first = part();
  first.spans = {spans_[0]};
  first.root_id = "0900000000000000";
  first.group_id = "told";
  first.request_preview = "asked";
  ASSERT_FALSE(store.send_traces({first}, &refused_));
  TracePart last = first;
  last.spans.clear();
  last.end = end_;
  ASSERT_FALSE(store.send_traces({last}, &refused_));
  const json spans = stored();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0]["parent_span_id"], spans[1]["span_id"]);
  EXPECT_EQ(spans[0]["attributes"]["session.id"], "\"told\"");
}

// What goes on is cut off at the limit; what is told with the end, too, but for the trace's own span.
TEST_F(MlflowFileTraces, count_the_spans_for_which_there_is_no_room) {
  make_records();
  FileStore store(root(), 1'600);
  run_ = start_run(store);
  TracePart first = part();
  first.start = start_;
  first.spans = {spans_[0]};
  ASSERT_FALSE(store.send_traces({first}, &refused_));
  EXPECT_TRUE(refused_.empty());
  TracePart second = part();
  second.spans = {spans_[1], spans_[2]};
  ASSERT_FALSE(store.send_traces({second}, &refused_));
  ASSERT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_[0].items, 2u);
  EXPECT_EQ(refused_[0].what, "spans");
  TracePart last = second;
  last.end = end_;
  ASSERT_FALSE(store.send_traces({last}, &refused_));
  ASSERT_EQ(refused_.size(), 2u);
  EXPECT_EQ(stored().size(), 4 - refused_[1].items);
  EXPECT_EQ(stored().back()["name"], "answer");
}

TEST_F(MlflowFileTraces, a_failed_one_says_so_and_an_unknown_experiment_is_told) {
  make_records();
  FileStore store(root());
  run_ = start_run(store);
  end_->flags = TR_RECORD_FAILED;
  TracePart whole = part();
  whole.end = end_;
  ASSERT_FALSE(store.send_traces({whole}, &refused_));
  EXPECT_THAT(read_file(trace_path() + "/trace_info.yaml"), HasSubstr("state: ERROR\n"));
  whole.experiment_id = "123";
  EXPECT_EQ(store.send_traces({whole}, &refused_).code, TR_ENOENT);
}

TEST(MlflowYaml, texts_come_back) {
  for (const std::string& each : {std::string(), std::string("plain"), std::string("it's"),
                                  std::string("a\nb\t\"c\"\\"), std::string("\xE2\x80\xA8 line"), std::string("null"),
                                  std::string(" 12 "), std::string("x\0y", 3), std::string("\xC2\x85\xEF\xBB\xBF")}) {
    EXPECT_EQ(yaml_value("a: 1\nk: " + yaml_text(each) + "\nz: 2\n", "k"), each) << yaml_text(each);
  }
  EXPECT_EQ(yaml_value("k: 'folded\n  text\n\n  more'\n", "k"), "folded text\nmore");
  EXPECT_EQ(yaml_value("k: \"a\\\n  \\ b\"\n", "k"), "a b");
  EXPECT_EQ(yaml_value("kk: 1\n", "k"), std::nullopt);
  EXPECT_EQ(yaml_value("k: [1]\n", "k"), std::nullopt);
  for (const char* broken : {"k: 'a", "k: \"a", "k: \"\\x1\"", "k: \"\\q\"", "k:", "k", ":", "\n\n", "k: \"\\"}) {
    (void)yaml_value(broken, "k");
  }
  EXPECT_EQ(yaml_with("a: 1\nk: 'x\n  y'\nz: 2\n", "k", "3"), "a: 1\nk: 3\nz: 2\n");
  EXPECT_EQ(yaml_with("a: 1", "k", "3"), "a: 1\nk: 3\n");
}

TEST(MlflowStorePath, is_beside_what_mlflow_looks_at) {
  TempDirectory directory;
  const std::string& folder = directory.path();
  EXPECT_EQ(*file_store_root("", folder), folder + "/trunkline-mlflow/mlruns");
  fs::create_directories(folder + "/mlruns/0/abc/artifacts");
  EXPECT_EQ(*file_store_root("", folder), folder + "/trunkline-mlflow/mlruns");  // artifacts beside a database
  write_file(folder + "/mlruns/0/meta.yaml", "");
  EXPECT_EQ(*file_store_root("", folder), folder + "/mlruns");
  EXPECT_EQ(*file_store_root("file:///a/b%20c", folder), "/a/b c");
  EXPECT_EQ(*file_store_root("file:/a", folder), "/a");
  EXPECT_EQ(*file_store_root("file:a/b", folder), folder + "/a/b");
  EXPECT_EQ(*file_store_root("file://localhost/a", folder), "/a");
  EXPECT_EQ(*file_store_root("./a", folder), folder + "/./a");
  for (const char* other : {"file://elsewhere/a", "http://h/", "sqlite:///x", "file:", "file:%00", "databricks"}) {
    EXPECT_EQ(file_store_root(other, folder).error().code, TR_EINVAL) << other;
  }
  EXPECT_EQ(path_of_file_uri(file_uri("/a b/\xC3\xA9%41#?")), "/a b/\xC3\xA9%41#?");
}

}  // namespace
}  // namespace trunkline::mlflow
