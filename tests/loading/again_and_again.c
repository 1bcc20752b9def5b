/* Loaded and closed a hundred times, by either scope, used in between and not: it stays, and stays well. */
#include <dirent.h>

#include "library.h"

static int count(const char* path) {
  int entries = 0;
  DIR* folder = opendir(path);
  if (folder == NULL) return -1;
  while (readdir(folder) != NULL) ++entries;
  closedir(folder);
  return entries;
}

int main(void) {
  const char* path = getenv("TRUNKLINE_TEST_LIBRARY");
  const char* folder = make_folder();
  const int files = count("/proc/self/fd");
  int i, lines = 0;
  if (path == NULL) return 2;
  for (i = 0; i < 100; ++i) {
    const Library library = load(path, RTLD_NOW | (i % 2 == 0 ? RTLD_LOCAL : RTLD_GLOBAL));
    if (i % 10 == 0) {
      start(&library, folder, "one");
      record(&library, 10);
      lines += 12;
      /* Closed while it runs, too: its threads must find their code. */
      if (i % 20 == 0) EXPECT(dlclose(library.handle) == 0);
      EXPECT(library.shut_down(30000) == TR_OK);
      EXPECT(spans_of(&library) == 10);
      if (i % 20 == 0) continue;
    }
    EXPECT(dlclose(library.handle) == 0);
  }
  EXPECT(lines_of(folder, "one") == lines);
  /* The last thread may take a moment to be gone. */
  for (i = 0; i < 6000 && count("/proc/self/fd") != files; ++i) usleep(10000);
  EXPECT(count("/proc/self/fd") == files);
  return finish(folder);
}
