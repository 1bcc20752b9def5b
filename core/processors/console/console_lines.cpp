#include "processors/console/console_lines.hpp"

#include <algorithm>
#include <cmath>

#include "encode/json_names.hpp"
#include "encode/json_writer.hpp"
#include "model/kinds.hpp"

namespace trunkline::processors {
namespace {

using encode::view;

constexpr size_t kMostName = 120;
constexpr size_t kMostMessage = 200;
constexpr size_t kMostValue = 60;
constexpr size_t kMostItems = 8;

void append_name(std::string* out, std::string_view name, Style style, const Painter& painter) {
  painter.begin(out, style);
  append_visible(out, name.empty() ? "(no name)" : name, kMostName);
  painter.end(out, style);
}

void append_elapsed(std::string* out, const tr_record& record, const Painter& painter) {
  int64_t elapsed = 0;
  if (__builtin_sub_overflow(record.end_ns, record.start_ns, &elapsed)) return;
  out->append("  ");
  painter.begin(out, Style::kYellow);
  append_duration(out, std::max<int64_t>(elapsed, 0));
  painter.end(out, Style::kYellow);
}

void append_tokens(std::string* out, const tr_usage& usage, const Painter& painter) {
  if (usage.input < 0 && usage.output < 0) return;
  out->append("  ");
  painter.begin(out, Style::kDim);
  append_count(out, std::max<int64_t>(usage.input, 0));
  out->append(" -> ");
  append_count(out, std::max<int64_t>(usage.output, 0));
  out->append(" tokens");
  painter.end(out, Style::kDim);
}

void append_outcome(std::string* out, const tr_record& record, const Painter& painter) {
  if ((record.flags & TR_RECORD_FAILED) != 0) {
    out->append("  ");
    painter.begin(out, Style::kRed);
    out->append("ERROR ");
    append_visible(out, view(record.error_type), kMostName);
    if (record.error_type.size > 0 && record.error_message.size > 0) out->append(": ");
    append_visible(out, view(record.error_message), kMostMessage);
    painter.end(out, Style::kRed);
  }
  if ((record.flags & TR_RECORD_INCOMPLETE) != 0) {
    out->append("  ");
    painter.paint(out, Style::kYellow, "incomplete");
  }
}

void append_items(std::string* out, const tr_record& record) {
  for (size_t i = 0; i < std::min(record.attribute_count, kMostItems); ++i) {
    const tr_attribute& item = record.attributes[i];
    out->append("  ");
    append_visible(out, view(item.key), kMostValue);
    out->push_back('=');
    const bool text = item.value.type == TR_TYPE_STR;
    std::string value;
    const bool number = item.value.type == TR_TYPE_F64;
    if (number && !std::isfinite(item.value.f64)) {
      value = std::isnan(item.value.f64) ? "nan" : item.value.f64 > 0 ? "inf" : "-inf";
    } else if (!text) {
      encode::append_json_value(&value, item.value);
    }
    append_visible(out, text ? encode::text_of(item.value) : std::string_view(value), kMostValue);
  }
  if (record.attribute_count > kMostItems) out->append("  …");
}

void append_score(std::string* out, const tr_record& record, const Painter& painter) {
  if (std::isnan(record.score) && record.score_name.size == 0) return;
  std::string number;
  if (std::isfinite(record.score)) {
    encode::append_json_f64(&number, record.score);
  } else {
    number = std::isnan(record.score) ? "nan" : record.score > 0 ? "inf" : "-inf";
  }
  out->append("  score ");
  painter.paint(out, Style::kGreen, number);
}

}  // namespace

void append_span(std::string* out, const Painter& painter, const tr_record& record) {
  painter.paint(out, Style::kCyan, kind_name(record.kind));
  out->push_back(' ');
  append_name(out, view(record.name), Style::kPlain, painter);
  if (record.model.size > 0 && view(record.model) != view(record.name)) {
    out->append("  ");
    append_name(out, view(record.model), Style::kDim, painter);
  }
  append_elapsed(out, record, painter);
  append_tokens(out, record.usage, painter);
  append_score(out, record, painter);
  append_outcome(out, record, painter);
}

void append_event(std::string* out, const Painter& painter, const tr_record& record) {
  painter.begin(out, Style::kDim);
  out->append("* ");
  append_visible(out, view(record.name), kMostName);
  append_items(out, record);
  painter.end(out, Style::kDim);
}

void append_trace(std::string* out, const Painter& painter, const tr_record& record) {
  append_name(out, view(record.name), Style::kBold, painter);
  append_elapsed(out, record, painter);
  if ((record.flags & (TR_RECORD_FAILED | TR_RECORD_INCOMPLETE)) == 0) {
    out->append("  ");
    painter.paint(out, Style::kGreen, "ok");
  }
  append_outcome(out, record, painter);
}

void append_run(std::string* out, const Painter& painter, const tr_record& record) {
  painter.paint(out, Style::kCyan, "run");
  out->push_back(' ');
  out->append(encode::HexId<8>(record.span_id).view().substr(0, 8));
  if (record.name.size > 0) {
    out->push_back(' ');
    append_name(out, view(record.name), Style::kPlain, painter);
  }
  out->append("  ");
  out->append(encode::record_type_name(record.type).substr(4));
  if (record.type == TR_RECORD_RUN_FINISH) {
    out->append("  ").append(encode::run_status_name(record.run_status));
  }
  if (record.step >= 0) out->append("  step ").append(std::to_string(record.step));
  append_items(out, record);
}

}  // namespace trunkline::processors
