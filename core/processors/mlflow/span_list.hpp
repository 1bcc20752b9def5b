// The spans of one trace as the objects of its file traces.json: gathered over the parts in which they are told, and
// what MLflow wants to know of the whole - what was asked and answered, and the tokens of all.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace trunkline::mlflow {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json);

// Members of an object; empty and 0: there is none of that type.
std::string text_of(const Json& object, const char* key);
int64_t number_of(const Json& object, const char* key);

// An attribute of a span as the JSON text that it is; empty: there is none.
std::string attribute_of(const Json& span, std::string_view key);

// Spans in the order in which they were first told, each once, as it was told last.
class SpanList {
 public:
  void add(Json span);
  // One object a line; what is none is left out.
  void add_lines(const std::string& lines);
  // The content of a traces.json.
  void add_file(const std::string& text);

  bool empty() const { return spans_.empty(); }
  std::string file() const { return dump(Json{{"spans", spans_}}); }

  // The span of the trace itself, the first that nothing is above; nullptr: there are no spans.
  Json* root();
  // Gives the root what the trace was asked and what it answered: of its first and its last step that say so.
  void give_content();
  // The sums of the tokens of all spans, as JSON; empty: none tells any.
  std::string usage() const;

 private:
  std::vector<Json> spans_;
  std::map<std::string, size_t> index_;
};

}  // namespace trunkline::mlflow
