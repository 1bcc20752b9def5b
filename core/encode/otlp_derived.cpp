#include "encode/otlp_derived.hpp"

#include <cmath>

#include "encode/genai_messages.hpp"
#include "encode/json_writer.hpp"
#include "encode/otlp_fields.hpp"
#include "encode/otlp_kinds.hpp"
#include "model/key_table.hpp"
#include "model/kinds.hpp"
#include "model/names.hpp"

namespace trunkline::encode {
namespace {

struct KnownName {
  std::string_view key;
  OtlpKey is;
};

constexpr std::string_view kMlflowTraceNameTag = "mlflow.traceTag.mlflow.traceName";

constexpr KnownName kKnownNames[] = {
    {names::kOperationName, OtlpKey::kOperation},
    {names::kProviderName, OtlpKey::kProvider},
    {names::kSystem, OtlpKey::kSystem},
    {names::kRequestModel, OtlpKey::kRequestModel},
    {names::kUsageInput, OtlpKey::kUsageInput},
    {names::kUsageOutput, OtlpKey::kUsageOutput},
    {names::kUsageTotal, OtlpKey::kUsageTotal},
    {names::kUsageCacheRead, OtlpKey::kUsageCacheRead},
    {names::kUsageCacheWrite, OtlpKey::kUsageCacheWrite},
    {names::kUsageReasoning, OtlpKey::kUsageReasoning},
    {names::kConversationId, OtlpKey::kConversationId},
    {names::kSessionId, OtlpKey::kSessionId},
    {names::kUserId, OtlpKey::kUserId},
    {names::kAgentName, OtlpKey::kAgentName},
    {names::kWorkflowName, OtlpKey::kWorkflowName},
    {names::kToolName, OtlpKey::kToolName},
    {"tool_name", OtlpKey::kOtherToolName},
    {"tool.name", OtlpKey::kOtherToolName},
    {"action_name", OtlpKey::kOtherToolName},
    {names::kToolCallArguments, OtlpKey::kToolCallArguments},
    {names::kToolCallResult, OtlpKey::kToolCallResult},
    {names::kMcpMethod, OtlpKey::kMcpMethod},
    {names::kRetrievalQuery, OtlpKey::kRetrievalQuery},
    {names::kEvaluationName, OtlpKey::kEvaluationName},
    {names::kEvaluationScore, OtlpKey::kEvaluationScore},
    {names::kEvaluationLabel, OtlpKey::kEvaluationLabel},
    {names::kEvaluationExplanation, OtlpKey::kEvaluationExplanation},
    {names::kInputMessages, OtlpKey::kInputMessages},
    {names::kOutputMessages, OtlpKey::kOutputMessages},
    {names::kResponseFinishReasons, OtlpKey::kFinishReasons},
    {names::kErrorType, OtlpKey::kErrorType},
    {names::kExceptionStacktrace, OtlpKey::kExceptionStacktrace},
    {names::kOpenInferenceKind, OtlpKey::kOpenInferenceKind},
    {names::kInputValue, OtlpKey::kInputValue},
    {names::kInputMimeType, OtlpKey::kInputMimeType},
    {names::kOutputValue, OtlpKey::kOutputValue},
    {names::kOutputMimeType, OtlpKey::kOutputMimeType},
    {names::kSpanKind, OtlpKey::kSpanKind},
    {names::kStepNumber, OtlpKey::kStep},
    {names::kForeignId, OtlpKey::kForeignId},
    {names::kIncomplete, OtlpKey::kIncomplete},
    {names::kTotalInput, OtlpKey::kTotalInput},
    {names::kTotalOutput, OtlpKey::kTotalOutput},
    {names::kTotal, OtlpKey::kTotal},
    {names::kTotalCacheRead, OtlpKey::kTotalCacheRead},
    {names::kTotalCacheWrite, OtlpKey::kTotalCacheWrite},
    {names::kTotalReasoning, OtlpKey::kTotalReasoning},
    {names::kMlflowSpanType, OtlpKey::kMlflowSpanType},
    {names::kMlflowSpanInputs, OtlpKey::kMlflowSpanInputs},
    {names::kMlflowSpanOutputs, OtlpKey::kMlflowSpanOutputs},
    {names::kMlflowTokenUsage, OtlpKey::kMlflowTokenUsage},
    {names::kMlflowModel, OtlpKey::kMlflowModel},
    {names::kMlflowProvider, OtlpKey::kMlflowProvider},
    {kMlflowTraceNameTag, OtlpKey::kMlflowTraceNameTag},
};
constexpr KeyTable kKnownTable(kKnownNames);
static_assert(kKnownTable.well_formed());

constexpr std::string_view kPlainText = "text/plain";
constexpr std::string_view kJsonText = "application/json";
constexpr std::string_view kOtherError = "_OTHER";  // OpenTelemetry's word for an error without a type

bool is_present(const tr_value& value) {
  return value.type != TR_TYPE_NULL && (value.type != TR_TYPE_STR || value.size != 0);
}

bool has_usage(const tr_usage& usage) {
  return usage.input >= 0 || usage.output >= 0 || usage.total >= 0 || usage.cache_read >= 0 || usage.cache_write >= 0 ||
         usage.reasoning >= 0;
}

}  // namespace

OtlpKnown::OtlpKnown(const tr_record& record) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const KnownName* name = kKnownTable.find(view(record.attributes[i].key));
    if (name != nullptr) values_[static_cast<size_t>(name->is)] = &record.attributes[i].value;
  }
}

std::string_view OtlpKnown::text(OtlpKey key) const {
  const tr_value* found = value(key);
  return found != nullptr && found->type == TR_TYPE_STR ? text_of(*found) : std::string_view{};
}

// What the steps of `append` share.
struct OtlpDerived::Span {
  const tr_record& record;
  const OtlpTrace& trace;
  const OtlpKnown& known;
  OtlpAttributes& out;
  const OtlpKind& kind;
  tr_kind number;
  bool is_trace;
  bool spends_tokens;
  const tr_value& input;
  const tr_value& output;

  bool failed() const { return (record.flags & TR_RECORD_FAILED) != 0; }
  void text(OtlpKey key, std::string_view name, std::string_view value) const {
    if (!value.empty() && !known.has(key)) out.text(name, value);
  }
  void count(OtlpKey key, std::string_view name, int64_t value) const {
    if (value >= 0 && !known.has(key)) out.i64(name, value);
  }
  void value(OtlpKey key, std::string_view name, const tr_value& value) const {
    if (is_present(value) && !known.has(key)) out.value(name, value);
  }
};

void OtlpDerived::append(const tr_record& record, const OtlpTrace& trace, const OtlpKnown& known, std::string* out) {
  const bool is_trace = record.type == TR_RECORD_TRACE_END;
  const tr_kind number = is_trace ? TR_KIND_WORKFLOW : record.kind;
  const OtlpKind& kind = otlp_kind(number);
  const OtlpBytes bytes = dialect_ == OtlpDialect::Mlflow ? OtlpBytes::Base64 : OtlpBytes::Raw;
  OtlpAttributes attributes(out, otlp::span::kAttributes, bytes);
  const bool spends_tokens = kind.spends_tokens || operation_spends_tokens(known.text(OtlpKey::kOperation));
  const Span span{record,
                  trace,
                  known,
                  attributes,
                  kind,
                  number,
                  is_trace,
                  spends_tokens,
                  is_trace && record.input.type == TR_TYPE_NULL ? trace.input : record.input,
                  is_trace && record.output.type == TR_TYPE_NULL ? trace.output : record.output};
  add_own(span);
  add_identity(span);
  add_scope(span);
  add_model(span);
  add_usage(span);
  add_fields(span);
  dialect_ == OtlpDialect::Mlflow ? add_mlflow(span) : add_content(span);
}

void OtlpDerived::add_own(const Span& span) {
  const tr_value* input_messages = span.known.value(OtlpKey::kInputMessages);
  const tr_value* output_messages = span.known.value(OtlpKey::kOutputMessages);
  for (size_t i = 0; i < span.record.attribute_count; ++i) {
    const tr_attribute& attribute = span.record.attributes[i];
    // Written by add_content, in the form readers take.
    const bool is_messages = &attribute.value == input_messages || &attribute.value == output_messages;
    if (!is_messages || dialect_ == OtlpDialect::Mlflow) span.out.value(view(attribute.key), attribute.value);
  }
}

void OtlpDerived::add_identity(const Span& span) {
  span.text(OtlpKey::kSpanKind, names::kSpanKind, kind_name(span.number));
  span.text(OtlpKey::kOperation, names::kOperationName, span.kind.operation);
  span.text(OtlpKey::kOpenInferenceKind, names::kOpenInferenceKind, span.kind.openinference);
  if (span.is_trace) span.text(OtlpKey::kWorkflowName, names::kWorkflowName, view(span.record.name));
  if (span.kind.is_tool) {
    const std::string_view other = span.known.text(OtlpKey::kOtherToolName);
    span.text(OtlpKey::kToolName, names::kToolName, other.empty() ? view(span.record.name) : other);
  }
  if (span.number == TR_KIND_MCP) span.text(OtlpKey::kMcpMethod, names::kMcpMethod, "tools/call");
}

// What readers group by has to be on every span, the id of a conversation under both of its names.
void OtlpDerived::add_scope(const Span& span) {
  std::string_view conversation = span.known.text(OtlpKey::kConversationId);
  if (conversation.empty()) conversation = span.known.text(OtlpKey::kSessionId);
  if (conversation.empty()) conversation = span.trace.conversation_id;
  span.text(OtlpKey::kConversationId, names::kConversationId, conversation);
  span.text(OtlpKey::kSessionId, names::kSessionId, conversation);
  span.text(OtlpKey::kUserId, names::kUserId, span.trace.user_id);
  const bool is_agent = span.number == TR_KIND_AGENT;
  span.text(OtlpKey::kAgentName, names::kAgentName, is_agent ? view(span.record.name) : span.trace.agent_name);
}

void OtlpDerived::add_model(const Span& span) {
  span.text(OtlpKey::kRequestModel, names::kRequestModel, view(span.record.model));
  span.text(OtlpKey::kProvider, names::kProviderName, span.known.text(OtlpKey::kSystem));
  span.text(OtlpKey::kSystem, names::kSystem, span.known.text(OtlpKey::kProvider));
}

// Readers add up what they find under GenAI's names, so only what spends tokens has them there.
void OtlpDerived::add_usage(const Span& span) {
  const tr_usage& usage = span.record.usage;
  if (!span.spends_tokens) {
    span.count(OtlpKey::kTotalInput, names::kTotalInput, usage.input);
    span.count(OtlpKey::kTotalOutput, names::kTotalOutput, usage.output);
    span.count(OtlpKey::kTotal, names::kTotal, usage.total);
    span.count(OtlpKey::kTotalCacheRead, names::kTotalCacheRead, usage.cache_read);
    span.count(OtlpKey::kTotalCacheWrite, names::kTotalCacheWrite, usage.cache_write);
    span.count(OtlpKey::kTotalReasoning, names::kTotalReasoning, usage.reasoning);
    return;
  }
  span.count(OtlpKey::kUsageReasoning, names::kUsageReasoning, usage.reasoning);
  if (dialect_ == OtlpDialect::Mlflow) return;
  span.count(OtlpKey::kUsageInput, names::kUsageInput, usage.input);
  span.count(OtlpKey::kUsageOutput, names::kUsageOutput, usage.output);
  span.count(OtlpKey::kUsageTotal, names::kUsageTotal, usage.total);
  span.count(OtlpKey::kUsageCacheRead, names::kUsageCacheRead, usage.cache_read);
  span.count(OtlpKey::kUsageCacheWrite, names::kUsageCacheWrite, usage.cache_write);
}

void OtlpDerived::add_fields(const Span& span) {
  const tr_record& record = span.record;
  span.count(OtlpKey::kStep, names::kStepNumber, record.step);
  span.text(OtlpKey::kForeignId, names::kForeignId, view(record.foreign_id));
  if (record.score_name.size != 0 || !std::isnan(record.score)) {
    span.text(OtlpKey::kEvaluationName, names::kEvaluationName, view(record.score_name));
    if (!span.known.has(OtlpKey::kEvaluationScore)) span.out.f64(names::kEvaluationScore, record.score);
  }
  if (span.failed()) {
    const std::string_view type = view(record.error_type);
    span.text(OtlpKey::kErrorType, names::kErrorType, type.empty() ? kOtherError : type);
  }
  const bool incomplete = (record.flags & TR_RECORD_INCOMPLETE) != 0;
  if (incomplete && !span.known.has(OtlpKey::kIncomplete)) span.out.boolean(names::kIncomplete, true);
}

// Both sides as messages, or neither: some readers take one without the other for all there is.
bool OtlpDerived::find_messages(const Span& span) {
  input_messages_.clear();
  output_messages_.clear();
  const tr_value* given_input = span.known.value(OtlpKey::kInputMessages);
  const tr_value* given_output = span.known.value(OtlpKey::kOutputMessages);
  const tr_value& input = given_input != nullptr ? *given_input : span.input;
  const tr_value& output = given_output != nullptr ? *given_output : span.output;
  if (given_input == nullptr && given_output == nullptr && !(span.kind.holds_messages || span.spends_tokens)) {
    return false;
  }
  const std::string_view reason = span.failed() ? "error" : "stop";
  const bool has_input = append_genai_messages(input, MessageDirection::Input, {}, &input_messages_);
  const bool has_output = append_genai_messages(output, MessageDirection::Output, reason, &output_messages_);
  return (has_input || !is_present(input)) && (has_output || !is_present(output)) && (has_input || has_output);
}

void OtlpDerived::add_content(const Span& span) {
  const bool messages = span.number != TR_KIND_EMBEDDING && find_messages(span);
  if (messages) {
    if (!input_messages_.empty()) span.out.text(names::kInputMessages, input_messages_);
    if (!output_messages_.empty()) span.out.text(names::kOutputMessages, output_messages_);
    return;
  }
  // What was given as messages and is none is passed on under its name.
  for (const auto& [key, name] : {std::pair{OtlpKey::kInputMessages, names::kInputMessages},
                                  std::pair{OtlpKey::kOutputMessages, names::kOutputMessages}}) {
    if (span.known.has(key)) span.out.value(name, *span.known.value(key));
  }
  if (span.kind.is_tool) {
    span.value(OtlpKey::kToolCallArguments, names::kToolCallArguments, span.input);
    span.value(OtlpKey::kToolCallResult, names::kToolCallResult, span.output);
  }
  if (span.number == TR_KIND_RETRIEVAL && span.input.type == TR_TYPE_STR) {
    span.value(OtlpKey::kRetrievalQuery, names::kRetrievalQuery, span.input);
  }
  const auto pair = [&](OtlpKey key, std::string_view name, OtlpKey type_key, std::string_view type_name,
                        const tr_value& value) {
    if (!is_present(value) || span.known.has(key)) return;
    span.out.value(name, value);
    span.text(type_key, type_name, value.type == TR_TYPE_JSON ? kJsonText : kPlainText);
  };
  pair(OtlpKey::kInputValue, names::kInputValue, OtlpKey::kInputMimeType, names::kInputMimeType, span.input);
  pair(OtlpKey::kOutputValue, names::kOutputValue, OtlpKey::kOutputMimeType, names::kOutputMimeType, span.output);
}

void OtlpDerived::add_mlflow(const Span& span) {
  span.text(OtlpKey::kMlflowSpanType, names::kMlflowSpanType, span.kind.mlflow);
  span.value(OtlpKey::kMlflowSpanInputs, names::kMlflowSpanInputs, span.input);
  span.value(OtlpKey::kMlflowSpanOutputs, names::kMlflowSpanOutputs, span.output);
  if (span.spends_tokens) {
    std::string_view model = view(span.record.model);
    if (model.empty()) model = span.known.text(OtlpKey::kRequestModel);
    std::string_view provider = span.known.text(OtlpKey::kProvider);
    if (provider.empty()) provider = span.known.text(OtlpKey::kSystem);
    span.text(OtlpKey::kMlflowModel, names::kMlflowModel, model);
    span.text(OtlpKey::kMlflowProvider, names::kMlflowProvider, provider);
  }
  const tr_usage& usage = span.record.usage;
  if (span.spends_tokens && has_usage(usage) && !span.known.has(OtlpKey::kMlflowTokenUsage)) {
    scratch_.clear();
    JsonObject map(&scratch_);
    const auto count = [&](std::string_view key, int64_t tokens) {
      if (tokens >= 0) map.i64(key, tokens);
    };
    count("input_tokens", usage.input);
    count("output_tokens", usage.output);
    count("total_tokens", usage.total);
    count("cache_read_input_tokens", usage.cache_read);
    count("cache_creation_input_tokens", usage.cache_write);
    map.close();
    span.out.json(names::kMlflowTokenUsage, scratch_);
  }
  if (span.is_trace) add_trace_tags(span);
}

// The metadata of a trace can be searched in MLflow as its tags, which are texts.
void OtlpDerived::add_trace_tags(const Span& span) {
  span.text(OtlpKey::kMlflowTraceNameTag, kMlflowTraceNameTag, view(span.record.name));
  std::string key;
  for (size_t i = 0; i < span.record.attribute_count; ++i) {
    const tr_attribute& attribute = span.record.attributes[i];
    if (view(attribute.key).substr(0, names::kMlflowPrefix.size()) == names::kMlflowPrefix) continue;
    key = names::kMlflowTraceTagPrefix;
    key += view(attribute.key);
    if (attribute.value.type == TR_TYPE_STR) {
      span.out.text(key, text_of(attribute.value));
      continue;
    }
    scratch_.clear();
    append_json_value(&scratch_, attribute.value);
    span.out.text(key, scratch_);
  }
}

}  // namespace trunkline::encode
