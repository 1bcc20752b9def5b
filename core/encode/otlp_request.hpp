// Finished spans gathered into an ExportTraceServiceRequest of OTLP, ready to be posted as application/x-protobuf. A
// request has one resource and one scope, and is kept below the limits a receiver has.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "encode/otlp_span.hpp"

namespace trunkline::encode {

// Who sent the spans. Empty fields are left out, but a service always has a name. Borrowed for the constructor.
struct OtlpResource {
  std::string_view service_name;
  std::string_view service_version;
  std::string_view instance_id;  // one for each process
  std::string_view host_name;
  std::string_view executable;
  int64_t process_id = 0;
  std::string_view project;  // where OpenInference's readers file the spans
  const tr_attribute* attributes = nullptr;
  size_t attribute_count = 0;
};

struct OtlpLimits {
  size_t spans = 100;
  size_t bytes = size_t{4} << 20;
};

enum class OtlpAdded {
  Added,
  Full,    // not added: take what is there and add it again
  NoSpan,  // not added: the record is nothing that OTLP has, or has no valid ids
};

class OtlpRequest {
 public:
  OtlpRequest(OtlpDialect dialect, const OtlpResource& resource, const OtlpLimits& limits = {});

  // A span that alone is beyond the limit of bytes gets a request of its own.
  OtlpAdded add(const tr_record& record, const OtlpTrace& trace);

  size_t spans() const { return count_; }
  // Of the request as it is now.
  size_t bytes() const;

  // The request, and none is left.
  std::string take();

 private:
  OtlpSpanWriter writer_;
  OtlpLimits limits_;
  std::string resource_;  // field of ResourceSpans
  std::string scope_;     // field of ScopeSpans
  std::string spans_;     // fields of ScopeSpans
  std::string span_;
  size_t count_ = 0;
};

}  // namespace trunkline::encode
