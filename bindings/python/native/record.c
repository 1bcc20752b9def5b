/* The type Record: reads a polled record where it lies, until its batch is acknowledged; then a copy. */
#include "native.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

struct RecordObject {
  PyObject object;
  const tr_record* record;
  const char* run_id;
  RecordObject** link; /* what points to this one in the list of its batch; NULL: `record` is a copy of its own */
  RecordObject* next;
};

static PyTypeObject* record_type;

static void unlink_record(RecordObject* self) {
  *self->link = self->next;
  if (self->next != NULL) self->next->link = self->link;
  self->link = NULL;
}

static void record_dealloc(PyObject* object) {
  RecordObject* self = (RecordObject*)object;
  if (self->link != NULL) {
    unlink_record(self);
  } else {
    free((void*)self->record);
  }
  PyTypeObject* type = Py_TYPE(object);
  PyObject_Free(object);
  Py_DecRef((PyObject*)type);
}

PyObject* record_new(const tr_record* record, const char* run_id, RecordList* list) {
  RecordObject* self = PyObject_New(RecordObject, record_type);
  if (self == NULL) return NULL;
  self->record = record;
  self->run_id = run_id;
  self->link = &list->first;
  self->next = list->first;
  if (self->next != NULL) self->next->link = &self->next;
  list->first = self;
  return (PyObject*)self;
}

int records_detach(RecordList* list) {
  int result = 0;
  while (list->first != NULL) {
    RecordObject* self = list->first;
    unlink_record(self);
    self->record = record_copy(self->record, self->run_id, &self->run_id);
    if (self->record == NULL) result = -1; /* its attributes raise MemoryError from here on */
  }
  return result;
}

/* To be read by what may run code of Python's: that code may acknowledge the batch, whose memory then goes away. */
static int own(RecordObject* self) {
  if (self->link == NULL) return 0;
  const char* run_id = NULL;
  tr_record* copy = record_copy(self->record, self->run_id, &run_id);
  if (copy == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  unlink_record(self);
  self->record = copy;
  self->run_id = run_id;
  return 0;
}

/* ---- fields ---- */

typedef PyObject* (*Read)(const tr_record* record, size_t offset);

typedef struct Field {
  Read read;
  size_t offset;
} Field;

static const void* at(const tr_record* record, size_t offset) { return (const char*)record + offset; }

static PyObject* read_u32(const tr_record* record, size_t offset) {
  return PyLong_FromUnsignedLong(*(const uint32_t*)at(record, offset));
}

static PyObject* read_i32(const tr_record* record, size_t offset) {
  return PyLong_FromLong(*(const int32_t*)at(record, offset));
}

static PyObject* read_u64(const tr_record* record, size_t offset) {
  return PyLong_FromUnsignedLongLong(*(const uint64_t*)at(record, offset));
}

static PyObject* read_i64(const tr_record* record, size_t offset) {
  return PyLong_FromLongLong(*(const int64_t*)at(record, offset));
}

static PyObject* read_text(const tr_record* record, size_t offset) {
  const tr_string* text = at(record, offset);
  if (text->size == 0) Py_RETURN_NONE;
  return object_of_text(*text);
}

static PyObject* read_name(const tr_record* record, size_t offset) {
  return object_of_text(*(const tr_string*)at(record, offset));
}

static PyObject* hexadecimal(const uint8_t* bytes, size_t count) {
  static const char kDigits[] = "0123456789abcdef";
  char text[32];
  int any = 0;
  for (size_t i = 0; i < count; ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
    any |= bytes[i];
  }
  if (!any) Py_RETURN_NONE;
  return PyUnicode_FromStringAndSize(text, (Py_ssize_t)(2 * count));
}

static PyObject* read_id16(const tr_record* record, size_t offset) { return hexadecimal(at(record, offset), 16); }
static PyObject* read_id8(const tr_record* record, size_t offset) { return hexadecimal(at(record, offset), 8); }

static PyObject* read_value(const tr_record* record, size_t offset) { return object_of_value(at(record, offset)); }

static PyObject* read_usage(const tr_record* record, size_t offset) {
  (void)offset;
  const tr_usage* usage = &record->usage;
  const long long counts[] = {usage->input,      usage->output,      usage->total,
                              usage->cache_read, usage->cache_write, usage->reasoning};
  int any = 0;
  for (size_t i = 0; i < 6; ++i) any |= counts[i] >= 0;
  if (!any) Py_RETURN_NONE;
  return PyObject_CallFunction(lent.make_usage, "LLLLLL", counts[0], counts[1], counts[2], counts[3], counts[4],
                               counts[5]);
}

static PyObject* read_score(const tr_record* record, size_t offset) {
  (void)offset;
  if (isnan(record->score) && record->score_name.size == 0) Py_RETURN_NONE;
  return PyFloat_FromDouble(record->score);
}

static PyObject* read_step(const tr_record* record, size_t offset) {
  (void)offset;
  if (record->step < 0) Py_RETURN_NONE;
  return PyLong_FromLongLong(record->step);
}

/* `offset` is the flag. */
static PyObject* read_flag(const tr_record* record, size_t offset) {
  return PyBool_FromLong((record->flags & (uint32_t)offset) != 0);
}

static PyObject* read_attributes(const tr_record* record, size_t offset) {
  (void)offset;
  return object_of_attributes(record->attributes, record->attribute_count);
}

static PyObject* read_events(const tr_record* record, size_t offset) {
  (void)offset;
  PyObject* list = PyList_New((Py_ssize_t)record->event_count);
  for (size_t i = 0; list != NULL && i < record->event_count; ++i) {
    const tr_event* event = &record->events[i];
    PyObject* attributes = object_of_attributes(event->attributes, event->attribute_count);
    PyObject* made = attributes == NULL ? NULL
                                        : PyObject_CallFunction(lent.make_event, "NLN", object_of_text(event->name),
                                                                (long long)event->time_ns, attributes);
    if (made == NULL || PyList_SetItem(list, (Py_ssize_t)i, made) < 0) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

/* Scalars and text are made in one step; all else allocates containers (which may collect garbage) or decodes. */
static int is_read_at_once(const tr_record* record, const Field* field) {
  if (field->read == read_attributes) return record->attribute_count == 0;
  if (field->read == read_events) return record->event_count == 0;
  if (field->read != read_value) return 1;
  const tr_value* value = at(record, field->offset);
  return value->type <= TR_TYPE_BYTES;
}

static PyObject* record_get(PyObject* object, void* closure) {
  RecordObject* self = (RecordObject*)object;
  const Field* field = closure;
  if (self->record == NULL) return PyErr_NoMemory();
  if (!is_read_at_once(self->record, field) && own(self) < 0) return NULL;
  return field->read(self->record, field->offset);
}

static PyObject* record_get_run_id(PyObject* object, void* closure) {
  (void)closure;
  const RecordObject* self = (const RecordObject*)object;
  return self->record == NULL ? PyErr_NoMemory() : PyUnicode_FromString(self->run_id);
}

static PyObject* record_repr(PyObject* object) {
  const RecordObject* self = (const RecordObject*)object;
  if (self->record == NULL) return PyErr_NoMemory();
  PyObject* name = object_of_text(self->record->name);
  if (name == NULL) return NULL;
  PyObject* text = PyUnicode_FromFormat("<trunkline.Record %llu of type %u: %R>",
                                        (unsigned long long)self->record->sequence, self->record->type, name);
  Py_DecRef(name);
  return text;
}

#define FIELD(name, reader, doc)                                                              \
  {                                                                                           \
#name, record_get, NULL, doc, (void*)&(const Field) { reader, offsetof(tr_record, name) } \
  }
#define FLAG(name, flag, doc)                                               \
  {                                                                         \
#name, record_get, NULL, doc, (void*)&(const Field) { read_flag, flag } \
  }

static PyGetSetDef record_fields[] = {
    FIELD(type, read_u32, "What it is: a RecordType."),
    FIELD(kind, read_u32, "Of spans: a Kind, or a number that this version does not name."),
    FIELD(flags, read_u32, "All flags as one number."),
    FLAG(incomplete, TR_RECORD_INCOMPLETE, "It was never ended: the process died, or its trace ended before."),
    FLAG(failed, TR_RECORD_FAILED, "An error was set."),
    FLAG(recovered, TR_RECORD_RECOVERED, "From a run that died."),
    FIELD(sequence, read_u64, "Position in the log of its run, from 1."),
    FIELD(trace_id, read_id16, "32 hexadecimal digits, or None."),
    FIELD(span_id, read_id8, "16 hexadecimal digits, or None. Of runs: the id of the run."),
    FIELD(parent_id, read_id8, "16 hexadecimal digits, or None."),
    FIELD(start_ns, read_i64, "Unix time in nanoseconds."),
    FIELD(end_ns, read_i64, "Unix time in nanoseconds; 0 in records of a start."),
    FIELD(name, read_name, "Of the trace, span, event, run or tag."),
    FIELD(group_id, read_text, "The conversation or session it belongs to, or None."),
    FIELD(project, read_text, "Of runs, or None."),
    FIELD(foreign_id, read_text, "The id that another system gave it, or None."),
    FIELD(model, read_text, "The model that was asked for, or None."),
    FIELD(score_name, read_text, "What scored, or None."),
    FIELD(error_type, read_text, "A short name, or None."),
    FIELD(error_message, read_text, "What went wrong, or None."),
    FIELD(input, read_value, "What went in; JSON is decoded."),
    FIELD(output, read_value, "What came out; JSON is decoded."),
    FIELD(usage, read_usage, "Tokens, or None."),
    FIELD(score, read_score, "A number, or None."),
    FIELD(step, read_step, "The number of the step, or None."),
    FIELD(run_status, read_u32, "Of a run's end: 0 finished, 1 failed, 2 killed."),
    FIELD(exit_code, read_i32, "Of a run's end."),
    FIELD(dropped_attributes, read_u32, "How many attributes were over the limit."),
    FIELD(attributes, read_attributes, "A new dict at each access. Of traces: metadata. Of runs: metrics."),
    FIELD(events, read_events, "A new list at each access."),
    {"run_id", record_get_run_id, NULL, "Of the run directory it comes from; with `sequence` it is unique.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot record_slots[] = {
    {Py_tp_dealloc, record_dealloc},
    {Py_tp_getset, record_fields},
    {Py_tp_repr, record_repr},
    {Py_tp_doc, "What a processor receives: an immutable snapshot. It may be kept for as long as one likes."},
    {0, NULL},
};

static PyType_Spec record_spec = {"trunkline.Record", sizeof(RecordObject), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                                  record_slots};

int record_add_to(PyObject* module) {
  record_type = (PyTypeObject*)PyType_FromSpec(&record_spec);
  return record_type == NULL ? -1 : PyModule_AddObjectRef(module, "Record", (PyObject*)record_type);
}
