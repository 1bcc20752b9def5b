// The attributes of a Span message: those of the record, and those that readers look for and that follow from its
// fields. A key is written once: what the host set under a reader's own name stands, except that messages are put into
// the form in which readers do not drop them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "encode/otlp_value.hpp"
#include "trunkline.h"

namespace trunkline::encode {

enum class OtlpDialect {
  General,  // one set of attributes that the known OTLP backends read; JSON as text
  Mlflow,   // what MLflow reads: content once, under its own names, as lists and maps
};

// What the spans of one trace have in common, for those who keep it from the start of the trace on.
struct OtlpTrace {
  std::string name;
  std::string conversation_id;
  std::string user_id;
  std::string agent_name;                  // of the nearest agent above the span, as far as the caller knows
  std::array<uint8_t, 8> root_id{};        // all zero: spans without a parent stay so
  std::array<uint8_t, 8> remote_parent{};  // all zero: the trace began here
  uint8_t trace_flags = 3;                 // of W3C: sampled, random
  // Of the trace's own span: TR_TYPE_NULL is none. Borrowed.
  tr_value input{};
  tr_value output{};
  const tr_event* events = nullptr;
  size_t event_count = 0;
};

// Attributes of the host that matter to what is derived.
enum class OtlpKey : uint8_t {
  kOperation,
  kProvider,
  kSystem,
  kRequestModel,
  kUsageInput,
  kUsageOutput,
  kUsageTotal,
  kUsageCacheRead,
  kUsageCacheWrite,
  kUsageReasoning,
  kConversationId,
  kSessionId,
  kUserId,
  kAgentName,
  kWorkflowName,
  kToolName,
  kOtherToolName,
  kToolCallArguments,
  kToolCallResult,
  kMcpMethod,
  kRetrievalQuery,
  kEvaluationName,
  kEvaluationScore,
  kEvaluationLabel,
  kEvaluationExplanation,
  kInputMessages,
  kOutputMessages,
  kFinishReasons,
  kErrorType,
  kExceptionStacktrace,
  kOpenInferenceKind,
  kInputValue,
  kInputMimeType,
  kOutputValue,
  kOutputMimeType,
  kSpanKind,
  kStep,
  kForeignId,
  kIncomplete,
  kTotalInput,
  kTotalOutput,
  kTotal,
  kTotalCacheRead,
  kTotalCacheWrite,
  kTotalReasoning,
  kMlflowSpanType,
  kMlflowSpanInputs,
  kMlflowSpanOutputs,
  kMlflowTokenUsage,
  kMlflowModel,
  kMlflowProvider,
  kMlflowTraceNameTag,
  kCount,
};

// Which of them a record has, found in one pass.
class OtlpKnown {
 public:
  explicit OtlpKnown(const tr_record& record);

  bool has(OtlpKey key) const { return value(key) != nullptr; }
  const tr_value* value(OtlpKey key) const { return values_[static_cast<size_t>(key)]; }
  // Empty unless it is a text.
  std::string_view text(OtlpKey key) const;

 private:
  std::array<const tr_value*, static_cast<size_t>(OtlpKey::kCount)> values_{};
};

class OtlpDerived {
 public:
  explicit OtlpDerived(OtlpDialect dialect) : dialect_(dialect) {}

  OtlpDialect dialect() const { return dialect_; }

  // Appends the attributes to the Span message in `out`.
  void append(const tr_record& record, const OtlpTrace& trace, const OtlpKnown& known, std::string* out);

 private:
  struct Span;

  void add_own(const Span& span);
  void add_identity(const Span& span);
  void add_scope(const Span& span);
  void add_model(const Span& span);
  void add_usage(const Span& span);
  void add_fields(const Span& span);
  void add_content(const Span& span);
  bool find_messages(const Span& span);
  void add_mlflow(const Span& span);
  void add_trace_tags(const Span& span);

  OtlpDialect dialect_;
  std::string input_messages_;
  std::string output_messages_;
  std::string scratch_;
};

}  // namespace trunkline::encode
