#include "model/names.hpp"

#include "model/key_table.hpp"

namespace trunkline {
namespace {

struct Synonym {
  std::string_view key;
  KnownField field;
};

constexpr Synonym kSynonyms[] = {
    {names::kUsageInput, KnownField::UsageInput},
    {"prompt_tokens", KnownField::UsageInput},
    {"input_tokens", KnownField::UsageInput},
    {"gen_ai.usage.prompt_tokens", KnownField::UsageInput},
    {"llm.token_count.prompt", KnownField::UsageInput},
    {"llm.usage.prompt_tokens", KnownField::UsageInput},
    {"usage.prompt_tokens", KnownField::UsageInput},
    {"usage.input_tokens", KnownField::UsageInput},
    {"token_usage.prompt_tokens", KnownField::UsageInput},
    {"prompt_token_count", KnownField::UsageInput},
    {"promptTokenCount", KnownField::UsageInput},
    {"promptTokens", KnownField::UsageInput},
    {"inputTokens", KnownField::UsageInput},
    {"ai.usage.promptTokens", KnownField::UsageInput},
    {"ai.usage.inputTokens", KnownField::UsageInput},

    {names::kUsageOutput, KnownField::UsageOutput},
    {"completion_tokens", KnownField::UsageOutput},
    {"output_tokens", KnownField::UsageOutput},
    {"gen_ai.usage.completion_tokens", KnownField::UsageOutput},
    {"llm.token_count.completion", KnownField::UsageOutput},
    {"llm.usage.completion_tokens", KnownField::UsageOutput},
    {"usage.completion_tokens", KnownField::UsageOutput},
    {"usage.output_tokens", KnownField::UsageOutput},
    {"token_usage.completion_tokens", KnownField::UsageOutput},
    {"candidates_token_count", KnownField::UsageOutput},
    {"candidatesTokenCount", KnownField::UsageOutput},
    {"completionTokens", KnownField::UsageOutput},
    {"outputTokens", KnownField::UsageOutput},
    {"ai.usage.completionTokens", KnownField::UsageOutput},
    {"ai.usage.outputTokens", KnownField::UsageOutput},

    {names::kUsageTotal, KnownField::UsageTotal},
    {"total_tokens", KnownField::UsageTotal},
    {"llm.token_count.total", KnownField::UsageTotal},
    {"llm.usage.total_tokens", KnownField::UsageTotal},
    {"usage.total_tokens", KnownField::UsageTotal},
    {"token_usage.total_tokens", KnownField::UsageTotal},
    {"total_token_count", KnownField::UsageTotal},
    {"totalTokenCount", KnownField::UsageTotal},
    {"totalTokens", KnownField::UsageTotal},
    {"ai.usage.totalTokens", KnownField::UsageTotal},

    {names::kUsageCacheRead, KnownField::UsageCacheRead},
    {"cached_tokens", KnownField::UsageCacheRead},
    {"cache_read_tokens", KnownField::UsageCacheRead},
    {"cache_read_input_tokens", KnownField::UsageCacheRead},
    {"gen_ai.usage.cache_read_input_tokens", KnownField::UsageCacheRead},
    {"llm.token_count.prompt_details.cache_read", KnownField::UsageCacheRead},
    {"prompt_tokens_details.cached_tokens", KnownField::UsageCacheRead},
    {"input_tokens_details.cached_tokens", KnownField::UsageCacheRead},
    {"cachedInputTokens", KnownField::UsageCacheRead},
    {"cachedContentTokenCount", KnownField::UsageCacheRead},
    {"ai.usage.cachedInputTokens", KnownField::UsageCacheRead},

    {names::kUsageCacheWrite, KnownField::UsageCacheWrite},
    {"cache_write_tokens", KnownField::UsageCacheWrite},
    {"cache_creation_tokens", KnownField::UsageCacheWrite},
    {"cache_creation_input_tokens", KnownField::UsageCacheWrite},
    {"gen_ai.usage.cache_write.input_tokens", KnownField::UsageCacheWrite},
    {"gen_ai.usage.cache_creation_input_tokens", KnownField::UsageCacheWrite},
    {"llm.token_count.prompt_details.cache_write", KnownField::UsageCacheWrite},

    {names::kUsageReasoning, KnownField::UsageReasoning},
    {"reasoning_tokens", KnownField::UsageReasoning},
    {"gen_ai.usage.reasoning_tokens", KnownField::UsageReasoning},
    {"llm.token_count.completion_details.reasoning", KnownField::UsageReasoning},
    {"completion_tokens_details.reasoning_tokens", KnownField::UsageReasoning},
    {"output_tokens_details.reasoning_tokens", KnownField::UsageReasoning},
    {"reasoningTokens", KnownField::UsageReasoning},
    {"thoughtsTokenCount", KnownField::UsageReasoning},
    {"ai.usage.reasoningTokens", KnownField::UsageReasoning},

    {names::kRequestModel, KnownField::Model},
    {"model", KnownField::Model},
    {"model_name", KnownField::Model},
    {"llm.model_name", KnownField::Model},
    {"llm.request.model", KnownField::Model},
    {"ai.model.id", KnownField::Model},
};

struct MetricKey {
  std::string_view key;
};

// Texts of low cardinality which describe the run; nobody's words.
constexpr MetricKey kMetricKeys[] = {
    {names::kOperationName},
    {names::kProviderName},
    {names::kSystem},
    {names::kRequestModel},
    {names::kRequestEncodingFormats},
    {names::kResponseModel},
    {names::kResponseId},
    {names::kResponseFinishReasons},
    {names::kConversationId},
    {names::kAgentId},
    {names::kAgentName},
    {names::kAgentVersion},
    {names::kToolName},
    {names::kToolType},
    {names::kToolCallId},
    {names::kOutputType},
    {names::kPromptName},
    {names::kWorkflowName},
    {names::kDataSourceId},
    {names::kEvaluationName},
    {names::kEvaluationLabel},
    {names::kErrorType},
    {names::kExceptionType},
    {names::kOpenInferenceKind},
    {names::kInputMimeType},
    {names::kOutputMimeType},
    {names::kSessionId},
    {names::kStopReason},
    {names::kStepNumber},
    {"model"},
    {"model_name"},
    {"llm.model_name"},
    {"llm.request.model"},
    {"llm.provider"},
    {"llm.system"},
    {"ai.model.id"},
    {"ai.model.provider"},
    {"provider"},
    {"provider_name"},
    {"agent_name"},
    {"agent.name"},
    {"tool_name"},
    {"tool.name"},
    {"server_name"},
    {"action_name"},
    {"critic_name"},
    {"operation"},
    {"operation.name"},
    {"finish_reason"},
    {"finish_reasons"},
    {"score_name"},
    {"score_label"},
    {"step"},
    {"from_agent"},
    {"to_agent"},
    {"context_strategy"},
    {"mcp.method.name"},
    {"server.address"},
    {"http.request.method"},
    {"service.name"},
    {"service.version"},
};

constexpr KeyTable kSynonymTable(kSynonyms);
constexpr KeyTable kMetricTable(kMetricKeys);
static_assert(kSynonymTable.well_formed() && kMetricTable.well_formed());

}  // namespace

std::optional<KnownField> known_field(std::string_view key) {
  const Synonym* found = kSynonymTable.find(key);
  if (found == nullptr) return std::nullopt;
  return found->field;
}

bool is_metric_key(std::string_view key) { return kMetricTable.find(key) != nullptr; }

}  // namespace trunkline
