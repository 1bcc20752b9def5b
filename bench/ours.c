/* The workloads of the comparison in docs/benchmarks.md, in libtrunkline, which is loaded with dlopen so that the cost
 * of a foreign language's call is in the figure. W1: a span with five attributes and 1 KB of text; W3: a bare span; W4:
 * W1 with tracing switched off. Usage: ours W1|W3|W4 THREADS, with TRUNKLINE_LIB naming the library. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "harness.h"
#include "trunkline.h"

#define API(name) static __typeof__(name)* p_##name
API(tr_config_init);
API(tr_init);
API(tr_flush);
API(tr_shutdown);
API(tr_trace_start);
API(tr_trace_end);
API(tr_span_start);
API(tr_span_set_str);
API(tr_span_set_i64);
API(tr_span_set_f64);
API(tr_span_end);
API(tr_add_processor);
API(tr_stats_get);

#define TEXT(s) s, sizeof(s) - 1
static tr_trace trace;
static long received;

static void w1(long n) {
  for (long i = 0; i < n; i++) {
    tr_span span = p_tr_span_start(trace, 0, TR_KIND_GENERATION, TEXT("llm.chat"));
    p_tr_span_set_str(span, TEXT("gen_ai.request.model"), MODEL, 16);
    p_tr_span_set_i64(span, TEXT("gen_ai.usage.input_tokens"), 1234);
    p_tr_span_set_i64(span, TEXT("gen_ai.usage.output_tokens"), 256);
    p_tr_span_set_str(span, TEXT("gen_ai.response.finish_reason"), "stop", 4);
    p_tr_span_set_f64(span, TEXT("gen_ai.request.temperature"), .7);
    p_tr_span_set_str(span, TEXT("gen_ai.output.text"), TXT1K, 1024);
    p_tr_span_end(span);
  }
}

static void w3(long n) {
  for (long i = 0; i < n; i++) p_tr_span_end(p_tr_span_start(trace, 0, TR_KIND_GENERATION, TEXT("llm.chat")));
}

static int count_batch(void* user_data, const tr_batch* batch) {
  (void)user_data;
  for (size_t i = 0; i < batch->count; i++) received += batch->records[i]->type == TR_RECORD_SPAN_END;
  return 0;
}

static void flush(void) { p_tr_flush(60000); }
static long count(void) { return received; }

int main(int argc, char** argv) {
  bench_init();
  const char* workload = argc > 1 ? argv[1] : "W1";
  const int threads = argc > 2 ? atoi(argv[2]) : 1;
  void* library = dlopen(getenv("TRUNKLINE_LIB") ? getenv("TRUNKLINE_LIB") : "libtrunkline.so", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 77;
  }
#define LOAD(name) *(void**)&p_##name = dlsym(library, #name)
  LOAD(tr_config_init);
  LOAD(tr_init);
  LOAD(tr_flush);
  LOAD(tr_shutdown);
  LOAD(tr_trace_start);
  LOAD(tr_trace_end);
  LOAD(tr_span_start);
  LOAD(tr_span_set_str);
  LOAD(tr_span_set_i64);
  LOAD(tr_span_set_f64);
  LOAD(tr_span_end);
  LOAD(tr_add_processor);
  LOAD(tr_stats_get);
  tr_config config;
  p_tr_config_init(&config, sizeof config);
  config.processors = "none";
  if (workload[1] == '4') config.flags |= TR_CONFIG_DISABLED;
  tr_error error = {sizeof error, 0, {0}};
  if (p_tr_init(&config, &error) != 0) {
    fprintf(stderr, "tr_init: %s\n", error.message);
    return 1;
  }
  tr_processor counter;
  memset(&counter, 0, sizeof counter);
  counter.struct_size = sizeof counter;
  counter.name = "counter";
  counter.on_batch = count_batch;
  p_tr_add_processor(&counter, NULL);
  trace = p_tr_trace_start(TEXT("bench"), NULL);
  const int off = workload[1] == '4';
  run_bursts((bench_run){"trunkline", workload, "log on disk, through dlopen", workload[1] == '3' ? w3 : w1, flush,
                         count, threads, off ? 400 : 50, off});
  p_tr_trace_end(trace);
  tr_stats stats;
  stats.struct_size = sizeof stats;
  p_tr_stats_get(&stats);
  if (stats.spans_refused) fprintf(stderr, "refused %lu\n", (unsigned long)stats.spans_refused);
  p_tr_shutdown(10000);
  return 0;
}
