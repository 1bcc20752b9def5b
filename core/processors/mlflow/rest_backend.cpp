#include "processors/mlflow/rest_backend.hpp"

#include <nlohmann/json.hpp>

#include "encode/json_writer.hpp"
#include "net/url.hpp"
#include "processors/mlflow/rest_body.hpp"

namespace trunkline::mlflow {
namespace {

using encode::JsonObject;
using nlohmann::json;

std::string api(const std::string& call) { return "/api/2.0/mlflow/" + call; }

json parse(const std::string& text) { return json::parse(text, nullptr, false); }

// A text at the end of a path of members; empty: it is not there.
std::string text_at(const json& tree, std::initializer_list<const char*> path) {
  const json* at = &tree;
  for (const char* name : path) {
    if (!at->is_object()) return {};
    const auto found = at->find(name);
    if (found == at->end()) return {};
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : std::string();
}

std::string body_of(std::initializer_list<Item> items) {
  std::string body;
  JsonObject object(&body);
  for (const Item& item : items) object.string(item.key, item.value);
  object.close();
  return body;
}

}  // namespace

Expected<std::string> RestBackend::find_experiment(const std::string& name) {
  std::string answer;
  if (Error error = rest_->get(api("experiments/get-by-name?experiment_name=") + net::escape_url(name), &answer)) {
    if (error.code == TR_ENOENT) return std::string();
    return error;
  }
  if (text_at(parse(answer), {"experiment", "lifecycle_stage"}) == "deleted") {
    return rest_->halt("MLflow's experiment \"" + name + "\" is deleted: restore it, or name another");
  }
  std::string id = text_at(parse(answer), {"experiment", "experiment_id"});
  if (id.empty()) return rest_->halt("what answers at " + destination() + " is no MLflow server");
  return id;
}

// Another process may make it between the two questions.
Expected<std::string> RestBackend::find_or_create_experiment(const std::string& name) {
  auto found = find_experiment(name);
  if (!found || !found->empty()) return found;
  std::string answer;
  if (Error error = rest_->post(api("experiments/create"), body_of({{"name", name}}), &answer)) {
    if (error.code == TR_EAGAIN) return error;
    found = find_experiment(name);
    if (!found || !found->empty()) return found;
    return rest_->halt("MLflow's experiment \"" + name + "\" cannot be made: " + error.message);
  }
  std::string id = text_at(parse(answer), {"experiment_id"});
  if (id.empty()) return rest_->halt("what answers at " + destination() + " is no MLflow server");
  return id;
}

Expected<std::string> RestBackend::find_run(const std::string& experiment_id, const Item& tag) {
  std::string body;
  JsonObject object(&body);
  *object.member("experiment_ids") += "[\"" + experiment_id + "\"]";
  object.string("filter", "tags.`" + tag.key + "` = '" + tag.value + "'");
  *object.member("order_by") += R"(["attributes.start_time DESC"])";
  object.i64("max_results", 1);
  object.close();
  std::string answer;
  if (Error error = rest_->post(api("runs/search"), std::move(body), &answer)) return error;
  const json found = parse(answer);
  const auto runs = found.find("runs");
  if (runs == found.end() || !runs->is_array() || runs->empty()) return std::string();
  return text_at((*runs)[0], {"info", "run_id"});
}

Expected<std::string> RestBackend::read_run(const std::string& run_id) {
  std::string answer;
  if (Error error = rest_->get(api("runs/get?run_id=") + net::escape_url(run_id), &answer)) return error;
  return answer;
}

Expected<std::string> RestBackend::read_tag(const std::string& run_id, const std::string& key) {
  const auto run = read_run(run_id);
  if (!run) return run.error();
  const json tags = parse(*run).value(json::json_pointer("/run/data/tags"), json::array());
  for (const json& tag : tags) {
    if (text_at(tag, {"key"}) == key) return text_at(tag, {"value"});
  }
  return std::string();
}

Expected<std::string> RestBackend::find_experiment_of(const std::string& run_id) {
  const auto run = read_run(run_id);
  if (!run) return run.error();
  return text_at(parse(*run), {"run", "info", "experiment_id"});
}

Expected<std::string> RestBackend::id_of_new_run(const Error& error, const std::string& answer) {
  if (error.code == TR_EAGAIN) return error;
  if (error) return rest_->halt("MLflow makes no run: " + error.message);
  std::string id = text_at(parse(answer), {"run", "info", "run_id"});
  if (id.empty()) return rest_->halt("what answers at " + destination() + " is no MLflow server");
  return id;
}

Expected<std::string> RestBackend::create_run(const NewRun& run) { return create_runs({run}).front(); }

std::vector<Expected<std::string>> RestBackend::create_runs(const std::vector<NewRun>& runs) {
  std::vector<std::string> bodies;
  bodies.reserve(runs.size());
  for (const NewRun& run : runs) bodies.push_back(create_run_body(run));
  std::vector<Expected<std::string>> ids;
  rest_->post_all(
      api("runs/create"), std::move(bodies),
      [&](const Error& error, const std::string& answer) { ids.push_back(id_of_new_run(error, answer)); }, true);
  return ids;
}

// Somebody may have deleted it: then nothing of it is worth trying one by one.
Error RestBackend::run_is_there(const std::string& run_id) {
  const auto run = read_run(run_id);
  if (!run) return run.error();
  if (text_at(parse(*run), {"run", "info", "lifecycle_stage"}) != "deleted") return Error::none();
  return {TR_ENOENT, "the run is deleted"};
}

Error RestBackend::log_slice(const std::string& run_id, const RunItems& items, Slice slice,
                             std::vector<Refusal>* refused) {
  while (slice.first < slice.last) {
    size_t next = 0;
    std::string answer;
    Error error =
        rest_->post(api("runs/log-batch"), log_batch_body(run_id, items, slice.first, slice.last, &next), &answer);
    if (error.code == TR_EAGAIN || error.code == TR_ENOENT) return error;
    if (error && next - slice.first == 1) {
      refused->push_back({item_name(items, slice.first), error.message});
    } else if (error) {
      if (Error gone = run_is_there(run_id)) return gone;
      const size_t middle = slice.first + (next - slice.first) / 2;
      if (Error failed = log_slice(run_id, items, {slice.first, middle}, refused)) return failed;
      if (Error failed = log_slice(run_id, items, {middle, next}, refused)) return failed;
    }
    slice.first = next;
  }
  return Error::none();
}

Error RestBackend::log_batch(const std::string& run_id, const RunItems& items, std::vector<Refusal>* refused) {
  return log_slice(run_id, items, {0, item_count(items)}, refused);
}

// What does not fit into one call follows, and what is refused is halved, run by run.
std::vector<Error> RestBackend::log_batches(std::vector<RunBatch>* batches) {
  std::vector<std::string> bodies;
  std::vector<size_t> ends(batches->size(), 0);
  for (size_t i = 0; i < batches->size(); ++i) {
    const RunBatch& batch = (*batches)[i];
    bodies.push_back(log_batch_body(batch.run_id, *batch.items, 0, item_count(*batch.items), &ends[i]));
  }
  std::vector<Error> errors;
  rest_->post_all(api("runs/log-batch"), std::move(bodies),
                  [&](Error error, const std::string& /*answer*/) { errors.push_back(std::move(error)); });
  for (size_t i = 0; i < errors.size() && errors[i].code != TR_EAGAIN; ++i) {
    if (errors[i].code == TR_ENOENT) continue;
    RunBatch& batch = (*batches)[i];
    const size_t first = errors[i] ? 0 : ends[i];
    errors[i] = log_slice(batch.run_id, *batch.items, {first, item_count(*batch.items)}, &batch.refused);
  }
  return errors;
}

Error RestBackend::update_run(const std::string& run_id, RunStatus status, int64_t end_ms) {
  return update_runs({{run_id, status, end_ms}}).front();
}

std::vector<Error> RestBackend::update_runs(const std::vector<RunUpdate>& updates) {
  constexpr std::string_view kNames[] = {"", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
  std::vector<std::string> bodies;
  for (const RunUpdate& update : updates) {
    JsonObject object(&bodies.emplace_back());
    object.string("run_id", update.run_id);
    object.string("status", kNames[static_cast<size_t>(update.status)]);
    if (update.end_ms > 0) object.i64("end_time", update.end_ms);
    object.close();
  }
  std::vector<Error> errors;
  rest_->post_all(api("runs/update"), std::move(bodies),
                  [&](Error error, const std::string& /*answer*/) { errors.push_back(std::move(error)); });
  return errors;
}

Error RestBackend::log_artifact(const std::string& run_id, const std::string& path, const std::string& file) {
  const auto run = read_run(run_id);
  if (!run) return run.error();
  const std::string uri = text_at(parse(*run), {"run", "info", "artifact_uri"});
  const auto place = artifact_path(uri);
  return place ? artifacts_.put_file(*place + "/" + path, file) : place.error();
}

}  // namespace trunkline::mlflow
