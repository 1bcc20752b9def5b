/* Two copies of the library in one process, as two plugins may bring them: each records for itself, also when the first
 * one's names are there for all. */
#include "library.h"

static void together(const char* path, const char* folder, const char* name, int scope) {
  char copy[256], first[32], second[32];
  Library one, other;
  snprintf(copy, sizeof copy, "%s/%s.so", folder, name);
  snprintf(first, sizeof first, "%s-1", name);
  snprintf(second, sizeof second, "%s-2", name);
  copy_file(path, copy);
  one = load(path, RTLD_NOW | scope);
  other = load(copy, RTLD_NOW | scope);
  EXPECT(one.span_start != other.span_start);
  start(&one, folder, first);
  EXPECT(other.flush(0) == TR_ESTATE);
  EXPECT(other.trace_start("early", TR_NUL, NULL) == 0);
  start(&other, folder, second);
  record(&one, 30);
  record(&other, 50);
  record(&one, 20);
  EXPECT(one.flush(30000) == TR_OK);
  EXPECT(other.flush(30000) == TR_OK);
  EXPECT(spans_of(&one) == 50 && spans_of(&other) == 50);
  EXPECT(one.shut_down(30000) == TR_OK);
  record(&other, 10);
  EXPECT(spans_of(&other) == 60);
  EXPECT(other.shut_down(30000) == TR_OK);
  EXPECT(lines_of(folder, first) == 54 && lines_of(folder, second) == 64);
}

int main(void) {
  const char* path = getenv("TRUNKLINE_TEST_LIBRARY");
  const char* folder = make_folder();
  if (path == NULL) return 2;
  together(path, folder, "local", RTLD_LOCAL);
  together(path, folder, "global", RTLD_GLOBAL);
  return finish(folder);
}
