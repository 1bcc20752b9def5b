/* The workloads of the comparison on the floor (libfloor.c), through dlopen as a foreign language would.
 * Usage: floor W1|W3|W4 THREADS, with FLOOR_LIB naming the library. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "harness.h"

typedef void* span_t;
static span_t (*start)(span_t, const char*, size_t);
static void (*set_str)(span_t, const char*, size_t, const char*, size_t);
static void (*set_i64)(span_t, const char*, size_t, int64_t);
static void (*set_f64)(span_t, const char*, size_t, double);
static void (*end)(span_t), (*flush)(void), (*enable)(int), (*init)(void), (*stop)(void);
static long (*received)(void);
static span_t root;

#define TEXT(s) s, sizeof(s) - 1

static void w1(long n) {
  for (long i = 0; i < n; i++) {
    span_t span = start(root, TEXT("llm.chat"));
    set_str(span, TEXT("gen_ai.request.model"), MODEL, 16);
    set_i64(span, TEXT("gen_ai.usage.input_tokens"), 1234);
    set_i64(span, TEXT("gen_ai.usage.output_tokens"), 256);
    set_str(span, TEXT("gen_ai.response.finish_reason"), "stop", 4);
    set_f64(span, TEXT("gen_ai.request.temperature"), .7);
    set_str(span, TEXT("gen_ai.output.text"), TXT1K, 1024);
    end(span);
  }
}

static void w3(long n) {
  for (long i = 0; i < n; i++) end(start(root, TEXT("llm.chat")));
}

int main(int argc, char** argv) {
  bench_init();
  const char* workload = argc > 1 ? argv[1] : "W1";
  const int off = workload[1] == '4';
  void* library = dlopen(getenv("FLOOR_LIB") ? getenv("FLOOR_LIB") : "./libfloor.so", RTLD_NOW);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 77;
  }
#define LOAD(pointer, name) *(void**)&pointer = dlsym(library, name)
  LOAD(start, "fl_start");
  LOAD(set_str, "fl_str");
  LOAD(set_i64, "fl_int");
  LOAD(set_f64, "fl_dbl");
  LOAD(end, "fl_end");
  LOAD(flush, "fl_flush");
  LOAD(enable, "fl_enable");
  LOAD(init, "fl_init");
  LOAD(stop, "fl_shutdown");
  LOAD(received, "fl_received");
  init();
  if (off) enable(0);
  root = start(0, TEXT("root"));
  run_bursts((bench_run){"floor", workload, "the least work: no log, no checks", workload[1] == '3' ? w3 : w1, flush,
                         received, argc > 2 ? atoi(argv[2]) : 1, off ? 400 : 50, off});
  stop();
  return 0;
}
