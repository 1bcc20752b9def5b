/* Processors from plain C: batches that are kept and acknowledged by another thread, batches that are pulled, state
 * that comes back, replacing and removing, and the built-in ones. */
#include <poll.h>
#include <pthread.h>

#include "check.h"

static tr_batch* kept[64];
static size_t kept_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int released;

static int keep(void* user_data, const tr_batch* batch) {
  (void)user_data;
  OK(tr_processor_save("state", 5));
  pthread_mutex_lock(&lock);
  if (kept_count < 64) kept[kept_count++] = tr_batch_retain(batch);
  pthread_mutex_unlock(&lock);
  return TR_OK;
}

static void count_release(void* user_data) { ++*(int*)user_data; }

static tr_processor named(const char* name) {
  tr_processor processor;
  memset(&processor, 0, sizeof processor);
  processor.struct_size = sizeof processor;
  processor.name = name;
  processor.user_data = &released;
  processor.release = count_release;
  return processor;
}

static void record_spans(int count) {
  tr_trace trace = tr_trace_start("numbers", TR_NUL, NULL);
  int i;
  for (i = 0; i < count; ++i) OK(tr_span_end(tr_span_start(trace, 0, TR_KIND_STEP, "step", TR_NUL)));
  OK(tr_trace_end(trace));
}

/* Until the flag is set: acknowledges what is kept, the last first. */
static int stop;
static void* acknowledge(void* unused) {
  (void)unused;
  for (;;) {
    tr_batch* batch = NULL;
    int ended;
    pthread_mutex_lock(&lock);
    if (kept_count > 0) batch = kept[--kept_count];
    ended = stop;
    pthread_mutex_unlock(&lock);
    if (batch != NULL) {
      OK(tr_batch_ack(batch, TR_OK));
    } else if (ended) {
      return NULL;
    } else {
      poll(NULL, 0, 1);
    }
  }
}

static tr_processor_stats counts_of(tr_processor_id id) {
  tr_processor_stats counts;
  memset(&counts, 0, sizeof counts);
  counts.struct_size = sizeof counts;
  OK(tr_processor_stats_get(id, &counts));
  return counts;
}

static void kept_and_acknowledged(void) {
  tr_processor keeper = named("keeper");
  tr_processor_id id = 0;
  pthread_t thread;
  keeper.on_batch = keep;
  keeper.batch_size = 16;
  OK(tr_add_processor(&keeper, &id));
  if (pthread_create(&thread, NULL, acknowledge, NULL) != 0) exit(1);
  record_spans(200);
  OK(tr_flush(30000));
  EXPECT(counts_of(id).delivered.spans == 200);
  pthread_mutex_lock(&lock);
  stop = 1;
  pthread_mutex_unlock(&lock);
  pthread_join(thread, NULL);
  EXPECT(tr_batch_ack(NULL, TR_OK) == TR_EINVAL);
  OK(tr_remove_processor(id));
  EXPECT(tr_remove_processor(id) == TR_ENOENT);
}

static void pulled(void) {
  tr_processor source = named("source");
  tr_processor_id id = 0;
  struct pollfd readable;
  size_t spans = 0;
  int parted = 0;
  source.flags = TR_PROCESSOR_POLL;
  OK(tr_add_processor(&source, &id));
  record_spans(100);
  readable.fd = tr_poll_fd(id);
  readable.events = POLLIN;
  EXPECT(readable.fd >= 0);
  while (spans < 100) {
    tr_batch* batch = NULL;
    size_t i;
    EXPECT(poll(&readable, 1, 30000) == 1);
    if (tr_poll(id, 32, 0, &batch) != 1) continue;
    EXPECT(batch->count <= 32);
    if (!parted && batch->count > 2) {
      /* The first two are taken; the others come again. */
      parted = 1;
      for (i = 0; i < 2; ++i) spans += batch->records[i]->type == TR_RECORD_SPAN_END;
      OK(tr_poll_ack_part(batch, 2, TR_EAGAIN, "x", 1));
      continue;
    }
    for (i = 0; i < batch->count; ++i) spans += batch->records[i]->type == TR_RECORD_SPAN_END;
    OK(tr_poll_ack(batch, TR_OK, "x", 1));
  }
  EXPECT(spans == 100 && parted);
  OK(tr_remove_processor(id));
}

static void built_in(const char* folder) {
  tr_processor tables[2];
  tr_processor_id ids[2] = {0, 0};
  char options[256], path[128];
  tr_error error = {sizeof error, 0, ""};
  FILE* file;
  int lines = 0, c;
  snprintf(path, sizeof path, "%s/out.jsonl", folder);
  snprintf(options, sizeof options, "{\"path\": \"%s\"}", path);
  memset(tables, 0, sizeof tables);
  tables[0].struct_size = tables[1].struct_size = sizeof tables[0];
  EXPECT(tr_jsonl_processor("{\"no_such\": 1}", TR_NUL, &tables[0], &error) == TR_EINVAL);
  EXPECT(error.code == TR_EINVAL && strstr(error.message, "no_such") != NULL);
  EXPECT(tr_console_processor("{\"stream\": \"nowhere\"}", TR_NUL, &tables[0], &error) == TR_EINVAL);
  EXPECT(tr_mlflow_processor("{\"tracking_uri\": \"ftp://host\"}", TR_NUL, &tables[0], &error) == TR_EINVAL);
  EXPECT(strstr(error.message, "tracking_uri") != NULL);
  EXPECT(tr_mlflow_processor("{\"tracking_uri\": \"http://host\", \"token\": \"s3cret\"}", TR_NUL, &tables[0],
                             &error) == TR_EINVAL);
  EXPECT(strstr(error.message, "https") != NULL && strstr(error.message, "s3cret") == NULL);
  OK(tr_mlflow_processor("{\"tracking_uri\": \"https://host\", \"token\": \"s3cret\"}", TR_NUL, &tables[0], &error));
  EXPECT(strstr(tables[0].destination, "s3cret") == NULL && strstr(tables[0].destination, "https://host") != NULL);
  tables[0].release(tables[0].user_data);
  EXPECT(strstr(tr_family_preset(" Claude-Opus", TR_NUL), "\"family\": \"anthropic\"") != NULL);
  EXPECT(tr_family_preset("gpt-5", TR_NUL) == NULL);
  EXPECT(tr_wandb_processor("{\"mode\": \"sometimes\"}", TR_NUL, &tables[0], &error) == TR_EINVAL);
  EXPECT(strstr(error.message, "mode") != NULL);
  EXPECT(tr_wandb_download_artifact("{}", TR_NUL, "no alias", TR_NUL, "/proc/nowhere", TR_NUL, &error) == TR_EINVAL);
  EXPECT(error.code == TR_EINVAL && error.message[0] != '\0');
  OK(tr_wandb_processor("{\"mode\": \"offline\", \"project\": \"p\"}", TR_NUL, &tables[0], &error));
  EXPECT(strstr(tables[0].destination, "/wandb") != NULL);
  tables[0].release(tables[0].user_data);
  OK(tr_jsonl_processor(options, TR_NUL, &tables[0], &error));
  OK(tr_local_processor(NULL, 0, &tables[1], &error));
  OK(tr_replace_processors(tables, 2, ids));
  EXPECT(ids[0] != 0 && ids[1] != 0 && ids[0] != ids[1]);
  record_spans(10);
  OK(tr_flush(30000));
  file = fopen(path, "r");
  EXPECT(file != NULL);
  while (file != NULL && (c = fgetc(file)) != EOF) lines += c == '\n';
  if (file != NULL) fclose(file);
  EXPECT(lines == 12); /* a trace's start and end beside the spans */
}

int main(void) {
  tr_processor_id id = 0;
  const char* folder = start("none");
  kept_and_acknowledged();
  pulled();
  built_in(folder);
  EXPECT(tr_find_processor("local", TR_NUL, &id) == TR_OK && counts_of(id).delivered.spans == 10);
  EXPECT(tr_find_processor("source", TR_NUL, &id) == TR_ENOENT && id == 0);
  EXPECT(released == 2);
  OK(tr_set_processors(NULL, 0));
  OK(tr_shutdown(30000));
  OK(tr_shutdown(0));
  return finish(folder);
}
