# Samples for check_header.py. Read by tools/selftest.sh.
# shellcheck shell=bash

sound_header() {
  cat <<'H'
/* A sample. */
#ifndef SAMPLE_H
#define SAMPLE_H
#include <stddef.h>
#include <stdint.h>
#define TR_API __attribute__((visibility("default")))
/* ====================
 * Samples
 *
 * Defaults of this section
 *   Thread-safety: any thread.
 *   Blocking:      never.
 *   In callbacks:  allowed.
 *   After fork:    unchanged.
 *   Since:         0.1
 * ==================== */
#define TR_EINVAL (-1)
#define TR_EIO (-2)
#ifdef __cplusplus
extern "C" {
#endif
typedef struct tr_pair {
  int32_t left;
  int32_t right;
} tr_pair;
typedef struct tr_config {
  uint32_t struct_size;
  uint32_t flags;
} tr_config;
typedef int (*tr_hook)(void *user_data, const tr_pair *pair);
/** Sets something. Errors: TR_EINVAL. Blocking: for the time of a write. */
TR_API int tr_set(const tr_config *config, tr_hook hook);
/** As tr_set, with a pair. Errors: as there. */
TR_API int tr_set_pair(const tr_pair *pair);
/** The name. Never NULL. */
TR_API const char *tr_name(void);
#ifdef __cplusplus
}
#endif
#endif
H
}

# broken_header SED_SCRIPT: the sample with one defect.
broken_header() {
  sound_header | sed -e "$1" >"$place/broken.h"
  cmp -s "$place/broken.h" "$place/sound.h" && echo "the defect was not made" && return 0
  "$tools/check_header.py" ${2---no-compile} "$place/broken.h"
}

sound_header >"$place/sound.h"
accepts "a sound header" "$tools/check_header.py" "$place/sound.h"
accepts "its table" grep 'tr_set_pair.*TR_EINVAL' <("$tools/check_header.py" --table "$place/sound.h")
accepts "an override in its table" grep 'tr_set`.*for the time of a write' <("$tools/check_header.py" --table "$place/sound.h")
refuses "a section without a default" 'no default for After fork' broken_header '/After fork/d'
refuses "a function without a comment" 'no /\*\* comment' broken_header '/The name/d'
refuses "a comment that does not touch its function" 'no /\*\* comment' broken_header 's|^\(/\*\* The name.*\)|\1\nstruct tr_other;|'
refuses "an int without errors" 'does not say which errors' broken_header 's/ Errors: TR_EINVAL\.//'
refuses "errors inherited from nowhere" 'tr_gone is not declared' broken_header 's/As tr_set,/As tr_gone,/'
refuses "a code that does not exist" 'TR_EGONE is not declared' broken_header 's/Errors: TR_EINVAL/Errors: TR_EGONE/'
refuses "varargs" 'varargs' broken_header 's/tr_name(void)/tr_name(int n, ...)/'
refuses "a bit-field" 'bit-field' broken_header 's/int32_t left;/int32_t left : 3;/'
refuses "a union" 'union' broken_header 's/typedef struct tr_pair/typedef union tr_pair/'
refuses "an enum" 'enum' broken_header 's/^typedef int (/typedef enum { TR_A } tr_letter;\n&/'
refuses "a flexible array" 'flexible array' broken_header 's/int32_t right;/int32_t right[];/'
refuses "a type of no fixed size" 'size is not fixed' broken_header 's/int32_t left;/long left;/'
refuses "a function-like macro" 'function-like macro' broken_header 's/#define TR_EIO (-2)/#define TR_EIO(x) (x)/'
refuses "a struct parameter by value" 'tr_set_pair passes tr_pair by value' broken_header 's/(const tr_pair \*pair);$/(tr_pair pair);/'
refuses "a struct parameter of a hook by value" 'tr_hook passes tr_pair by value' broken_header 's/, const tr_pair \*pair);/, tr_pair pair);/'
refuses "a struct result" 'returns tr_pair by value' broken_header 's/const char \*tr_name/tr_pair tr_name/'
refuses "struct_size that is not first" 'not the first member' broken_header '/struct_size;/d; s/uint32_t flags;/&\n  uint32_t struct_size;/'
refuses "a foreign prefix" 'does not begin with tr_' broken_header 's/tr_name(void)/other_name(void)/'
refuses "a header that is too long" 'it has 1[0-9]{3}' broken_header "1a $(printf '\\n%.0s' {1..1300})"
refuses "a header that is not C99" 'FAILED header: alone as c99' broken_header 's|^typedef int (|typedef int tr_twice;\ntypedef int tr_twice;\n&|' ''
refuses "a header that is not C++" 'FAILED header: alone as c\+\+11' broken_header 's/hook);$/int class);/; s/tr_hook int/int/' ''
