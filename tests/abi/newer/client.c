/* A program compiled for a header newer than the library, in which every struct that carries its size has grown by
 * `added_later`. newer_client.py makes that header and tells by the argument what to do: "zero" leaves the new members
 * at zero, "used" says something in them, "call" calls a function that the library does not have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trunkline.h"

static int failures, released;

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      ++failures;                                                     \
      fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
    }                                                                 \
  } while (0)

static int take(void* user_data, const tr_batch* batch) {
  (void)user_data;
  EXPECT(batch->struct_size < sizeof(tr_batch)); /* so that a reader knows what it may look at */
  return TR_OK;
}

static void count_release(void* user_data) {
  (void)user_data;
  ++released;
}

static uint64_t misuse(void) {
  tr_stats stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  EXPECT(tr_stats_get(&stats) == TR_OK && stats.added_later == 0);
  return stats.misuse;
}

static void record(uint64_t later) {
  const uint64_t wrong = later != 0;
  const int expected = later != 0 ? TR_EUNSUPPORTED : TR_OK;
  uint64_t before = misuse();
  tr_trace_options options;
  tr_run_options run;
  tr_span_data span;
  tr_trace trace;
  memset(&options, 0, sizeof options);
  memset(&run, 0, sizeof run);
  memset(&span, 0, sizeof span);
  options.struct_size = sizeof options;
  run.struct_size = sizeof run;
  span.struct_size = sizeof span;
  options.added_later = run.added_later = span.added_later = later;
  trace = tr_trace_start("trace", TR_NUL, &options);
  EXPECT(trace != 0 && misuse() == before + wrong);
  EXPECT(tr_run_start(&run) != 0 && misuse() == before + 2 * wrong);
  span.trace = trace;
  EXPECT(tr_span_record(&span) == expected);
  EXPECT(tr_trace_end(trace) == TR_OK);
}

static void use(const char* folder, uint64_t later) {
  const int expected = later != 0 ? TR_EUNSUPPORTED : TR_OK;
  tr_config config;
  tr_processor processor;
  tr_error error;
  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  EXPECT(tr_config_init(&config, sizeof config) == TR_OK && config.added_later == 0);
  config.directory = folder;
  config.processors = "none";
  config.added_later = later;
  EXPECT(tr_init(&config, &error) == expected && error.code == expected);
  config.added_later = 0;
  if (later != 0) EXPECT(tr_init(&config, &error) == TR_OK);
  memset(&processor, 0, sizeof processor);
  processor.struct_size = sizeof processor;
  processor.name = "newer";
  processor.on_batch = take;
  processor.release = count_release;
  processor.added_later = later;
  EXPECT(tr_add_processor(&processor, NULL) == expected);
  record(later);
  EXPECT(tr_flush(30000) == TR_OK);
  EXPECT(tr_shutdown(30000) == TR_OK);
  EXPECT(released == 1);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (strcmp(argv[1], "call") == 0) return tr_added_later();
  use(argv[2], strcmp(argv[1], "used") == 0 ? 1 : 0);
  return failures != 0;
}
