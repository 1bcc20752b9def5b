/* A host in which memory runs out. In a call of the host any one allocation may fail: it gets an error code. On the
 * library's own threads memory comes and goes, and then is gone for a while: what was recorded is with every processor
 * all the same. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "library.h"

enum { kEnough, kSome, kNone };
enum { kSpans = 3000, kTraces = 20, kMostAllocations = 2000 };

static atomic_int memory_of_library; /* kEnough: nothing fails */
static atomic_int host_may = -1;     /* that many allocations of the host's thread, then none; -1: all */
static atomic_uint failed;

extern void* __libc_malloc(size_t size);

static long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static int threads(void) {
  DIR* tasks = opendir("/proc/self/task");
  int count = -2; /* two entries are not threads */
  while (tasks != NULL && readdir(tasks) != NULL) ++count;
  if (tasks != NULL) closedir(tasks);
  return count;
}

/* In place of the C library's, for all the objects of this process. */
void* malloc(size_t size) {
  const int is_host = syscall(SYS_gettid) == (long)getpid();
  int fails = 0;
  if (is_host) {
    const int may = atomic_load(&host_may);
    fails = may == 0;
    if (may > 0) atomic_fetch_sub(&host_may, 1);
  } else if (atomic_load(&memory_of_library) != kEnough) {
    fails = atomic_load(&memory_of_library) == kNone || now_us() % 100000 < 50000;
  }
  if (!fails) return __libc_malloc(size);
  atomic_fetch_add(&failed, 1);
  errno = ENOMEM;
  return NULL;
}

typedef struct Counts {
  int (*find)(const char*, size_t, tr_processor_id*);
  int (*get)(tr_processor_id, tr_processor_stats*);
} Counts;

static uint64_t delivered_to(const Counts* counts, const char* processor) {
  tr_processor_id id = 0;
  tr_processor_stats stats;
  memset(&stats, 0, sizeof stats);
  stats.struct_size = sizeof stats;
  EXPECT(counts->find(processor, TR_NUL, &id) == TR_OK);
  EXPECT(counts->get(id, &stats) == TR_OK);
  return stats.delivered.spans;
}

static tr_config configure(const Library* library, const char* directory, const char* processors) {
  tr_config config;
  EXPECT(library->config_init(&config, sizeof config) == TR_OK);
  config.directory = directory;
  config.processors = processors;
  config.log_level = TR_LEVEL_OFF;
  return config;
}

/* Whichever allocation of tr_init fails. */
static void init_with_few(const Library* library, const char* folder) {
  int refused = 0, allowed, i;
  for (allowed = 0; allowed < kMostAllocations; ++allowed) {
    char directory[256];
    tr_config config;
    int result, used;
    snprintf(directory, sizeof directory, "%s/few-%d", folder,
             allowed); /* what a failure leaves takes memory to sweep */
    config = configure(library, directory, "local,jsonl");
    atomic_store(&host_may, allowed);
    result = library->init(&config, NULL);
    used = atomic_exchange(&host_may, -1) > 0;
    if (result == TR_OK) EXPECT(library->shut_down(30000) == TR_OK);
    refused += result != TR_OK;
    if (used) break; /* there was more than it needed */
  }
  EXPECT(allowed < kMostAllocations);
  EXPECT(refused > 10);
  for (i = 0; i < 6000 && threads() > 1; ++i) usleep(10000);
  EXPECT(threads() == 1);
}

static void record_with_few(const Library* library, const Counts* counts, const char* folder) {
  const tr_config config = configure(library, folder, "local,jsonl");
  unsigned before;
  int i;
  EXPECT(library->init(&config, NULL) == TR_OK);
  before = atomic_load(&failed);
  atomic_store(&memory_of_library, kSome);
  for (i = 0; i < kTraces; ++i) {
    record(library, kSpans / kTraces);
    usleep(23000);
  }
  EXPECT(library->flush(60000) == TR_OK);
  EXPECT(atomic_load(&failed) - before > 20);

  atomic_store(&memory_of_library, kNone);
  record(library, kSpans);
  EXPECT(library->flush(300) == TR_ETIMEDOUT);
  atomic_store(&memory_of_library, kEnough);
  EXPECT(library->flush(60000) == TR_OK);
  EXPECT(delivered_to(counts, "local") == 2 * kSpans);
  EXPECT(delivered_to(counts, "jsonl") == 2 * kSpans);
  EXPECT(library->shut_down(30000) == TR_OK);
}

int main(void) {
  const char* path = getenv("TRUNKLINE_TEST_LIBRARY");
  const char* folder = make_folder();
  char directory[256];
  Library library;
  Counts counts;
  if (path == NULL) return 2;
  alarm(300);
  library = load(path, RTLD_NOW | RTLD_LOCAL);
  find(library.handle, &counts.find, "tr_find_processor");
  find(library.handle, &counts.get, "tr_processor_stats_get");
  init_with_few(&library, folder);
  snprintf(directory, sizeof directory, "%s/recorded", folder);
  record_with_few(&library, &counts, directory);
  EXPECT(lines_of(folder, "recorded") == 2 * kSpans + 2 * (kTraces + 1));
  return finish(folder);
}
