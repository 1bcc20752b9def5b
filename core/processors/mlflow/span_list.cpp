#include "processors/mlflow/span_list.hpp"

#include "model/names.hpp"

namespace trunkline::mlflow {

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t number_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

std::string attribute_of(const Json& span, std::string_view key) {
  const auto attributes = span.find("attributes");
  if (attributes == span.end() || !attributes->is_object()) return {};
  return text_of(*attributes, std::string(key).c_str());
}

void SpanList::add(Json span) {
  const std::string id = text_of(span, "span_id");
  if (id.empty()) return;
  const auto [found, is_new] = index_.try_emplace(id, spans_.size());
  if (is_new) {
    spans_.push_back(std::move(span));
  } else {
    spans_[found->second] = std::move(span);
  }
}

void SpanList::add_lines(const std::string& lines) {
  for (size_t at = 0, end; (end = lines.find('\n', at)) != std::string::npos; at = end + 1) {
    Json span = Json::parse(lines.begin() + static_cast<std::ptrdiff_t>(at),
                            lines.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (span.is_object()) add(std::move(span));
  }
}

void SpanList::add_file(const std::string& text) {
  Json stored = Json::parse(text, nullptr, false);
  if (!stored.is_object() || !stored.contains("spans") || !stored["spans"].is_array()) return;
  for (Json& span : stored["spans"]) {
    if (span.is_object()) add(std::move(span));
  }
}

Json* SpanList::root() {
  for (Json& span : spans_) {
    if (span.contains("parent_span_id") && span["parent_span_id"].is_null()) return &span;
  }
  return spans_.empty() ? nullptr : &spans_.back();
}

void SpanList::give_content() {
  Json* const top = root();
  if (top == nullptr) return;
  const std::string id = text_of(*top, "span_id");
  std::string inputs = attribute_of(*top, names::kMlflowSpanInputs);
  std::string outputs = attribute_of(*top, names::kMlflowSpanOutputs);
  const bool has_outputs = !outputs.empty();
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  const bool has_inputs = !inputs.empty();
  for (const Json& span : spans_) {
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
}

std::string SpanList::usage() const {
  Json sums = Json::object();
  for (const Json& span : spans_) {
    const Json usage = Json::parse(attribute_of(span, names::kMlflowTokenUsage), nullptr, false);
    if (!usage.is_object()) continue;
    for (const auto& [key, tokens] : usage.items()) {
      if (tokens.is_number_integer()) sums[key] = sums.value(key, int64_t{0}) + tokens.get<int64_t>();
    }
  }
  return sums.empty() ? std::string() : dump(sums);
}

}  // namespace trunkline::mlflow
