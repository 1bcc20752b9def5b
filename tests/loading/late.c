/* Loaded after so many other libraries that no static thread-local storage is left, as in hosts with many extensions.
 */
#include "library.h"

enum { kMost = 400 };

int main(void) {
  const char* path = getenv("TRUNKLINE_TEST_LIBRARY");
  const char* programs = getenv("TRUNKLINE_TEST_BIN");
  const char* folder = make_folder();
  char module[512], copy[256];
  Library library;
  int loaded = 0;
  if (path == NULL || programs == NULL) return 2;
  snprintf(module, sizeof module, "%s/tls_module.so", programs);
  while (loaded < kMost) {
    snprintf(copy, sizeof copy, "%s/module-%d.so", folder, loaded);
    copy_file(module, copy);
    if (dlopen(copy, RTLD_NOW | RTLD_LOCAL) == NULL) break;
    ++loaded;
  }
  /* Otherwise this would prove nothing. */
  EXPECT(loaded > 0 && loaded < kMost);
  EXPECT(strstr(dlerror(), "static TLS") != NULL);
  library = load(path, RTLD_NOW | RTLD_LOCAL);
  start(&library, folder, "late");
  record(&library, 100);
  EXPECT(library.shut_down(30000) == TR_OK);
  EXPECT(lines_of(folder, "late") == 102);
  return finish(folder);
}
