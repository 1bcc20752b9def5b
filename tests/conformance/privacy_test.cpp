// Secrets are planted in every place a program can put one, and searched in everything that is written: the log, the
// store, JSON lines, the console, the library's own messages. A harmless marker in the same places must be found, or
// the search would prove nothing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "trunkline.h"

namespace {

namespace fs = std::filesystem;

std::string temporary_directory() {
  std::string pattern = (fs::temp_directory_path() / "trunkline-privacy-XXXXXX").string();
  return mkdtemp(pattern.data());
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Standard error in a file, for what the console processor and the library say.
class CapturedStderr {
 public:
  explicit CapturedStderr(const fs::path& path) : path_(path), saved_(dup(STDERR_FILENO)) {
    static_cast<void>(!std::freopen(path.c_str(), "w", stderr));
  }
  ~CapturedStderr() {
    std::fflush(stderr);
    dup2(saved_, STDERR_FILENO);
    close(saved_);
  }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

 private:
  fs::path path_;
  int saved_;
};

tr_attribute text(const char* key, const std::string& value, tr_type type = TR_TYPE_STR) {
  return {{key, std::strlen(key)}, {type, 0, 0, 0, value.data(), value.size()}};
}

// Never takes anything, so that the log keeps its records.
int never(void*, const tr_batch*) { return TR_EAGAIN; }

struct Metrics {
  std::vector<std::string> seen;
};

int collect_metrics(void* user_data, const tr_batch* batch) {
  auto* metrics = static_cast<Metrics*>(user_data);
  for (size_t i = 0; i < batch->count; ++i) {
    const tr_record& r = *batch->records[i];
    std::ostringstream line;
    line << r.type << ' ' << r.kind << ' ' << std::string(r.name.data, r.name.size) << ' '
         << std::string(r.model.data, r.model.size) << ' ' << r.usage.input << '/' << r.usage.output << '/'
         << r.usage.total << ' ' << r.step << ' ' << r.score << ' ' << (r.flags & TR_RECORD_FAILED);
    for (size_t k = 0; k < r.attribute_count; ++k) {
      if (r.attributes[k].value.type == TR_TYPE_F64) line << ' ' << r.attributes[k].value.f64;
    }
    metrics->seen.push_back(line.str());
  }
  return TR_OK;
}

void add(const char* name, int (*on_batch)(void*, const tr_batch*), void* user_data, uint32_t flags) {
  tr_processor processor{};
  processor.struct_size = sizeof processor;
  processor.name = name;
  processor.flags = flags;
  processor.user_data = user_data;
  processor.on_batch = on_batch;
  ASSERT_EQ(tr_add_processor(&processor, nullptr), TR_OK);
}

tr_config config_for(const std::string& directory) {
  tr_config config;
  EXPECT_EQ(tr_config_init(&config, sizeof config), TR_OK);
  config.directory = directory.c_str();
  config.processors = "local,jsonl,console";
  return config;
}

const std::string kMarker = "harmless-marker";

// One secret for each place, recognisable in whatever remains of it.
class Secrets {
 public:
  // As the value of a key that is listed.
  const std::string& plain(const std::string& place) {
    return remember(place, "CANARY" + std::to_string(++n_) + "END");
  }
  // As a token that a built-in pattern knows.
  std::string token(const std::string& place) {
    return "sk-" + remember(place, "CANARY" + std::to_string(++n_) + "xxxxxxxxxxxxxxxxxxxxEND");
  }

  const std::map<std::string, std::string>& all() const { return all_; }

 private:
  const std::string& remember(const std::string& place, const std::string& secret) { return all_[place] = secret; }
  std::map<std::string, std::string> all_;
  int n_ = 100;
};

// An artifact and a page of this file, with facts that are nobody's business.
void add_files(tr_run run, const std::string& file, const tr_attribute* facts, size_t count) {
  const tr_artifact_file files[] = {{{"x", 1}, {file.data(), file.size()}}};
  tr_artifact artifact{};
  artifact.struct_size = sizeof artifact;
  artifact.name = {"index", 5};
  artifact.type = {"dataset", 7};
  artifact.metadata = facts;
  artifact.metadata_count = count;
  artifact.files = files;
  artifact.file_count = 1;
  EXPECT_EQ(tr_run_add_artifact(run, &artifact), TR_OK);
  EXPECT_EQ(tr_run_log_media(run, -1, "page", TR_NUL, TR_MEDIA_HTML, file.data(), file.size()), TR_OK);
}

void plant(Secrets* secrets, const std::string& directory) {
  const std::string metadata_json =
      R"({"note":")" + kMarker + R"(","nested":{"client_secret":")" + secrets->plain("metadata, in JSON") + "\"}}";
  const std::string metadata_key = secrets->plain("metadata, listed key");
  const tr_attribute metadata[] = {text("token", metadata_key), text("plan", metadata_json, TR_TYPE_JSON)};
  tr_trace_options options{};
  options.struct_size = sizeof options;
  options.metadata = metadata;
  options.metadata_count = 2;
  const std::string trace_name = "trace " + kMarker + " " + secrets->token("trace name");
  const tr_trace trace = tr_trace_start(trace_name.data(), trace_name.size(), &options);

  const std::string span_name = kMarker + " Bearer " + secrets->token("span name");
  const tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, span_name.data(), span_name.size());
  const std::string listed = secrets->plain("attribute, listed key");
  tr_span_set_str(span, "http.request.header.Authorization", TR_NUL, listed.data(), listed.size());
  const std::string value = "curl -H 'x: " + secrets->token("attribute, value") + "' " + kMarker;
  tr_span_set_str(span, "command", TR_NUL, value.data(), value.size());
  const std::string key = secrets->token("attribute, the key itself");
  tr_span_set_i64(span, key.data(), key.size(), 1);
  const std::string deep = R"({"a":{"b":[{"c":{"d":{"e":{"PassWord":")" + secrets->plain("six levels deep") +
                           R"("}}}}]},"m":")" + kMarker + "\"}";
  tr_span_set_input(span, TR_TYPE_JSON, deep.data(), deep.size());
  const std::string arguments =
      R"({"arguments":"{\"api_key\":\")" + secrets->plain("JSON in JSON") + R"(\",\"m\":\")" + kMarker + R"(\"}"})";
  tr_span_set_output(span, TR_TYPE_STR, arguments.data(), arguments.size());
  const std::string escaped = R"({"\u0061pi\u005fkey":")" + secrets->plain("escaped key") + "\"}";
  tr_span_set_json(span, "body", TR_NUL, escaped.data(), escaped.size());
  const std::string message = "401 for Bearer " + secrets->token("error message") + " " + kMarker;
  tr_span_set_error(span, "AuthError", TR_NUL, message.data(), message.size());
  const std::string cookie = secrets->plain("event, listed key");
  const std::string logged = "GET /?k=" + secrets->token("event, value") + " " + kMarker;
  const tr_attribute event[] = {text("cookie", cookie), text("line", logged)};
  tr_span_event(span, "log", TR_NUL, event, 2);
  const std::string one = secrets->token("text in an array");
  const tr_string strings[] = {{one.data(), one.size()}, {kMarker.data(), kMarker.size()}};
  const tr_value array{TR_TYPE_STR_ARRAY, 0, 0, 0, strings, 2};
  tr_span_set_value(span, "list", TR_NUL, &array);
  tr_span_end(span);
  tr_trace_event(trace, "note", TR_NUL, event, 2);

  const std::string config_secret = secrets->plain("run config");
  const std::string config_text = kMarker + " " + secrets->token("run config, value");
  const tr_attribute config[] = {text("aws_secret_access_key", config_secret), text("comment", config_text)};
  tr_run_options run_options{};
  run_options.struct_size = sizeof run_options;
  run_options.trace = trace;
  run_options.config = config;
  run_options.config_count = 2;
  const tr_run run = tr_run_start(&run_options);
  tr_run_set_summary(run, config, 2);
  const std::string tag = secrets->token("run tag");
  tr_run_set_tag(run, "by", TR_NUL, tag.data(), tag.size());
  const std::string file = directory + "/" + secrets->token("file of an artifact");
  std::ofstream(file).flush();
  EXPECT_EQ(tr_run_log_artifact(run, "artifact", TR_NUL, file.data(), file.size()), TR_OK);
  add_files(run, file, config, 2);
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  tr_trace_end(trace);
}

// Files by what they are.
std::map<std::string, std::string> written(const std::string& directory) {
  std::map<std::string, std::string> texts;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename().string();
    const std::string what = name == "recorder"                ? "recorder"
                             : name.rfind("seg-", 0) == 0      ? "log"
                             : name.rfind("traces.db", 0) == 0 ? "store"
                                                               : name;
    texts[what] += read_file(entry.path());
  }
  return texts;
}

TEST(Privacy, PlantedSecretsAreNowhere) {
  const std::string directory = temporary_directory();
  Secrets secrets;
  std::map<std::string, std::string> texts;
  {
    const CapturedStderr captured(fs::path(directory) / "stderr.txt");
    tr_config config = config_for(directory);
    config.log_level = TR_LEVEL_DEBUG;
    tr_error error{sizeof error, 0, {}};
    ASSERT_EQ(tr_init(&config, &error), TR_OK) << error.message;
    add("keeper", never, nullptr, TR_PROCESSOR_DURABLE);
    plant(&secrets, directory);
    tr_flush(2000);  // which times out: the keeper takes nothing
    std::fflush(stderr);
    texts = written(directory);
    tr_shutdown(300);
  }
  for (const char* what : {"log", "store", "traces.jsonl", "stderr.txt"}) {
    ASSERT_NE(texts[what].find(kMarker), std::string::npos) << "the search is blind: no marker in " << what;
    for (const auto& [place, secret] : secrets.all()) {
      EXPECT_EQ(texts[what].find(secret), std::string::npos) << place << " is in " << what;
    }
  }
  EXPECT_GE(secrets.all().size(), 17u);
  fs::remove_all(directory);
}

void record_content(const std::string& prompt, const std::string& file) {
  const std::string reason = "final";
  const tr_attribute metadata[] = {text("question", prompt), text("stop_reason", reason)};
  tr_trace_options options{};
  options.struct_size = sizeof options;
  options.metadata = metadata;
  options.metadata_count = 2;
  const tr_trace trace = tr_trace_start("content", TR_NUL, &options);
  for (int i = 0; i < 40; ++i) {
    const tr_span span = tr_span_start(trace, 0, TR_KIND_GENERATION, "chat", TR_NUL);
    const tr_usage usage{100 + i, 20, -1, -1, -1, -1};
    tr_span_set_usage(span, &usage);
    tr_span_set_model(span, "some-model", TR_NUL);
    tr_span_set_step(span, i);
    tr_span_set_score(span, "judge", TR_NUL, 0.25 * i);
    tr_span_set_f64(span, "temperature", TR_NUL, 0.5);
    tr_span_set_input(span, TR_TYPE_STR, prompt.data(), prompt.size());
    const std::string json = "{\"messages\":[\"" + prompt + "\"]}";
    tr_span_set_output(span, TR_TYPE_JSON, json.data(), json.size());
    tr_span_set_str(span, "gen_ai.input.messages", TR_NUL, json.data(), json.size());
    tr_span_set_bytes(span, "audio", TR_NUL, prompt.data(), prompt.size());
    const tr_string strings[] = {{prompt.data(), prompt.size()}};
    const tr_value array{TR_TYPE_STR_ARRAY, 0, 0, 0, strings, 1};
    tr_span_set_value(span, "stops", TR_NUL, &array);
    tr_span_set_error(span, "Refused", TR_NUL, prompt.data(), prompt.size());
    const tr_attribute event[] = {text("text", prompt)};
    tr_span_event(span, "message", TR_NUL, event, 1);
    if (i % 2 == 0) tr_span_end(span);
  }
  tr_run_options run_options{};
  run_options.struct_size = sizeof run_options;
  run_options.config = metadata;
  run_options.config_count = 2;
  const tr_run run = tr_run_start(&run_options);
  EXPECT_EQ(tr_run_log_artifact(run, "artifact", TR_NUL, file.data(), file.size()), TR_OK);
  add_files(run, file, metadata, 2);
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  tr_trace_end(trace);
}

std::map<std::string, std::string> run_with_content(tr_content content, const std::string& prompt, Metrics* metrics) {
  const std::string directory = temporary_directory();
  tr_config config = config_for(directory);
  config.processors = "local,jsonl";
  config.content = content;
  tr_error error{sizeof error, 0, {}};
  EXPECT_EQ(tr_init(&config, &error), TR_OK) << error.message;
  add("metrics", collect_metrics, metrics, 0);
  add("keeper", never, nullptr, TR_PROCESSOR_DURABLE);
  const std::string file = directory + "/canary-prompt.txt";
  std::ofstream(file).flush();
  record_content(prompt, file);
  const auto at_once = written(directory);  // with the recorder as it is just now
  tr_flush(1500);
  auto texts = written(directory);
  texts["recorder"] += at_once.count("recorder") != 0 ? at_once.at("recorder") : "";
  tr_shutdown(300);
  fs::remove_all(directory);
  return texts;
}

TEST(Privacy, ContentOffKeepsContentOutOfEverythingAndMetricsEqual) {
  std::string prompt;
  for (int i = 0; i < 400; ++i) prompt += "canary-prompt ";  // large enough for an extent
  Metrics with;
  Metrics without;
  auto on = run_with_content(TR_CONTENT_ON, prompt, &with);
  auto off = run_with_content(TR_CONTENT_OFF, prompt, &without);
  for (const char* what : {"recorder", "log", "store", "traces.jsonl"}) {
    EXPECT_NE(on[what].find("canary-prompt"), std::string::npos) << "the search is blind in " << what;
    EXPECT_FALSE(off[what].empty()) << what;
    EXPECT_EQ(off[what].find("canary-prompt"), std::string::npos) << "content in " << what;
  }
  EXPECT_GE(with.seen.size(), 43u);
  EXPECT_EQ(with.seen, without.seen);
}

}  // namespace
