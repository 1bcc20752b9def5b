/* A copy of the library found by dlopen, its functions by name, and the recording of a few spans through them: every
 * copy has its own, so that copies can be told apart. */
#ifndef TRUNKLINE_TESTS_LOADING_LIBRARY_H
#define TRUNKLINE_TESTS_LOADING_LIBRARY_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <trunkline.h>
#include <unistd.h>

static int failures = 0;

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      ++failures;                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                         \
  } while (0)

typedef struct Library {
  void* handle;
  int (*config_init)(tr_config*, size_t);
  int (*init)(const tr_config*, tr_error*);
  int (*flush)(uint32_t);
  int (*shut_down)(uint32_t);
  tr_trace (*trace_start)(const char*, size_t, const tr_trace_options*);
  int (*trace_end)(tr_trace);
  tr_span (*span_start)(tr_trace, tr_span, tr_kind, const char*, size_t);
  int (*span_end)(tr_span);
  int (*stats_get)(tr_stats*);
} Library;

/* POSIX asks for this detour from data to function pointers. */
static inline void find(void* handle, void* function, const char* name) {
  void* symbol = dlsym(handle, name);
  if (symbol == NULL) {
    fprintf(stderr, "%s is missing\n", name);
    exit(1);
  }
  memcpy(function, &symbol, sizeof symbol);
}

static inline Library load(const char* path, int flags) {
  Library library;
  library.handle = dlopen(path, flags);
  if (library.handle == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  find(library.handle, &library.config_init, "tr_config_init");
  find(library.handle, &library.init, "tr_init");
  find(library.handle, &library.flush, "tr_flush");
  find(library.handle, &library.shut_down, "tr_shutdown");
  find(library.handle, &library.trace_start, "tr_trace_start");
  find(library.handle, &library.trace_end, "tr_trace_end");
  find(library.handle, &library.span_start, "tr_span_start");
  find(library.handle, &library.span_end, "tr_span_end");
  find(library.handle, &library.stats_get, "tr_stats_get");
  return library;
}

/* Starts it in folder/name, with JSON lines. */
static inline void start(const Library* library, const char* folder, const char* name) {
  char directory[256];
  tr_config config;
  tr_error error = {sizeof error, 0, ""};
  snprintf(directory, sizeof directory, "%s/%s", folder, name);
  EXPECT(library->config_init(&config, sizeof config) == TR_OK);
  config.directory = directory;
  config.processors = "jsonl";
  if (library->init(&config, &error) != TR_OK) {
    fprintf(stderr, "tr_init: %s\n", error.message);
    exit(1);
  }
}

static inline void record(const Library* library, int spans) {
  const tr_trace trace = library->trace_start("trace", TR_NUL, NULL);
  int i;
  EXPECT(trace != 0);
  for (i = 0; i < spans; ++i) {
    EXPECT(library->span_end(library->span_start(trace, 0, TR_KIND_STEP, "span", TR_NUL)) == TR_OK);
  }
  EXPECT(library->trace_end(trace) == TR_OK);
}

static inline uint64_t spans_of(const Library* library) {
  tr_stats stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  EXPECT(library->stats_get(&stats) == TR_OK);
  return stats.spans_ended;
}

/* The lines that came of it. */
static inline int lines_of(const char* folder, const char* name) {
  char path[256];
  FILE* file;
  int lines = 0, c;
  snprintf(path, sizeof path, "%s/%s/traces.jsonl", folder, name);
  file = fopen(path, "r");
  while (file != NULL && (c = fgetc(file)) != EOF) lines += c == '\n';
  if (file != NULL) fclose(file);
  return lines;
}

static inline const char* make_folder(void) {
  static char folder[] = "/tmp/trunkline-loading-XXXXXX";
  if (mkdtemp(folder) == NULL) exit(1);
  return folder;
}

/* The loader knows files by their inodes: only a copy is another library. */
static inline void copy_file(const char* from, const char* to) {
  char command[1024];
  snprintf(command, sizeof command, "cp -L '%s' '%s'", from, to);
  if (system(command) != 0) exit(1);
}

static inline int finish(const char* folder) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) ++failures;
  return failures != 0;
}

#endif /* TRUNKLINE_TESTS_LOADING_LIBRARY_H */
