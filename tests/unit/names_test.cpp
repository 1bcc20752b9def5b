#include "model/names.hpp"

#include <gtest/gtest.h>

#include "model/kinds.hpp"

namespace trunkline {
namespace {

TEST(Names, TokenSynonymsBecomeOneField) {
  const std::pair<KnownField, std::vector<const char*>> rows[] = {
      {KnownField::UsageInput,
       {"prompt_tokens", "input_tokens", "gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens",
        "llm.token_count.prompt", "promptTokens"}},
      {KnownField::UsageOutput,
       {"completion_tokens", "output_tokens", "gen_ai.usage.completion_tokens", "gen_ai.usage.output_tokens",
        "llm.token_count.completion"}},
      {KnownField::UsageTotal, {"total_tokens", "gen_ai.usage.total_tokens", "llm.token_count.total"}},
      {KnownField::UsageCacheRead,
       {"gen_ai.usage.cache_read.input_tokens", "cache_read_input_tokens", "cached_tokens",
        "llm.token_count.prompt_details.cache_read"}},
      {KnownField::UsageCacheWrite,
       {"gen_ai.usage.cache_creation.input_tokens", "cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write"}},
      {KnownField::UsageReasoning,
       {"gen_ai.usage.reasoning.output_tokens", "reasoning_tokens", "llm.token_count.completion_details.reasoning"}},
      {KnownField::Model, {"gen_ai.request.model", "model", "llm.model_name"}},
  };
  for (const auto& [field, keys] : rows) {
    for (const char* key : keys) EXPECT_EQ(known_field(key), field) << key;
  }
}

TEST(Names, OthersAreNoField) {
  for (const char* key :
       {"", "m", "Model", "models", "prompt", "prompt_tokens ", "prompt_token", "xprompt_tokens", "session.id",
        "gen_ai.conversation.id", "group_id", "gen_ai.response.model", "gen_ai.usage.cost"}) {
    EXPECT_EQ(known_field(key), std::nullopt) << key;
  }
  EXPECT_EQ(known_field(std::string(1000, 'x')), std::nullopt);
  EXPECT_EQ(known_field(std::string("model\0", 6)), std::nullopt);
}

TEST(Names, MetricKeysSurviveWithoutContent) {
  for (const std::string_view key :
       {names::kProviderName, names::kRequestModel, names::kToolName, names::kAgentName, names::kOperationName,
        names::kResponseFinishReasons, names::kEvaluationLabel, names::kStopReason, names::kErrorType,
        std::string_view("model"), std::string_view("tool_name"), std::string_view("step")}) {
    EXPECT_TRUE(is_metric_key(key)) << key;
  }
}

TEST(Names, ContentIsNoMetric) {
  for (const std::string_view key :
       {names::kInputMessages, names::kOutputMessages, names::kSystemInstructions, names::kToolCallArguments,
        names::kToolCallResult, names::kInputValue, names::kOutputValue, names::kRetrievalQuery, names::kUserId,
        names::kEvaluationExplanation, names::kToolDefinitions, names::kExceptionMessage, names::kExceptionStacktrace,
        names::kRequestStopSequences, std::string_view("prompt"), std::string_view("note"), std::string_view("")}) {
    EXPECT_FALSE(is_metric_key(key)) << key;
  }
}

TEST(Kinds, NamesAndBack) {
  EXPECT_EQ(kind_name(TR_KIND_CUSTOM), "custom");
  EXPECT_EQ(kind_name(TR_KIND_GENERATION), "generation");
  EXPECT_EQ(kind_name(TR_KIND_SPEECH_OUT), "speech_out");
  EXPECT_EQ(kind_name(TR_KIND_ATTACHMENT), "attachment");
  EXPECT_EQ(kind_name(27), "kind-27");
  EXPECT_EQ(known_kind_name(27), "");
  for (const tr_kind kind : {0u, 1u, 7u, 26u, 27u, 4294967295u}) EXPECT_EQ(kind_from_name(kind_name(kind)), kind);
  for (const char* name : {"", "kind-", "kind--1", "kind-4294967296", "kind-7x", "Tool", "tools"}) {
    EXPECT_EQ(kind_from_name(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace trunkline
