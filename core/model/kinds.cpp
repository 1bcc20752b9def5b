#include "model/kinds.hpp"

#include <charconv>
#include <iterator>

namespace trunkline {
namespace {

constexpr std::string_view kNames[] = {
    "custom",    "workflow",  "agent",  "step",   "generation", "reasoning",  "message", "tool",     "act",
    "mcp",       "decide",    "parse",  "reduce", "critic",     "guardrail",  "handoff", "delegate", "fanout",
    "retrieval", "embedding", "rerank", "chunk",  "speech_in",  "speech_out", "group",   "memory",   "attachment"};
static_assert(std::size(kNames) == TR_KIND_ATTACHMENT + 1);

constexpr std::string_view kUnknownPrefix = "kind-";

}  // namespace

std::string_view known_kind_name(tr_kind kind) { return kind < std::size(kNames) ? kNames[kind] : std::string_view{}; }

std::string kind_name(tr_kind kind) {
  const std::string_view known = known_kind_name(kind);
  if (!known.empty()) return std::string(known);
  return std::string(kUnknownPrefix) + std::to_string(kind);
}

std::optional<tr_kind> kind_from_name(std::string_view name) {
  for (tr_kind kind = 0; kind < std::size(kNames); ++kind) {
    if (kNames[kind] == name) return kind;
  }
  if (name.substr(0, kUnknownPrefix.size()) != kUnknownPrefix) return std::nullopt;
  name.remove_prefix(kUnknownPrefix.size());
  tr_kind kind = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), kind);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return kind;
}

}  // namespace trunkline
