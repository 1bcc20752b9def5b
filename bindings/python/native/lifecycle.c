/* Start of the library, and its counts: structs that are read and written by tables of their fields. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "native.h"

typedef enum FieldType { kText, kU32, kU64, kDouble } FieldType;

typedef struct Field {
  const char* name;
  FieldType type;
  size_t offset;
} Field;

#define CONFIG(name, type) \
  { #name, type, offsetof(tr_config, name) }

static const Field config_fields[] = {
    CONFIG(flags, kU32),         CONFIG(directory, kText),       CONFIG(recorder_directory, kText),
    CONFIG(service_name, kText), CONFIG(processors, kText),      CONFIG(max_memory, kU64),
    CONFIG(max_disk, kU64),      CONFIG(max_value_bytes, kU64),  CONFIG(max_attributes, kU32),
    CONFIG(durability, kU32),    CONFIG(recorder, kU32),         CONFIG(content, kU32),
    CONFIG(overflow, kU32),      CONFIG(block_timeout_ms, kU32), CONFIG(sample_ratio, kDouble),
    CONFIG(redact_keys, kText),  CONFIG(redact_patterns, kText), CONFIG(log_level, kU32),
    CONFIG(end_grace_ms, kU32),  CONFIG(exit_timeout_ms, kU32),
};

static int read_field(const Field* field, PyObject* object, void* target) {
  if (field->type == kText) {
    Py_ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(object, &size);
    if (text == NULL) return -1;
    if (strlen(text) != (size_t)size) {
      PyErr_Format(PyExc_ValueError, "%s contains a NUL", field->name);
      return -1;
    }
    *(const char**)target = text;
    return 0;
  }
  if (field->type == kDouble) {
    *(double*)target = PyFloat_AsDouble(object);
    return PyErr_Occurred() ? -1 : 0;
  }
  const unsigned long long number = PyLong_AsUnsignedLongLong(object);
  if (PyErr_Occurred()) return -1;
  if (field->type == kU64) {
    *(uint64_t*)target = number;
  } else if (number > UINT32_MAX) {
    PyErr_Format(PyExc_ValueError, "%s is too large", field->name);
    return -1;
  } else if (strcmp(field->name, "flags") == 0) {
    *(uint32_t*)target |= (uint32_t)number; /* what the environment set stays set */
  } else {
    *(uint32_t*)target = (uint32_t)number;
  }
  return 0;
}

static int read_config(PyObject* options, tr_config* config) {
  for (size_t i = 0; i < sizeof config_fields / sizeof *config_fields; ++i) {
    const Field* field = &config_fields[i];
    PyObject* object = PyDict_GetItemString(options, field->name);
    if (object != NULL && read_field(field, object, (char*)config + field->offset) < 0) return -1;
  }
  return 0;
}

static int may_wait;

PyThreadState* native_unlock(void) { return may_wait ? PyEval_SaveThread() : NULL; }

void native_lock(PyThreadState* unlocked) {
  if (unlocked != NULL) PyEval_RestoreThread(unlocked);
}

/* What is not given is what the environment says. */
static int is_blocking(const tr_config* config) {
  const char* variable = getenv("TRUNKLINE_OVERFLOW");
  if (config->overflow != TR_OVERFLOW_DEFAULT) return config->overflow == TR_OVERFLOW_BLOCK;
  return variable != NULL && strcasecmp(variable, "block") == 0;
}

/* A dict of fields of tr_config -> (code, message). The dict has been checked and keeps its texts alive. */
static PyObject* init(PyObject* module, PyObject* options) {
  (void)module;
  tr_config config;
  tr_error error = {.struct_size = sizeof error};
  if (tr_config_init(&config, sizeof config) != TR_OK) return Py_BuildValue("(is)", TR_EINTERNAL, "no configuration");
  if (read_config(options, &config) < 0) return NULL;
  may_wait = is_blocking(&config); /* before: from inside tr_init on, other threads may start spans */
  int result = 0;
  Py_BEGIN_ALLOW_THREADS;
  result = tr_init(&config, &error);
  Py_END_ALLOW_THREADS;
  return Py_BuildValue("(is)", result, result == TR_OK ? "" : error.message);
}

/* ---- counts ---- */

#define STAT(name) \
  { #name, kU64, offsetof(tr_stats, name) }

static const Field stats_fields[] = {
    {"mode", kU32, offsetof(tr_stats, mode)},
    STAT(traces_started),
    STAT(traces_ended),
    STAT(traces_sampled_out),
    STAT(traces_refused),
    STAT(spans_started),
    STAT(spans_ended),
    STAT(spans_incomplete),
    STAT(spans_refused),
    STAT(stale_handles),
    STAT(misuse),
    STAT(reentrant),
    STAT(values_truncated),
    STAT(values_dropped),
    STAT(attributes_dropped),
    STAT(values_redacted),
    STAT(records_logged),
    STAT(log_bytes),
    STAT(log_errors),
    STAT(memory_used),
    STAT(memory_mapped),
    STAT(runs_adopted),
    STAT(records_recovered),
    STAT(records_corrupt),
    STAT(runs_expired),
};

#define PAIR(name)                                                     \
  {#name "_spans", kU64, offsetof(tr_processor_stats, name.spans)}, {  \
#name "_records", kU64, offsetof(tr_processor_stats, name.records) \
  }

static const Field processor_fields[] = {
    {"poisoned_now", kU32, offsetof(tr_processor_stats, poisoned_now)},
    PAIR(offered),
    PAIR(delivered),
    PAIR(rejected),
    PAIR(poisoned),
    PAIR(removed),
    PAIR(overflowed),
    PAIR(unreadable),
    PAIR(left_behind),
    PAIR(pending),
    PAIR(adopted),
    {"retries", kU64, offsetof(tr_processor_stats, retries)},
};

static PyObject* to_dict(const Field* fields, size_t count, const void* source) {
  PyObject* dict = PyDict_New();
  for (size_t i = 0; dict != NULL && i < count; ++i) {
    const void* at = (const char*)source + fields[i].offset;
    PyObject* number =
        PyLong_FromUnsignedLongLong(fields[i].type == kU32 ? *(const uint32_t*)at : *(const uint64_t*)at);
    const int result = number == NULL ? -1 : PyDict_SetItemString(dict, fields[i].name, number);
    Py_XDECREF(number);
    if (result < 0) {
      Py_DecRef(dict);
      return NULL;
    }
  }
  return dict;
}

static PyObject* stats(PyObject* module, PyObject* unused) {
  (void)module;
  (void)unused;
  tr_stats counts = {.struct_size = sizeof counts};
  const int result = tr_stats_get(&counts);
  if (result != TR_OK) return PyLong_FromLong(result);
  return to_dict(stats_fields, sizeof stats_fields / sizeof *stats_fields, &counts);
}

/* id -> a dict, or an error code */
static PyObject* processor_stats(PyObject* module, PyObject* id) {
  (void)module;
  uint64_t number = 0;
  tr_processor_stats counts = {.struct_size = sizeof counts};
  if (native_handle(id, &number) < 0) return NULL;
  const int result = tr_processor_stats_get(number, &counts);
  if (result != TR_OK) return PyLong_FromLong(result);
  return to_dict(processor_fields, sizeof processor_fields / sizeof *processor_fields, &counts);
}

static PyMethodDef functions[] = {
    {"init", init, METH_O, NULL},
    {"stats", stats, METH_NOARGS, NULL},
    {"processor_stats", processor_stats, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int lifecycle_add_to(PyObject* module) { return PyModule_AddFunctions(module, functions); }
