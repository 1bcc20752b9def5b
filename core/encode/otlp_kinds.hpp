// How OTLP's readers name a kind of span: GenAI's operation, OpenInference's kind, MLflow's type, OpenTelemetry's own
// kind, and whether tokens are spent in it. One row a kind.
#pragma once

#include <string_view>

#include "trunkline.h"

namespace trunkline::encode {

// Span.kind of OTLP.
enum class OtlpSpanKind : int { Internal = 1, Client = 3 };

struct OtlpKind {
  std::string_view operation;  // empty: GenAI has none
  std::string_view openinference;
  std::string_view mlflow;
  OtlpSpanKind span_kind;
  bool spends_tokens;   // inference and embedding: only these carry token counts, so that sums count nothing twice
  bool holds_messages;  // what goes in and out is a conversation
  bool is_tool;
};

// Unknown kinds are as custom ones.
const OtlpKind& otlp_kind(tr_kind kind);

// Whether a span of this operation spends tokens, whatever its kind is.
bool operation_spends_tokens(std::string_view operation);

}  // namespace trunkline::encode
