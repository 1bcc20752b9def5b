// The statements of the writer, in one place to be read beside the schema.
#include "store/store_writer.hpp"

namespace trunkline::store {
namespace {

#define TRUNKLINE_SPAN_COLUMNS                                                                                     \
  "INTO spans(trace_id,span_id,parent_id,kind,kind_name,name,start_ns,end_ns,status,model,input_tokens,"           \
  "output_tokens,total_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,score,score_name,step,input,"  \
  "input_type,output,output_type,error_type,error_message,foreign_id,attributes,events,dropped_attributes,flags) " \
  "VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,"     \
  "?28,?29,?30)"

constexpr std::string_view kInsertSpanSql =
    "INSERT " TRUNKLINE_SPAN_COLUMNS " ON CONFLICT(trace_id,span_id) DO NOTHING";
constexpr std::string_view kReplaceSpanSql = "REPLACE " TRUNKLINE_SPAN_COLUMNS;

#undef TRUNKLINE_SPAN_COLUMNS

constexpr std::string_view kAddToTraceSql =
    "UPDATE traces SET span_count=span_count+?2,error_count=error_count+?3,input_tokens=input_tokens+?4,"
    "output_tokens=output_tokens+?5,total_tokens=total_tokens+?6,kinds=kinds|?9,"
    "start_ns=CASE status WHEN 'incomplete' THEN min(start_ns,?7) ELSE start_ns END,"
    "end_ns=CASE status WHEN 'incomplete' THEN max(coalesce(end_ns,?8),?8) ELSE end_ns END WHERE id=?1";

constexpr std::string_view kInsertImplicitTraceSql =
    "INSERT INTO traces(id,run_id,name,start_ns,end_ns,status,metadata,span_count,error_count,input_tokens,"
    "output_tokens,total_tokens,kinds) VALUES(?1,?2,'',?3,?4,'incomplete','{}',?5,?6,?7,?8,?9,?10)";

constexpr std::string_view kWritePartSql =
    "INSERT INTO trace_parts(trace_id,run_id,name,start_ns,end_ns,flags) VALUES(?1,?2,?3,?4,?5,?6) "
    "ON CONFLICT(trace_id,run_id) DO UPDATE SET name=CASE excluded.name WHEN '' THEN name ELSE excluded.name END,"
    "start_ns=excluded.start_ns,end_ns=excluded.end_ns,flags=excluded.flags";

constexpr std::string_view kPutTraceSql =
    "INSERT INTO traces(id,run_id,name,group_id,foreign_id,start_ns,end_ns,status,error_type,error_message,"
    "stop_reason,metadata,dropped_attributes,flags) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14) "
    "ON CONFLICT(id) DO UPDATE SET name=excluded.name,group_id=coalesce(group_id,excluded.group_id),"
    "foreign_id=coalesce(foreign_id,excluded.foreign_id),start_ns=excluded.start_ns,end_ns=excluded.end_ns,"
    "status=excluded.status,error_type=coalesce(error_type,excluded.error_type),"
    "error_message=coalesce(error_message,excluded.error_message),"
    "stop_reason=coalesce(excluded.stop_reason,stop_reason),metadata=excluded.metadata,"
    "dropped_attributes=max(dropped_attributes,excluded.dropped_attributes),flags=excluded.flags";

constexpr std::string_view kPutRunSql =
    "INSERT INTO runs(id,trace_id,name,project,group_id,start_ns,status) VALUES(?1,?2,?3,?4,?5,?6,'running') "
    "ON CONFLICT(id) DO UPDATE SET trace_id=excluded.trace_id,name=excluded.name,project=excluded.project,"
    "group_id=excluded.group_id,start_ns=excluded.start_ns,"
    "status=CASE WHEN end_ns IS NULL THEN excluded.status ELSE status END";

constexpr std::string_view kPutItemSql = "REPLACE INTO run_items(run,section,key,value,flags) VALUES(?1,?2,?3,?4,?5)";

}  // namespace

std::string_view StoreWriter::sql(Query query) {
  switch (query) {
    case kBegin:
      return "BEGIN IMMEDIATE";
    case kCommit:
      return "COMMIT";
    case kReadCursor:
      return "SELECT sequence FROM cursors WHERE run_id=?1";
    case kWriteCursor:
      return "REPLACE INTO cursors(run_id,sequence,updated_ns) VALUES(?1,?2,?3)";
    case kInsertSpan:
      return kInsertSpanSql;
    case kReplaceSpan:
      return kReplaceSpanSql;
    case kReadSpan:
      return "SELECT flags,input_tokens,output_tokens,total_tokens FROM spans WHERE trace_id=?1 AND span_id=?2";
    case kIndexAgain:  // a replaced row may get its rowid back
      return "UPDATE search_state SET indexed=min(indexed,last_insert_rowid()-1)";
    case kAddToTrace:
      return kAddToTraceSql;
    case kInsertImplicitTrace:
      return kInsertImplicitTraceSql;
    case kReadPart:
      return "SELECT end_ns,flags FROM trace_parts WHERE trace_id=?1 AND run_id=?2";
    case kWritePart:
      return kWritePartSql;
    case kReadParts:
      return "SELECT name,start_ns,end_ns,flags FROM trace_parts WHERE trace_id=?1 ORDER BY start_ns";
    case kReadMetadata:
      return "SELECT metadata FROM traces WHERE id=?1";
    case kPutTrace:
      return kPutTraceSql;
    case kInsertEvent:
      return "INSERT INTO trace_events(trace_id,time_ns,name,attributes) VALUES(?1,?2,?3,?4)";
    case kPutRun:
      return kPutRunSql;
    case kInsertImplicitRun:
      return "INSERT INTO runs(id,name,start_ns,status) VALUES(?1,'',?2,'incomplete') ON CONFLICT(id) DO NOTHING";
    case kReadStep:
      return "SELECT next_step FROM runs WHERE id=?1";
    case kWriteStep:
      return "UPDATE runs SET next_step=max(next_step,?2) WHERE id=?1";
    case kInsertMetric:
      return "INSERT INTO run_metrics(run,step,time_ns,key,value,type) VALUES(?1,?2,?3,?4,?5,?6)";
    case kPutItem:
      return kPutItemSql;
    case kFinishRun:
      return "UPDATE runs SET end_ns=?2,status=?3,exit_code=?4 WHERE id=?1";
    case kQueryCount:
      break;
  }
  return {};
}

}  // namespace trunkline::store
