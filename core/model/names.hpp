// The one table of attribute names: the canonical ones (OpenTelemetry's GenAI conventions 1.41.1 and the additions of
// docs/conventions.md), the synonyms which become fields of a record, and the names whose text is a metric and not
// content. Lookups are exact, allocate nothing and cost a few nanoseconds: a setter does one for each key.
#pragma once

#include <optional>
#include <string_view>

namespace trunkline {

// Fields of a record that an attribute may stand for.
enum class KnownField : unsigned char {
  UsageInput,
  UsageOutput,
  UsageTotal,
  UsageCacheRead,
  UsageCacheWrite,
  UsageReasoning,
  Model,
};

// The field which this key is a name of, whatever framework it comes from.
std::optional<KnownField> known_field(std::string_view key);

// Whether a text under this key is recorded with TR_CONTENT_OFF.
bool is_metric_key(std::string_view key);

namespace names {

inline constexpr std::string_view kOperationName = "gen_ai.operation.name";
inline constexpr std::string_view kProviderName = "gen_ai.provider.name";
inline constexpr std::string_view kSystem = "gen_ai.system";  // older name of the provider; sent beside it
inline constexpr std::string_view kRequestModel = "gen_ai.request.model";
inline constexpr std::string_view kRequestMaxTokens = "gen_ai.request.max_tokens";
inline constexpr std::string_view kRequestChoiceCount = "gen_ai.request.choice.count";
inline constexpr std::string_view kRequestSeed = "gen_ai.request.seed";
inline constexpr std::string_view kRequestTemperature = "gen_ai.request.temperature";
inline constexpr std::string_view kRequestTopP = "gen_ai.request.top_p";
inline constexpr std::string_view kRequestTopK = "gen_ai.request.top_k";
inline constexpr std::string_view kRequestFrequencyPenalty = "gen_ai.request.frequency_penalty";
inline constexpr std::string_view kRequestPresencePenalty = "gen_ai.request.presence_penalty";
inline constexpr std::string_view kRequestStopSequences = "gen_ai.request.stop_sequences";
inline constexpr std::string_view kRequestEncodingFormats = "gen_ai.request.encoding_formats";
inline constexpr std::string_view kRequestStream = "gen_ai.request.stream";
inline constexpr std::string_view kResponseModel = "gen_ai.response.model";
inline constexpr std::string_view kResponseId = "gen_ai.response.id";
inline constexpr std::string_view kResponseFinishReasons = "gen_ai.response.finish_reasons";
inline constexpr std::string_view kResponseTimeToFirstChunk = "gen_ai.response.time_to_first_chunk";
inline constexpr std::string_view kUsageInput = "gen_ai.usage.input_tokens";
inline constexpr std::string_view kUsageOutput = "gen_ai.usage.output_tokens";
inline constexpr std::string_view kUsageTotal = "gen_ai.usage.total_tokens";
inline constexpr std::string_view kUsageCacheRead = "gen_ai.usage.cache_read.input_tokens";
inline constexpr std::string_view kUsageCacheWrite = "gen_ai.usage.cache_creation.input_tokens";
inline constexpr std::string_view kUsageReasoning = "gen_ai.usage.reasoning.output_tokens";
inline constexpr std::string_view kUsageCost = "gen_ai.usage.cost";
inline constexpr std::string_view kConversationId = "gen_ai.conversation.id";
inline constexpr std::string_view kAgentId = "gen_ai.agent.id";
inline constexpr std::string_view kAgentName = "gen_ai.agent.name";
inline constexpr std::string_view kAgentDescription = "gen_ai.agent.description";
inline constexpr std::string_view kAgentVersion = "gen_ai.agent.version";
inline constexpr std::string_view kToolName = "gen_ai.tool.name";
inline constexpr std::string_view kToolDescription = "gen_ai.tool.description";
inline constexpr std::string_view kToolType = "gen_ai.tool.type";
inline constexpr std::string_view kToolDefinitions = "gen_ai.tool.definitions";
inline constexpr std::string_view kToolCallId = "gen_ai.tool.call.id";
inline constexpr std::string_view kToolCallArguments = "gen_ai.tool.call.arguments";
inline constexpr std::string_view kToolCallResult = "gen_ai.tool.call.result";
inline constexpr std::string_view kInputMessages = "gen_ai.input.messages";
inline constexpr std::string_view kOutputMessages = "gen_ai.output.messages";
inline constexpr std::string_view kSystemInstructions = "gen_ai.system_instructions";
inline constexpr std::string_view kOutputType = "gen_ai.output.type";
inline constexpr std::string_view kPromptName = "gen_ai.prompt.name";
inline constexpr std::string_view kWorkflowName = "gen_ai.workflow.name";
inline constexpr std::string_view kDataSourceId = "gen_ai.data_source.id";
inline constexpr std::string_view kRetrievalQuery = "gen_ai.retrieval.query.text";
inline constexpr std::string_view kEmbeddingsDimensions = "gen_ai.embeddings.dimension.count";
inline constexpr std::string_view kEvaluationName = "gen_ai.evaluation.name";
inline constexpr std::string_view kEvaluationScore = "gen_ai.evaluation.score.value";
inline constexpr std::string_view kEvaluationLabel = "gen_ai.evaluation.score.label";
inline constexpr std::string_view kEvaluationExplanation = "gen_ai.evaluation.explanation";
inline constexpr std::string_view kEvaluationEvent = "gen_ai.evaluation.result";
inline constexpr std::string_view kMcpMethod = "mcp.method.name";
inline constexpr std::string_view kErrorType = "error.type";
inline constexpr std::string_view kExceptionEvent = "exception";
inline constexpr std::string_view kExceptionType = "exception.type";
inline constexpr std::string_view kExceptionMessage = "exception.message";
inline constexpr std::string_view kExceptionStacktrace = "exception.stacktrace";

// Additions for sinks that read OpenInference, and our own.
inline constexpr std::string_view kOpenInferenceKind = "openinference.span.kind";
inline constexpr std::string_view kInputValue = "input.value";
inline constexpr std::string_view kInputMimeType = "input.mime_type";
inline constexpr std::string_view kOutputValue = "output.value";
inline constexpr std::string_view kOutputMimeType = "output.mime_type";
inline constexpr std::string_view kSessionId = "session.id";
inline constexpr std::string_view kUserId = "user.id";
inline constexpr std::string_view kStopReason = "stop_reason";
inline constexpr std::string_view kStepNumber = "trunkline.step";
inline constexpr std::string_view kSpanKind = "trunkline.kind";
inline constexpr std::string_view kForeignId = "trunkline.foreign_id";
inline constexpr std::string_view kIncomplete = "trunkline.incomplete";
inline constexpr std::string_view kTotalInput = "trunkline.usage.input_tokens";
inline constexpr std::string_view kTotalOutput = "trunkline.usage.output_tokens";
inline constexpr std::string_view kTotal = "trunkline.usage.total_tokens";
inline constexpr std::string_view kTotalCacheRead = "trunkline.usage.cache_read_tokens";
inline constexpr std::string_view kTotalCacheWrite = "trunkline.usage.cache_write_tokens";
inline constexpr std::string_view kTotalReasoning = "trunkline.usage.reasoning_tokens";

// Of a file of a run, an artifact, or media.
inline constexpr std::string_view kArtifactFile = "file";
inline constexpr std::string_view kArtifactSize = "size";
inline constexpr std::string_view kArtifactModified = "modified_ns";
inline constexpr std::string_view kArtifactPath = "path";
inline constexpr std::string_view kArtifactMd5 = "md5";
inline constexpr std::string_view kArtifactType = "type";
inline constexpr std::string_view kArtifactDescription = "description";
inline constexpr std::string_view kArtifactAliases = "aliases";
inline constexpr std::string_view kArtifactMetadata = "metadata";
inline constexpr std::string_view kArtifactFiles = "files";
inline constexpr std::string_view kMediaKind = "media";
inline constexpr std::string_view kMediaSha256 = "sha256";
inline constexpr std::string_view kMediaFormat = "format";
inline constexpr std::string_view kMediaWidth = "width";
inline constexpr std::string_view kMediaHeight = "height";

// What MLflow reads, and what it shows.
inline constexpr std::string_view kMlflowPrefix = "mlflow.";
inline constexpr std::string_view kMlflowSpanType = "mlflow.spanType";
inline constexpr std::string_view kMlflowSpanInputs = "mlflow.spanInputs";
inline constexpr std::string_view kMlflowSpanOutputs = "mlflow.spanOutputs";
inline constexpr std::string_view kMlflowTokenUsage = "mlflow.chat.tokenUsage";
inline constexpr std::string_view kMlflowModel = "mlflow.llm.model";
inline constexpr std::string_view kMlflowProvider = "mlflow.llm.provider";
inline constexpr std::string_view kMlflowTraceTagPrefix = "mlflow.traceTag.";
inline constexpr std::string_view kMlflowTraceName = "mlflow.traceName";
inline constexpr std::string_view kMlflowTraceRequestId = "mlflow.traceRequestId";
inline constexpr std::string_view kMlflowTraceInputs = "mlflow.traceInputs";
inline constexpr std::string_view kMlflowTraceOutputs = "mlflow.traceOutputs";
inline constexpr std::string_view kMlflowTraceSchema = "mlflow.trace_schema.version";
inline constexpr std::string_view kMlflowTraceSession = "mlflow.trace.session";
inline constexpr std::string_view kMlflowTraceUser = "mlflow.trace.user";
inline constexpr std::string_view kMlflowTraceUsage = "mlflow.trace.tokenUsage";
inline constexpr std::string_view kMlflowArtifactLocation = "mlflow.artifactLocation";
inline constexpr std::string_view kMlflowSourceRun = "mlflow.sourceRun";
inline constexpr std::string_view kMlflowRunName = "mlflow.runName";

// Of the resource: what sent the spans.
inline constexpr std::string_view kServiceName = "service.name";
inline constexpr std::string_view kServiceVersion = "service.version";
inline constexpr std::string_view kServiceInstanceId = "service.instance.id";
inline constexpr std::string_view kSdkName = "telemetry.sdk.name";
inline constexpr std::string_view kSdkLanguage = "telemetry.sdk.language";
inline constexpr std::string_view kSdkVersion = "telemetry.sdk.version";
inline constexpr std::string_view kHostName = "host.name";
inline constexpr std::string_view kHostArchitecture = "host.arch";
inline constexpr std::string_view kOsType = "os.type";
inline constexpr std::string_view kProcessId = "process.pid";
inline constexpr std::string_view kProcessExecutable = "process.executable.name";
inline constexpr std::string_view kOpenInferenceProject = "openinference.project.name";

}  // namespace names
}  // namespace trunkline
