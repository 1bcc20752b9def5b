// The recorded events of QitOS's own trackers (data/qitos_*.json) as records.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "store_support.hpp"
#include "support/peer.hpp"

namespace trunkline::test {

using nlohmann::json;

// The events of one scenario as records.
class QitosEvents {
 public:
  QitosEvents(const std::string& file, const std::string& name) {
    std::ifstream in(test::peer_path("../unit/data/" + file));
    source_ = json::parse(in).at(name).at("timeline");
    for (const json& entry : source_) {
      if (entry[0] == "IN") add(entry[1], entry[2]);
    }
  }

  const std::vector<const tr_record*> records() const { return records_.pointers(); }

  // What QitOS did and was told, in order.
  const json& timeline() const { return source_; }

 private:
  static uint8_t id_of(const std::string& text) { return static_cast<uint8_t>(text.back()); }
  tr_string keep(const json& text) {
    texts_.push_back(text.is_string() ? text.get<std::string>() : "");
    return store_test::str(texts_.back());
  }
  void add_metadata(tr_record& record, const json& metadata) {
    std::vector<tr_attribute> list;
    for (const auto& [key, value] : metadata.items()) {
      const tr_string name = keep(key);
      const tr_string text = keep(value);
      list.push_back({name, value.is_number() ? store_test::i64(value) : store_test::text({text.data, text.size})});
    }
    records_.attributes(record, std::move(list));
  }
  void add(const std::string& event, const json& given) {
    if (event == "on_trace_start" || event == "on_trace_end") {
      tr_record& record = event == "on_trace_start" ? records_.trace_start(id_of(given["trace_id"]))
                                                    : records_.trace_end(id_of(given["trace_id"]));
      record.name = keep(given["name"]);
      add_metadata(record, given["metadata"]);
    } else if (event == "on_span_end") {
      add_span(given, given["data"]);
    }
  }
  void add_span(const json& given, const json& data) {
    static const std::map<std::string, tr_kind> kKinds = {
        {"agent", TR_KIND_AGENT},   {"step", TR_KIND_STEP},       {"generation", TR_KIND_GENERATION},
        {"tool", TR_KIND_TOOL},     {"act", TR_KIND_ACT},         {"critic", TR_KIND_CRITIC},
        {"reduce", TR_KIND_REDUCE}, {"handoff", TR_KIND_HANDOFF}, {"mcp", TR_KIND_MCP},
        {"decide", TR_KIND_DECIDE}, {"custom", TR_KIND_CUSTOM}};
    tr_record& record = records_.span(id_of(given["trace_id"]), records_.size() + 1, "");
    record.kind = kKinds.at(data["type"]);
    for (const char* name : {"name", "tool_name", "action_name", "critic_name"}) {
      if (data.contains(name)) record.name = keep(data[name]);
    }
    if (data.contains("model")) record.model = keep(data["model"]);
    if (data.contains("step_number")) record.step = data["step_number"];
    if (data.contains("score") && data["score"].is_number()) record.score = data["score"];
    const json usage = data.value("token_usage", json());
    if (usage.is_object() && !usage.empty()) {
      record.usage.input = usage.value("prompt_tokens", -1);
      record.usage.output = usage.value("completion_tokens", -1);
    }
  }

  json source_;
  store_test::Records records_;
  std::deque<std::string> texts_;
};

}  // namespace trunkline::test
