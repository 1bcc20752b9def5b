/* The ways out of a program that forgets tr_shutdown: its exit code is its own, it does not wait longer than it may,
 * and what it recorded is there: at once where exit handlers run, else with the next start. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* An exit that is held up takes the whole of its budget; the others take what a slow machine needs. */
enum { kSpans = 300, kLines = kSpans + 2, kExitCode = 7, kHeldMs = 5000, kBudgetMs = 60000 };

typedef struct Way {
  const char* name;
  int runs_handlers;
  int signal;
} Way;

static const Way kWays[] = {{"return", 1, 0}, {"thread", 1, 0},      {"held", 1, 0},
                            {"quick", 0, 0},  {"immediately", 0, 0}, {"abort", 0, SIGABRT}};

static void* exit_from_here(void* unused) {
  (void)unused;
  exit(kExitCode);
}

static int never_return(void* user_data, const tr_batch* batch) {
  (void)user_data;
  (void)batch;
  while (pause() != 0) {
  }
  return TR_OK;
}

/* A processor of the host that never comes back must not hold the exit up for longer than the budget. */
static void add_one_that_blocks(void) {
  tr_processor processor;
  memset(&processor, 0, sizeof processor);
  processor.struct_size = sizeof processor;
  processor.name = "blocking";
  processor.on_batch = never_return;
  OK(tr_add_processor(&processor, NULL));
}

static void init(const char* folder, uint32_t budget_ms) {
  tr_config config;
  OK(tr_config_init(&config, sizeof config));
  config.directory = folder;
  config.processors = "jsonl";
  config.exit_timeout_ms = budget_ms;
  OK(tr_init(&config, NULL));
}

static int leave(const char* how, const char* folder) {
  const int is_held = strcmp(how, "held") == 0;
  tr_trace trace;
  pthread_t thread;
  int i;
  alarm(120);
  init(folder, is_held ? kHeldMs : kBudgetMs);
  if (is_held) add_one_that_blocks();
  trace = tr_trace_start("hurried", TR_NUL, NULL);
  for (i = 0; i < kSpans; ++i) OK(tr_span_end(tr_span_start(trace, 0, TR_KIND_STEP, "step", TR_NUL)));
  OK(tr_trace_end(trace));
  if (failures != 0) _exit(99);
  if (strcmp(how, "thread") == 0) {
    if (pthread_create(&thread, NULL, exit_from_here, NULL) != 0) _exit(98);
    for (;;) pause();
  }
  if (is_held) exit(kExitCode);
  if (strcmp(how, "quick") == 0) quick_exit(kExitCode);
  if (strcmp(how, "immediately") == 0) _exit(kExitCode);
  if (strcmp(how, "abort") == 0) abort();
  return kExitCode;
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

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run(const char* program, const Way* way) {
  char folder[] = "/tmp/trunkline-capi-XXXXXX";
  const double before = now();
  int status = 0;
  pid_t child;
  if (mkdtemp(folder) == NULL) exit(1);
  child = fork();
  if (child == 0) {
    execl(program, program, way->name, folder, (char*)NULL);
    _exit(97);
  }
  EXPECT(waitpid(child, &status, 0) == child);
  if (way->signal != 0) {
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == way->signal);
  } else {
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == kExitCode);
  }
  EXPECT(now() - before < 30.0); /* far beyond the budget, and far from for ever */
  if (way->runs_handlers) EXPECT(lines_of(folder) == kLines);
  init(folder, kBudgetMs);
  OK(tr_flush(30000));
  OK(tr_shutdown(30000));
  if (lines_of(folder) != kLines) fprintf(stderr, "%s: %d lines\n", way->name, lines_of(folder));
  EXPECT(lines_of(folder) == kLines);
  (void)finish(folder);
}

int main(int argc, char** argv) {
  char self[4096];
  const ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
  size_t i;
  if (size <= 0) return 1;
  self[size] = '\0';
  if (argc == 3) return leave(argv[1], argv[2]);
  for (i = 0; i < sizeof kWays / sizeof kWays[0]; ++i) run(self, &kWays[i]);
  return failures != 0;
}
