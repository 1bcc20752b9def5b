#include "processors/run_totals.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "encode/json_names.hpp"
#include "encode/json_walk.hpp"

namespace trunkline::processors {
namespace {

using encode::view;

struct NumberField {
  std::string_view name;
  int64_t RunTotals::*field;
};
struct DoubleField {
  std::string_view name;
  double RunTotals::*field;
};

constexpr NumberField kNumbers[] = {{"step", &RunTotals::step},
                                    {"tokens", &RunTotals::total_tokens},
                                    {"steps", &RunTotals::total_steps},
                                    {"calls", &RunTotals::tool_calls},
                                    {"critics", &RunTotals::critics}};
constexpr DoubleField kDoubles[] = {
    {"sum", &RunTotals::score_sum}, {"min", &RunTotals::score_min}, {"max", &RunTotals::score_max}};

int64_t known(int64_t tokens) { return std::max<int64_t>(0, tokens); }

template <class T>
void read_number(std::string_view text, T* out) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) *out = number;
}

}  // namespace

Counted RunTotals::count(const tr_record& span) {
  Counted out;
  switch (span.kind) {
    case TR_KIND_GENERATION:
      count_generation(span.usage, &out);
      out.name = view(span.model);
      break;
    case TR_KIND_STEP:
      out.as = Counted::As::kStep;
      out.number = span.step >= 0 ? span.step : total_steps;
      ++total_steps;
      break;
    case TR_KIND_TOOL:
      out.as = Counted::As::kCall;
      out.what = "tool";
      out.name = text_attribute(span, "gen_ai.tool.name");
      if (out.name.empty()) out.name = view(span.name);
      break;
    case TR_KIND_ACT:
      if (span.name.size == 0) return out;
      out.as = Counted::As::kCall;
      out.what = "action";
      out.name = view(span.name);
      break;
    case TR_KIND_CRITIC:
      if (std::isnan(span.score) && span.score_name.size == 0) return out;
      out.as = Counted::As::kScore;
      out.score = span.score;
      out.name = span.score_name.size > 0 ? view(span.score_name) : view(span.name);
      count_score(span.score);
      break;
    default:
      return out;
  }
  if (out.as == Counted::As::kNothing) return out;
  if (out.as == Counted::As::kCall) ++tool_calls;
  out.step = step++;
  return out;
}

void RunTotals::count_generation(const tr_usage& usage, Counted* out) {
  if (usage.input < 0 && usage.output < 0 && usage.total < 0) return;
  out->as = Counted::As::kGeneration;
  out->parts = usage.input >= 0 || usage.output >= 0;
  out->prompt = known(usage.input);
  out->completion = known(usage.output);
  out->total = out->parts ? added(out->prompt, out->completion) : usage.total;
  total_tokens = added(total_tokens, out->total);
}

void RunTotals::count_score(double score) {
  if (!std::isfinite(score)) return;
  score_min = critics == 0 ? score : std::min(score_min, score);
  score_max = critics == 0 ? score : std::max(score_max, score);
  score_sum += score;
  ++critics;
}

void append_totals(encode::JsonObject* object, const RunTotals& totals) {
  for (const NumberField& each : kNumbers) object->i64(each.name, totals.*each.field);
  for (const DoubleField& each : kDoubles) encode::append_json_f64(object->member(each.name), totals.*each.field);
}

void read_totals(std::string_view json_object, RunTotals* totals) {
  for (const NumberField& each : kNumbers) {
    read_number(encode::json_member(json_object, each.name), &(totals->*each.field));
  }
  for (const DoubleField& each : kDoubles) {
    read_number(encode::json_member(json_object, each.name), &(totals->*each.field));
  }
}

std::string_view text_attribute(const tr_record& record, std::string_view key) {
  for (size_t i = 0; i < record.attribute_count; ++i) {
    const tr_attribute& each = record.attributes[i];
    if (view(each.key) == key && each.value.type == TR_TYPE_STR) return encode::text_of(each.value);
  }
  return {};
}

int64_t added(int64_t a, int64_t b) {
  return a > std::numeric_limits<int64_t>::max() - b ? std::numeric_limits<int64_t>::max() : a + b;
}

std::string run_key(const tr_record& record) {
  const encode::HexId<16> trace(record.trace_id);
  if (!trace.is_zero()) return "trace-" + std::string(trace.view());
  return "run-" + std::string(encode::HexId<8>(record.span_id).view());
}

}  // namespace trunkline::processors
