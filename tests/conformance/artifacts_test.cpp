// Artifacts of runs: what is recorded of a file, and what is refused.
#include <sys/stat.h>

#include <filesystem>
#include <map>

#include "session.hpp"

namespace trunkline::conformance {
namespace {

struct Artifact {
  std::string path;
  std::map<std::string, std::string> attributes;
};

// The artifacts that are recorded by `record`, as a processor gets them.
std::vector<Artifact> recorded(const std::function<void()>& record) {
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
      if (r.type != TR_RECORD_RUN_ARTIFACT) continue;
      Artifact artifact{{r.name.data, r.name.size}, {}};
      for (size_t k = 0; k < r.attribute_count; ++k) {
        const tr_value& value = r.attributes[k].value;
        const bool is_text = value.type == TR_TYPE_STR;
        artifact.attributes[{r.attributes[k].key.data, r.attributes[k].key.size}] =
            is_text ? std::string(static_cast<const char*>(value.data), value.size) : std::to_string(value.i64);
      }
      static_cast<std::vector<Artifact>*>(self)->push_back(std::move(artifact));
    }
    return TR_OK;
  };
  EXPECT_EQ(tr_add_processor(&table, nullptr), TR_OK);
  record();
  EXPECT_EQ(tr_flush(10'000), TR_OK);
  EXPECT_EQ(tr_shutdown(10'000), TR_OK);
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

}  // namespace
}  // namespace trunkline::conformance
