/* A program that forgets tr_shutdown, or is in a hurry: what it recorded is with the built-in processors all the same,
 * and its exit code is its own. */
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { kSpans = 500, kExitCode = 7 };

static void leave(int how) {
  tr_trace trace = tr_trace_start("hurried", TR_NUL, NULL);
  int i;
  for (i = 0; i < kSpans; ++i) OK(tr_span_end(tr_span_start(trace, 0, TR_KIND_STEP, "step", TR_NUL)));
  OK(tr_trace_end(trace));
  if (how == 0) exit(kExitCode);
  _exit(kExitCode);
}

/* The child of a fork has an instance of its own; here nothing was started before. */
static void run(const char* folder, int how) {
  const pid_t child = fork();
  int status = 0;
  if (child == 0) {
    tr_config config;
    OK(tr_config_init(&config, sizeof config));
    config.directory = folder;
    config.processors = "jsonl";
    OK(tr_init(&config, NULL));
    leave(how);
  }
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == kExitCode);
}

static int lines_of(const char* folder) {
  char path[128];
  FILE* file;
  int lines = 0, c;
  snprintf(path, sizeof path, "%s/traces.jsonl", folder);
  file = fopen(path, "r");
  while (file != NULL && (c = fgetc(file)) != EOF) lines += c == '\n';
  if (file != NULL) fclose(file);
  return lines;
}

int main(void) {
  char folder[] = "/tmp/trunkline-capi-XXXXXX";
  tr_config config;
  if (mkdtemp(folder) == NULL) return 1;
  run(folder, 0);
  EXPECT(lines_of(folder) == kSpans + 2);
  /* _exit runs no hook: the records wait in the run directory for the next start. */
  run(folder, 1);
  OK(tr_config_init(&config, sizeof config));
  config.directory = folder;
  config.processors = "jsonl";
  OK(tr_init(&config, NULL));
  OK(tr_flush(30000));
  OK(tr_shutdown(30000));
  EXPECT(lines_of(folder) == 2 * (kSpans + 2));
  return finish(folder);
}
