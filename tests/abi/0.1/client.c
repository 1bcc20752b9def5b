/* A program as it was written and compiled for version 0.1: the header beside it is that of then, and stays as it is.
 * Linked with the library of now it must find everything as it was, and nothing written beyond the structs it knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trunkline.h"

static int failures, spans, ends, released;

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      ++failures;                                                     \
      fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
    }                                                                 \
  } while (0)

enum { kGuard = 0x5A };

/* A struct of then with bytes behind it that the library must leave alone. */
#define GUARDED(type)  \
  struct {             \
    type it;           \
    uint8_t guard[64]; \
  }
#define MARK(of)                                  \
  do {                                            \
    memset(&(of), 0, sizeof(of));                 \
    memset((of).guard, kGuard, sizeof(of).guard); \
    (of).it.struct_size = sizeof(of).it;          \
  } while (0)

static int untouched(const uint8_t guard[64]) {
  int i;
  for (i = 0; i < 64; ++i) {
    if (guard[i] != kGuard) return 0;
  }
  return 1;
}

static int is(tr_string text, const char* expected) {
  return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static int take(void* user_data, const tr_batch* batch) {
  size_t i;
  (void)user_data;
  EXPECT(batch->struct_size >= sizeof(tr_batch) && batch->run_id != NULL);
  for (i = 0; i < batch->count; ++i) {
    const tr_record* record = batch->records[i];
    EXPECT(record->struct_size >= sizeof(tr_record) && record->sequence != 0);
    ends += record->type == TR_RECORD_TRACE_END;
    if (record->type != TR_RECORD_SPAN_END) continue;
    ++spans;
    EXPECT(is(record->name, "chat") && record->kind == TR_KIND_GENERATION && is(record->model, "model"));
    EXPECT(record->usage.total == 16 && record->attribute_count == 1 && record->attributes[0].value.i64 == 7);
    EXPECT(record->event_count == 1 && is(record->events[0].name, "event"));
    EXPECT((record->flags & TR_RECORD_FAILED) != 0 && is(record->error_type, "type"));
    EXPECT(record->end_ns >= record->start_ns && record->start_ns > 0);
  }
  return TR_OK;
}

static void count_release(void* user_data) {
  (void)user_data;
  ++released;
}

static void record(void) {
  const tr_usage usage = {14, 2, -1, -1, -1, -1};
  GUARDED(tr_trace_options) options;
  GUARDED(tr_context) context;
  char header[TR_TRACEPARENT_SIZE + 1];
  tr_trace trace;
  tr_span span;
  MARK(options);
  MARK(context);
  options.it.group_id.data = "group";
  options.it.group_id.size = 5;
  trace = tr_trace_start("trace", TR_NUL, &options.it);
  span = tr_span_start(trace, 0, TR_KIND_GENERATION, "chat", 4);
  EXPECT(trace != 0 && span != 0);
  EXPECT(tr_span_set_i64(span, "seven", TR_NUL, 7) == TR_OK);
  EXPECT(tr_span_set_model(span, "model", TR_NUL) == TR_OK);
  EXPECT(tr_span_set_usage(span, &usage) == TR_OK);
  EXPECT(tr_span_set_error(span, "type", 4, "message", 7) == TR_OK);
  EXPECT(tr_span_event(span, "event", 5, NULL, 0) == TR_OK);
  EXPECT(tr_context_inject(span, header, sizeof header) == TR_OK);
  EXPECT(tr_context_extract(header, TR_TRACEPARENT_SIZE, &context.it) == TR_OK && untouched(context.guard));
  EXPECT(tr_span_end(span) == TR_OK && tr_span_end(span) == TR_ESTALE);
  EXPECT(tr_trace_end(trace) == TR_OK);
}

static void read_counts(tr_processor_id id) {
  GUARDED(tr_stats) stats;
  GUARDED(tr_processor_stats) counts;
  MARK(stats);
  MARK(counts);
  EXPECT(tr_stats_get(&stats.it) == TR_OK && untouched(stats.guard));
  EXPECT(stats.it.mode == TR_MODE_FILE || stats.it.mode == TR_MODE_LOG_ONLY);
  EXPECT(stats.it.spans_started == 1 && stats.it.spans_ended == 1 && stats.it.stale_handles == 1 &&
         stats.it.misuse == 0);
  EXPECT(tr_processor_stats_get(id, &counts.it) == TR_OK && untouched(counts.guard));
  EXPECT(counts.it.delivered.spans == 1 && counts.it.delivered.records == 3 && counts.it.pending.records == 0);
}

static void start(const char* folder) {
  GUARDED(tr_config) config;
  GUARDED(tr_error) error;
  MARK(config);
  MARK(error);
  EXPECT(tr_config_init(&config.it, sizeof config.it) == TR_OK && untouched(config.guard));
  config.it.sample_ratio = 2;
  EXPECT(tr_init(&config.it, &error.it) == TR_EINVAL && untouched(error.guard));
  EXPECT(error.it.code == TR_EINVAL && error.it.message[0] != '\0');
  config.it.sample_ratio = 1;
  config.it.directory = folder;
  config.it.processors = "none";
  EXPECT(tr_init(&config.it, &error.it) == TR_OK);
}

int main(void) {
  char folder[] = "/tmp/trunkline-abi-XXXXXX";
  char command[64];
  GUARDED(tr_processor) processor;
  GUARDED(tr_processor) jsonl;
  tr_processor_id id = 0;
  if (mkdtemp(folder) == NULL) return 1;
  EXPECT(tr_abi_version() >> 16 == TR_ABI_VERSION >> 16 && (tr_abi_version() & 0xFFFF) >= (TR_ABI_VERSION & 0xFFFF));
  start(folder);
  MARK(jsonl);
  EXPECT(tr_jsonl_processor(NULL, 0, &jsonl.it, NULL) == TR_OK && untouched(jsonl.guard));
  EXPECT(tr_add_processor(&jsonl.it, NULL) == TR_OK);
  MARK(processor);
  processor.it.name = "client";
  processor.it.on_batch = take;
  processor.it.release = count_release;
  EXPECT(tr_add_processor(&processor.it, &id) == TR_OK);
  record();
  EXPECT(tr_flush(30000) == TR_OK);
  read_counts(id);
  EXPECT(tr_shutdown(30000) == TR_OK);
  EXPECT(spans == 1 && ends == 1 && released == 1);
  snprintf(command, sizeof command, "grep -c . %s/traces.jsonl | grep -qx 3 && rm -rf %s", folder, folder);
  EXPECT(system(command) == 0);
  return failures != 0;
}
