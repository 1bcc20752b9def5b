#include "reading/live_spans.hpp"

#include <fcntl.h>

#include <algorithm>

#include "encode/json_names.hpp"
#include "encode/json_scan.hpp"
#include "model/kinds.hpp"
#include "os/file.hpp"
#include "pipeline/open_spans.hpp"
#include "reading/adopt.hpp"
#include "reading/runs.hpp"

namespace trunkline::cli {
namespace {

// As the worker will do with it.
std::string redacted(const std::string& text, const Redactor& redactor) {
  std::string out;
  return encode::redact_text("", text, redactor, &out) ? out : text;
}

store::StoredSpan stored_span(const pipeline::OpenSpan& open, const Redactor& redactor) {
  store::StoredSpan span;
  span.trace_id = encode::HexId<16>(open.trace_id).view();
  span.span_id = encode::HexId<8>(open.span_id).view();
  span.parent_id = encode::HexId<8>(open.parent_id).view_or_empty();
  span.kind = open.kind;
  span.kind_name = kind_name(open.kind);
  span.name = redacted(open.name, redactor);
  span.model = redacted(open.model, redactor);
  span.start_ns = open.start_ns;
  span.end_ns = open.start_ns;
  span.status = "running";
  span.attributes = "{}";
  span.events = "[]";
  return span;
}

}  // namespace

std::vector<store::StoredSpan> live_spans(const std::string& directory) {
  const auto redactor = make_redactor();
  std::vector<store::StoredSpan> spans;
  for (const std::string& path : live_runs(directory)) {
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!folder) continue;
    for (const pipeline::OpenSpan& open : pipeline::read_open_spans(folder.get())) {
      spans.push_back(stored_span(open, *redactor));
    }
  }
  std::stable_sort(spans.begin(), spans.end(), [](const auto& a, const auto& b) { return a.start_ns < b.start_ns; });
  return spans;
}

}  // namespace trunkline::cli
