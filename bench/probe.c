/* What the comparison of costs per span does not show, one line of JSON each. Usage:
 *   probe latency SPANS   the time of one W1 span, one each 3 us; SPANS 0: of an empty loop
 *   probe cold SPANS      of one W1 span, one each 100 ms
 *   probe idle SECONDS    CPU, wake-ups and memory of an instance that has nothing to do
 *   probe lifecycle TIMES tr_init and tr_shutdown
 *   probe catchup SPANS   how fast a processor that did nothing so far is given the log */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdatomic.h>
#include <unistd.h>

#include "harness.h"
#include "trunkline.h"

#define TEXT(s) s, sizeof(s) - 1
#define EMPTY_LOOP 1000000L

static tr_trace trace;

static void w1_span(void) {
  tr_span span = tr_span_start(trace, 0, TR_KIND_GENERATION, TEXT("llm.chat"));
  tr_span_set_str(span, TEXT("gen_ai.request.model"), MODEL, 16);
  tr_span_set_i64(span, TEXT("gen_ai.usage.input_tokens"), 1234);
  tr_span_set_i64(span, TEXT("gen_ai.usage.output_tokens"), 256);
  tr_span_set_str(span, TEXT("gen_ai.response.finish_reason"), "stop", 4);
  tr_span_set_f64(span, TEXT("gen_ai.request.temperature"), .7);
  tr_span_set_str(span, TEXT("gen_ai.output.text"), TXT1K, 1024);
  tr_span_end(span);
}

static double now(void) { return now_ns(CLOCK_MONOTONIC); }

static void pause_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void fail(const char* what) {
  fprintf(stderr, "probe: %s\n", what);
  exit(1);
}

static void begin(const char* processors) {
  tr_config config;
  tr_error error = {sizeof error, 0, {0}};
  tr_config_init(&config, sizeof config);
  config.processors = processors;
  if (tr_init(&config, &error)) fail(error.message);
}

static atomic_long received;
static atomic_int held;

static int count_batch(void* user_data, const tr_batch* batch) {
  (void)user_data;
  while (atomic_load(&held)) pause_ms(1);
  long spans = 0;
  for (size_t i = 0; i < batch->count; i++) spans += batch->records[i]->type == TR_RECORD_SPAN_END;
  atomic_fetch_add(&received, spans);
  return 0;
}

static void begin_counting(void) {
  begin("none");
  tr_processor counter;
  memset(&counter, 0, sizeof counter);
  counter.struct_size = sizeof counter;
  counter.name = "counter";
  counter.on_batch = count_batch;
  if (tr_add_processor(&counter, NULL)) fail("the processor was refused");
  trace = tr_trace_start(TEXT("probe"), NULL);
}

static int by_size(const void* a, const void* b) {
  const float x = *(const float*)a, y = *(const float*)b;
  return (x > y) - (x < y);
}

/* Prints how the times are spread. */
static void print_times(const char* probe, float* times, long count) {
  qsort(times, (size_t)count, sizeof *times, by_size);
  const double shares[] = {.5, .9, .99, .999, .9999};
  const char* names[] = {"p50", "p90", "p99", "p99_9", "p99_99"};
  printf("{\"probe\":\"%s\",\"count\":%ld", probe, count);
  for (int i = 0; i < 5; i++) printf(",\"%s\":%.0f", names[i], (double)times[(long)((double)(count - 1) * shares[i])]);
  printf(",\"max\":%.0f}\n", (double)times[count - 1]);
}

static void latency(long spans) {
  const long count = spans ? spans : EMPTY_LOOP;
  float* times = malloc((size_t)count * sizeof *times);
  if (!times) fail("no memory");
  memset(times, 0, (size_t)count * sizeof *times); /* so that no page is met for the first time while measuring */
  begin_counting();
  for (long i = 0; i < 20000; i++) w1_span();
  tr_flush(10000);
  double due = now();
  for (long i = 0; i < count; i++) {
    due += 3000;
    while (now() < due) {
    }
    const double before = now();
    if (spans) w1_span();
    times[i] = (float)(now() - before);
    if (before > due + 1e6) due = before; /* after a long interruption, no burst to make up for it */
  }
  print_times(spans ? "latency" : "empty", times, count);
  free(times);
}

static void cold(long spans) {
  float* times = malloc((size_t)spans * sizeof *times);
  if (!times) fail("no memory");
  begin_counting();
  for (long i = 0; i < spans; i++) {
    pause_ms(100);
    const double before = now();
    w1_span();
    times[i] = (float)(now() - before);
  }
  print_times("cold", times, spans);
  free(times);
}

/* A number of /proc/self/status or of a thread's. */
static double status_of(const char* path, const char* key) {
  char line[256];
  double value = 0;
  FILE* file = fopen(path, "r");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, key, strlen(key))) value = atof(line + strlen(key));
  fclose(file);
  return value;
}

/* Of all threads but the calling one. */
static double wake_ups(void) {
  double sum = 0;
  DIR* folder = opendir("/proc/self/task");
  if (!folder) fail("no /proc");
  for (struct dirent* each; (each = readdir(folder));) {
    char path[320];
    snprintf(path, sizeof path, "/proc/self/task/%s/status", each->d_name);
    if (each->d_name[0] != '.' && atoi(each->d_name) != getpid()) sum += status_of(path, "voluntary_ctxt_switches:");
  }
  closedir(folder);
  return sum;
}

static void idle(long seconds) {
  begin("local");
  trace = tr_trace_start(TEXT("probe"), NULL);
  w1_span();
  tr_trace_end(trace);
  tr_flush(10000);
  pause_ms(2000);
  const double before = wake_ups(), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID), start = now();
  pause_ms(seconds * 1000);
  const double passed = (now() - start) / 1e9;
  printf("{\"probe\":\"idle\",\"wake_ups_per_s\":%.2f,\"cpu_us_per_s\":%.0f,\"rss_mb\":%.1f}\n",
         (wake_ups() - before) / passed, (now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3 / passed,
         status_of("/proc/self/status", "VmRSS:") / 1024);
}

static void lifecycle(long times) {
  float* starts = malloc((size_t)times * sizeof *starts);
  float* stops = malloc((size_t)times * sizeof *stops);
  if (!starts || !stops) fail("no memory");
  for (long i = 0; i < times; i++) {
    const double before = now();
    begin("local");
    starts[i] = (float)(now() - before);
    trace = tr_trace_start(TEXT("probe"), NULL);
    for (int k = 0; k < 1000; k++) w1_span();
    tr_trace_end(trace);
    tr_flush(10000);
    const double end = now();
    if (tr_shutdown(10000)) fail("tr_shutdown left something");
    stops[i] = (float)(now() - end);
  }
  print_times("init", starts, times);
  print_times("shutdown", stops, times);
  free(starts);
  free(stops);
}

static void catchup(long spans) {
  atomic_store(&held, 1);
  begin_counting();
  tr_stats stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  for (long done = 0; done < spans; done += BURST) {
    for (long i = 0; i < BURST && done + i < spans; i++) w1_span();
    do {
      pause_ms(1);
      tr_stats_get(&stats);
    } while (stats.memory_used > stats.memory_mapped / 2 && stats.memory_used > (32u << 20));
  }
  do {
    pause_ms(10);
    tr_stats_get(&stats);
  } while ((long)stats.records_logged < spans);
  const double bytes = (double)stats.log_bytes, start = now();
  atomic_store(&held, 0);
  while (atomic_load(&received) < spans && now() - start < 6e10) pause_ms(1);
  const double took = (now() - start) / 1e9;
  printf("{\"probe\":\"catchup\",\"spans\":%ld,\"received\":%ld,\"spans_per_s\":%.0f,\"mb_per_s\":%.0f}\n", spans,
         atomic_load(&received), (double)atomic_load(&received) / took, bytes / 1e6 / took);
}

int main(int argc, char** argv) {
  if (argc != 3) fail("usage: probe latency|cold|idle|lifecycle|catchup NUMBER");
  bench_init();
  const char* probe = argv[1];
  const long number = atol(argv[2]);
  if (!strcmp(probe, "latency"))
    latency(number);
  else if (!strcmp(probe, "cold"))
    cold(number);
  else if (!strcmp(probe, "idle"))
    idle(number);
  else if (!strcmp(probe, "lifecycle"))
    lifecycle(number);
  else if (!strcmp(probe, "catchup"))
    catchup(number);
  else
    fail("no such probe");
  fflush(stdout);
  tr_shutdown(10000);
  return 0;
}
