/* The hand-written part of the extension module: what SWIG's typemaps cannot say well. Python values become tr_values
 * without a copy where Python holds their bytes; records and batches that are polled become objects that read the
 * library's memory. Limited API of Python 3.11. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h> /* first: it chooses what the system headers declare */

#include <trunkline.h>

/* What the Python part of the package lends to this one, by `lend`. */
typedef struct Lent {
  PyObject* encode;      /* (object) -> a scalar, or (text of JSON,) for what is none */
  PyObject* decode;      /* text of JSON -> object */
  PyObject* make_usage;  /* six integers -> Usage */
  PyObject* make_event;  /* name, nanoseconds, attributes -> Event */
  PyObject* kind_number; /* name of a kind -> its number */
  PyObject* get_current; /* the three methods of the variable that holds the current scope */
  PyObject* set_current;
  PyObject* reset_current;
  PyObject* start_trace; /* name -> a Trace that has been started */
  PyObject* off;         /* the scope in which nothing is recorded */
} Lent;
extern Lent lent;

/* ---- values.c ---- */

/* The UTF-8 of a str, borrowed from it or, when there is none, from `*encoded`, which the caller releases. */
const char* native_text(PyObject* text, Py_ssize_t* size, PyObject** encoded);

/* A tr_value of any object. What it points to lives as long as the object and `*keep`, a list made when needed. */
int native_value(PyObject* object, tr_value* value, PyObject** keep);

enum { kFewAttributes = 8 };

/* The attributes of a dict and all that keeps them alive. */
typedef struct Attributes {
  tr_attribute* items;
  size_t count;
  tr_attribute few[kFewAttributes];
  PyObject** objects; /* keys and values, owned: converting one may run code that changes the dict */
  PyObject* few_objects[2 * kFewAttributes];
  PyObject* keep;
} Attributes;

/* `mapping`: a dict or None. On an error nothing is to be released. */
int attributes_take(Attributes* attributes, PyObject* mapping);
void attributes_release(Attributes* attributes);

PyObject* object_of_text(tr_string text);
PyObject* object_of_value(const tr_value* value);
PyObject* object_of_attributes(const tr_attribute* attributes, size_t count);

/* ---- record_copy.c ---- */

/* One block of memory with a copy of the record, all it points to, and the run id. NULL: no memory. */
tr_record* record_copy(const tr_record* record, const char* run_id, const char** run_id_copy);

/* ---- record.c, batch.c ---- */

typedef struct RecordObject RecordObject;

/* Head of the records that read a batch's memory. */
typedef struct RecordList {
  RecordObject* first;
} RecordList;

PyObject* record_new(const tr_record* record, const char* run_id, RecordList* list);
/* The memory that these records read goes away: each copies what it has. */
int records_detach(RecordList* list);
PyObject* batch_new(tr_batch* batch);
int record_add_to(PyObject* module);
int batch_add_to(PyObject* module);
int span_add_to(PyObject* module);

/* ---- functions, added to the module ---- */

/* Around calls that wait for room where overflow=block: lets go of the interpreter's lock, if so. */
PyThreadState* native_unlock(void);
void native_lock(PyThreadState* unlocked);

int recording_add_to(PyObject* module);
int lifecycle_add_to(PyObject* module);
int processors_add_to(PyObject* module);
int artifacts_add_to(PyObject* module);
int native_add_to(PyObject* module);

/* Takes the reference, and lets go of what was there. */
void native_replace(PyObject** slot, PyObject* object);

/* ---- arguments ---- */

int native_count(Py_ssize_t given, Py_ssize_t least, Py_ssize_t most);
int native_handle(PyObject* object, uint64_t* handle);
/* Text or None, which is no text. `*encoded` as by native_text. */
int native_optional_text(PyObject* object, tr_string* text, PyObject** encoded);
