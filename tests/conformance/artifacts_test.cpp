// Artifacts of runs: what is recorded of a file, and what is refused.
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "session.hpp"
#include "trunkline.hpp"

namespace trunkline::conformance {
namespace {

struct Artifact {
  std::string path;
  std::map<std::string, std::string> attributes;
};

// The artifacts that are recorded by `record`, as a processor gets them, and what the library said meanwhile.
std::vector<Artifact> recorded(const std::function<void()>& record, std::vector<std::string>* said = nullptr) {
  const TempDirectory folder;
  const Session session(folder.path());
  std::vector<Artifact> found;
  tr_processor table{};
  table.struct_size = sizeof table;
  table.user_data = &found;
  table.name = "reader";
  table.on_batch = [](void* self, const tr_batch* batch) {
    for (size_t i = 0; i < batch->count; ++i) {
      const tr_record& r = *batch->records[i];
      if (r.type < TR_RECORD_RUN_ARTIFACT) continue;
      Artifact artifact{{r.name.data, r.name.size}, {}};
      for (size_t k = 0; k < r.attribute_count; ++k) {
        const tr_value& value = r.attributes[k].value;
        const bool is_text = value.type == TR_TYPE_STR || value.type == TR_TYPE_JSON;
        artifact.attributes[{r.attributes[k].key.data, r.attributes[k].key.size}] =
            is_text ? std::string(static_cast<const char*>(value.data), value.size) : std::to_string(value.i64);
      }
      static_cast<std::vector<Artifact>*>(self)->push_back(std::move(artifact));
    }
    return TR_OK;
  };
  EXPECT_EQ(tr_add_processor(&table, nullptr), TR_OK);
  record();
  EXPECT_EQ(tr_flush(60'000), TR_OK);
  EXPECT_EQ(tr_shutdown(60'000), TR_OK);
  if (said != nullptr) *said = session.messages();
  return found;
}

TEST(Artifacts, SayWhichVersionOfWhichFileTheyAre) {
  const TempDirectory folder;
  const std::string file = folder.file("list");
  test::write_file(file, "content");
  struct stat about {};
  ASSERT_EQ(::stat(file.c_str(), &about), 0);
  const int64_t modified_ns = int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec;
  const auto found = recorded([&] {
    const tr_run run = tr_run_start(nullptr);
    EXPECT_EQ(tr_run_log_artifact(run, "a/list", TR_NUL, file.data(), file.size()), TR_OK);
    const std::string relative = std::filesystem::relative(file);
    EXPECT_EQ(tr_run_log_artifact(run, "b", TR_NUL, relative.data(), relative.size()), TR_OK);
    test::write_file(file, "other");  // the record is about what was there
    tr_run_finish(run, TR_RUN_FINISHED, 0);
  });
  ASSERT_EQ(found.size(), 2u);
  const std::map<std::string, std::string> expected = {
      {"file", file}, {"size", "7"}, {"modified_ns", std::to_string(modified_ns)}};
  EXPECT_EQ(found[0].path, "a/list");
  EXPECT_EQ(found[0].attributes, expected);
  EXPECT_TRUE(std::filesystem::path(found[1].attributes.at("file")).is_absolute());
  EXPECT_TRUE(std::filesystem::equivalent(found[1].attributes.at("file"), file));
}

TEST(Artifacts, WhatIsNoneIsRefused) {
  const TempDirectory folder;
  const std::string file = folder.file("list");
  test::write_file(file, "content");
  const auto log = [](tr_run run, const std::string& path, const std::string& from) {
    return tr_run_log_artifact(run, path.data(), path.size(), from.data(), from.size());
  };
  const auto found = recorded([&] {
    const tr_trace trace = tr_trace_start("trace", TR_NUL, nullptr);
    const tr_run run = tr_run_start(nullptr);
    for (const std::string bad : {"", "/a", "a/", "a//b", "..", "../a", "a/./b", "\xff"}) {
      EXPECT_EQ(log(run, bad, file), TR_EINVAL) << bad;
    }
    EXPECT_EQ(log(run, std::string("a\0b", 3), file), TR_EINVAL);
    EXPECT_EQ(log(run, "a", ""), TR_EINVAL);
    EXPECT_EQ(log(run, "a", "\xff"), TR_EINVAL);
    EXPECT_EQ(tr_run_log_artifact(run, "a", TR_NUL, nullptr, 1), TR_EINVAL);
    EXPECT_EQ(tr_run_log_artifact(run, nullptr, 1, file.data(), file.size()), TR_EINVAL);
    for (const std::string bad : {"/", "/dev/null", "there/is/none"}) EXPECT_EQ(log(run, "a", bad), TR_EIO) << bad;
    EXPECT_EQ(log(trace, "a", "there/is/none"), TR_ESTALE);
    EXPECT_EQ(log(0, "a", "there/is/none"), TR_OK);
    EXPECT_EQ(tr_run_finish(run, TR_RUN_FINISHED, 0), TR_OK);
    EXPECT_EQ(log(run, "a", file), TR_ESTALE);
    tr_trace_end(trace);
  });
  EXPECT_TRUE(found.empty());
}

tr_artifact artifact_of(const tr_artifact_file* files, size_t count) {
  tr_artifact artifact{};
  artifact.struct_size = sizeof artifact;
  artifact.name = {"index", 5};
  artifact.type = {"dataset", 7};
  artifact.files = files;
  artifact.file_count = count;
  return artifact;
}

// A folder is all that is in it, in an order that does not depend on the disk; links to folders are left alone.
TEST(Artifacts, AFolderIsItsFilesWithTheirDigests) {
  const TempDirectory folder;
  const std::string data = folder.file("data");
  std::filesystem::create_directories(data + "/z/deep");
  test::write_file(data + "/z/deep/a", "abc");
  test::write_file(data + "/b", "");
  std::filesystem::create_symlink("b", data + "/link");
  std::filesystem::create_directory_symlink(".", data + "/round");
  const std::string with_slash = data + "/";
  const tr_artifact_file files[] = {{{"in", 2}, {with_slash.data(), with_slash.size()}}};
  const tr_artifact artifact = artifact_of(files, 1);
  const auto found = recorded([&] {
    const tr_run run = tr_run_start(nullptr);
    EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_OK);
    tr_run_finish(run, TR_RUN_FINISHED, 0);
    EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_ESTALE);
  });
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].path, "index");
  EXPECT_EQ(found[0].attributes.at("type"), "dataset");
  const nlohmann::json list = nlohmann::json::parse(found[0].attributes.at("files"));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0]["path"], "in/b");
  EXPECT_EQ(list[0]["md5"], "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(list[1]["path"], "in/link");
  EXPECT_EQ(list[2]["path"], "in/z/deep/a");
  EXPECT_EQ(list[2]["md5"], "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(list[2]["size"], 3);
  EXPECT_EQ(list[2]["file"], data + "/z/deep/a");
}

TEST(Artifacts, NamesThatNoneCanHaveAreRefused) {
  const TempDirectory folder;
  const std::string file = folder.file("list");
  test::write_file(file, "content");
  const tr_artifact_file files[] = {{{"x", 1}, {file.data(), file.size()}}};
  const auto found = recorded([&] {
    const tr_run run = tr_run_start(nullptr);
    for (const std::string bad : {"", ".", "..", "a/b", "a b", "a:b", "\xc3\xa4"}) {
      for (tr_string tr_artifact::*member : {&tr_artifact::name, &tr_artifact::type}) {
        tr_artifact artifact = artifact_of(files, 1);
        artifact.*member = {bad.data(), bad.size()};
        EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_EINVAL) << bad;
      }
      tr_artifact artifact = artifact_of(files, 1);
      const tr_string alias = {bad.data(), bad.size()};
      artifact.aliases = &alias;
      artifact.alias_count = 1;
      EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_EINVAL) << bad;
    }
    tr_run_finish(run, TR_RUN_FINISHED, 0);
  });
  EXPECT_TRUE(found.empty());
}

TEST(Artifacts, ThroughTheWrapper) {
  const TempDirectory folder;
  const std::string file = folder.file("list");
  test::write_file(file, "content");
  const auto found = recorded([&] {
    trunkline::Run run("a run");
    EXPECT_EQ(run.add_artifact("index", "dataset", {{trunkline::borrow("x"), trunkline::borrow(file)}},
                               {trunkline::borrow("best")}),
              TR_OK);
    EXPECT_EQ(run.use_artifact("other:v3"), TR_OK);
    EXPECT_EQ(run.log_media(-1, "page", TR_MEDIA_HTML, file), TR_OK);
  });
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].path, "index");
  EXPECT_EQ(found[1].path, "other:v3");
  EXPECT_EQ(found[2].attributes.at("media"), "html");
  EXPECT_EQ(found[2].attributes.at("sha256"), "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73");
}

// Who takes the library's messages must not call it, and does not wait for itself when it does.
TEST(Artifacts, ACallFromWhereMessagesGoDoesNotWaitForItself) {
  const TempDirectory folder;
  static int calls;
  static tr_run run;
  calls = 0;
  const Session session(folder.path(), [](tr_config& config) {
    config.log = [](void*, tr_level, const char*, size_t) {
      ++calls;
      EXPECT_EQ(tr_run_use_artifact(run, "a:", TR_NUL), TR_EINVAL);
    };
  });
  EXPECT_EQ(tr_run_use_artifact(0, "index:", TR_NUL), TR_OK) << "there is no run";
  EXPECT_EQ(calls, 0);
  run = tr_run_start(nullptr);
  EXPECT_EQ(tr_run_use_artifact(run, "index:", TR_NUL), TR_EINVAL);
  EXPECT_EQ(calls, 1);
}

// A code cannot tell which of many names and files it was.
TEST(Artifacts, WhatIsRefusedIsSaidInWords) {
  const TempDirectory folder;
  const std::string file = folder.file("list");
  test::write_file(file, "content");
  const std::string gone = folder.file("gone");
  const tr_artifact_file whole[] = {{{"a", 1}, {file.data(), file.size()}}};
  const tr_artifact_file missing[] = {{{"a", 1}, {file.data(), file.size()}}, {{"b", 1}, {gone.data(), gone.size()}}};
  tr_artifact nameless = artifact_of(whole, 1);
  nameless.name = {"two words", 9};
  const tr_artifact incomplete = artifact_of(missing, 2);
  std::vector<std::string> said;
  recorded(
      [&] {
        const tr_run run = tr_run_start(nullptr);
        EXPECT_EQ(tr_run_add_artifact(run, &nameless), TR_EINVAL);
        EXPECT_EQ(tr_run_add_artifact(run, &incomplete), TR_EIO);
        EXPECT_EQ(tr_run_log_media(run, 0, "loss", TR_NUL, TR_MEDIA_IMAGE, file.data(), file.size()), TR_EINVAL);
        EXPECT_EQ(tr_run_log_artifact(run, "../up", TR_NUL, file.data(), file.size()), TR_EINVAL);
        EXPECT_EQ(tr_run_use_artifact(run, "index:", TR_NUL), TR_EINVAL);
        EXPECT_EQ(tr_run_use_artifact(run, "index", TR_NUL), TR_OK);
        for (int i = 0; i < 200; ++i) EXPECT_EQ(tr_run_use_artifact(run, "index:", TR_NUL), TR_EINVAL);
        tr_run_finish(run, TR_RUN_FINISHED, 0);
      },
      &said);
  ASSERT_GT(said.size(), 5u);
  EXPECT_LT(said.size(), 150u);
  const std::pair<std::string, std::string> expected[] = {
      {"the artifact \"two words\" is not added: its name", "\"two words\""},
      {"the artifact \"index\" is not added: ", gone + ": No such file"},
      {"the media \"loss\" is not logged: ", file + " is neither PNG"},
      {"the file of a run is not logged: its path", "\"../up\""},
      {"it is not noted that artifact \"index:\" is used: ", "name:alias"}};
  for (size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(said[i].rfind(expected[i].first, 0), 0u) << said[i];
    EXPECT_NE(said[i].find(expected[i].second), std::string::npos) << said[i];
  }
  EXPECT_NE(said.back().find("is not said"), std::string::npos) << said.back();
}

// How much was said of refusals is the session's, not the process's.
TEST(Artifacts, EachSessionSaysAgainWhatIsRefused) {
  for (int session = 0; session < 2; ++session) {
    std::vector<std::string> said;
    recorded(
        [] {
          const tr_run run = tr_run_start(nullptr);
          for (int i = 0; i < 200; ++i) EXPECT_EQ(tr_run_use_artifact(run, "index:", TR_NUL), TR_EINVAL);
          tr_run_finish(run, TR_RUN_FINISHED, 0);
        },
        &said);
    EXPECT_EQ(said.size(), 100u);
  }
}

// A list that is longer than a value may be is no list: the caller hears of it, and so does who would deliver it.
TEST(Artifacts, AListThatIsTooLongIsSaid) {
  const TempDirectory folder;
  std::filesystem::create_directory(folder.file("data"));
  for (int i = 0; i < 100; ++i) test::write_file(folder.file("data") + "/" + std::to_string(i), "");
  const std::string data = folder.file("data");
  const tr_artifact_file files[] = {{{"", 0}, {data.data(), data.size()}}};
  const tr_artifact artifact = artifact_of(files, 1);
  ::setenv("TRUNKLINE_MAX_VALUE_BYTES", "4k", 1);
  const auto found = recorded([&] {
    const tr_run run = tr_run_start(nullptr);
    EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_ELIMIT);
    tr_run_finish(run, TR_RUN_FINISHED, 0);
  });
  ::unsetenv("TRUNKLINE_MAX_VALUE_BYTES");
  EXPECT_EQ(found.size(), 1u);
}

}  // namespace
}  // namespace trunkline::conformance
