#include "processors/mlflow/span_list.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
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

Refusal too_many_spans(size_t most_bytes, uint64_t spans) {
  return {"spans", "those of one trace are more than " + std::to_string(most_bytes >> 20) + " MiB", spans};
}

// Kept as text, which takes a tenth of what it does when it is parsed.
struct SpanList::Spans {
  struct Span {
    std::string text;
    std::string parent_id;
    std::string usage;
  };
  std::vector<Span> list;
  std::unordered_map<std::string, size_t> index;
  size_t room = 0;
  uint64_t refused = 0;

  void add(const Json& span, std::string_view text, bool needs_room) {
    const std::string id = text_of(span, "span_id");
    if (id.empty()) return;
    const auto found = index.find(id);
    const size_t before = found == index.end() ? 0 : list[found->second].text.size();
    if (needs_room && text.size() > room + before) {
      ++refused;
      return;
    }
    room = room + before - std::min(room + before, text.size());
    Span told{std::string(text), text_of(span, "parent_span_id"), attribute_of(span, names::kMlflowTokenUsage)};
    if (found != index.end()) {
      list[found->second] = std::move(told);
      return;
    }
    index.emplace(id, list.size());
    list.push_back(std::move(told));
  }
  Span* root() {
    for (Span& span : list) {
      if (span.parent_id.empty()) return &span;
    }
    return list.empty() ? nullptr : &list.back();
  }
};

SpanList::SpanList(size_t most_bytes) : spans_(std::make_unique<Spans>()) { spans_->room = most_bytes; }

SpanList::~SpanList() = default;

bool SpanList::empty() const { return spans_->list.empty(); }

uint64_t SpanList::refused() const { return spans_->refused; }

std::string SpanList::file() const {
  std::string text = R"({"spans":[)";
  for (const Spans::Span& span : spans_->list) {
    if (text.back() != '[') text.push_back(',');
    text += span.text;
  }
  return text + "]}";
}

void SpanList::add_lines(std::string_view lines) {
  for (size_t at = 0, end; (end = lines.find('\n', at)) != std::string_view::npos; at = end + 1) {
    const std::string_view line = lines.substr(at, end - at);
    const Json span = Json::parse(line, nullptr, false);
    if (span.is_object()) spans_->add(span, line, true);
  }
}

void SpanList::add_file(const std::string& text) {
  const Json stored = Json::parse(text, nullptr, false);
  if (!stored.is_object() || !stored.contains("spans") || !stored["spans"].is_array()) return;
  for (const Json& span : stored["spans"]) {
    if (span.is_object()) spans_->add(span, dump(span), true);
  }
}

void SpanList::add_root(std::string_view line) {
  const Json span = Json::parse(line, nullptr, false);
  if (span.is_object()) spans_->add(span, line, false);
}

std::optional<RootSpan> SpanList::complete() {
  Spans::Span* const top = spans_->root();
  if (top == nullptr) return std::nullopt;
  Json root = Json::parse(top->text);
  const std::string id = text_of(root, "span_id");
  std::string inputs = attribute_of(root, names::kMlflowSpanInputs);
  std::string outputs = attribute_of(root, names::kMlflowSpanOutputs);
  const bool has_outputs = !outputs.empty();
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  const bool has_inputs = !inputs.empty();
  for (const Spans::Span& below : spans_->list) {
    if (below.parent_id != id || (has_inputs && has_outputs)) continue;
    const Json span = Json::parse(below.text);
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
  if (!inputs.empty()) root["attributes"][std::string(names::kMlflowSpanInputs)] = inputs;
  if (!outputs.empty()) root["attributes"][std::string(names::kMlflowSpanOutputs)] = outputs;
  top->text = dump(root);
  const auto status = root.find("status");
  const bool failed = status != root.end() && text_of(*status, "code") == "STATUS_CODE_ERROR";
  return RootSpan{text_of(root, "name"),
                  std::move(inputs),
                  std::move(outputs),
                  number_of(root, "start_time_unix_nano"),
                  number_of(root, "end_time_unix_nano"),
                  failed};
}

std::string SpanList::usage() const {
  Json sums = Json::object();
  for (const Spans::Span& span : spans_->list) {
    if (span.usage.empty()) continue;
    const Json usage = Json::parse(span.usage, nullptr, false);
    if (!usage.is_object()) continue;
    for (const auto& [key, tokens] : usage.items()) {
      if (tokens.is_number_integer()) sums[key] = sums.value(key, int64_t{0}) + tokens.get<int64_t>();
    }
  }
  return sums.empty() ? std::string() : dump(sums);
}

}  // namespace trunkline::mlflow
