#include "processors/wandb/trace_tree.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "model/kinds.hpp"

namespace trunkline::wandb {
namespace {

using encode::HexId;
using encode::JsonObject;
using encode::view;
using nlohmann::json;

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kDeepest = 100;  // readers are recursive: what lies deeper lies beside

// W&B has four kinds.
const char* kind_of(tr_kind kind) {
  switch (kind) {
    case TR_KIND_GENERATION:
      return "LLM";
    case TR_KIND_WORKFLOW:
    case TR_KIND_AGENT:
    case TR_KIND_HANDOFF:
    case TR_KIND_DELEGATE:
    case TR_KIND_FANOUT:
      return "AGENT";
    case TR_KIND_TOOL:
    case TR_KIND_ACT:
    case TR_KIND_MCP:
    case TR_KIND_RETRIEVAL:
      return "TOOL";
    default:
      return "CHAIN";
  }
}

void append_side(JsonObject* object, const char* side, const char* name, const tr_value& value) {
  if (value.type == TR_TYPE_NULL) return;
  std::string* out = object->member(side);
  JsonObject inner(out);
  encode::append_json_value(inner.member(name), value);
  inner.close();
}

void append_attributes(JsonObject* span, const tr_record& record) {
  std::string* out = span->member("attributes");
  JsonObject all(out);
  all.string("kind", kind_name(record.kind));
  all.string_unless_empty("model", view(record.model));
  const std::pair<const char*, int64_t> tokens[] = {{"prompt_tokens", record.usage.input},
                                                    {"completion_tokens", record.usage.output},
                                                    {"total_tokens", record.usage.total}};
  for (const auto& [name, count] : tokens) {
    if (count >= 0) all.i64(name, count);
  }
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    encode::append_json_value(all.member(view(each.key)), each.value);
  }
  all.close();
}

void append_span(std::string* out, const tr_record& record) {
  const bool failed = (record.flags & TR_RECORD_FAILED) != 0;
  JsonObject span(out);
  span.string("span_id", HexId<8>(record.span_id).view());
  span.string("name", view(record.name));
  span.i64("start_time_ms", record.start_ns / kNsPerMs);
  span.i64("end_time_ms", record.end_ns / kNsPerMs);
  if ((record.flags & TR_RECORD_INCOMPLETE) == 0) span.string("status_code", failed ? "ERROR" : "SUCCESS");
  span.string_unless_empty("status_message", view(record.error_message));
  span.string("span_kind", record.type == TR_RECORD_TRACE_END ? "AGENT" : kind_of(record.kind));
  append_attributes(&span, record);
  if (record.input.type != TR_TYPE_NULL || record.output.type != TR_TYPE_NULL) {
    std::string* results = span.member("results");
    results->push_back('[');
    JsonObject result(results);
    append_side(&result, "inputs", "input", record.input);
    append_side(&result, "outputs", "output", record.output);
    result.close();
    results->push_back(']');
  }
  span.close();
}

struct Node {
  json span;
  std::string parent;
  std::vector<size_t> children;
};

std::vector<Node> read_nodes(std::string_view lines, const std::string& trace) {
  std::vector<Node> nodes;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    json line = json::parse(lines.substr(0, end), nullptr, false);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (!line.is_object() || line.value("trace", "") != trace) continue;
    nodes.push_back({std::move(line["span"]), line.value("parent", ""), {}});
  }
  return nodes;
}

// Nobody's child is the trace's.
void link(std::vector<Node>* nodes) {
  std::map<std::string, size_t> by_id;
  for (size_t i = 1; i < nodes->size(); ++i) by_id[(*nodes)[i].span.value("span_id", "")] = i;
  for (size_t i = 1; i < nodes->size(); ++i) {
    const auto parent = by_id.find((*nodes)[i].parent);
    const size_t above = parent == by_id.end() || parent->second == i ? 0 : parent->second;
    (*nodes)[above].children.push_back(i);
  }
}

json put_together(std::vector<Node>* nodes, size_t at, int depth) {
  Node& node = (*nodes)[at];
  json span = std::move(node.span);
  json below = json::array();
  for (size_t i = 0; i < node.children.size(); ++i) {
    const size_t child = node.children[i];
    if (depth >= kDeepest) {  // its children become ours
      auto& more = (*nodes)[child].children;
      node.children.insert(node.children.end(), more.begin(), more.end());
      more.clear();
    }
    below.push_back(put_together(nodes, child, depth + 1));
  }
  if (!below.empty()) span["child_spans"] = std::move(below);
  return span;
}

}  // namespace

void append_tree_line(std::string* out, const tr_record& span) {
  JsonObject line(out);
  line.string("trace", HexId<16>(span.trace_id).view());
  line.string("parent", HexId<8>(span.parent_id).view_or_empty());
  append_span(line.member("span"), span);
  line.close();
  out->push_back('\n');
}

std::string trace_tree(std::string_view lines, const tr_record& trace_end) {
  std::vector<Node> nodes = read_nodes(lines, std::string(HexId<16>(trace_end.trace_id).view()));
  std::string root;
  append_span(&root, trace_end);
  nodes.insert(nodes.begin(), Node{json::parse(root, nullptr, false), {}, {}});
  link(&nodes);
  const json tree = put_together(&nodes, 0, 0);
  std::string value;
  JsonObject object(&value);
  object.string("_type", "wb_trace_tree");
  object.string("root_span_dumps", tree.dump(-1, ' ', false, json::error_handler_t::replace));
  object.close();
  return value;
}

}  // namespace trunkline::wandb
