#include "encode/otlp_request.hpp"

#include <protozero/pbf_writer.hpp>

#include "encode/otlp_fields.hpp"
#include "encode/otlp_message.hpp"
#include "model/names.hpp"

namespace trunkline::encode {
namespace {

using protozero::pbf_writer;

constexpr std::string_view kLibrary = "trunkline";
constexpr std::string_view kUnknownService = "unknown_service";
// Tags and lengths around the spans.
constexpr size_t kEnvelope = 20;

#if defined(__x86_64__)
constexpr std::string_view kArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kArchitecture = "arm64";
#endif

std::string library_version() { return tr_version(); }

std::string encode_resource(const OtlpResource& resource) {
  std::string fields;
  OtlpAttributes attributes(&fields, otlp::resource::kAttributes, OtlpBytes::Raw);
  attributes.text(names::kServiceName, resource.service_name.empty() ? kUnknownService : resource.service_name);
  attributes.text_unless_empty(names::kServiceVersion, resource.service_version);
  attributes.text_unless_empty(names::kServiceInstanceId, resource.instance_id);
  attributes.text(names::kSdkName, kLibrary);
  attributes.text(names::kSdkLanguage, "cpp");
  attributes.text(names::kSdkVersion, library_version());
  attributes.text_unless_empty(names::kHostName, resource.host_name);
  attributes.text(names::kHostArchitecture, kArchitecture);
  attributes.text(names::kOsType, "linux");
  if (resource.process_id > 0) attributes.i64(names::kProcessId, resource.process_id);
  attributes.text_unless_empty(names::kProcessExecutable, resource.executable);
  attributes.text_unless_empty(names::kOpenInferenceProject, resource.project);
  for (size_t i = 0; i < resource.attribute_count; ++i) {
    const tr_string& key = resource.attributes[i].key;
    attributes.value({key.data, key.size}, resource.attributes[i].value);
  }
  std::string out;
  pbf_writer(out).add_message(otlp::resource_spans::kResource, fields);
  return out;
}

std::string encode_scope() {
  std::string fields;
  pbf_writer scope(fields);
  scope.add_string(otlp::scope::kName, kLibrary.data(), kLibrary.size());
  scope.add_string(otlp::scope::kVersion, library_version());
  std::string out;
  pbf_writer(out).add_message(otlp::scope_spans::kScope, fields);
  return out;
}

size_t length_size(size_t length) { return static_cast<size_t>(protozero::length_of_varint(length)); }

}  // namespace

OtlpRequest::OtlpRequest(OtlpDialect dialect, const OtlpResource& resource, const OtlpLimits& limits)
    : writer_(dialect), limits_(limits), resource_(encode_resource(resource)), scope_(encode_scope()) {}

OtlpAdded OtlpRequest::add(const tr_record& record, const OtlpTrace& trace) {
  if (count_ > 0 && count_ >= limits_.spans) return OtlpAdded::Full;
  span_.clear();
  if (!writer_.append(record, trace, &span_)) return OtlpAdded::NoSpan;
  const size_t needed = span_.size() + 1 + length_size(span_.size());
  const size_t around = resource_.size() + scope_.size() + kEnvelope;
  if (count_ > 0 && spans_.size() + needed + around > limits_.bytes) return OtlpAdded::Full;
  pbf_writer(spans_).add_message(otlp::scope_spans::kSpans, span_);
  ++count_;
  return OtlpAdded::Added;
}

size_t OtlpRequest::bytes() const {
  if (count_ == 0) return 0;
  const size_t scope_spans = scope_.size() + spans_.size();
  const size_t resource_spans = resource_.size() + 1 + length_size(scope_spans) + scope_spans;
  return 1 + length_size(resource_spans) + resource_spans;
}

std::string OtlpRequest::take() {
  std::string out;
  if (count_ == 0) return out;
  out.reserve(bytes());
  const size_t scope_size = scope_.size() + spans_.size();
  begin_message(&out, otlp::request::kResourceSpans, resource_.size() + 1 + length_size(scope_size) + scope_size);
  out += resource_;
  begin_message(&out, otlp::resource_spans::kScopeSpans, scope_size);
  out += scope_;
  out += spans_;
  spans_.clear();
  count_ = 0;
  return out;
}

}  // namespace trunkline::encode
