// Spans as MLflow keeps them in the file traces.json of a trace's artifacts: one JSON object a span, each value of an
// attribute a text that is JSON again. Made from the span that OTLP would send, so that both ways show the same.
#pragma once

#include <string>
#include <vector>

#include "encode/otlp_span.hpp"
#include "processors/mlflow/mlflow_backend.hpp"

namespace trunkline::mlflow {

// "tr-" and the trace id.
std::string trace_name_of(const uint8_t (&trace_id)[16]);

// Appends the object on one line. Tags of the trace, which MLflow has beside its spans, go to `tags`. False: the record
// is no finished span or trace.
bool append_trace_span(const tr_record& record, const encode::OtlpTrace& trace, std::string* out,
                       std::vector<Item>* tags);

}  // namespace trunkline::mlflow
