/* Traces, spans and runs: the calls that take attributes or other structs. */
#include <math.h>
#include <string.h>

#include "native.h"

#define FUNCTION(name) static PyObject* name(PyObject* module, PyObject* const* arguments, Py_ssize_t count)
#define ARGUMENTS(number) \
  (void)module;           \
  if (native_count(count, number, number) < 0) return NULL

/* ---- values ---- */

typedef int (*SetValue)(uint64_t handle, const char* key, size_t key_size, const tr_value* value);

static PyObject* set_value(PyObject* const* arguments, SetValue set) {
  uint64_t handle = 0;
  Py_ssize_t size = 0;
  PyObject* encoded = NULL;
  PyObject* keep = NULL;
  tr_value value;
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  const char* key = native_text(arguments[1], &size, &encoded);
  int result = -1;
  if (key != NULL && native_value(arguments[2], &value, &keep) == 0) result = set(handle, key, (size_t)size, &value);
  Py_XDECREF(encoded);
  Py_XDECREF(keep);
  return PyErr_Occurred() ? NULL : PyLong_FromLong(result);
}

FUNCTION(span_set) {
  ARGUMENTS(3);
  return set_value(arguments, tr_span_set_value);
}

FUNCTION(trace_set) {
  ARGUMENTS(3);
  return set_value(arguments, tr_trace_set_value);
}

typedef int (*SetAttributes)(uint64_t handle, const tr_attribute* attributes, size_t count);

static PyObject* set_attributes(PyObject* const* arguments, SetAttributes set) {
  uint64_t handle = 0;
  Attributes attributes;
  if (native_handle(arguments[0], &handle) < 0 || attributes_take(&attributes, arguments[1]) < 0) return NULL;
  PyThreadState* unlocked = native_unlock();
  const int result = set(handle, attributes.items, attributes.count);
  native_lock(unlocked);
  attributes_release(&attributes);
  return PyLong_FromLong(result);
}

FUNCTION(span_set_many) {
  ARGUMENTS(2);
  return set_attributes(arguments, tr_span_set_values);
}

FUNCTION(span_end_with) {
  ARGUMENTS(2);
  return set_attributes(arguments, tr_span_end_with);
}

FUNCTION(run_set_summary) {
  ARGUMENTS(2);
  return set_attributes(arguments, tr_run_set_summary);
}

FUNCTION(run_set_config) {
  ARGUMENTS(2);
  return set_attributes(arguments, tr_run_set_config);
}

typedef int (*MakeEvent)(uint64_t handle, const char* name, size_t name_size, const tr_attribute* attributes,
                         size_t count);

static PyObject* make_event(PyObject* const* arguments, MakeEvent make) {
  uint64_t handle = 0;
  Py_ssize_t size = 0;
  PyObject* encoded = NULL;
  Attributes attributes;
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  const char* name = native_text(arguments[1], &size, &encoded);
  PyObject* answer = NULL;
  if (name != NULL && attributes_take(&attributes, arguments[2]) == 0) {
    PyThreadState* unlocked = native_unlock();
    const int result = make(handle, name, (size_t)size, attributes.items, attributes.count);
    native_lock(unlocked);
    answer = PyLong_FromLong(result);
    attributes_release(&attributes);
  }
  Py_XDECREF(encoded);
  return answer;
}

FUNCTION(span_event) {
  ARGUMENTS(3);
  return make_event(arguments, tr_span_event);
}

FUNCTION(trace_event) {
  ARGUMENTS(3);
  return make_event(arguments, tr_trace_event);
}

/* ---- beginnings ---- */

/* name, group, foreign id, traceparent, metadata -> handle. A traceparent that is none is passed over. */
FUNCTION(trace_start) {
  ARGUMENTS(5);
  tr_string texts[4];
  PyObject* encoded[4] = {NULL, NULL, NULL, NULL};
  PyObject* answer = NULL;
  Attributes metadata;
  int valid = 0;
  for (int i = 0; i < 4 && valid == 0; ++i) valid = native_optional_text(arguments[i], &texts[i], &encoded[i]);
  if (valid == 0 && attributes_take(&metadata, arguments[4]) == 0) {
    tr_context parent = {.struct_size = sizeof parent};
    tr_trace_options options = {.struct_size = sizeof options, .group_id = texts[1], .foreign_id = texts[2]};
    if (texts[3].data != NULL && tr_context_extract(texts[3].data, texts[3].size, &parent) == TR_OK) {
      options.parent = &parent;
    }
    options.metadata = metadata.items;
    options.metadata_count = metadata.count;
    PyThreadState* unlocked = native_unlock();
    const tr_trace trace = tr_trace_start(texts[0].data, texts[0].size, &options);
    native_lock(unlocked);
    answer = PyLong_FromUnsignedLongLong(trace);
    attributes_release(&metadata);
  }
  for (int i = 0; i < 4; ++i) Py_XDECREF(encoded[i]);
  return answer;
}

static int read_kind(PyObject* object, tr_kind* kind) {
  const unsigned long number = PyLong_AsUnsignedLong(object);
  if (number == (unsigned long)-1 && PyErr_Occurred()) return -1;
  if (number > UINT32_MAX) {
    PyErr_SetString(PyExc_ValueError, "a kind has 32 bits");
    return -1;
  }
  *kind = (tr_kind)number;
  return 0;
}

/* trace, parent, kind, name, attributes -> handle */
FUNCTION(span_start_with) {
  ARGUMENTS(5);
  uint64_t trace = 0;
  uint64_t parent = 0;
  tr_kind kind = 0;
  Py_ssize_t size = 0;
  PyObject* encoded = NULL;
  PyObject* answer = NULL;
  Attributes attributes;
  if (native_handle(arguments[0], &trace) < 0 || native_handle(arguments[1], &parent) < 0) return NULL;
  if (read_kind(arguments[2], &kind) < 0) return NULL;
  const char* name = native_text(arguments[3], &size, &encoded);
  if (name != NULL && attributes_take(&attributes, arguments[4]) == 0) {
    PyThreadState* unlocked = native_unlock();
    const tr_span span =
        tr_span_start_with(trace, parent, kind, name, (size_t)size, attributes.items, attributes.count);
    native_lock(unlocked);
    answer = PyLong_FromUnsignedLongLong(span);
    attributes_release(&attributes);
  }
  Py_XDECREF(encoded);
  return answer;
}

/* trace, parent, kind, start, end, name, foreign id, error type, error message, attributes */
FUNCTION(span_record) {
  ARGUMENTS(10);
  tr_span_data span = {.struct_size = sizeof span};
  if (native_handle(arguments[0], &span.trace) < 0 || native_handle(arguments[1], &span.parent) < 0) return NULL;
  if (read_kind(arguments[2], &span.kind) < 0) return NULL;
  span.start_ns = PyLong_AsLongLong(arguments[3]);
  span.end_ns = PyLong_AsLongLong(arguments[4]);
  if (PyErr_Occurred()) return NULL;
  tr_string* texts[] = {&span.name, &span.foreign_id, &span.error_type, &span.error_message};
  PyObject* encoded[4] = {NULL, NULL, NULL, NULL};
  PyObject* answer = NULL;
  Attributes attributes;
  int valid = 0;
  for (int i = 0; i < 4 && valid == 0; ++i) valid = native_optional_text(arguments[5 + i], texts[i], &encoded[i]);
  if (valid == 0 && attributes_take(&attributes, arguments[9]) == 0) {
    span.attributes = attributes.items;
    span.attribute_count = attributes.count;
    PyThreadState* unlocked = native_unlock();
    const int result = tr_span_record(&span);
    native_lock(unlocked);
    answer = PyLong_FromLong(result);
    attributes_release(&attributes);
  }
  for (int i = 0; i < 4; ++i) Py_XDECREF(encoded[i]);
  return answer;
}

/* handle and six counts, None for those that are not known */
FUNCTION(span_set_usage) {
  ARGUMENTS(7);
  uint64_t handle = 0;
  int64_t counts[6];
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  for (int i = 0; i < 6; ++i) {
    counts[i] = arguments[i + 1] == Py_None ? -1 : PyLong_AsLongLong(arguments[i + 1]);
    if (counts[i] == -1 && PyErr_Occurred()) return NULL;
  }
  const tr_usage usage = {counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
  return PyLong_FromLong(tr_span_set_usage(handle, &usage));
}

/* ---- ids ---- */

static void to_hexadecimal(const uint8_t* bytes, size_t size, char* text) {
  static const char kDigits[] = "0123456789abcdef";
  for (size_t i = 0; i < size; ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
}

FUNCTION(trace_id) {
  ARGUMENTS(1);
  uint64_t handle = 0;
  uint8_t id[16];
  char text[32];
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  if (handle == 0 || tr_trace_get_id(handle, id) != TR_OK) Py_RETURN_NONE;
  to_hexadecimal(id, sizeof id, text);
  return PyUnicode_FromStringAndSize(text, sizeof text);
}

FUNCTION(span_id) {
  ARGUMENTS(1);
  uint64_t handle = 0;
  uint8_t id[8];
  char text[16];
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  if (handle == 0 || tr_span_get_ids(handle, NULL, id) != TR_OK) Py_RETURN_NONE;
  to_hexadecimal(id, sizeof id, text);
  return PyUnicode_FromStringAndSize(text, sizeof text);
}

/* The traceparent of a span or trace, or None. */
FUNCTION(inject) {
  ARGUMENTS(1);
  uint64_t handle = 0;
  char text[TR_TRACEPARENT_SIZE + 1];
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  if (tr_context_inject(handle, text, sizeof text) != TR_OK) Py_RETURN_NONE;
  return PyUnicode_FromStringAndSize(text, TR_TRACEPARENT_SIZE);
}

FUNCTION(is_traceparent) {
  ARGUMENTS(1);
  tr_string text;
  PyObject* encoded = NULL;
  if (native_optional_text(arguments[0], &text, &encoded) < 0) return NULL;
  tr_context context = {.struct_size = sizeof context};
  const int valid = text.data != NULL && tr_context_extract(text.data, text.size, &context) == TR_OK;
  Py_XDECREF(encoded);
  return PyBool_FromLong(valid);
}

/* ---- runs ---- */

/* trace, name, project, group, configuration -> handle */
FUNCTION(run_start) {
  ARGUMENTS(5);
  tr_run_options options = {.struct_size = sizeof options};
  if (native_handle(arguments[0], &options.trace) < 0) return NULL;
  tr_string* texts[] = {&options.name, &options.project, &options.group_id};
  PyObject* encoded[3] = {NULL, NULL, NULL};
  PyObject* answer = NULL;
  Attributes config;
  int valid = 0;
  for (int i = 0; i < 3 && valid == 0; ++i) valid = native_optional_text(arguments[1 + i], texts[i], &encoded[i]);
  if (valid == 0 && attributes_take(&config, arguments[4]) == 0) {
    options.config = config.items;
    options.config_count = config.count;
    PyThreadState* unlocked = native_unlock();
    const tr_run run = tr_run_start(&options);
    native_lock(unlocked);
    answer = PyLong_FromUnsignedLongLong(run);
    attributes_release(&config);
  }
  for (int i = 0; i < 3; ++i) Py_XDECREF(encoded[i]);
  return answer;
}

/* handle, step, metrics */
FUNCTION(run_log) {
  ARGUMENTS(3);
  uint64_t handle = 0;
  Attributes metrics;
  if (native_handle(arguments[0], &handle) < 0) return NULL;
  const long long step = PyLong_AsLongLong(arguments[1]);
  if (step == -1 && PyErr_Occurred()) return NULL;
  if (attributes_take(&metrics, arguments[2]) < 0) return NULL;
  PyThreadState* unlocked = native_unlock();
  const int result = tr_run_log(handle, step, metrics.items, metrics.count);
  native_lock(unlocked);
  attributes_release(&metrics);
  return PyLong_FromLong(result);
}

#define ENTRY(name) \
  { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, NULL }

static PyMethodDef functions[] = {
    ENTRY(span_set),    ENTRY(trace_set),       ENTRY(span_set_many),   ENTRY(span_end_with),  ENTRY(span_event),
    ENTRY(trace_event), ENTRY(trace_start),     ENTRY(span_start_with), ENTRY(span_record),    ENTRY(span_set_usage),
    ENTRY(trace_id),    ENTRY(span_id),         ENTRY(inject),          ENTRY(is_traceparent), ENTRY(run_start),
    ENTRY(run_log),     ENTRY(run_set_summary), ENTRY(run_set_config),  {NULL, NULL, 0, NULL},
};

int recording_add_to(PyObject* module) { return PyModule_AddFunctions(module, functions); }
