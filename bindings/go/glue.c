#include "glue.h"

#include <stdlib.h>

#include "_cgo_export.h"

/* ---- attributes ---- */

static uint64_t take(const unsigned char** at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i > 0; i--) value = value << 8 | (*at)[i - 1];
  *at += bytes;
  return value;
}

static double take_double(const unsigned char** at) {
  const uint64_t bits = take(at, 8);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static const void* take_bytes(const unsigned char** at, size_t size) {
  const void* bytes = *at;
  *at += size;
  return bytes;
}

/* The elements of an array, aligned, at *room, which moves on. */
static void take_array(const unsigned char** at, tr_value* value, char** room) {
  value->size = (size_t)take(at, 4);
  value->data = *room;
  for (size_t i = 0; i < value->size; i++) {
    if (value->type == TR_TYPE_BOOL_ARRAY) {
      ((uint8_t*)value->data)[i] = (uint8_t)take(at, 1);
    } else if (value->type == TR_TYPE_STR_ARRAY) {
      tr_string text = {NULL, (size_t)take(at, 4)};
      text.data = take_bytes(at, text.size);
      ((tr_string*)value->data)[i] = text;
    } else {
      ((uint64_t*)value->data)[i] = take(at, 8);
    }
  }
  *room += value->size * sizeof(tr_string);
}

static void take_value(const unsigned char** at, tr_value* value, char** room) {
  switch (value->type) {
    case TR_TYPE_NULL:
      break;
    case TR_TYPE_BOOL:
      value->i64 = (int64_t)take(at, 1);
      break;
    case TR_TYPE_I64:
      value->i64 = (int64_t)take(at, 8);
      break;
    case TR_TYPE_F64:
      value->f64 = take_double(at);
      break;
    case TR_TYPE_STR:
    case TR_TYPE_BYTES:
    case TR_TYPE_JSON:
      value->size = (size_t)take(at, 4);
      value->data = take_bytes(at, value->size);
      break;
    default:
      take_array(at, value, room);
  }
}

/* An array to be freed, which points into the packed bytes. They come from pack.go and are what they say. */
static tr_attribute* unpack(const char* packed, size_t count, size_t elements) {
  if (count == 0) return NULL;
  tr_attribute* attributes = calloc(1, count * sizeof *attributes + elements * sizeof(tr_string));
  if (attributes == NULL) return NULL;
  const unsigned char* at = (const unsigned char*)packed;
  char* room = (char*)(attributes + count);
  for (size_t i = 0; i < count; i++) {
    attributes[i].value.type = (tr_type)take(&at, 1);
    attributes[i].key.size = (size_t)take(&at, 2);
    attributes[i].key.data = take_bytes(&at, attributes[i].key.size);
    take_value(&at, &attributes[i].value, &room);
  }
  return attributes;
}

/* Declares `attributes`; without memory for them `on_failure` is returned. */
#define UNPACK(on_failure)                                          \
  (void)size;                                                       \
  tr_attribute* const attributes = unpack(packed, count, elements); \
  if (attributes == NULL && count != 0) return on_failure

/* ---- spans ---- */

int trgo_span_set_field(tr_span span, int field, tr_type type, const char* text, size_t size) {
  if (field == TRGO_INPUT) return tr_span_set_input(span, type, text, size);
  if (field == TRGO_OUTPUT) return tr_span_set_output(span, type, text, size);
  if (field == TRGO_MODEL) return tr_span_set_model(span, text, size);
  return tr_span_set_foreign_id(span, text, size);
}

int trgo_span_set_usage(tr_span span, const int64_t* counts) {
  const tr_usage usage = {counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
  return tr_span_set_usage(span, &usage);
}

int trgo_span_event(tr_span span, const char* name, size_t name_size, TRGO_ATTRIBUTES) {
  UNPACK(TR_ENOMEM);
  const int result = tr_span_event(span, name, name_size, attributes, count);
  free(attributes);
  return result;
}

int trgo_span_record(tr_trace trace, tr_span parent, tr_kind kind, int64_t start_ns, int64_t end_ns, const char* name,
                     size_t name_size, const char* foreign_id, size_t foreign_id_size, const char* error_type,
                     size_t error_type_size, const char* error_message, size_t error_message_size,
                     const uint8_t* span_id, TRGO_ATTRIBUTES) {
  UNPACK(TR_ENOMEM);
  tr_span_data span = {.struct_size = sizeof span,
                       .kind = kind,
                       .trace = trace,
                       .parent = parent,
                       .name = {name, name_size},
                       .foreign_id = {foreign_id, foreign_id_size},
                       .start_ns = start_ns,
                       .end_ns = end_ns,
                       .error_type = {error_type, error_type_size},
                       .error_message = {error_message, error_message_size},
                       .attributes = attributes,
                       .attribute_count = count};
  memcpy(span.span_id, span_id, sizeof span.span_id);
  const int result = tr_span_record(&span);
  free(attributes);
  return result;
}

/* ---- traces and runs ---- */

tr_trace trgo_trace_start(const char* name, size_t name_size, const char* group, size_t group_size,
                          const char* foreign_id, size_t foreign_id_size, const uint8_t* parent, uint32_t parent_flags,
                          TRGO_ATTRIBUTES) {
  UNPACK(0);
  tr_context context = {.struct_size = sizeof context, .flags = parent_flags};
  if (parent != NULL) {
    memcpy(context.trace_id, parent, 16);
    memcpy(context.span_id, parent + 16, 8);
  }
  const tr_trace_options options = {.struct_size = sizeof options,
                                    .group_id = {group, group_size},
                                    .foreign_id = {foreign_id, foreign_id_size},
                                    .parent = parent == NULL ? NULL : &context,
                                    .metadata = attributes,
                                    .metadata_count = count};
  const tr_trace trace = tr_trace_start(name, name_size, &options);
  free(attributes);
  return trace;
}

int trgo_trace_set(tr_trace trace, TRGO_ATTRIBUTES) {
  UNPACK(TR_ENOMEM);
  int first = TR_OK;
  for (size_t i = 0; i < count; i++) {
    const int result = tr_trace_set_value(trace, attributes[i].key.data, attributes[i].key.size, &attributes[i].value);
    if (first == TR_OK) first = result;
  }
  free(attributes);
  return first;
}

int trgo_trace_event(tr_trace trace, const char* name, size_t name_size, TRGO_ATTRIBUTES) {
  UNPACK(TR_ENOMEM);
  const int result = tr_trace_event(trace, name, name_size, attributes, count);
  free(attributes);
  return result;
}

int trgo_context_extract(const char* traceparent, size_t size, uint8_t ids[24], uint32_t* flags) {
  tr_context context = {.struct_size = sizeof context};
  const int result = tr_context_extract(traceparent, size, &context);
  memcpy(ids, context.trace_id, 16);
  memcpy(ids + 16, context.span_id, 8);
  *flags = context.flags;
  return result;
}

tr_run trgo_run_start(tr_trace trace, const char* name, size_t name_size, const char* project, size_t project_size,
                      const char* group, size_t group_size, TRGO_ATTRIBUTES) {
  UNPACK(0);
  const tr_run_options options = {.struct_size = sizeof options,
                                  .trace = trace,
                                  .name = {name, name_size},
                                  .project = {project, project_size},
                                  .group_id = {group, group_size},
                                  .config = attributes,
                                  .config_count = count};
  const tr_run run = tr_run_start(&options);
  free(attributes);
  return run;
}

int trgo_run_set(tr_run run, int what, int64_t step, TRGO_ATTRIBUTES) {
  UNPACK(TR_ENOMEM);
  const int result = what == TRGO_LOG       ? tr_run_log(run, step, attributes, count)
                     : what == TRGO_SUMMARY ? tr_run_set_summary(run, attributes, count)
                                            : tr_run_set_config(run, attributes, count);
  free(attributes);
  return result;
}

int trgo_run_add_artifact(tr_run run, const char* name, size_t name_size, const char* type, size_t type_size,
                          const char* description, size_t description_size, const char* lists, size_t list_elements,
                          TRGO_ATTRIBUTES) {
  UNPACK(TR_ENOMEM);
  tr_attribute* const both = unpack(lists, 2, list_elements);
  int result = TR_ENOMEM;
  if (both != NULL) {
    const tr_value* const aliases = &both[0].value;
    const tr_value* const files = &both[1].value; /* pairs of texts, which is what a tr_artifact_file is */
    const tr_artifact artifact = {.struct_size = sizeof artifact,
                                  .name = {name, name_size},
                                  .type = {type, type_size},
                                  .description = {description, description_size},
                                  .aliases = aliases->data,
                                  .alias_count = aliases->size,
                                  .metadata = attributes,
                                  .metadata_count = count,
                                  .files = files->data,
                                  .file_count = files->size / 2};
    result = tr_run_add_artifact(run, &artifact);
  }
  free(both);
  free(attributes);
  return result;
}

/* ---- the host's side ---- */

static __thread int inside_hook;

int trgo_inside_hook(void) { return inside_hook; }

/* A hook, on the library's thread, which is the goroutine's until it returns. */
#define HOOK(name, call, ...)    \
  static int name(__VA_ARGS__) { \
    inside_hook = 1;             \
    const int result = call;     \
    inside_hook = 0;             \
    return result;               \
  }

HOOK(on_batch, trunklineGoBatch((uintptr_t)handle, (tr_batch*)batch), void* handle, const tr_batch* batch)
HOOK(on_record, trunklineGoRecord((uintptr_t)handle, (tr_record*)record), void* handle, const tr_record* record)
HOOK(on_tick, trunklineGoTick((uintptr_t)handle, unix_ns), void* handle, int64_t unix_ns)
HOOK(restore, trunklineGoRestore((uintptr_t)handle, (char*)run_id, (void*)state, size), void* handle,
     const char* run_id, const void* state, size_t size)
HOOK(force_flush, trunklineGoFlush((uintptr_t)handle, timeout_ms), void* handle, uint32_t timeout_ms)
HOOK(shut_down, trunklineGoShutdown((uintptr_t)handle, timeout_ms), void* handle, uint32_t timeout_ms)

static void release(void* handle) {
  const int before = inside_hook; /* a hook may remove its own processor, or add one in vain */
  inside_hook = 1;
  trunklineGoRelease((uintptr_t)handle);
  inside_hook = before;
}

void trgo_host_processor(tr_processor* out, uintptr_t handle, uint32_t flags, const char* name, const char* destination,
                         unsigned hooks, uint32_t tick_ms, uint32_t batch_size) {
  const int one_by_one = (hooks & TRGO_RECORDS) != 0;
  *out = (tr_processor){.struct_size = sizeof *out,
                        .flags = flags,
                        .user_data = (void*)handle,
                        .name = name,
                        .destination = destination,
                        .on_trace_start = one_by_one ? on_record : NULL,
                        .on_span_start = one_by_one && (flags & TR_PROCESSOR_SPAN_STARTS) ? on_record : NULL,
                        .on_span_end = one_by_one ? on_record : NULL,
                        .on_trace_end = one_by_one ? on_record : NULL,
                        .on_run = one_by_one ? on_record : NULL,
                        .on_batch = one_by_one ? NULL : on_batch,
                        .on_tick = hooks & TRGO_TICK ? on_tick : NULL,
                        .restore = hooks & TRGO_RESTORE ? restore : NULL,
                        .force_flush = hooks & TRGO_FLUSH ? force_flush : NULL,
                        .shutdown = hooks & TRGO_SHUTDOWN ? shut_down : NULL,
                        .release = release,
                        .tick_ms = tick_ms,
                        .batch_size = batch_size};
}

/* Calls by name, not a table of addresses: a library without one of these functions is then refused by tr_abi_version,
 * in words, and not by the loader. */
int trgo_built_in(const char* kind, const char* options, size_t size, tr_processor* out, tr_error* error) {
  out->struct_size = sizeof *out;
  error->struct_size = sizeof *error;
  if (strcmp(kind, "local") == 0) return tr_local_processor(options, size, out, error);
  if (strcmp(kind, "jsonl") == 0) return tr_jsonl_processor(options, size, out, error);
  if (strcmp(kind, "console") == 0) return tr_console_processor(options, size, out, error);
  if (strcmp(kind, "mlflow") == 0) return tr_mlflow_processor(options, size, out, error);
  if (strcmp(kind, "wandb") == 0) return tr_wandb_processor(options, size, out, error);
  return TR_ENOENT;
}

void trgo_release(const tr_processor* table) {
  if (table->release != NULL) table->release(table->user_data);
}

static void on_log(void* handle, tr_level level, const char* message, size_t size) {
  trunklineGoLog((uintptr_t)handle, level, (char*)message, size);
}

void trgo_set_log(tr_config* config, uintptr_t handle) {
  config->log = on_log;
  config->log_user_data = (void*)handle;
}
