/* A host that knows neither the header nor the library when it is built: all by dlopen, as foreign function interfaces
 * do. argv[1] is the library, argv[2] a folder it may use. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failures = 0;

static void expect(int condition, const char* what) {
  if (!condition) {
    fprintf(stderr, "loader: not so: %s\n", what);
    ++failures;
  }
}

/* The entries of a folder of /proc: threads or open files. */
static int count(const char* path) {
  int entries = 0;
  DIR* folder = opendir(path);
  if (folder == NULL) return -1;
  while (readdir(folder) != NULL) ++entries;
  closedir(folder);
  return entries;
}

static void* library;

/* POSIX asks for this detour from data to function pointers. */
static void find(void* function, const char* name) {
  void* symbol = dlsym(library, name);
  if (symbol == NULL) {
    fprintf(stderr, "loader: %s is missing\n", name);
    exit(1);
  }
  *(void**)function = symbol;
}

int main(int argc, char** argv) {
  int (*init)(const void*, void*);
  int (*shut_down)(uint32_t);
  uint64_t (*trace_start)(const char*, size_t, const void*);
  uint64_t (*span_start)(uint64_t, uint64_t, uint32_t, const char*, size_t);
  int (*span_end)(uint64_t);
  int (*trace_end)(uint64_t);
  const char* (*version)(void);
  if (argc != 3) return 2;
  setenv("TRUNKLINE_DIR", argv[2], 1);

  int threads = count("/proc/self/task");
  int files = count("/proc/self/fd");
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "loader: %s\n", dlerror());
    return 1;
  }
  expect(count("/proc/self/task") == threads, "loading starts no thread");
  expect(count("/proc/self/fd") == files, "loading opens no file");

  find(&init, "tr_init");
  find(&shut_down, "tr_shutdown");
  find(&trace_start, "tr_trace_start");
  find(&span_start, "tr_span_start");
  find(&span_end, "tr_span_end");
  find(&trace_end, "tr_trace_end");
  find(&version, "tr_version");
  expect(init(NULL, NULL) == 0, "tr_init");
  uint64_t trace = trace_start("packaging", (size_t)-1, NULL);
  uint64_t span = span_start(trace, 0, 7, "loader", 6);
  expect(trace != 0 && span != 0, "a trace and a span are recorded");
  expect(span_end(span) == 0, "the span ends");
  expect(trace_end(trace) == 0, "the trace ends");
  expect(shut_down(60000) == 0, "shutdown leaves nothing");
  /* A thread that was joined may stay listed for a moment. */
  for (int i = 0; i < 6000 && count("/proc/self/task") != threads; ++i) usleep(10000);
  expect(count("/proc/self/task") == threads, "shutdown ends all threads");
  expect(dlclose(library) == 0, "dlclose");
  expect(version()[0] != '\0', "the library stays mapped after dlclose");
  if (failures == 0) printf("loader: trunkline %s works\n", version());
  return failures != 0;
}
