#include "encode/otlp_kinds.hpp"

#include <iterator>

namespace trunkline::encode {
namespace {

constexpr OtlpSpanKind kInternal = OtlpSpanKind::Internal;
constexpr OtlpSpanKind kClient = OtlpSpanKind::Client;

// In the order of TR_KIND_...
constexpr OtlpKind kKinds[] = {
    {"", "CHAIN", "UNKNOWN", kInternal, false, false, false},                 // custom
    {"invoke_workflow", "CHAIN", "WORKFLOW", kInternal, false, true, false},  // workflow
    {"invoke_agent", "AGENT", "AGENT", kInternal, false, true, false},        // agent
    {"", "CHAIN", "TASK", kInternal, false, false, false},                    // step
    {"chat", "LLM", "CHAT_MODEL", kClient, true, true, false},                // generation
    {"", "CHAIN", "UNKNOWN", kInternal, false, false, false},                 // reasoning
    {"", "CHAIN", "UNKNOWN", kInternal, false, false, false},                 // message
    {"execute_tool", "TOOL", "TOOL", kInternal, false, false, true},          // tool
    {"execute_tool", "TOOL", "TOOL", kInternal, false, false, true},          // act
    {"execute_tool", "TOOL", "TOOL", kClient, false, false, true},            // mcp
    {"", "CHAIN", "CHAIN", kInternal, false, false, false},                   // decide
    {"", "CHAIN", "PARSER", kInternal, false, false, false},                  // parse
    {"", "CHAIN", "CHAIN", kInternal, false, false, false},                   // reduce
    {"", "EVALUATOR", "EVALUATOR", kInternal, false, false, false},           // critic
    {"", "GUARDRAIL", "GUARDRAIL", kInternal, false, false, false},           // guardrail
    {"", "AGENT", "AGENT", kInternal, false, false, false},                   // handoff
    {"invoke_agent", "AGENT", "AGENT", kInternal, false, false, false},       // delegate
    {"", "CHAIN", "CHAIN", kInternal, false, false, false},                   // fanout
    {"retrieval", "RETRIEVER", "RETRIEVER", kClient, false, false, false},    // retrieval
    {"embeddings", "EMBEDDING", "EMBEDDING", kClient, true, false, false},    // embedding
    {"", "RERANKER", "RERANKER", kInternal, false, false, false},             // rerank
    {"", "CHAIN", "PARSER", kInternal, false, false, false},                  // chunk
    {"", "CHAIN", "UNKNOWN", kInternal, false, false, false},                 // speech_in
    {"", "CHAIN", "UNKNOWN", kInternal, false, false, false},                 // speech_out
    {"", "CHAIN", "CHAIN", kInternal, false, false, false},                   // group
    {"", "CHAIN", "MEMORY", kInternal, false, false, false},                  // memory
    {"", "CHAIN", "UNKNOWN", kInternal, false, false, false},                 // attachment
};
static_assert(std::size(kKinds) == TR_KIND_ATTACHMENT + 1);

}  // namespace

const OtlpKind& otlp_kind(tr_kind kind) { return kKinds[kind < std::size(kKinds) ? kind : TR_KIND_CUSTOM]; }

bool operation_spends_tokens(std::string_view operation) {
  return operation == "chat" || operation == "text_completion" || operation == "generate_content" ||
         operation == "embeddings";
}

}  // namespace trunkline::encode
