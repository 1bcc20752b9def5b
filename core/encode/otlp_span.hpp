// A finished span or trace as a Span message of OTLP, with the attributes that GenAI, OpenInference and MLflow readers
// look for. A trace becomes the span under which its other spans lie; every process that continued it names that one.
// What the host set under a reader's own name is left as it is; the rest is derived from the record's fields.
#pragma once

#include <string>

#include "encode/otlp_derived.hpp"
#include "trunkline.h"

namespace trunkline::encode {

// As the record of a trace's start, or end, tells it.
OtlpTrace otlp_trace_of(const tr_record& record);

class OtlpSpanWriter {
 public:
  explicit OtlpSpanWriter(OtlpDialect dialect) : derived_(dialect) {}

  // Appends the fields of a Span message to `out`. False: the record is no finished span or trace, or has no valid
  // ids, and nothing was appended. What was never ended is sent only as a record of its end, flagged incomplete.
  bool append(const tr_record& record, const OtlpTrace& trace, std::string* out);

 private:
  OtlpDerived derived_;
};

}  // namespace trunkline::encode
