/* What Go calls of the library where the plain function would make cgo check or pin pointers: attributes cross as one
 * run of bytes, structs with pointers in them are made on this side. And the tables of processors that are written in
 * Go. */
#pragma once

#include <stdint.h>
#include <string.h>
#include <trunkline.h>

/* Packed as for tr_span_start_packed: how many, and how many elements their arrays have in all. */
#define TRGO_ATTRIBUTES const char *packed, size_t size, size_t count, size_t elements

/* ---- the hot path: with pointers whose targets hold no pointers, which cgo does not look into, and without results
 * that nobody reads, which cost a look for the stack ---- */

static inline tr_span trgo_span_start(tr_trace trace, tr_span parent, tr_kind kind, const char* name, size_t name_size,
                                      const char* packed, size_t size) {
  return size == 0 ? tr_span_start(trace, parent, kind, name, name_size)
                   : tr_span_start_packed(trace, parent, kind, name, name_size, packed, size);
}

static inline void trgo_span_set(tr_span span, const char* packed, size_t size) {
  tr_span_set_packed(span, packed, size);
}

static inline void trgo_span_end(tr_span span, const char* packed, size_t size) {
  if (size == 0) {
    tr_span_end(span);
  } else {
    tr_span_end_packed(span, packed, size);
  }
}

static inline void trgo_span_set_text(tr_span span, tr_type type, const char* key, size_t key_size, const char* value,
                                      size_t size) {
  if (type == TR_TYPE_BYTES) {
    tr_span_set_bytes(span, key, key_size, value, size);
  } else if (type == TR_TYPE_JSON) {
    tr_span_set_json(span, key, key_size, value, size);
  } else {
    tr_span_set_str(span, key, key_size, value, size);
  }
}

/* Integers, truth values and, by their bits, doubles. */
static inline void trgo_span_set_number(tr_span span, tr_type type, const char* key, size_t key_size, uint64_t bits) {
  if (type == TR_TYPE_I64) {
    tr_span_set_i64(span, key, key_size, (int64_t)bits);
  } else if (type == TR_TYPE_BOOL) {
    tr_span_set_bool(span, key, key_size, bits != 0);
  } else {
    double value;
    memcpy(&value, &bits, sizeof value);
    tr_span_set_f64(span, key, key_size, value);
  }
}

int trgo_span_set_field(tr_span span, int field, tr_type type, const char* text, size_t size);
int trgo_span_set_usage(tr_span span, const int64_t* counts);
int trgo_span_event(tr_span span, const char* name, size_t name_size, TRGO_ATTRIBUTES);
int trgo_span_record(tr_trace trace, tr_span parent, tr_kind kind, int64_t start_ns, int64_t end_ns, const char* name,
                     size_t name_size, const char* foreign_id, size_t foreign_id_size, const char* error_type,
                     size_t error_type_size, const char* error_message, size_t error_message_size,
                     const uint8_t* span_id, TRGO_ATTRIBUTES);

/* Of trgo_span_set_field. */
enum { TRGO_INPUT, TRGO_OUTPUT, TRGO_MODEL, TRGO_FOREIGN_ID };

/* ---- traces and runs ---- */

/* `parent`: 16 bytes of the trace's id and 8 of the span's; NULL: none. */
tr_trace trgo_trace_start(const char* name, size_t name_size, const char* group, size_t group_size,
                          const char* foreign_id, size_t foreign_id_size, const uint8_t* parent, uint32_t parent_flags,
                          TRGO_ATTRIBUTES);
int trgo_trace_set(tr_trace trace, TRGO_ATTRIBUTES);
int trgo_trace_event(tr_trace trace, const char* name, size_t name_size, TRGO_ATTRIBUTES);
int trgo_context_extract(const char* traceparent, size_t size, uint8_t ids[24], uint32_t* flags);

tr_run trgo_run_start(tr_trace trace, const char* name, size_t name_size, const char* project, size_t project_size,
                      const char* group, size_t group_size, TRGO_ATTRIBUTES);
enum { TRGO_LOG, TRGO_SUMMARY, TRGO_CONFIG };
/* `lists`, packed: aliases, then files as the path and the file of each in turn, both lists of texts. */
int trgo_run_add_artifact(tr_run run, const char* name, size_t name_size, const char* type, size_t type_size,
                          const char* description, size_t description_size, const char* lists, size_t list_elements,
                          TRGO_ATTRIBUTES);
int trgo_run_set(tr_run run, int what, int64_t step, TRGO_ATTRIBUTES);

/* ---- the host's side ---- */

/* Which optional hooks a processor in Go has; TRGO_RECORDS: those for single records instead of batches. */
enum { TRGO_TICK = 1, TRGO_RESTORE = 2, TRGO_FLUSH = 4, TRGO_SHUTDOWN = 8, TRGO_RECORDS = 16 };

/* The table of a processor in Go. `handle` names it there, until release. The texts are borrowed as tr_add_processor
 * does. */
void trgo_host_processor(tr_processor* out, uintptr_t handle, uint32_t flags, const char* name, const char* destination,
                         unsigned hooks, uint32_t tick_ms, uint32_t batch_size);

/* The table of a built-in. TR_ENOENT: there is none of this name. */
int trgo_built_in(const char* kind, const char* options, size_t size, tr_processor* out, tr_error* error);

/* Of a table that was not registered. */
void trgo_release(const tr_processor* table);

/* tr_processor_save, of a type that cgo does not look into: a state may lie beside pointers in one object. */
static inline int trgo_save(const char* state, size_t size) { return tr_processor_save(state, size); }

/* Whether this thread is in a hook of a processor in Go, where nothing may be waited for. */
int trgo_inside_hook(void);

void trgo_set_log(tr_config* config, uintptr_t handle);
