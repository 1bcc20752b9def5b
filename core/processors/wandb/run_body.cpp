#include "processors/wandb/run_body.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "encode/json_writer.hpp"
#include "net/url.hpp"

namespace trunkline::wandb {
namespace {

using encode::JsonObject;
using nlohmann::json;

constexpr const char* kOurs = "_wandb";  // of a config: facts of the client
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kMostLines = int64_t{1} << 53;

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const json* at(const json& tree, std::initializer_list<const char*> path) {
  const json* here = &tree;
  for (const char* name : path) {
    here = member(*here, name);
    if (here == nullptr) return nullptr;
  }
  return here;
}

std::string text_at(const json& tree, std::initializer_list<const char*> path) {
  const json* found = at(tree, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

// Of what a server says, what lies too deep is nothing: to write it down again takes a stack.
json parse(std::string_view text) {
  constexpr int kDeepest = 128;
  return json::parse(
      text, [](int depth, json::parse_event_t, json&) { return depth <= kDeepest; }, false);
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// The whole of it, for each upsert replaces it. A run can be gone on with by W&B's own client only if there is a `t`.
std::string config_text(const RunState& state) {
  std::string text;
  JsonObject config(&text);
  for (const auto& [key, value] : state.config) {
    std::string* out = config.any_member(key);
    *out += key == kOurs ? value : "{\"value\":" + value + "}";
  }
  if (state.config.count(kOurs) == 0) {
    std::string* out = config.member(kOurs);
    JsonObject ours(out);
    std::string* value = ours.member("value");
    JsonObject facts(value);
    facts.string("cli_version", std::string("trunkline-") + tr_version());
    std::string* telemetry = facts.member("t");
    JsonObject fields(telemetry);
    fields.string("5", tr_version());
    fields.close();
    facts.close();
    ours.close();
  }
  config.close();
  return text;
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) {
    if (list.size() > 1) list.push_back(',');
    encode::append_json_string(&list, text);
  }
  return list + "]";
}

// A file of a stream: lines from a number on, each as a text.
class Lines {
 public:
  Lines(JsonObject* files, const char* name, int64_t offset) : out_(files->member(name)), file_(out_) {
    file_.i64("offset", offset);
    content_ = file_.member("content");
    content_->push_back('[');
  }
  void add(std::string_view line) {
    if (content_->back() != '[') content_->push_back(',');
    encode::append_json_string(content_, line);
  }
  void close() {
    content_->push_back(']');
    file_.close();
  }

 private:
  std::string* out_;
  JsonObject file_;
  std::string* content_ = nullptr;
};

std::string summary_line(const RunState& state, const RunDelta& delta) {
  Values summary = state.summary;
  add_times(&summary, state);
  std::string line;
  JsonObject object(&line);
  for (const auto& [key, value] : summary) *object.any_member(key) += value;
  const int64_t seconds = (std::max(state.last_ns, delta.end_ns) - state.start_ns) / kNsPerSecond;
  *object.member(kOurs) += "{\"runtime\":" + std::to_string(std::max<int64_t>(0, seconds)) + "}";
  object.close();
  return line;
}

// A number of the last line of a tail, if there is one: what it says for sure, though other values may be no JSON.
template <class Number>
Number in_last_line(const json& bucket, const char* tail_name, std::string_view key, Number otherwise) {
  const json tail = parse(text_at(bucket, {tail_name}));
  if (!tail.is_array() || tail.empty() || !tail.back().is_string()) return otherwise;
  const std::string line = tail.back().get<std::string>();
  const std::string quoted = "\"" + std::string(key) + "\":";
  size_t begin = line.rfind(quoted);
  if (begin == std::string::npos) return otherwise;
  begin = line.find_first_not_of(' ', begin + quoted.size());
  if (begin != std::string::npos) std::from_chars(line.data() + begin, line.data() + line.size(), otherwise);
  return otherwise;
}

double number_at(const json& tree, std::initializer_list<const char*> path) {
  const json* found = at(tree, path);
  return found != nullptr && found->is_number() ? found->get<double>() : 0;
}

// How long it has run by what was last said of it, in rows, in the machine's figures or at its end.
int64_t time_run(const json& bucket, const json& summary) {
  constexpr double kMostSeconds = 1e9;
  const double seconds = std::max({in_last_line(bucket, "historyTail", "_runtime", 0.0),
                                   in_last_line(bucket, "eventsTail", "_runtime", 0.0),
                                   number_at(summary, {"_runtime"}), number_at(summary, {kOurs, "runtime"})});
  return seconds > 0 ? static_cast<int64_t>(std::min(seconds, kMostSeconds) * 1e9) : 0;
}

}  // namespace

std::string upsert_variables(const RunState& state, const Place& place) {
  std::string text;
  JsonObject object(&text);
  object.string("name", state.id);
  object.string("project", state.project.empty() ? place.project : state.project);
  object.string_unless_empty("entity", state.entity.empty() ? place.entity : state.entity);
  object.string_unless_empty("displayName", state.name);
  object.string_unless_empty("groupName", state.group);
  object.string_unless_empty("jobType", place.job_type);
  object.string_unless_empty("notes", place.notes);
  object.string_unless_empty("host", place.host);
  *object.member("tags") += list_of(state.tags);
  object.string("config", config_text(state));
  object.close();
  return text;
}

std::string run_variables(const RunState& state, const Place& place) {
  std::string text;
  JsonObject object(&text);
  object.string("name", state.id);
  object.string("project", state.project.empty() ? place.project : state.project);
  object.string_unless_empty("entity", state.entity.empty() ? place.entity : state.entity);
  object.close();
  return text;
}

bool read_place(const std::string& answer, RunState* state) {
  const json parsed = parse(answer);
  const std::string project = text_at(parsed, {"data", "upsertBucket", "bucket", "project", "name"});
  const std::string entity = text_at(parsed, {"data", "upsertBucket", "bucket", "project", "entity", "name"});
  if (project.empty() || entity.empty()) return false;
  state->project = project;
  state->entity = entity;
  return true;
}

bool read_found_run(const std::string& answer, RunState* state) {
  const json parsed = parse(answer);
  const json* bucket = at(parsed, {"data", "model", "bucket"});
  if (bucket == nullptr) return false;
  if (const json* count = member(*bucket, "historyLineCount"); count != nullptr && count->is_number_integer()) {
    state->lines = std::clamp<int64_t>(count->get<int64_t>(), 0, kMostLines);
  }
  state->next_step = processors::added(in_last_line<int64_t>(*bucket, "historyTail", "_step", -1), 1);
  state->resumed = true;
  const json summary = parse(text_at(*bucket, {"summaryMetrics"}));
  state->ran_ns = time_run(*bucket, summary);
  if (summary.is_object()) {
    for (const auto& [key, value] : summary.items()) {
      if (key.rfind('_', 0) != 0) state->summary[key] = dump(value);
    }
  }
  if (const json* tags = member(*bucket, "tags"); tags != nullptr && tags->is_array()) {
    for (const json& tag : *tags) {
      if (tag.is_string()) state->tags.push_back(tag.get<std::string>());
    }
  }
  return true;
}

void read_found_config(const std::string& answer, RunState* state) {
  const json parsed = parse(answer);
  const json config = parse(text_at(parsed, {"data", "model", "bucket", "config"}));
  if (!config.is_object()) return;
  for (const auto& [key, value] : config.items()) {
    const json* inner = member(value, "value");
    state->config.emplace(key, key == kOurs ? dump(value) : inner == nullptr ? "null" : dump(*inner));
  }
}

std::string stream_body(const RunState& state, const RunDelta& delta, const LastWord& last_word, size_t first,
                        size_t most_bytes, size_t* next) {
  std::string body;
  JsonObject object(&body);
  std::string* inner = object.member("files");
  JsonObject files(inner);
  size_t at_row = first;
  if (first < delta.rows.size()) {
    Lines lines(&files, "wandb-history.jsonl", state.lines + static_cast<int64_t>(first));
    do {
      lines.add(row_text(delta.rows[at_row], state));
    } while (++at_row < delta.rows.size() && body.size() < most_bytes);
    lines.close();
  }
  *next = at_row;
  const bool last = at_row == delta.rows.size();
  if (last && (!delta.rows.empty() || !delta.summary.empty() || last_word.exit_code)) {
    Lines summary(&files, "wandb-summary.json", 0);
    summary.add(summary_line(state, delta));
    summary.close();
  }
  files.close();
  if (last && !last_word.uploaded.empty()) *object.member("uploaded") += list_of(last_word.uploaded);
  if (last && last_word.exit_code) {
    *object.member("complete") += "true";
    object.i64("exitcode", *last_word.exit_code);
  }
  object.close();
  return body;
}

std::string stream_path(const RunState& state) {
  return "/files/" + net::escape_url(state.entity) + "/" + net::escape_url(state.project) + "/" +
         net::escape_url(state.id) + "/file_stream";
}

}  // namespace trunkline::wandb
