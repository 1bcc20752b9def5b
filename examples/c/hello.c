/* The smallest whole program: a trace with two spans, and a processor of our own that prints each span as it ends.
 * Everything is kept in the local store as well, which `trunkline ls` reads. */
#include <stdio.h>

#include "trunkline.h"

static int print_span(void* user_data, const tr_record* record) {
  long long* count = user_data;
  ++*count;
  printf("span %lld: %.*s, %.3f ms", *count, (int)record->name.size, record->name.data,
         (double)(record->end_ns - record->start_ns) / 1e6);
  if (record->usage.total >= 0) printf(", %lld tokens", (long long)record->usage.total);
  if (record->flags & TR_RECORD_FAILED) {
    printf(", error: %.*s", (int)record->error_message.size, record->error_message.data);
  }
  printf("\n");
  return TR_OK;
}

static void record_an_agent(void) {
  tr_trace trace = tr_trace_start("hello", TR_NUL, NULL);
  tr_trace_set_str(trace, "user", TR_NUL, "example", TR_NUL);

  tr_span generation = tr_span_start(trace, 0, TR_KIND_GENERATION, "chat", TR_NUL);
  tr_usage usage = {12, 5, -1, -1, -1, -1};
  tr_span_set_model(generation, "some-model", TR_NUL);
  tr_span_set_usage(generation, &usage);
  tr_span_set_input(generation, TR_TYPE_STR, "What is in notes.txt?", TR_NUL);
  tr_span_set_output(generation, TR_TYPE_STR, "I shall read it.", TR_NUL);
  tr_span_end(generation);

  tr_span tool = tr_span_start(trace, 0, TR_KIND_TOOL, "read_file", TR_NUL);
  tr_span_set_input(tool, TR_TYPE_JSON, "{\"path\": \"notes.txt\"}", TR_NUL);
  tr_span_set_error(tool, "not_found", TR_NUL, "there is no notes.txt", TR_NUL);
  tr_span_end(tool);

  tr_trace_set_str(trace, "stop_reason", TR_NUL, "final", TR_NUL);
  tr_trace_end(trace);
}

int main(void) {
  tr_error error = {sizeof error, 0, ""};
  if (tr_init(NULL, &error) != TR_OK) {
    fprintf(stderr, "tracing did not start: %s\n", error.message);
    return 1;
  }
  long long count = 0;
  tr_processor printer = {0};
  printer.struct_size = sizeof printer;
  printer.name = "printer";
  printer.user_data = &count;
  printer.on_span_end = print_span;
  int result = tr_add_processor(&printer, NULL);
  if (result != TR_OK) fprintf(stderr, "no printer: %s\n", tr_strerror(result));

  record_an_agent();

  result = tr_shutdown(5000);
  if (result != TR_OK) fprintf(stderr, "shutdown: %s\n", tr_strerror(result));
  return result == TR_OK && count == 2 ? 0 : 1;
}
