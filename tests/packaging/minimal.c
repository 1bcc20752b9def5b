/* The smallest host: it must build in C99 and in every C++ from 11 on, outside this repository, from what was
 * installed. argv[1] is a folder it may use. */
#include <stdio.h>
#include <string.h>
#include <trunkline.h>

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

static int failures = 0;

static void expect(int condition, const char* what) {
  if (!condition) {
    fprintf(stderr, "minimal: not so: %s\n", what);
    ++failures;
  }
}

static void record_one_span(void) {
  tr_trace trace = tr_trace_start("packaging", TR_NUL, NULL);
  tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, "minimal", TR_NUL);
  expect(trace != 0 && span != 0, "a trace and a span are recorded");
  expect(tr_span_set_i64(span, "answer", TR_NUL, 42) == TR_OK, "an attribute is taken");
  expect(tr_span_end(span) == TR_OK, "the span ends");
  expect(tr_span_end(span) == TR_ESTALE, "a span ends once");
  expect(tr_trace_end(trace) == TR_OK, "the trace ends");
}

int main(int argc, char** argv) {
  tr_config config;
  tr_error error;
  tr_stats stats;
  if (argc != 2) return 2;
  expect(strcmp(tr_version(), VERSION_TEXT(TR_VERSION_MAJOR, TR_VERSION_MINOR, TR_VERSION_PATCH)) == 0,
         "the library is the one of this header");
  expect(tr_abi_version() >> 16 == TR_ABI_VERSION >> 16, "the ABI is the one of this header");

  memset(&error, 0, sizeof error);
  error.struct_size = (uint32_t)sizeof error;
  expect(tr_config_init(&config, sizeof config) == TR_OK, "a configuration is filled");
  config.directory = argv[1];
  config.processors = "none";
  if (tr_init(&config, &error) != TR_OK) {
    fprintf(stderr, "minimal: tr_init: %s\n", error.message);
    return 1;
  }
  record_one_span();
  memset(&stats, 0, sizeof stats);
  stats.struct_size = (uint32_t)sizeof stats;
  expect(tr_stats_get(&stats) == TR_OK, "there are statistics");
  expect(stats.spans_started == 1 && stats.spans_ended == 1, "one span was started and ended");
  expect(tr_shutdown(60000) == TR_OK, "shutdown leaves nothing");
  expect(tr_trace_start("late", TR_NUL, NULL) == 0, "nothing is recorded after shutdown");
  if (failures == 0) printf("minimal: trunkline %s works\n", tr_version());
  return failures != 0;
}
