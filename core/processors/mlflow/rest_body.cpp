#include "processors/mlflow/rest_body.hpp"

#include <algorithm>
#include <cmath>

#include "encode/json_writer.hpp"

namespace trunkline::mlflow {
namespace {

using encode::JsonObject;

// Of one call. The documented size is a million bytes; escapes and a proxy on the way want some room.
constexpr size_t kMostItems = 1000;
constexpr size_t kMostParams = 100;
constexpr size_t kMostTags = 100;
constexpr size_t kMostBytes = 800'000;

void append_number(std::string* out, double value) {
  if (std::isfinite(value)) return encode::append_json_f64(out, value);
  // A bare NaN costs all that follows it in the call, and the server says that all is well.
  out->append(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

void append_metric(std::string* out, const Metric& metric) {
  JsonObject object(out);
  object.string("key", metric.key);
  append_number(object.member("value"), metric.value);
  object.i64("timestamp", std::max<int64_t>(0, metric.timestamp_ms));
  object.i64("step", metric.step);
  object.close();
}

void append_item(std::string* out, const Item& item) {
  JsonObject object(out);
  object.string("key", item.key);
  object.string("value", item.value);
  object.close();
}

}  // namespace

size_t item_count(const RunItems& items) { return items.metrics.size() + items.params.size() + items.tags.size(); }

std::string item_name(const RunItems& items, size_t index) {
  if (index < items.metrics.size()) return "metric " + items.metrics[index].key;
  index -= items.metrics.size();
  if (index < items.params.size()) return "param " + items.params[index].key;
  return "tag " + items.tags[index - items.params.size()].key;
}

std::string create_run_body(const NewRun& run) {
  std::string body;
  JsonObject object(&body);
  object.string("experiment_id", run.experiment_id);
  object.string_unless_empty("user_id", run.user);
  object.string_unless_empty("run_name", run.name);
  object.i64("start_time", std::max<int64_t>(0, run.start_ms));
  std::string* tags = object.member("tags");
  tags->push_back('[');
  for (const Item& tag : run.tags) {
    if (tags->back() != '[') tags->push_back(',');
    append_item(tags, tag);
  }
  tags->push_back(']');
  object.close();
  return body;
}

std::string log_batch_body(const std::string& run_id, const RunItems& items, size_t first, size_t last, size_t* next) {
  const size_t params_at = items.metrics.size();
  const size_t tags_at = params_at + items.params.size();
  std::string lists[3];
  size_t counts[3] = {0, 0, 0};
  size_t bytes = 0;
  size_t at = first;
  for (; at < last && at - first < kMostItems && bytes < kMostBytes; ++at) {
    const size_t kind = at < params_at ? 0 : at < tags_at ? 1 : 2;
    if (counts[kind] == (kind == 0 ? kMostItems : kind == 1 ? kMostParams : kMostTags)) break;
    std::string piece;
    if (kind == 0) append_metric(&piece, items.metrics[at]);
    if (kind == 1) append_item(&piece, items.params[at - params_at]);
    if (kind == 2) append_item(&piece, items.tags[at - tags_at]);
    if (at > first && bytes + piece.size() > kMostBytes) break;
    bytes += piece.size() + 1;
    if (counts[kind]++ > 0) lists[kind].push_back(',');
    lists[kind] += piece;
  }
  *next = at;
  std::string body;
  JsonObject object(&body);
  object.string("run_id", run_id);
  constexpr std::string_view kNames[] = {"metrics", "params", "tags"};
  for (size_t kind = 0; kind < 3; ++kind) {
    if (counts[kind] > 0) *object.member(kNames[kind]) += "[" + lists[kind] + "]";
  }
  object.close();
  return body;
}

}  // namespace trunkline::mlflow
