/* The layout of every public struct, as programs built against the header rely on it, on the 64-bit platforms that are
 * supported. Structs that begin with struct_size may grow at their end; the others never change. Written by
 * tools/abi_gate.py update. */
#include <stddef.h>

#include "trunkline.h"

#define FIELD(type, field, offset, size)                                            \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved"); \
  _Static_assert(sizeof(((type*)0)->field) == (size), #type "." #field " has changed its size")
#define FIXED(type, size) _Static_assert(sizeof(type) == (size), #type " has changed its size")
#define GROWS(type, size) _Static_assert(sizeof(type) >= (size), #type " has become smaller")

_Static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8, "a 64-bit platform");

FIXED(tr_string, 16);
FIELD(tr_string, data, 0, 8);
FIELD(tr_string, size, 8, 8);

GROWS(tr_error, 264);
FIELD(tr_error, struct_size, 0, 4);
FIELD(tr_error, code, 4, 4);
FIELD(tr_error, message, 8, 256);

FIXED(tr_value, 40);
FIELD(tr_value, type, 0, 4);
FIELD(tr_value, flags, 4, 4);
FIELD(tr_value, i64, 8, 8);
FIELD(tr_value, f64, 16, 8);
FIELD(tr_value, data, 24, 8);
FIELD(tr_value, size, 32, 8);

FIXED(tr_attribute, 56);
FIELD(tr_attribute, key, 0, 16);
FIELD(tr_attribute, value, 16, 40);

FIXED(tr_usage, 48);
FIELD(tr_usage, input, 0, 8);
FIELD(tr_usage, output, 8, 8);
FIELD(tr_usage, total, 16, 8);
FIELD(tr_usage, cache_read, 24, 8);
FIELD(tr_usage, cache_write, 32, 8);
FIELD(tr_usage, reasoning, 40, 8);

GROWS(tr_config, 160);
FIELD(tr_config, struct_size, 0, 4);
FIELD(tr_config, flags, 4, 4);
FIELD(tr_config, directory, 8, 8);
FIELD(tr_config, recorder_directory, 16, 8);
FIELD(tr_config, service_name, 24, 8);
FIELD(tr_config, processors, 32, 8);
FIELD(tr_config, max_memory, 40, 8);
FIELD(tr_config, max_disk, 48, 8);
FIELD(tr_config, max_value_bytes, 56, 8);
FIELD(tr_config, max_attributes, 64, 4);
FIELD(tr_config, durability, 68, 4);
FIELD(tr_config, recorder, 72, 4);
FIELD(tr_config, content, 76, 4);
FIELD(tr_config, overflow, 80, 4);
FIELD(tr_config, block_timeout_ms, 84, 4);
FIELD(tr_config, sample_ratio, 88, 8);
FIELD(tr_config, redact_keys, 96, 8);
FIELD(tr_config, redact_patterns, 104, 8);
FIELD(tr_config, redact, 112, 8);
FIELD(tr_config, redact_user_data, 120, 8);
FIELD(tr_config, log, 128, 8);
FIELD(tr_config, log_user_data, 136, 8);
FIELD(tr_config, log_level, 144, 4);
FIELD(tr_config, end_grace_ms, 148, 4);
FIELD(tr_config, exit_timeout_ms, 152, 4);

GROWS(tr_context, 32);
FIELD(tr_context, struct_size, 0, 4);
FIELD(tr_context, flags, 4, 4);
FIELD(tr_context, trace_id, 8, 16);
FIELD(tr_context, span_id, 24, 8);

GROWS(tr_trace_options, 64);
FIELD(tr_trace_options, struct_size, 0, 4);
FIELD(tr_trace_options, flags, 4, 4);
FIELD(tr_trace_options, group_id, 8, 16);
FIELD(tr_trace_options, foreign_id, 24, 16);
FIELD(tr_trace_options, parent, 40, 8);
FIELD(tr_trace_options, metadata, 48, 8);
FIELD(tr_trace_options, metadata_count, 56, 8);

GROWS(tr_span_data, 128);
FIELD(tr_span_data, struct_size, 0, 4);
FIELD(tr_span_data, kind, 4, 4);
FIELD(tr_span_data, trace, 8, 8);
FIELD(tr_span_data, parent, 16, 8);
FIELD(tr_span_data, name, 24, 16);
FIELD(tr_span_data, foreign_id, 40, 16);
FIELD(tr_span_data, start_ns, 56, 8);
FIELD(tr_span_data, end_ns, 64, 8);
FIELD(tr_span_data, error_type, 72, 16);
FIELD(tr_span_data, error_message, 88, 16);
FIELD(tr_span_data, attributes, 104, 8);
FIELD(tr_span_data, attribute_count, 112, 8);
FIELD(tr_span_data, span_id, 120, 8);

GROWS(tr_run_options, 80);
FIELD(tr_run_options, struct_size, 0, 4);
FIELD(tr_run_options, flags, 4, 4);
FIELD(tr_run_options, trace, 8, 8);
FIELD(tr_run_options, name, 16, 16);
FIELD(tr_run_options, project, 32, 16);
FIELD(tr_run_options, group_id, 48, 16);
FIELD(tr_run_options, config, 64, 8);
FIELD(tr_run_options, config_count, 72, 8);

FIXED(tr_artifact_file, 32);
FIELD(tr_artifact_file, path, 0, 16);
FIELD(tr_artifact_file, file, 16, 16);

GROWS(tr_artifact, 104);
FIELD(tr_artifact, struct_size, 0, 4);
FIELD(tr_artifact, flags, 4, 4);
FIELD(tr_artifact, name, 8, 16);
FIELD(tr_artifact, type, 24, 16);
FIELD(tr_artifact, description, 40, 16);
FIELD(tr_artifact, aliases, 56, 8);
FIELD(tr_artifact, alias_count, 64, 8);
FIELD(tr_artifact, metadata, 72, 8);
FIELD(tr_artifact, metadata_count, 80, 8);
FIELD(tr_artifact, files, 88, 8);
FIELD(tr_artifact, file_count, 96, 8);

FIXED(tr_event, 40);
FIELD(tr_event, name, 0, 16);
FIELD(tr_event, time_ns, 16, 8);
FIELD(tr_event, attributes, 24, 8);
FIELD(tr_event, attribute_count, 32, 8);

GROWS(tr_record, 392);
FIELD(tr_record, struct_size, 0, 4);
FIELD(tr_record, type, 4, 4);
FIELD(tr_record, flags, 8, 4);
FIELD(tr_record, kind, 12, 4);
FIELD(tr_record, sequence, 16, 8);
FIELD(tr_record, trace_id, 24, 16);
FIELD(tr_record, span_id, 40, 8);
FIELD(tr_record, parent_id, 48, 8);
FIELD(tr_record, start_ns, 56, 8);
FIELD(tr_record, end_ns, 64, 8);
FIELD(tr_record, name, 72, 16);
FIELD(tr_record, group_id, 88, 16);
FIELD(tr_record, project, 104, 16);
FIELD(tr_record, foreign_id, 120, 16);
FIELD(tr_record, model, 136, 16);
FIELD(tr_record, score_name, 152, 16);
FIELD(tr_record, error_type, 168, 16);
FIELD(tr_record, error_message, 184, 16);
FIELD(tr_record, input, 200, 40);
FIELD(tr_record, output, 240, 40);
FIELD(tr_record, usage, 280, 48);
FIELD(tr_record, score, 328, 8);
FIELD(tr_record, step, 336, 8);
FIELD(tr_record, run_status, 344, 4);
FIELD(tr_record, exit_code, 348, 4);
FIELD(tr_record, dropped_attributes, 352, 4);
FIELD(tr_record, reserved, 356, 4);
FIELD(tr_record, attributes, 360, 8);
FIELD(tr_record, attribute_count, 368, 8);
FIELD(tr_record, events, 376, 8);
FIELD(tr_record, event_count, 384, 8);

GROWS(tr_batch, 56);
FIELD(tr_batch, struct_size, 0, 4);
FIELD(tr_batch, flags, 4, 4);
FIELD(tr_batch, processor, 8, 8);
FIELD(tr_batch, run_id, 16, 8);
FIELD(tr_batch, records, 24, 8);
FIELD(tr_batch, count, 32, 8);
FIELD(tr_batch, state, 40, 8);
FIELD(tr_batch, state_size, 48, 8);

GROWS(tr_processor, 128);
FIELD(tr_processor, struct_size, 0, 4);
FIELD(tr_processor, flags, 4, 4);
FIELD(tr_processor, user_data, 8, 8);
FIELD(tr_processor, name, 16, 8);
FIELD(tr_processor, destination, 24, 8);
FIELD(tr_processor, on_trace_start, 32, 8);
FIELD(tr_processor, on_span_start, 40, 8);
FIELD(tr_processor, on_span_end, 48, 8);
FIELD(tr_processor, on_trace_end, 56, 8);
FIELD(tr_processor, on_run, 64, 8);
FIELD(tr_processor, on_batch, 72, 8);
FIELD(tr_processor, on_tick, 80, 8);
FIELD(tr_processor, restore, 88, 8);
FIELD(tr_processor, force_flush, 96, 8);
FIELD(tr_processor, shutdown, 104, 8);
FIELD(tr_processor, release, 112, 8);
FIELD(tr_processor, tick_ms, 120, 4);
FIELD(tr_processor, batch_size, 124, 4);

GROWS(tr_stats, 200);
FIELD(tr_stats, struct_size, 0, 4);
FIELD(tr_stats, mode, 4, 4);
FIELD(tr_stats, traces_started, 8, 8);
FIELD(tr_stats, traces_ended, 16, 8);
FIELD(tr_stats, traces_sampled_out, 24, 8);
FIELD(tr_stats, traces_refused, 32, 8);
FIELD(tr_stats, spans_started, 40, 8);
FIELD(tr_stats, spans_ended, 48, 8);
FIELD(tr_stats, spans_incomplete, 56, 8);
FIELD(tr_stats, spans_refused, 64, 8);
FIELD(tr_stats, stale_handles, 72, 8);
FIELD(tr_stats, misuse, 80, 8);
FIELD(tr_stats, reentrant, 88, 8);
FIELD(tr_stats, values_truncated, 96, 8);
FIELD(tr_stats, values_dropped, 104, 8);
FIELD(tr_stats, attributes_dropped, 112, 8);
FIELD(tr_stats, values_redacted, 120, 8);
FIELD(tr_stats, records_logged, 128, 8);
FIELD(tr_stats, log_bytes, 136, 8);
FIELD(tr_stats, log_errors, 144, 8);
FIELD(tr_stats, memory_used, 152, 8);
FIELD(tr_stats, memory_mapped, 160, 8);
FIELD(tr_stats, runs_adopted, 168, 8);
FIELD(tr_stats, records_recovered, 176, 8);
FIELD(tr_stats, records_corrupt, 184, 8);
FIELD(tr_stats, runs_expired, 192, 8);

FIXED(tr_tally, 16);
FIELD(tr_tally, spans, 0, 8);
FIELD(tr_tally, records, 8, 8);

GROWS(tr_processor_stats, 176);
FIELD(tr_processor_stats, struct_size, 0, 4);
FIELD(tr_processor_stats, poisoned_now, 4, 4);
FIELD(tr_processor_stats, offered, 8, 16);
FIELD(tr_processor_stats, delivered, 24, 16);
FIELD(tr_processor_stats, rejected, 40, 16);
FIELD(tr_processor_stats, poisoned, 56, 16);
FIELD(tr_processor_stats, removed, 72, 16);
FIELD(tr_processor_stats, overflowed, 88, 16);
FIELD(tr_processor_stats, unreadable, 104, 16);
FIELD(tr_processor_stats, left_behind, 120, 16);
FIELD(tr_processor_stats, pending, 136, 16);
FIELD(tr_processor_stats, adopted, 152, 16);
FIELD(tr_processor_stats, retries, 168, 8);

int main(void) { return 0; }
