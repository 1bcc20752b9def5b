/* What the C programs of this folder share: expectations that are counted, and a folder of their own to record in. */
#ifndef TRUNKLINE_TESTS_CAPI_CHECK_H
#define TRUNKLINE_TESTS_CAPI_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trunkline.h>

static int failures = 0;

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      ++failures;                                                             \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                         \
  } while (0)

#define OK(call) EXPECT((call) == TR_OK)

static inline tr_string text(const char* s) {
  tr_string t;
  t.data = s;
  t.size = strlen(s);
  return t;
}

static inline int equals(tr_string a, const char* b) { return a.size == strlen(b) && memcmp(a.data, b, a.size) == 0; }

/* Starts the library in a new folder, with these built-in processors and nothing of the environment. */
static inline const char* start(const char* processors) {
  static char folder[] = "/tmp/trunkline-capi-XXXXXX";
  tr_config config;
  tr_error error = {sizeof error, 0, ""};
  if (mkdtemp(folder) == NULL) {
    perror("mkdtemp");
    exit(1);
  }
  OK(tr_config_init(&config, sizeof config));
  config.directory = folder;
  config.processors = processors;
  if (tr_init(&config, &error) != TR_OK) {
    fprintf(stderr, "tr_init: %s\n", error.message);
    exit(1);
  }
  return folder;
}

/* Removes the folder and gives the program's result. */
static inline int finish(const char* folder) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) ++failures;
  return failures != 0;
}

#endif /* TRUNKLINE_TESTS_CAPI_CHECK_H */
