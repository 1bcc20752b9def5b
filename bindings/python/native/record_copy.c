/* A record in memory of its own: two passes over all it points to, one that measures and one that copies. */
#include <stdlib.h>
#include <string.h>

#include "native.h"

/* Without memory it measures. */
typedef struct Arena {
  char* memory;
  size_t used;
} Arena;

static void* place(Arena* arena, const void* data, size_t size) {
  if (data == NULL || size == 0) return NULL;
  void* to = arena->memory == NULL ? NULL : arena->memory + arena->used;
  if (to != NULL) memcpy(to, data, size);
  arena->used += (size + 15) & ~(size_t)15;
  return to;
}

static void copy_string(Arena* arena, tr_string* string) { string->data = place(arena, string->data, string->size); }

static size_t element_size(tr_type type) {
  switch (type) {
    case TR_TYPE_STR:
    case TR_TYPE_BYTES:
    case TR_TYPE_JSON:
    case TR_TYPE_BOOL_ARRAY:
      return 1;
    case TR_TYPE_I64_ARRAY:
    case TR_TYPE_F64_ARRAY:
      return 8;
    case TR_TYPE_STR_ARRAY:
      return sizeof(tr_string);
    default:
      return 0;
  }
}

static void copy_value(Arena* arena, tr_value* value) {
  const tr_string* from = value->data;
  tr_string* to = place(arena, value->data, value->size * element_size(value->type));
  for (size_t i = 0; value->type == TR_TYPE_STR_ARRAY && i < value->size; ++i) {
    tr_string copy = from[i];
    copy_string(arena, &copy);
    if (to != NULL) to[i] = copy;
  }
  value->data = to;
}

static const tr_attribute* copy_attributes(Arena* arena, const tr_attribute* from, size_t count) {
  tr_attribute* to = place(arena, from, count * sizeof *from);
  for (size_t i = 0; i < count; ++i) {
    tr_attribute copy = from[i];
    copy_string(arena, &copy.key);
    copy_value(arena, &copy.value);
    if (to != NULL) to[i] = copy;
  }
  return to;
}

static const tr_event* copy_events(Arena* arena, const tr_event* from, size_t count) {
  tr_event* to = place(arena, from, count * sizeof *from);
  for (size_t i = 0; i < count; ++i) {
    tr_event copy = from[i];
    copy_string(arena, &copy.name);
    copy.attributes = copy_attributes(arena, copy.attributes, copy.attribute_count);
    if (to != NULL) to[i] = copy;
  }
  return to;
}

static tr_record* copy_into(Arena* arena, const tr_record* record, const char* run_id, const char** run_id_copy) {
  tr_record* to = place(arena, record, sizeof *record);
  tr_record copy = *record;
  tr_string* strings[] = {&copy.name,  &copy.group_id,   &copy.project,    &copy.foreign_id,
                          &copy.model, &copy.score_name, &copy.error_type, &copy.error_message};
  for (size_t i = 0; i < sizeof strings / sizeof *strings; ++i) copy_string(arena, strings[i]);
  copy_value(arena, &copy.input);
  copy_value(arena, &copy.output);
  copy.attributes = copy_attributes(arena, copy.attributes, copy.attribute_count);
  copy.events = copy_events(arena, copy.events, copy.event_count);
  *run_id_copy = place(arena, run_id, strlen(run_id) + 1);
  if (to != NULL) *to = copy;
  return to;
}

tr_record* record_copy(const tr_record* record, const char* run_id, const char** run_id_copy) {
  Arena arena = {NULL, 0};
  copy_into(&arena, record, run_id, run_id_copy);
  arena.memory = malloc(arena.used);
  arena.used = 0;
  return arena.memory == NULL ? NULL : copy_into(&arena, record, run_id, run_id_copy);
}
