#include "processors/mlflow/span_list.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "model/names.hpp"

namespace trunkline::mlflow {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

// As the JSON text that it is; empty: there is none.
std::string attribute_of(const Json& span, std::string_view key) {
  const auto attributes = span.find("attributes");
  if (attributes == span.end() || !attributes->is_object()) return {};
  return text_of(*attributes, std::string(key).c_str());
}

}  // namespace

struct SpanList::Spans {
  std::vector<Json> list;
  std::map<std::string, size_t> index;

  void add(Json span) {
    const std::string id = text_of(span, "span_id");
    if (id.empty()) return;
    const auto [found, is_new] = index.try_emplace(id, list.size());
    if (is_new) {
      list.push_back(std::move(span));
    } else {
      list[found->second] = std::move(span);
    }
  }
  Json* root() {
    for (Json& span : list) {
      if (span.contains("parent_span_id") && span["parent_span_id"].is_null()) return &span;
    }
    return list.empty() ? nullptr : &list.back();
  }
};

SpanList::SpanList() : spans_(std::make_unique<Spans>()) {}

SpanList::~SpanList() = default;

bool SpanList::empty() const { return spans_->list.empty(); }

std::string SpanList::file() const { return dump(Json{{"spans", spans_->list}}); }

void SpanList::add_lines(const std::string& lines) {
  for (size_t at = 0, end; (end = lines.find('\n', at)) != std::string::npos; at = end + 1) {
    Json span = Json::parse(lines.begin() + static_cast<std::ptrdiff_t>(at),
                            lines.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (span.is_object()) spans_->add(std::move(span));
  }
}

void SpanList::add_file(const std::string& text) {
  Json stored = Json::parse(text, nullptr, false);
  if (!stored.is_object() || !stored.contains("spans") || !stored["spans"].is_array()) return;
  for (Json& span : stored["spans"]) {
    if (span.is_object()) spans_->add(std::move(span));
  }
}

std::optional<RootSpan> SpanList::complete() {
  Json* const top = spans_->root();
  if (top == nullptr) return std::nullopt;
  const std::string id = text_of(*top, "span_id");
  std::string inputs = attribute_of(*top, names::kMlflowSpanInputs);
  std::string outputs = attribute_of(*top, names::kMlflowSpanOutputs);
  const bool has_outputs = !outputs.empty();
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  const bool has_inputs = !inputs.empty();
  for (const Json& span : spans_->list) {
    if (text_of(span, "parent_span_id") != id) continue;
    const std::string in = attribute_of(span, names::kMlflowSpanInputs);
    const std::string out = attribute_of(span, names::kMlflowSpanOutputs);
    const int64_t start = number_of(span, "start_time_unix_nano");
    const int64_t end = number_of(span, "end_time_unix_nano");
    if (!has_inputs && !in.empty() && start < first) {
      inputs = in;
      first = start;
    }
    if (!has_outputs && !out.empty() && end >= last) {
      outputs = out;
      last = end;
    }
  }
  if (!inputs.empty()) (*top)["attributes"][std::string(names::kMlflowSpanInputs)] = inputs;
  if (!outputs.empty()) (*top)["attributes"][std::string(names::kMlflowSpanOutputs)] = outputs;
  const auto status = top->find("status");
  const bool failed = status != top->end() && text_of(*status, "code") == "STATUS_CODE_ERROR";
  return RootSpan{text_of(*top, "name"),
                  std::move(inputs),
                  std::move(outputs),
                  number_of(*top, "start_time_unix_nano"),
                  number_of(*top, "end_time_unix_nano"),
                  failed};
}

std::string SpanList::usage() const {
  Json sums = Json::object();
  for (const Json& span : spans_->list) {
    const Json usage = Json::parse(attribute_of(span, names::kMlflowTokenUsage), nullptr, false);
    if (!usage.is_object()) continue;
    for (const auto& [key, tokens] : usage.items()) {
      if (tokens.is_number_integer()) sums[key] = sums.value(key, int64_t{0}) + tokens.get<int64_t>();
    }
  }
  return sums.empty() ? std::string() : dump(sums);
}

}  // namespace trunkline::mlflow
