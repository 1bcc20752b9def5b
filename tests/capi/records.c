/* Everything that can be recorded, from plain C, and read again in the hooks of a processor written in C. */
#include "check.h"

static int trace_starts, spans, trace_ends, events, runs, ticks, released;
static int run_types[16];

static const tr_attribute* find(const tr_attribute* attributes, size_t count, const char* key) {
  size_t i;
  for (i = 0; i < count; ++i) {
    if (equals(attributes[i].key, key)) return &attributes[i];
  }
  return NULL;
}

static int is_text(const tr_value* value, tr_type type, const char* expected) {
  return value->type == type && value->size == strlen(expected) && memcmp(value->data, expected, value->size) == 0;
}

static const tr_value* value_of(const tr_record* record, const char* key) {
  static const tr_value none;
  const tr_attribute* found = find(record->attributes, record->attribute_count, key);
  EXPECT(found != NULL);
  return found != NULL ? &found->value : &none;
}

static void check_generation(const tr_record* record) {
  const int64_t* numbers;
  EXPECT(record->kind == TR_KIND_GENERATION);
  EXPECT(equals(record->model, "a-model"));
  EXPECT(record->usage.input == 7 && record->usage.output == 5 && record->usage.total == 12);
  EXPECT(equals(record->score_name, "judge") && record->score == 0.5);
  EXPECT(record->step == 3);
  EXPECT(is_text(&record->input, TR_TYPE_STR, "question"));
  EXPECT(is_text(&record->output, TR_TYPE_JSON, "{\"answer\":42}"));
  EXPECT(equals(record->foreign_id, "call-1"));
  EXPECT((record->flags & TR_RECORD_FAILED) != 0);
  EXPECT(equals(record->error_type, "timeout") && equals(record->error_message, "too slow"));
  EXPECT(is_text(value_of(record, "str"), TR_TYPE_STR, "text"));
  EXPECT(value_of(record, "i64")->i64 == INT64_MIN);
  EXPECT(value_of(record, "f64")->f64 == 0.25);
  EXPECT(value_of(record, "bool")->type == TR_TYPE_BOOL && value_of(record, "bool")->i64 == 1);
  EXPECT(value_of(record, "bytes")->size == 3 && memcmp(value_of(record, "bytes")->data, "\0\1\2", 3) == 0);
  EXPECT(is_text(value_of(record, "json"), TR_TYPE_JSON, "[1]"));
  numbers = value_of(record, "numbers")->data;
  EXPECT(value_of(record, "numbers")->size == 2 && numbers[0] == 1 && numbers[1] == -1);
  EXPECT(value_of(record, "late")->i64 == 9);
  EXPECT(record->event_count == 1 && equals(record->events[0].name, "token"));
  EXPECT(record->start_ns > 0 && record->end_ns >= record->start_ns);
}

static int on_trace_start(void* user_data, const tr_record* record) {
  (void)user_data;
  ++trace_starts;
  EXPECT(record->type == TR_RECORD_TRACE_START && equals(record->group_id, "talk"));
  return TR_OK;
}

static int on_span_end(void* user_data, const tr_record* record) {
  (void)user_data;
  ++spans;
  if (equals(record->name, "generation")) check_generation(record);
  if (equals(record->name, "elsewhere")) EXPECT(record->start_ns == 1000 && record->end_ns == 3000);
  return TR_OK;
}

static int on_trace_end(void* user_data, const tr_record* record) {
  (void)user_data;
  ++trace_ends;
  EXPECT(equals(record->foreign_id, "theirs"));
  EXPECT(is_text(value_of(record, "stop_reason"), TR_TYPE_STR, "final"));
  EXPECT(value_of(record, "given")->i64 == 1 && value_of(record, "i64")->i64 == 2);
  EXPECT(value_of(record, "f64")->f64 == 0.5 && value_of(record, "bool")->i64 == 0);
  EXPECT(is_text(value_of(record, "json"), TR_TYPE_JSON, "{}"));
  EXPECT(value_of(record, "null")->type == TR_TYPE_NULL);
  EXPECT(equals(record->error_type, "gave_up"));
  return TR_OK;
}

/* What is not JSON, or lies too deep to be in an object, is a text. */
static void check_metadata(const tr_value* value) {
  static const char kBegin[] = "{\"accuracy\":0.5,\"note\":\"hello\",\"json\":[1],\"bad\":\"not json\",\"deep\":\"[[[";
  EXPECT(value->type == TR_TYPE_JSON && value->size > sizeof kBegin);
  EXPECT(value->type == TR_TYPE_JSON && memcmp(value->data, kBegin, sizeof kBegin - 1) == 0);
}

static int on_run(void* user_data, const tr_record* record) {
  (void)user_data;
  if (record->type == TR_RECORD_EVENT) {
    ++events;
    return TR_OK;
  }
  if (runs < 16) run_types[runs++] = (int)record->type;
  if (record->type == TR_RECORD_RUN_LOG) EXPECT(record->step == 4 && value_of(record, "loss")->f64 == 0.125);
  if (record->type == TR_RECORD_RUN_ADD_ARTIFACT) check_metadata(value_of(record, "metadata"));
  if (record->type == TR_RECORD_RUN_FINISH) EXPECT(record->run_status == TR_RUN_FAILED && record->exit_code == 2);
  return TR_OK;
}

static int on_tick(void* user_data, int64_t unix_ns) {
  (void)user_data;
  EXPECT(unix_ns > 0);
  ++ticks;
  return TR_OK;
}

static void on_release(void* user_data) { ++*(int*)user_data; }

static tr_attribute number(const char* key, int64_t value) {
  tr_attribute a;
  memset(&a, 0, sizeof a);
  a.key = text(key);
  a.value.type = TR_TYPE_I64;
  a.value.i64 = value;
  return a;
}

static tr_attribute real(const char* key, double value) {
  tr_attribute a;
  memset(&a, 0, sizeof a);
  a.key = text(key);
  a.value.type = TR_TYPE_F64;
  a.value.f64 = value;
  return a;
}

static void write_generation(tr_span span) {
  static const int64_t numbers[] = {1, -1};
  const tr_usage usage = {7, 5, -1, -1, -1, -1};
  tr_attribute several[2];
  tr_value null;
  several[0] = number("first", 1);
  several[1] = number("second", 2);
  memset(&null, 0, sizeof null);
  null.type = TR_TYPE_I64_ARRAY;
  null.data = numbers;
  null.size = 2;
  OK(tr_span_set_value(span, "numbers", TR_NUL, &null));
  OK(tr_span_set_values(span, several, 2));
  OK(tr_span_set_str(span, "str", TR_NUL, "text and more", 4));
  OK(tr_span_set_i64(span, "i64", TR_NUL, INT64_MIN));
  OK(tr_span_set_f64(span, "f64", TR_NUL, 0.25));
  OK(tr_span_set_bool(span, "bool", TR_NUL, 7));
  OK(tr_span_set_bytes(span, "bytes", TR_NUL, "\0\1\2", 3));
  OK(tr_span_set_json(span, "json", TR_NUL, "[1]", TR_NUL));
  OK(tr_span_set_usage(span, &usage));
  OK(tr_span_set_model(span, "a-model", TR_NUL));
  OK(tr_span_set_score(span, "judge", TR_NUL, 0.5));
  OK(tr_span_set_step(span, 3));
  OK(tr_span_set_input(span, TR_TYPE_STR, "question", TR_NUL));
  OK(tr_span_set_output(span, TR_TYPE_JSON, "{\"answer\":42}", TR_NUL));
  OK(tr_span_set_error(span, "timeout", TR_NUL, "too slow", TR_NUL));
  OK(tr_span_set_foreign_id(span, "call-1", TR_NUL));
  OK(tr_span_event(span, "token", TR_NUL, several, 2));
}

/* {"a": 1}, and the same with a byte missing. */
static void record_packed(tr_trace trace) {
  static const char kPacked[] = "\2\1\0a\1\0\0\0\0\0\0\0";
  const size_t size = sizeof kPacked - 1;
  tr_span span = tr_span_start_packed(trace, 0, TR_KIND_TOOL, "packed", TR_NUL, kPacked, size);
  EXPECT(span != 0);
  OK(tr_span_set_packed(span, kPacked, size));
  EXPECT(tr_span_set_packed(span, kPacked, size - 1) == TR_EINVAL);
  OK(tr_span_end_packed(span, kPacked, size));
  EXPECT(tr_span_end_packed(span, kPacked, size) == TR_ESTALE);
  span = tr_span_start_packed(trace, 0, TR_KIND_TOOL, "packed", TR_NUL, kPacked, size - 1);
  EXPECT(span != 0);
  EXPECT(tr_span_end_packed(span, kPacked, size - 1) == TR_EINVAL);
  EXPECT(tr_span_end(span) == TR_ESTALE);
}

static tr_attribute unsized(const char* key, tr_type type, const char* value) {
  tr_attribute a = number(key, 0);
  a.value.type = type;
  a.value.data = value;
  a.value.size = TR_NUL;
  return a;
}

static void record_an_artifact(tr_run run) {
  tr_artifact_file files[2] = {{{"a/program", 9}, {"/proc/self/exe", TR_NUL}}, {{"b", 1}, {"/proc/self/exe", TR_NUL}}};
  tr_string alias = text("best");
  char deep[2 * 128 + 1];
  tr_attribute facts[5];
  tr_artifact artifact;
  memset(&artifact, 0, sizeof artifact);
  artifact.struct_size = sizeof artifact;
  artifact.name = text("a-program");
  artifact.type = text("model");
  artifact.aliases = &alias;
  artifact.alias_count = 1;
  memset(deep, '[', 128);
  memset(deep + 128, ']', 128);
  deep[2 * 128] = '\0';
  facts[0] = real("accuracy", 0.5);
  facts[1] = unsized("note", TR_TYPE_STR, "hello");
  facts[2] = unsized("json", TR_TYPE_JSON, "[1]");
  facts[3] = unsized("bad", TR_TYPE_JSON, "not json");
  facts[4] = unsized("deep", TR_TYPE_JSON, deep);
  artifact.metadata = facts;
  artifact.metadata_count = 5;
  artifact.files = files;
  artifact.file_count = 2;
  OK(tr_run_add_artifact(run, &artifact));
  EXPECT(tr_run_add_artifact(0, &artifact) == TR_OK);
  files[1].path = files[0].path; /* two of one name */
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EINVAL);
  files[1].path = text("../b");
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EINVAL);
  files[1].path = text("b");
  files[1].file = text("/no/such/file");
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EIO);
  artifact.file_count = 0;
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EINVAL);
  artifact.file_count = 1;
  artifact.name = text("a/b");
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EINVAL);
  artifact.name = text("b");
  artifact.flags = 1;
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EUNSUPPORTED);
}

/* The name of the file has 46 bytes more than the key. */
static void log_media_under_long_keys(tr_run run) {
  char key[256];
  memset(key, 'k', sizeof key);
  OK(tr_run_log_media(run, 4, key, 209, TR_MEDIA_HTML, "/proc/self/exe", TR_NUL));
  EXPECT(tr_run_log_media(run, 4, key, 210, TR_MEDIA_HTML, "/proc/self/exe", TR_NUL) == TR_EINVAL);
  EXPECT(tr_run_log_media(run, 4, key, 255, TR_MEDIA_HTML, "/proc/self/exe", TR_NUL) == TR_EINVAL);
}

static void record_a_run(tr_trace trace) {
  tr_run_options options;
  tr_attribute item = real("loss", 0.125);
  tr_run run;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.trace = trace;
  options.name = text("a run");
  run = tr_run_start(&options);
  EXPECT(run != 0);
  OK(tr_run_log(run, 4, &item, 1));
  OK(tr_run_set_summary(run, &item, 1));
  OK(tr_run_set_config(run, &item, 1));
  OK(tr_run_set_tag(run, "tag", TR_NUL, "", 0));
  OK(tr_run_log_artifact(run, "a/program", TR_NUL, "/proc/self/exe", TR_NUL));
  EXPECT(tr_run_log_artifact(run, "a/program", TR_NUL, "/", TR_NUL) == TR_EIO);
  EXPECT(tr_run_log_artifact(run, "../program", TR_NUL, "/proc/self/exe", TR_NUL) == TR_EINVAL);
  record_an_artifact(run);
  OK(tr_run_use_artifact(run, "team/project/index:latest", TR_NUL));
  EXPECT(tr_run_use_artifact(run, "", 0) == TR_EINVAL);
  log_media_under_long_keys(run);
  EXPECT(tr_run_log_media(run, 4, "page", TR_NUL, TR_MEDIA_IMAGE, "/proc/self/exe", TR_NUL) == TR_EINVAL);
  EXPECT(tr_run_log_media(run, 4, "page", TR_NUL, 3, "/proc/self/exe", TR_NUL) == TR_EINVAL);
  EXPECT(tr_run_log_media(run, 4, "page", TR_NUL, TR_MEDIA_HTML, "/", TR_NUL) == TR_EIO);
  OK(tr_run_finish(run, TR_RUN_FAILED, 2));
  EXPECT(tr_run_finish(run, TR_RUN_FINISHED, 0) == TR_ESTALE);
}

static void record_a_span_timed_elsewhere(tr_trace trace) {
  tr_span_data data;
  memset(&data, 0, sizeof data);
  data.struct_size = sizeof data;
  data.trace = trace;
  data.kind = TR_KIND_TOOL;
  data.name = text("elsewhere");
  data.start_ns = 1000;
  data.end_ns = 3000;
  OK(tr_span_record(&data));
}

static void check_propagation(tr_trace trace, tr_span span) {
  char header[TR_TRACEPARENT_SIZE + 1];
  uint8_t trace_id[16], of_span[16], span_id[8];
  tr_context context;
  memset(&context, 0, sizeof context);
  context.struct_size = sizeof context;
  OK(tr_context_inject(span, header, sizeof header));
  OK(tr_context_extract(header, TR_NUL, &context));
  OK(tr_trace_get_id(trace, trace_id));
  OK(tr_span_get_ids(span, of_span, span_id));
  EXPECT(memcmp(trace_id, of_span, sizeof trace_id) == 0);
  EXPECT(memcmp(context.trace_id, trace_id, sizeof trace_id) == 0);
  EXPECT(memcmp(context.span_id, span_id, sizeof span_id) == 0);
  EXPECT(tr_context_inject(span, header, TR_TRACEPARENT_SIZE) == TR_EINVAL);
}

static void record_a_trace(void) {
  tr_attribute given = number("given", 1), late = number("late", 9);
  tr_trace_options options;
  tr_value null;
  tr_trace trace;
  tr_span parent, span;
  memset(&null, 0, sizeof null);
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.group_id = text("talk");
  options.foreign_id = text("theirs");
  options.metadata = &given;
  options.metadata_count = 1;
  trace = tr_trace_start("everything", TR_NUL, &options);
  EXPECT(trace != 0);
  OK(tr_trace_set_value(trace, "null", TR_NUL, &null));
  OK(tr_trace_set_str(trace, "stop_reason", TR_NUL, "final", TR_NUL));
  OK(tr_trace_set_i64(trace, "i64", TR_NUL, 2));
  OK(tr_trace_set_f64(trace, "f64", TR_NUL, 0.5));
  OK(tr_trace_set_bool(trace, "bool", TR_NUL, 0));
  OK(tr_trace_set_json(trace, "json", TR_NUL, "{}", TR_NUL));
  OK(tr_trace_set_error(trace, "gave_up", TR_NUL, "", 0));
  OK(tr_trace_event(trace, "note", TR_NUL, &given, 1));
  parent = tr_span_start(trace, 0, TR_KIND_AGENT, "agent", TR_NUL);
  span = tr_span_start_with(trace, parent, TR_KIND_GENERATION, "generation", TR_NUL, &given, 1);
  EXPECT(parent != 0 && span != 0);
  write_generation(span);
  check_propagation(trace, span);
  record_a_span_timed_elsewhere(trace);
  record_a_run(trace);
  OK(tr_span_end_with(span, &late, 1));
  EXPECT(tr_span_end(span) == TR_ESTALE);
  record_packed(trace);
  OK(tr_span_end(parent));
  OK(tr_trace_end(trace));
}

int main(void) {
  const char* folder = start("none");
  tr_processor processor;
  tr_processor_id id = 0;
  tr_processor_stats counts;
  tr_stats stats;
  memset(&processor, 0, sizeof processor);
  processor.struct_size = sizeof processor;
  processor.name = "reader";
  processor.user_data = &released;
  processor.on_trace_start = on_trace_start;
  processor.on_span_end = on_span_end;
  processor.on_trace_end = on_trace_end;
  processor.on_run = on_run;
  processor.on_tick = on_tick;
  processor.tick_ms = 10;
  processor.release = on_release;
  OK(tr_add_processor(&processor, &id));
  record_a_trace();
  OK(tr_flush(30000));
  memset(&counts, 0, sizeof counts);
  counts.struct_size = sizeof counts;
  OK(tr_processor_stats_get(id, &counts));
  EXPECT(counts.delivered.spans == 5 && counts.offered.records == counts.delivered.records);
  OK(tr_shutdown(30000));
  OK(tr_processor_stats_get(id, &counts));
  EXPECT(counts.delivered.spans == 5);
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  OK(tr_stats_get(&stats));
  EXPECT(stats.mode == TR_MODE_OFF && stats.spans_ended == 5 && stats.stale_handles == 4);
  EXPECT(trace_starts == 1 && spans == 5 && trace_ends == 1 && events == 1 && runs == 10 && released == 1);
  EXPECT(run_types[0] == TR_RECORD_RUN_START && run_types[5] == TR_RECORD_RUN_ARTIFACT &&
         run_types[6] == TR_RECORD_RUN_ADD_ARTIFACT && run_types[7] == TR_RECORD_RUN_USE_ARTIFACT &&
         run_types[8] == TR_RECORD_RUN_MEDIA && run_types[9] == TR_RECORD_RUN_FINISH);
  EXPECT(strcmp(tr_strerror(TR_ESTALE), tr_strerror(TR_EINVAL)) != 0);
  EXPECT(tr_version()[0] != '\0' && tr_abi_version() == TR_ABI_VERSION);
  return finish(folder);
}
