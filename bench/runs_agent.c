/* Our side of docs/benchmarks_mlflow.md and docs/benchmarks_wandb.md: what an agent does, with the processors that the
 * environment names, in one process; bench/peers/mlflow_sdk/agent.py and bench/peers/wandb_sdk/agent.py do the same
 * through the official SDKs. Prints one line of JSON. runs_agent numbers COUNT   numbers logged to one run, until the
 * server has them runs_agent calls COUNT     generations with model and usage in one trace: what the caller pays
 *   runs_agent traces COUNT    traces of ten spans, until the server has them
 *   runs_agent first           one number; the time at which it was logged, then waits for the end of its input
 *   runs_agent short           one trace of ten spans */
#define _GNU_SOURCE
#include <dirent.h>
#include <math.h>
#include <unistd.h>

#include "harness.h"
#include "trunkline.h"

#define PATIENCE_MS 300000
#define SPANS_OF_A_TRACE 10
#define CALLS_AT_ONCE 500

typedef struct {
  double cpu, wall;
} cost;

static cost clocks(void) { return (cost){now_ns(CLOCK_THREAD_CPUTIME_ID), now_ns(CLOCK_MONOTONIC)}; }

static void add_since(cost* sum, cost begin) {
  sum->cpu += now_ns(CLOCK_THREAD_CPUTIME_ID) - begin.cpu;
  sum->wall += now_ns(CLOCK_MONOTONIC) - begin.wall;
}

/* Memory that is this process's alone, in KiB. */
static long private_kib(void) {
  char line[256];
  long sum = 0, kib = 0;
  FILE* file = fopen("/proc/self/smaps_rollup", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "Private_%*[^:]: %ld", &kib) == 1) sum += kib;
  if (file) fclose(file);
  return sum;
}

static int threads(void) {
  int count = -2; /* "." and ".." */
  DIR* folder = opendir("/proc/self/task");
  while (folder && readdir(folder)) count++;
  if (folder) closedir(folder);
  return count;
}

/* `first` is another figure of the mode, 0 where it has none. */
static int finish(const char* mode, long records, cost calls, double begin, cost first) {
  const int flushed = tr_flush(PATIENCE_MS);
  const double seconds = (now_ns(CLOCK_MONOTONIC) - begin) / 1e9;
  const double n = (double)(records > 0 ? records : 1);
  printf(
      "{\"mode\":\"%s\",\"records\":%ld,\"call_cpu_ns\":%.1f,\"call_wall_ns\":%.1f,\"end_cpu_ns\":%.1f,"
      "\"end_wall_ns\":%.1f,\"seconds\":%.6f,\"private_kib\":%ld,\"threads\":%d}\n",
      mode, records, calls.cpu / n, calls.wall / n, first.cpu / n, first.wall / n, seconds, private_kib(), threads());
  return flushed == TR_OK && tr_shutdown(PATIENCE_MS) == TR_OK ? 0 : 1;
}

static void log_number(tr_run run, long step) {
  tr_attribute loss;
  memset(&loss, 0, sizeof loss);
  loss.key.data = "loss";
  loss.key.size = 4;
  loss.value.type = TR_TYPE_F64;
  loss.value.f64 = 1.0 / (double)(step + 1);
  tr_run_log(run, step, &loss, 1);
}

static int numbers(long count) {
  cost calls = {0, 0};
  const double begin = now_ns(CLOCK_MONOTONIC);
  const tr_run run = tr_run_start(NULL);
  const cost before = clocks();
  for (long i = 0; i < count; i++) log_number(run, i);
  add_since(&calls, before);
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  return finish("numbers", count, calls, begin, (cost){0, 0});
}

static tr_span generation(tr_trace trace) {
  const tr_usage usage = {1234, 256, -1, -1, -1, -1};
  const tr_span span = tr_span_start(trace, 0, TR_KIND_GENERATION, "llm.chat", 8);
  tr_span_set_model(span, MODEL, 16);
  tr_span_set_usage(span, &usage);
  return span;
}

/* Spans of one trace are open at once, so that their ends can be timed apart from the rest. */
static int calls_of_one_trace(long count) {
  static tr_span open[CALLS_AT_ONCE];
  cost all = {0, 0}, ends = {0, 0};
  const double begin = now_ns(CLOCK_MONOTONIC);
  const tr_trace trace = tr_trace_start("calls", 5, NULL);
  for (long done = -CALLS_AT_ONCE; done < count; done += CALLS_AT_ONCE) { /* the first burst warms up */
    const cost before = clocks();
    for (int i = 0; i < CALLS_AT_ONCE; i++) open[i] = generation(trace);
    const cost between = clocks();
    for (int i = 0; i < CALLS_AT_ONCE; i++) tr_span_end(open[i]);
    if (done < 0) continue;
    add_since(&ends, between);
    add_since(&all, before);
  }
  tr_trace_end(trace);
  return finish("calls", count, all, begin, ends);
}

static void one_trace(void) {
  const tr_trace trace = tr_trace_start("agent", 5, NULL);
  for (int i = 0; i < SPANS_OF_A_TRACE; i++) {
    const tr_span span = generation(trace);
    tr_span_set_input(span, TR_TYPE_JSON, "{\"question\": \"what is 6 times 7?\"}", TR_NUL);
    tr_span_set_output(span, TR_TYPE_STR, "42", 2);
    tr_span_end(span);
  }
  tr_trace_end(trace);
}

static int traces(const char* mode, long count) {
  cost calls = {0, 0};
  const cost before = clocks();
  for (long i = 0; i < count; i++) one_trace();
  add_since(&calls, before);
  return finish(mode, count, calls, before.wall, (cost){0, 0});
}

static int first(void) {
  char byte;
  const tr_run run = tr_run_start(NULL);
  printf("{\"mode\":\"first\",\"logged_ns\":%.0f}\n", now_ns(CLOCK_MONOTONIC));
  log_number(run, 0);
  log_number(run, 1); /* a row of W&B is whole when the next step begins */
  fflush(stdout);
  while (read(0, &byte, 1) == 1) {
  }
  tr_run_finish(run, TR_RUN_FINISHED, 0);
  return tr_shutdown(PATIENCE_MS) == TR_OK ? 0 : 1;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  const long count = argc > 2 ? atol(argv[2]) : 1;
  tr_error error = {sizeof error, 0, {0}};
  if (tr_init(NULL, &error) != TR_OK) {
    fprintf(stderr, "tr_init: %s\n", error.message);
    return 1;
  }
  if (!strcmp(mode, "numbers")) return numbers(count);
  if (!strcmp(mode, "calls")) return calls_of_one_trace(count);
  if (!strcmp(mode, "traces")) return traces("traces", count);
  if (!strcmp(mode, "first")) return first();
  if (!strcmp(mode, "short")) return traces("short", 1);
  return 2;
}
