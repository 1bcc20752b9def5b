#include "reading/trace_filter.hpp"

#include "model/kinds.hpp"

namespace trunkline::cli {

Expected<std::optional<uint32_t>> kind_of(const Arguments& arguments) {
  if (!arguments.has("kind")) return std::optional<uint32_t>();
  const std::string name = arguments.text("kind");
  const auto kind = kind_from_name(name);
  if (kind) return std::optional<uint32_t>(*kind);
  std::string known;
  for (tr_kind each = 0; !known_kind_name(each).empty(); ++each) {
    known.append(known.empty() ? "" : ", ").append(known_kind_name(each));
  }
  return Error{TR_EINVAL, "option --kind: '" + name + "' is no kind; they are " + known};
}

uint32_t limit_of(const Arguments& arguments, int64_t usual) {
  const int64_t limit = arguments.number("limit").value_or(usual);
  return limit == 0 || limit >= UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(limit);
}

Expected<store::TraceFilter> filter_of(const Arguments& arguments, const Session& session) {
  const auto kind = kind_of(arguments);
  if (!kind) return kind.error();
  store::TraceFilter filter;
  filter.name = arguments.text("name");
  filter.status = arguments.text("status");
  filter.group_id = arguments.text("group");
  filter.kind = *kind;
  if (arguments.has("text")) filter.text = {arguments.text("text")};
  filter.since_ns = arguments.number("since");
  filter.until_ns = arguments.number("until");
  filter.min_duration_ns = arguments.number("min-duration");
  filter.max_duration_ns = arguments.number("max-duration");
  filter.min_tokens = arguments.number("min-tokens");
  filter.max_tokens = arguments.number("max-tokens");
  filter.now_ns = session.now_ns();
  return filter;
}

}  // namespace trunkline::cli
