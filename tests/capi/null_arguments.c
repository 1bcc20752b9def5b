/* NULL for each pointer argument of each function, in calls that null_arguments.py writes from the header: TR_EINVAL,
 * or nothing happens where the header allows it. And every function while nothing runs. */
#include <stdatomic.h>

#include "check.h"

static const char kTraceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
static const uint64_t invented = 0x123456789abcdu;

static tr_config config;
static tr_error error;
static tr_attribute attribute;
static tr_value value;
static tr_usage usage = {1, 2, -1, -1, -1, -1};
static tr_trace_options trace_options;
static tr_run_options run_options;
static tr_artifact artifact;
static tr_artifact_file artifact_file;
static tr_context context;
static tr_stats stats;
static tr_processor_stats counts;
static tr_processor_id id, source;
static tr_batch* unused_batch;
static char header[TR_TRACEPARENT_SIZE + 1];
static uint8_t id16[16], id8[8];
static tr_trace trace = 0x123456789abcdu; /* invented, until there is one */
static tr_span current;
static tr_run run;
static atomic_int made_calls; /* a hook makes some, on another thread */
static int refused_spans;

static void prepare(void) {
  memset(&config, 0, sizeof config);
  error.struct_size = sizeof error;
  attribute.key = text("key");
  value.type = attribute.value.type = TR_TYPE_I64;
  trace_options.struct_size = sizeof trace_options;
  run_options.struct_size = sizeof run_options;
  artifact.struct_size = sizeof artifact;
  artifact.name = artifact.type = text("a");
  artifact_file.path = artifact_file.file = text("");
  artifact.files = &artifact_file;
  artifact.file_count = 1;
  context.struct_size = sizeof context;
  stats.struct_size = sizeof stats;
  counts.struct_size = sizeof counts;
}

/* A live span; a new one when the last call has ended it. */
static tr_span span(void) {
  if (current == 0 || tr_span_get_ids(current, NULL, NULL) != TR_OK) {
    current = tr_span_start(trace, 0, TR_KIND_TOOL, "refused", TR_NUL);
  }
  return current;
}

static tr_span_data* span_data(void) {
  static tr_span_data data;
  memset(&data, 0, sizeof data);
  data.struct_size = sizeof data;
  data.trace = trace;
  data.name = text("recorded");
  return &data;
}

static int take(void* user_data, const tr_record* record) {
  (void)user_data;
  (void)record;
  return TR_OK;
}

/* Tables that are filled and not registered are their caller's to release. */
static tr_processor* table(void) {
  static tr_processor made;
  if (made.release != NULL) made.release(made.user_data);
  memset(&made, 0, sizeof made);
  made.struct_size = sizeof made;
  made.name = "processor";
  made.on_span_end = take;
  return &made;
}

/* A batch that is out: a new one when the last was acknowledged. */
static tr_batch* out;
static tr_batch* polled(void) {
  while (out == NULL) {
    const tr_trace other = tr_trace_start("polled", TR_NUL, NULL);
    OK(tr_trace_end(other));
    if (tr_poll(source, 1, 1000, &out) < 0) {
      fprintf(stderr, "the polled processor is gone\n");
      exit(1);
    }
  }
  return out;
}

static int finish_run(tr_run started) { return tr_run_finish(started, TR_RUN_FINISHED, 0); }

/* Each call had a span of its own: a refused one must have left it empty, which read_span sees. */
static void expect_code(int code, int expected, const char* what) {
  ++made_calls;
  if (code == TR_OK && strncmp(what, "tr_poll_ack", 11) == 0) out = NULL;
  if (current != 0) {
    if (expected == TR_OK) (void)tr_span_set_bool(current, "allowed", TR_NUL, 1);
    (void)tr_span_end(current);
    current = 0;
  }
  if (code == expected) return;
  ++failures;
  fprintf(stderr, "%s: %s\n", what, tr_strerror(code));
}

static void expect_pointer(const void* pointer, const char* what) {
  ++made_calls;
  if (pointer == NULL) return;
  ++failures;
  fprintf(stderr, "%s: not NULL\n", what);
}

static void expect_handle(uint64_t handle, int (*end)(uint64_t), uint64_t misuse, const char* what) {
  static uint64_t misuse_before;
  ++made_calls;
  OK(tr_stats_get(&stats));
  if (handle == 0 || end(handle) != TR_OK || stats.misuse != misuse_before + misuse) {
    ++failures;
    fprintf(stderr, "%s: handle %llx, misuse %llu after %llu\n", what, (unsigned long long)handle,
            (unsigned long long)stats.misuse, (unsigned long long)misuse_before);
  }
  misuse_before = stats.misuse;
}

static void expect_idle(int code, int fine, const char* what) {
  const int refused =
      code == TR_ESTATE || code == TR_ESTALE || code == TR_ENOENT || code == TR_EINVAL || code == TR_ECLOSED;
  if (fine ? code == TR_OK : refused) return;
  ++failures;
  fprintf(stderr, "%s while nothing runs: %s\n", what, tr_strerror(code));
}

static void expect_nothing_set(const tr_record* record) {
  EXPECT(record->attribute_count == 0 && record->event_count == 0 && record->flags == 0);
  EXPECT(record->model.size == 0 && record->foreign_id.size == 0 && record->score_name.size == 0);
  EXPECT(record->input.type == TR_TYPE_NULL && record->output.type == TR_TYPE_NULL && record->usage.input == -1);
}

static int read_span(void* user_data, const tr_record* record) {
  size_t i;
  (void)user_data;
  if (!equals(record->name, "refused")) return TR_OK;
  for (i = 0; i < record->attribute_count; ++i) {
    if (equals(record->attributes[i].key, "allowed")) return TR_OK;
  }
  ++refused_spans;
  expect_nothing_set(record);
  return TR_OK;
}

#include "null_calls.h"

static int take_batch(void* user_data, const tr_batch* batch) {
  (void)batch;
  int* taken = user_data;
  if ((*taken)++ == 0) in_hook();
  return TR_OK;
}

static void add_processors(int* taken) {
  tr_processor reader = *table();
  tr_processor hooked = *table();
  tr_processor polling = *table();
  reader.on_span_end = read_span;
  hooked.on_span_end = NULL;
  hooked.on_batch = take_batch;
  hooked.user_data = taken;
  polling.on_span_end = NULL;
  polling.flags = TR_PROCESSOR_POLL;
  OK(tr_add_processor(&reader, NULL));
  OK(tr_add_processor(&hooked, NULL));
  OK(tr_add_processor(&polling, &source));
}

/* Polled batches are of no more use: what is left is taken, so that nothing is left at the shutdown. */
static void drain(void) {
  int result = 1;
  if (out != NULL) OK(tr_poll_ack(out, TR_OK, NULL, 0));
  while (result > 0) {
    result = tr_poll(source, 512, 200, &out);
    if (result > 0) OK(tr_poll_ack(out, TR_OK, NULL, 0));
  }
  EXPECT(result == 0);
}

/* Of an artifact's metadata: a size to be found, and no data. */
static void every_metadata(void) {
  static const tr_string unsized = {"hello", TR_NUL}, missing = {NULL, 5};
  const struct {
    tr_value given;
    int code;
  } tried[] = {
      {{TR_TYPE_STR, 0, 0, 0, "hello", TR_NUL}, TR_OK},
      {{TR_TYPE_STR, 0, 0, 0, NULL, TR_NUL}, TR_OK},
      {{TR_TYPE_STR, 0, 0, 0, NULL, 5}, TR_EINVAL},
      {{TR_TYPE_BYTES, 0, 0, 0, "hello", TR_NUL}, TR_EINVAL},
      {{TR_TYPE_BYTES, 0, 0, 0, NULL, 5}, TR_EINVAL},
      {{TR_TYPE_JSON, 0, 0, 0, "{}", TR_NUL}, TR_OK},
      {{TR_TYPE_JSON, 0, 0, 0, NULL, 5}, TR_EINVAL},
      {{TR_TYPE_STR_ARRAY, 0, 0, 0, &unsized, 1}, TR_OK},
      {{TR_TYPE_STR_ARRAY, 0, 0, 0, &missing, 1}, TR_EINVAL},
      {{TR_TYPE_STR_ARRAY, 0, 0, 0, NULL, 1}, TR_EINVAL},
      {{TR_TYPE_I64_ARRAY, 0, 0, 0, NULL, 1}, TR_EINVAL},
      {{TR_TYPE_F64_ARRAY, 0, 0, 0, "", TR_NUL}, TR_EINVAL},
      {{TR_TYPE_STR_ARRAY + 1, 0, 0, 0, "hello", 5}, TR_EINVAL},
  };
  size_t i;
  tr_attribute fact;
  artifact_file.path = text("x");
  artifact_file.file = text("/proc/self/exe");
  artifact.metadata = &fact;
  artifact.metadata_count = 1;
  for (i = 0; i < sizeof tried / sizeof tried[0]; ++i) {
    fact.key.data = "key";
    fact.key.size = TR_NUL;
    fact.value = tried[i].given;
    if (tr_run_add_artifact(run, &artifact) != tried[i].code) fprintf(stderr, "metadata %d\n", (int)i);
    EXPECT(tr_run_add_artifact(run, &artifact) == tried[i].code);
  }
  fact = attribute;
  fact.key.data = NULL;
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EINVAL);
  fact.key.size = TR_NUL;
  EXPECT(tr_run_add_artifact(run, &artifact) == TR_EINVAL);
  artifact.metadata = NULL;
  artifact.metadata_count = 0;
}

int main(void) {
  const char* folder;
  int taken = 0;
  prepare();
  every_call_while_nothing_runs();
  folder = start("none");
  add_processors(&taken);
  trace = tr_trace_start("trace", TR_NUL, NULL);
  run = tr_run_start(NULL);
  every_null();
  every_metadata();
  OK(tr_run_finish(run, TR_RUN_FINISHED, 0));
  OK(tr_trace_end(trace));
  drain();
  EXPECT(tr_set_processors(NULL, 1) == TR_EINVAL);
  OK(tr_set_processors(NULL, 0));
  OK(tr_shutdown(30000));
  EXPECT(taken > 0 && refused_spans > 40 && made_calls == kNullCalls);
  every_call_while_nothing_runs();
  /* No configuration, no error: the environment and defaults. */
  setenv("TRUNKLINE_DIR", folder, 1);
  OK(tr_init(NULL, NULL));
  EXPECT(tr_init(NULL, NULL) == TR_ESTATE);
  OK(tr_shutdown(30000));
  (void)table();
  return finish(folder);
}
