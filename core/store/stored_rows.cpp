#include "store/stored_rows.hpp"

namespace trunkline::store {

const std::string_view kTraceColumns =
    "id,run_id,name,group_id,foreign_id,start_ns,end_ns,status,error_type,error_message,stop_reason,metadata,"
    "span_count,error_count,input_tokens,output_tokens,total_tokens,pruned_spans,kinds";

const std::string_view kTraceOutline =
    "id,run_id,name,NULL,NULL,start_ns,end_ns,status,NULL,NULL,NULL,'{}',span_count,error_count,input_tokens,"
    "output_tokens,total_tokens,pruned_spans,kinds";

const std::string_view kSpanColumns =
    "trace_id,span_id,parent_id,kind,kind_name,name,start_ns,end_ns,status,model,input_tokens,output_tokens,"
    "total_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,score,score_name,step,input,input_type,output,"
    "output_type,error_type,error_message,foreign_id,attributes,events,dropped_attributes,flags,rowid";

const std::string_view kSpanOutline =
    "trace_id,span_id,parent_id,kind,kind_name,name,start_ns,end_ns,status,model,input_tokens,output_tokens,"
    "total_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,score,score_name,step,'',input_type,'',"
    "output_type,error_type,error_message,foreign_id,'{}','[]',dropped_attributes,flags,rowid";

TraceSummary read_trace(const Statement& row) {
  return {string_at(row, 0),  string_at(row, 1),  string_at(row, 2), string_at(row, 3), string_at(row, 4),
          row.i64(5),         i64_at(row, 6),     string_at(row, 7), string_at(row, 8), string_at(row, 9),
          string_at(row, 10), string_at(row, 11), row.i64(12),       row.i64(13),       row.i64(14),
          row.i64(15),        row.i64(16),        row.i64(17),       row.i64(18)};
}

StoredSpan read_span(const Statement& row) {
  StoredSpan span;
  span.trace_id = string_at(row, 0);
  span.span_id = string_at(row, 1);
  span.parent_id = string_at(row, 2);
  span.kind = static_cast<uint32_t>(row.i64(3));
  span.kind_name = string_at(row, 4);
  span.name = string_at(row, 5);
  span.start_ns = row.i64(6);
  span.end_ns = row.i64(7);
  span.status = string_at(row, 8);
  span.model = string_at(row, 9);
  span.input_tokens = i64_at(row, 10);
  span.output_tokens = i64_at(row, 11);
  span.total_tokens = i64_at(row, 12);
  span.cache_read_tokens = i64_at(row, 13);
  span.cache_write_tokens = i64_at(row, 14);
  span.reasoning_tokens = i64_at(row, 15);
  if (!row.is_null(16)) span.score = row.f64(16);
  span.score_name = string_at(row, 17);
  span.step = i64_at(row, 18);
  span.input = string_at(row, 19);
  span.input_type = string_at(row, 20);
  span.output = string_at(row, 21);
  span.output_type = string_at(row, 22);
  span.error_type = string_at(row, 23);
  span.error_message = string_at(row, 24);
  span.foreign_id = string_at(row, 25);
  span.attributes = string_at(row, 26);
  span.events = string_at(row, 27);
  span.dropped_attributes = row.i64(28);
  span.flags = row.i64(29);
  span.rowid = row.i64(30);
  return span;
}

}  // namespace trunkline::store
