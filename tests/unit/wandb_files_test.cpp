// Files, artifacts and media of a W&B run: what their records mean, said again or not, and what is copied into the
// folder of a run that is one.
#include <deque>

#include "processors/wandb/artifact_body.hpp"
#include "processors/wandb/log_reader.hpp"
#include "processors/wandb/offline_backend.hpp"
#include "processors/wandb/run_body.hpp"
#include "wandb_support.hpp"

namespace trunkline::wandb_test {
namespace {

using store_test::i64;
using store_test::messages;
using store_test::Records;
using store_test::saved_state;
using store_test::str;
using store_test::text;

class WandbRunFiles : public testing::Test {
 protected:
  void SetUp() override {
    saved_state().clear();
    messages().clear();
    records_.add(TR_RECORD_RUN_START, 0, 7).name = str("run");
  }
  std::string write(const std::string& name, const std::string& content) {
    const std::string path = directory_.file(name);
    test::write_file(path, content);
    return path;
  }
  void log_file(const std::string& path, const std::string& file) {
    const auto version = file_version(file);
    ASSERT_TRUE(version);
    tr_record& record = records_.add(TR_RECORD_RUN_ARTIFACT, 0, 7);
    record.name = str(keep(path));
    records_.attributes(record, {{str("file"), text(keep(file))},
                                 {str("size"), i64(version->size)},
                                 {str("modified_ns"), i64(version->modified_ns)}});
  }
  void log_page(const std::string& key, const std::string& file, int64_t step) {
    const auto media = processors::read_media(TR_MEDIA_HTML, file);
    ASSERT_TRUE(media);
    tr_record& record = records_.add(TR_RECORD_RUN_MEDIA, 0, 7);
    record.name = str(keep(key));
    record.step = step;
    records_.attributes(record, {{str("media"), text("html")},
                                 {str("file"), text(keep(media->file.file))},
                                 {str("size"), i64(media->file.version.size)},
                                 {str("modified_ns"), i64(media->file.version.modified_ns)},
                                 {str("sha256"), text(keep(media->file.digest))}});
  }
  void add_artifact(const std::string& name, const std::string& file) {
    std::vector<processors::RunFile> files;
    ASSERT_FALSE(processors::list_files("in/x", file, &files));
    ASSERT_FALSE(processors::read_files(&files));
    tr_record& record = records_.add(TR_RECORD_RUN_ADD_ARTIFACT, 0, 7);
    record.name = str(keep(name));
    records_.attributes(record, {{str("type"), text("dataset")},
                                 {str("files"), text(TR_TYPE_JSON, keep(processors::files_json(files)))}});
  }
  const std::string& keep(const std::string& words) { return texts_.emplace_back(words); }
  std::unique_ptr<wandb::Sink> online() {
    wandb::SinkOptions with = options();
    with.state_folder = directory_.file("states");
    return std::make_unique<wandb::Sink>(std::move(with), std::make_unique<MemoryBackend>(&stored_), nullptr,
                                         store_test::kHost);
  }
  std::unique_ptr<wandb::Sink> offline() {
    wandb::Place place;
    place.project = "proj";
    return std::make_unique<wandb::Sink>(options(),
                                         std::make_unique<wandb::OfflineBackend>(directory_.file("wandb"), place),
                                         nullptr, store_test::kHost);
  }
  std::filesystem::path folder() const { return std::filesystem::directory_iterator(directory_.file("wandb"))->path(); }
  wandb::LoggedRun logged() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
      if (entry.path().extension() != ".wandb") continue;
      auto run = wandb::read_wandb_log(test::read_file(entry.path().string()));
      EXPECT_TRUE(run);
      return std::move(*run);
    }
    ADD_FAILURE() << "there is no log";
    return {};
  }

  Stored stored_;
  Records records_;
  test::TempDirectory directory_;
  std::deque<std::string> texts_;
};

// However the batches are cut: a page is in the row of its step, or a row of its own, and named after that row.
TEST_F(WandbRunFiles, MediaAreValuesOfRows) {
  const std::string page = write("p", "<p>");
  tr_record& loss = records_.add(TR_RECORD_RUN_LOG, 0, 7);
  loss.step = 3;
  records_.attributes(loss, {{str("loss"), i64(1)}});
  log_page("a/page", page, 3);
  log_page("page", page, -1);
  log_page("page", page, 2);  // of a step that is over
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  for (const size_t each : {size_t{1}, size_t{2}, records_.size()}) {
    stored_ = {};
    const auto to = online();
    for (size_t i = 0; i < records_.size(); i += each) {
      ASSERT_EQ(deliver(*to, records_.pointers(i, i + each)), TR_OK);
    }
    const StoredRun& run = stored_.only();
    ASSERT_EQ(run.lines.size(), 3u);
    const std::string path = run.row(0)["a/page"]["path"];
    EXPECT_EQ(path.rfind("media/html/a/page_3_", 0), 0u) << path;
    EXPECT_EQ(run.row(0)["loss"], 1);
    EXPECT_EQ(run.row(0)["a/page"]["_type"], "html-file");
    EXPECT_EQ(run.row(0)["a/page"]["size"], 3);
    EXPECT_EQ(run.row(1)["page"]["path"].get<std::string>().rfind("media/html/page_4_", 0), 0u);
    EXPECT_EQ(run.row(2)["step"], 2);
    EXPECT_EQ(run.files.size(), 3u);
    EXPECT_EQ(run.files[0], path);
  }
}

// Whoever says an artifact again means the same; another of the same files is another.
TEST_F(WandbRunFiles, AnArtifactKeepsItsIds) {
  const std::string file = write("f", "content");
  add_artifact("index", file);
  add_artifact("index", file);
  for (int again = 0; again < 2; ++again) {
    saved_state().clear();
    ASSERT_EQ(deliver(*online(), records_.pointers()), TR_OK);
  }
  const std::vector<std::string>& ids = stored_.only().artifacts;
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[0].size(), 128u);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_EQ(ids[1], ids[3]);
  EXPECT_NE(ids[0], ids[1]);
}

TEST_F(WandbRunFiles, WhatWasNotRecordedIsSaidAndCounted) {
  records_.add(TR_RECORD_RUN_ARTIFACT, 0, 7).name = str("note");
  records_.add(TR_RECORD_RUN_ADD_ARTIFACT, 0, 7).name = str("index");
  records_.add(TR_RECORD_RUN_MEDIA, 0, 7).name = str("page");
  for (const char* files : {"[]", "{}", "[1]", R"([{"path": "../x", "file": "/f", "md5": "", "size": 1}])"}) {
    tr_record& record = records_.add(TR_RECORD_RUN_ADD_ARTIFACT, 0, 7);
    record.name = str(keep(std::string("bad") + files));
    records_.attributes(record, {{str("type"), text("t")}, {str("files"), text(TR_TYPE_JSON, files)}});
  }
  int failures = 0;
  stored_.fail = [&](bool after) { return after && failures++ == 0 ? Error{TR_EAGAIN, "down"} : Error::none(); };
  {
    const auto to = online();
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_EAGAIN);
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
  }
  EXPECT_TRUE(stored_.only().files.empty());
  EXPECT_TRUE(stored_.only().artifacts.empty());
  ASSERT_EQ(messages().size(), 8u);
  EXPECT_EQ(messages()[0], "W&B: the file note is not stored: its file was not recorded");
  EXPECT_EQ(messages().back(), "W&B: 7 files or artifacts are not stored");
}

// The folder of a run has all of them, as they were, and its log names the copies.
TEST_F(WandbRunFiles, AFolderHasItsFiles) {
  const std::string file = write("f", "content");
  log_file("notes/f", file);
  log_page("page", file, 0);
  add_artifact("index", file);
  records_.add(TR_RECORD_RUN_USE_ARTIFACT, 0, 7).name = str("other:v3");
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  ASSERT_EQ(deliver(*offline(), records_.pointers()), TR_OK);
  test::write_file(file, "changed");
  const wandb::LoggedRun run = logged();
  EXPECT_EQ(run.left_out, 0u);
  ASSERT_EQ(run.delta.files.size(), 2u);
  for (const processors::RunFile& each : run.delta.files) {
    EXPECT_EQ(test::read_file((folder() / "files" / each.path).string()), "content");
  }
  ASSERT_EQ(run.delta.artifacts.size(), 1u);
  const wandb::Artifact& artifact = run.delta.artifacts[0];
  EXPECT_EQ(artifact.files[0].path, "in/x");
  EXPECT_EQ(artifact.files[0].digest, "9a0364b9e99bb480dd25e1f0284c8555");
  EXPECT_EQ(test::read_file(artifact.files[0].file), "content");
  EXPECT_EQ(artifact.files[0].file.rfind(folder().string(), 0), 0u);
  ASSERT_EQ(run.delta.used.size(), 1u);
  EXPECT_EQ(run.delta.used[0].name, "other:v3");
  EXPECT_TRUE(messages().empty());
}

TEST_F(WandbRunFiles, WhatCannotBeCopiedIsSaidAndTheRestIsThere) {
  const std::string file = write("f", "content");
  const std::string changed = write("changed", "content");
  const std::string gone = write("gone", "content");
  log_file("a", file);
  log_file("a/b", file);  // a file is no folder
  log_file("changed", changed);
  log_file("gone", gone);
  add_artifact("index", changed);
  log_file("z", file);
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  test::write_file(changed, "longer than it was");
  std::filesystem::remove(gone);
  ASSERT_EQ(deliver(*offline(), records_.pointers()), TR_OK);
  const wandb::LoggedRun run = logged();
  ASSERT_EQ(run.delta.files.size(), 2u);
  EXPECT_EQ(run.delta.files[0].path, "a");
  EXPECT_EQ(run.delta.files[1].path, "z");
  EXPECT_TRUE(run.delta.artifacts.empty());
  EXPECT_TRUE(!std::filesystem::exists(folder() / "artifacts") || std::filesystem::is_empty(folder() / "artifacts"));
  EXPECT_TRUE(run.ended);
  EXPECT_EQ(messages().back(), "W&B: 4 files or artifacts are not stored");
}

// The same file of several runs is lost as often. What is said of it has an end, which is said.
TEST_F(WandbRunFiles, WhatIsLostIsCountedByRecord) {
  Records records;
  for (uint64_t run = 1; run <= 120; ++run) {
    records.add(TR_RECORD_RUN_START, 0, run).name = str("run");
    records.add(TR_RECORD_RUN_ARTIFACT, 0, run).name = str("agent.log");
    records.add(TR_RECORD_RUN_ARTIFACT, 0, run).name = str(keep("log of " + std::to_string(run)));
    records.add(TR_RECORD_RUN_FINISH, 0, run);
  }
  {
    const auto to = online();
    for (int again = 0; again < 2; ++again) ASSERT_EQ(deliver(*to, records.pointers()), TR_OK);
  }
  ASSERT_EQ(messages().size(), 102u);
  EXPECT_EQ(messages()[100], "W&B: there is more of this, which is not said");
  EXPECT_EQ(messages()[101], "W&B: 240 files or artifacts are not stored");
}

TEST_F(WandbRunFiles, ARunThatIsGivenUpLosesItsFiles) {
  const std::string file = write("f", "content");
  log_file("a", file);
  stored_.fail = [](bool) { return Error{TR_EINVAL, "a bad name"}; };
  {
    const auto to = online();
    ASSERT_EQ(deliver(*to, records_.pointers()), TR_OK);
    const size_t told = records_.size();
    stored_.fail = nullptr;
    log_file("b", file);
    add_artifact("index", file);
    ASSERT_EQ(deliver(*to, records_.pointers(told, records_.size())), TR_OK);
  }
  EXPECT_EQ(messages().back(), "W&B: 3 files or artifacts are not stored");
}

// A name for which there is no room costs its file, and holds nobody up.
TEST_F(WandbRunFiles, NamesThatAreTooLong) {
  const std::string file = write("f", "content");
  log_page(std::string(255, 'k'), file, 0);
  std::string deep(199, 'd');
  while (deep.size() < 3'800) deep += "/" + std::string(199, 'd');
  log_file(deep, file);
  log_file("z", file);
  records_.add(TR_RECORD_RUN_FINISH, 0, 7);
  const std::string place = directory_.file(std::string(200, 'w'));
  {
    wandb::Sink to(options(), std::make_unique<wandb::OfflineBackend>(place, wandb::Place{}), nullptr,
                   store_test::kHost);
    ASSERT_EQ(deliver(to, records_.pointers()), TR_OK);
  }
  EXPECT_EQ(messages().back(), "W&B: 2 files or artifacts are not stored");
  const auto run = std::filesystem::directory_iterator(place)->path();
  EXPECT_EQ(test::read_file((run / "files" / "z").string()), "content");
}

// A name of metrics or settings may be any text: what is sent and what is saved stays JSON.
TEST_F(WandbRunFiles, KeysMayBeAnyText) {
  wandb::RunState state;
  state.id = "x";
  state.start_ns = 1;
  state.config["a \"b\"\\\n"] = "1";
  state.summary["a \"b\"\\\n"] = "2";
  const json variables = json::parse(wandb::upsert_variables(state, {}));
  EXPECT_EQ(json::parse(variables["config"].get<std::string>())["a \"b\"\\\n"]["value"], 1);
  size_t next = 0;
  RunDelta delta;
  delta.summary = state.summary;
  const json body = json::parse(wandb::stream_body(state, delta, {{"a \"file\""}, {}}, 0, 1000, &next));
  const std::string line = body["files"]["wandb-summary.json"]["content"][0];
  EXPECT_EQ(json::parse(line)["a \"b\"\\\n"], 2);
  EXPECT_EQ(body["uploaded"], json({"a \"file\""}));
  EXPECT_EQ(wandb::parse_run_states(wandb::run_state_text("k", state)).at("k").summary, state.summary);
}

TEST(WandbArtifactNames, AreCompletedFromWhereTheyAreSaid) {
  const wandb::RunPlace run{"me", "proj", "id"};
  const auto whole = [&](const std::string& name) {
    const ArtifactName found = wandb::completed(*parse_artifact_name(name), run);
    return found.entity + " " + found.project + " " + found.name + ":" + found.alias;
  };
  EXPECT_EQ(whole("a"), "me proj a:latest");
  EXPECT_EQ(whole("a:v1"), "me proj a:v1");
  EXPECT_EQ(whole("p/a:v1"), "me p a:v1");
  EXPECT_EQ(whole("e/p/a:v1"), "e p a:v1");
}

TEST(WandbArtifactNames, DigestsGoThereAndBack) {
  const std::string hex = "9a0364b9e99bb480dd25e1f0284c8555";
  EXPECT_EQ(wandb::base64_of_hex(hex), "mgNkuembtIDdJeHwKEyFVQ==");
  EXPECT_EQ(wandb::hex_of_base64(wandb::base64_of_hex(hex)), hex);
  EXPECT_EQ(wandb::hex_of_base64("not base64!"), "");
}

}  // namespace
}  // namespace trunkline::wandb_test
