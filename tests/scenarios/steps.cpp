// The steps that record.
#include <cstring>
#include <filesystem>

#include "scenarios/player.hpp"

namespace trunkline::scenarios {
namespace {

// A text as pointer and length for the call it is written in.
#define TEXT(text) (text).data(), (text).size()

tr_string view(const std::string& text) { return {text.data(), text.size()}; }

int set_by_type(tr_trace trace, const std::string& key, const tr_value& value) {
  const auto* text = static_cast<const char*>(value.data);
  switch (value.type) {
    case TR_TYPE_STR:
      return tr_trace_set_str(trace, TEXT(key), text, value.size);
    case TR_TYPE_I64:
      return tr_trace_set_i64(trace, TEXT(key), value.i64);
    case TR_TYPE_F64:
      return tr_trace_set_f64(trace, TEXT(key), value.f64);
    case TR_TYPE_BOOL:
      return tr_trace_set_bool(trace, TEXT(key), static_cast<int>(value.i64));
    case TR_TYPE_JSON:
      return tr_trace_set_json(trace, TEXT(key), text, value.size);
    default:
      return tr_trace_set_value(trace, TEXT(key), &value);
  }
}

int set_span_by_type(tr_span span, const std::string& key, const tr_value& value) {
  const auto* text = static_cast<const char*>(value.data);
  switch (value.type) {
    case TR_TYPE_STR:
      return tr_span_set_str(span, TEXT(key), text, value.size);
    case TR_TYPE_I64:
      return tr_span_set_i64(span, TEXT(key), value.i64);
    case TR_TYPE_F64:
      return tr_span_set_f64(span, TEXT(key), value.f64);
    case TR_TYPE_BOOL:
      return tr_span_set_bool(span, TEXT(key), static_cast<int>(value.i64));
    case TR_TYPE_BYTES:
      return tr_span_set_bytes(span, TEXT(key), value.data, value.size);
    case TR_TYPE_JSON:
      return tr_span_set_json(span, TEXT(key), text, value.size);
    default:
      return tr_span_set_value(span, TEXT(key), &value);
  }
}

tr_usage usage_of(const json& given) {
  Fields fields(given, "usage");
  const tr_usage usage{fields.integer("input", -1),       fields.integer("output", -1),
                       fields.integer("total", -1),       fields.integer("cache_read", -1),
                       fields.integer("cache_write", -1), fields.integer("reasoning", -1)};
  fields.finish();
  return usage;
}

}  // namespace

void Player::trace_start(Fields& step) {
  Values values;
  const std::string name = step.text("name");
  const std::string group = step.text("group_id", "");
  const std::string foreign = step.text("foreign_id", "");
  const std::string traceparent = step.text("traceparent", "");
  const auto& metadata = values.attributes(step.take("metadata", json::object()));
  tr_context parent{};
  parent.struct_size = sizeof parent;
  if (!traceparent.empty() && tr_context_extract(TEXT(traceparent), &parent) != TR_OK) {
    fail(step.what() + ": the traceparent is refused");
  }
  const tr_trace_options options{
      sizeof options, 0, view(group), view(foreign), traceparent.empty() ? nullptr : &parent, metadata.data(),
      metadata.size()};
  started(step, tr_trace_start(TEXT(name), &options));
}

void Player::trace_set(Fields& step) {
  Values values;
  const tr_trace trace = handle(step, "trace");
  const std::string key = step.text("key");
  check(step, set_by_type(trace, key, values.value(step.take("value"))));
}

void Player::trace_set_error(Fields& step) {
  const tr_trace trace = handle(step, "trace");
  const std::string type = step.text("type");
  const std::string message = step.text("message");
  check(step, tr_trace_set_error(trace, TEXT(type), TEXT(message)));
}

void Player::trace_event(Fields& step) {
  Values values;
  const tr_trace trace = handle(step, "trace");
  const std::string name = step.text("name");
  const auto& attributes = values.attributes(step.take("attributes", json::object()));
  check(step, tr_trace_event(trace, TEXT(name), TEXT(attributes)));
}

void Player::trace_end(Fields& step) { check(step, tr_trace_end(handle(step, "trace"))); }

void Player::span_start(Fields& step) {
  Values values;
  const tr_trace trace = handle(step, "trace");
  const tr_span parent = handle_or_none(step, "parent");
  const tr_kind kind = kind_of(step.take("kind"));
  const std::string name = step.text("name");
  if (!step.has("attributes")) return started(step, tr_span_start(trace, parent, kind, TEXT(name)));
  const auto& attributes = values.attributes(step.take("attributes"));
  started(step, tr_span_start_with(trace, parent, kind, TEXT(name), TEXT(attributes)));
}

void Player::span_set(Fields& step) {
  Values values;
  const tr_span span = handle(step, "span");
  const std::string key = step.text("key");
  check(step, set_span_by_type(span, key, values.value(step.take("value"))));
}

void Player::span_set_many(Fields& step) {
  Values values;
  const tr_span span = handle(step, "span");
  const auto& attributes = values.attributes(step.take("attributes"));
  check(step, tr_span_set_values(span, TEXT(attributes)));
}

void Player::span_set_usage(Fields& step) {
  const tr_span span = handle(step, "span");
  const tr_usage usage = usage_of(step.take("usage"));
  check(step, tr_span_set_usage(span, &usage));
}

void Player::span_set_model(Fields& step) {
  const tr_span span = handle(step, "span");
  const std::string model = step.text("model");
  check(step, tr_span_set_model(span, TEXT(model)));
}

void Player::span_set_score(Fields& step) {
  const tr_span span = handle(step, "span");
  const std::string name = step.text("name");
  check(step, tr_span_set_score(span, TEXT(name), real_of(step.take("score"))));
}

void Player::span_set_step(Fields& step) {
  const tr_span span = handle(step, "span");
  check(step, tr_span_set_step(span, step.integer("step")));
}

void Player::span_set_input(Fields& step) {
  Values values;
  const tr_span span = handle(step, "span");
  const tr_value value = values.value(step.take("value"));
  check(step, tr_span_set_input(span, value.type, static_cast<const char*>(value.data), value.size));
}

void Player::span_set_output(Fields& step) {
  Values values;
  const tr_span span = handle(step, "span");
  const tr_value value = values.value(step.take("value"));
  check(step, tr_span_set_output(span, value.type, static_cast<const char*>(value.data), value.size));
}

void Player::span_set_error(Fields& step) {
  const tr_span span = handle(step, "span");
  const std::string type = step.text("type");
  const std::string message = step.text("message");
  check(step, tr_span_set_error(span, TEXT(type), TEXT(message)));
}

void Player::span_set_foreign_id(Fields& step) {
  const tr_span span = handle(step, "span");
  const std::string id = step.text("id");
  check(step, tr_span_set_foreign_id(span, TEXT(id)));
}

void Player::span_event(Fields& step) {
  Values values;
  const tr_span span = handle(step, "span");
  const std::string name = step.text("name");
  const auto& attributes = values.attributes(step.take("attributes", json::object()));
  check(step, tr_span_event(span, TEXT(name), TEXT(attributes)));
}

void Player::span_end(Fields& step) {
  Values values;
  const tr_span span = handle(step, "span");
  if (!step.has("attributes")) return check(step, tr_span_end(span));
  const auto& attributes = values.attributes(step.take("attributes"));
  check(step, tr_span_end_with(span, TEXT(attributes)));
}

void Player::span_record(Fields& step) {
  Values values;
  const std::string name = step.text("name");
  const std::string foreign = step.text("foreign_id", "");
  const std::string type = step.text("error_type", "");
  const std::string message = step.text("error_message", "");
  const std::string id = step.text("id", "");
  const auto& attributes = values.attributes(step.take("attributes", json::object()));
  tr_span_data data{};
  data.struct_size = sizeof data;
  data.trace = handle(step, "trace");
  data.parent = handle_or_none(step, "parent");
  data.kind = kind_of(step.take("kind"));
  data.name = view(name);
  data.foreign_id = view(foreign);
  data.start_ns = step.integer("start_ns");
  data.end_ns = step.integer("end_ns");
  data.error_type = view(type);
  data.error_message = view(message);
  data.attributes = attributes.data();
  data.attribute_count = attributes.size();
  for (size_t i = 0; i + 1 < id.size(); i += 2) {
    data.span_id[i / 2] = static_cast<uint8_t>(std::stoi(id.substr(i, 2), nullptr, 16));
  }
  check(step, tr_span_record(&data));
}

void Player::compare_context(Fields& step, const std::string& traceparent) {
  if (!step.has("expect")) return;
  Fields expected(step.take("expect"), "the expected context");
  const std::lock_guard lock(mutex_);
  const auto field = [&](const char* member, size_t at, size_t size) {
    const std::string wanted = expected.text(member);
    const std::string shown = names_.show(traceparent.substr(at, size), wanted);
    if (shown != wanted) failures_.push_back(step.what() + ": " + member + " is " + shown);
  };
  field("trace", 3, 32);
  if (expected.has("parent")) field("parent", 36, 16);
  const std::string flags = expected.text("flags");
  if (traceparent.substr(53) != flags) failures_.push_back(step.what() + ": the flags are " + traceparent.substr(53));
  expected.finish();
}

void Player::inject(Fields& step) {
  char traceparent[TR_TRACEPARENT_SIZE + 1] = {};
  const int result =
      tr_context_inject(handle(step, step.has("trace") ? "trace" : "span"), traceparent, sizeof traceparent);
  check(step, result);
  if (result == TR_OK) compare_context(step, traceparent);
}

void Player::extract(Fields& step) {
  const std::string traceparent = step.text("traceparent");
  tr_context context{};
  context.struct_size = sizeof context;
  const int result = tr_context_extract(TEXT(traceparent), &context);
  check(step, result);
  if (result != TR_OK) return;
  const auto flags = static_cast<uint8_t>(context.flags);
  compare_context(step,
                  "00-" + hex_of(context.trace_id, 16) + "-" + hex_of(context.span_id, 8) + "-" + hex_of(&flags, 1));
}

void Player::run_start(Fields& step) {
  Values values;
  const std::string name = step.text("name", "");
  const std::string project = step.text("project", "");
  const std::string group = step.text("group_id", "");
  const auto& config = values.attributes(step.take("config", json::object()));
  const tr_run_options options{
      sizeof options, 0, handle_or_none(step, "trace"), view(name), view(project), view(group), config.data(),
      config.size()};
  started(step, tr_run_start(&options));
}

void Player::run_log(Fields& step) {
  Values values;
  const tr_run run = handle(step, "run");
  const int64_t number = step.integer("step", -1);
  const auto& attributes = values.attributes(step.take("metrics"));
  check(step, tr_run_log(run, number, TEXT(attributes)));
}

void Player::run_set_summary(Fields& step) {
  Values values;
  const tr_run run = handle(step, "run");
  const auto& attributes = values.attributes(step.take("items"));
  check(step, tr_run_set_summary(run, TEXT(attributes)));
}

void Player::run_set_config(Fields& step) {
  Values values;
  const tr_run run = handle(step, "run");
  const auto& attributes = values.attributes(step.take("items"));
  check(step, tr_run_set_config(run, TEXT(attributes)));
}

void Player::run_set_tag(Fields& step) {
  const tr_run run = handle(step, "run");
  const std::string key = step.text("key");
  const std::string value = step.text("value");
  check(step, tr_run_set_tag(run, TEXT(key), TEXT(value)));
}

// A file with this content, a folder with these files, or the name of neither.
std::string Player::new_file(Fields& given) {
  std::string file = directories_.back().file("file-" + std::to_string(++files_));
  if (given.has("content")) test::write_file(file, given.text("content"));
  const json folder = given.take("folder", json::object());
  for (const auto& [name, content] : folder.items()) {
    const std::filesystem::path inside = std::filesystem::path(file) / name;
    std::filesystem::create_directories(inside.parent_path());
    test::write_file(inside.string(), content.get<std::string>());
  }
  return file;
}

void Player::run_log_artifact(Fields& step) {
  const tr_run run = handle(step, "run");
  const std::string path = step.text("path");
  const std::string file = new_file(step);
  check(step, tr_run_log_artifact(run, TEXT(path), TEXT(file)));
}

void Player::run_log_media(Fields& step) {
  const tr_run run = handle(step, "run");
  const int64_t number = step.integer("step", -1);
  const std::string key = step.text("key");
  const std::string media = step.text("media");
  const std::string file = new_file(step);
  const tr_media kind = media == "image"  ? TR_MEDIA_IMAGE
                        : media == "html" ? TR_MEDIA_HTML
                                          : throw Refused("the unknown media " + media);
  check(step, tr_run_log_media(run, number, TEXT(key), kind, TEXT(file)));
}

void Player::run_add_artifact(Fields& step) {
  Values values;
  const tr_run run = handle(step, "run");
  std::vector<tr_string> aliases;
  std::vector<tr_artifact_file> files;
  for (const json& each : step.take("aliases", json::array())) aliases.push_back(values.text(each.get<std::string>()));
  for (const json& each : step.take("files")) {
    Fields file(each, "a file");
    const tr_string path = values.text(file.text("path"));
    files.push_back({path, values.text(new_file(file))});
    file.finish();
  }
  const auto& metadata = values.attributes(step.take("metadata", json::object()));
  const tr_artifact artifact{sizeof artifact,
                             0,
                             values.text(step.text("name")),
                             values.text(step.text("type")),
                             values.text(step.text("description", "")),
                             aliases.data(),
                             aliases.size(),
                             metadata.data(),
                             metadata.size(),
                             files.data(),
                             files.size()};
  check(step, tr_run_add_artifact(run, &artifact));
}

void Player::run_use_artifact(Fields& step) {
  const tr_run run = handle(step, "run");
  const std::string name = step.text("name");
  check(step, tr_run_use_artifact(run, TEXT(name)));
}

void Player::run_finish(Fields& step) {
  const tr_run run = handle(step, "run");
  const std::string status = step.text("status");
  const tr_run_status number = status == "finished" ? TR_RUN_FINISHED
                               : status == "failed" ? TR_RUN_FAILED
                               : status == "killed" ? TR_RUN_KILLED
                                                    : throw Refused("the unknown status " + status);
  check(step, tr_run_finish(run, number, static_cast<int32_t>(step.integer("exit_code"))));
}

#undef TEXT

}  // namespace trunkline::scenarios
