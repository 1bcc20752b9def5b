/* The type Batch: polled records, in order, until they are acknowledged. */
#include "native.h"

#include <unistd.h>

typedef struct BatchObject {
  PyObject object;
  tr_batch* batch; /* NULL: acknowledged */
  RecordList records;
  pid_t owner; /* a forked child has no part in it */
  int retained;
} BatchObject;

static PyTypeObject* batch_type;

PyObject* batch_new(tr_batch* batch) {
  BatchObject* self = PyObject_New(BatchObject, batch_type);
  if (self == NULL) return NULL;
  self->batch = batch;
  self->records.first = NULL;
  self->owner = getpid();
  self->retained = 0;
  return (PyObject*)self;
}

/* Gives the batch out of the object's hands; the records that are still referred to have copies from here on. */
static tr_batch* batch_surrender(BatchObject* self) {
  if (self->batch == NULL) {
    PyErr_SetString(PyExc_ValueError, "the batch has been acknowledged");
    return NULL;
  }
  if (self->owner != getpid()) {
    PyErr_SetString(PyExc_ValueError, "the batch belongs to the parent process");
    return NULL;
  }
  records_detach(&self->records);
  tr_batch* batch = self->batch;
  self->batch = NULL;
  return batch;
}

static void batch_dealloc(PyObject* object) {
  BatchObject* self = (BatchObject*)object;
  if (self->batch != NULL) {
    records_detach(&self->records);
    if (self->owner == getpid()) tr_poll_ack(self->batch, TR_EAGAIN, NULL, 0); /* forgotten: offered again */
  }
  PyTypeObject* type = Py_TYPE(object);
  PyObject_Free(object);
  Py_DecRef((PyObject*)type);
}

/* `taken` below 0: all of it. */
static PyObject* acknowledge(BatchObject* self, Py_ssize_t taken, PyObject* answer, PyObject* kept_state) {
  char* state = NULL;
  Py_ssize_t size = 0;
  const long result = answer == NULL ? TR_OK : PyLong_AsLong(answer);
  if (result == -1 && PyErr_Occurred()) return NULL;
  if (kept_state != Py_None && PyBytes_AsStringAndSize(kept_state, &state, &size) < 0) return NULL;
  const int in_part = taken >= 0;
  if (result > 0 || result < INT32_MIN || (in_part && result == 0) || size > 65536) {
    PyErr_SetString(PyExc_ValueError, "a result is 0 or an error; a state has at most 64 KiB");
    return NULL;
  }
  if (in_part && self->batch != NULL && (size_t)taken >= self->batch->count) {
    PyErr_SetString(PyExc_ValueError, "the batch has no such record");
    return NULL;
  }
  tr_batch* batch = batch_surrender(self);
  if (batch == NULL) return NULL;
  int booked = 0;
  Py_BEGIN_ALLOW_THREADS;
  booked = in_part ? tr_poll_ack_part(batch, (size_t)taken, (int)result, state, (size_t)size)
                   : tr_poll_ack(batch, (int)result, state, (size_t)size);
  Py_END_ALLOW_THREADS;
  return PyLong_FromLong(booked);
}

static PyObject* batch_ack(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (native_count(count, 0, 2) < 0) return NULL;
  return acknowledge((BatchObject*)self, -1, count > 0 ? arguments[0] : NULL, count > 1 ? arguments[1] : Py_None);
}

static PyObject* batch_ack_part(PyObject* self, PyObject* const* arguments, Py_ssize_t count) {
  if (native_count(count, 3, 3) < 0) return NULL;
  const Py_ssize_t taken = PyLong_AsSsize_t(arguments[0]);
  if (taken < 0) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "the batch has no such record");
    return NULL;
  }
  return acknowledge((BatchObject*)self, taken, arguments[1], arguments[2]);
}

static PyObject* batch_retain(PyObject* object, PyObject* unused) {
  (void)unused;
  ((BatchObject*)object)->retained = 1;
  Py_RETURN_NONE;
}

static Py_ssize_t batch_length(PyObject* object) {
  const BatchObject* self = (const BatchObject*)object;
  return self->batch == NULL ? 0 : (Py_ssize_t)self->batch->count;
}

static PyObject* batch_item(PyObject* object, Py_ssize_t i) {
  BatchObject* self = (BatchObject*)object;
  if (i < 0 || i >= batch_length(object)) {
    PyErr_SetString(PyExc_IndexError, "the batch has no such record, or has been acknowledged");
    return NULL;
  }
  return record_new(self->batch->records[i], self->batch->run_id, &self->records);
}

static PyObject* batch_get_run_id(PyObject* object, void* closure) {
  (void)closure;
  const tr_batch* batch = ((const BatchObject*)object)->batch;
  if (batch == NULL) Py_RETURN_NONE;
  return PyUnicode_FromString(batch->run_id);
}

static PyObject* batch_get_state(PyObject* object, void* closure) {
  (void)closure;
  const tr_batch* batch = ((const BatchObject*)object)->batch;
  if (batch == NULL || batch->state == NULL) Py_RETURN_NONE;
  return PyBytes_FromStringAndSize(batch->state, (Py_ssize_t)batch->state_size);
}

static PyObject* batch_get_adopted(PyObject* object, void* closure) {
  (void)closure;
  const tr_batch* batch = ((const BatchObject*)object)->batch;
  return PyBool_FromLong(batch != NULL && (batch->flags & TR_BATCH_ADOPTED) != 0);
}

static PyObject* batch_get_retained(PyObject* object, void* closure) {
  (void)closure;
  return PyBool_FromLong(((const BatchObject*)object)->retained);
}

static PyMethodDef batch_methods[] = {
    {"ack", (PyCFunction)(void (*)(void))batch_ack, METH_FASTCALL,
     "ack(result=0, state=None): answers for a retained batch. 0: taken. AGAIN: to be offered again."},
    {"ack_part", (PyCFunction)(void (*)(void))batch_ack_part, METH_FASTCALL,
     "ack_part(taken, result, state): the first records were taken, the next one was refused with `result`."},
    {"retain", batch_retain, METH_NOARGS, "Keeps the batch beyond on_batch, not acknowledged until ack()."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef batch_fields[] = {
    {"run_id", batch_get_run_id, NULL, "Of the run directory that the records come from.", NULL},
    {"state", batch_get_state, NULL, "The saved state that this delivery resumes from, or None.", NULL},
    {"adopted", batch_get_adopted, NULL, "Of a run that died, not of this process.", NULL},
    {"retained", batch_get_retained, NULL, "retain() was called.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot batch_slots[] = {
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_methods, batch_methods},
    {Py_tp_getset, batch_fields},
    {Py_sq_length, batch_length},
    {Py_sq_item, batch_item},
    {Py_tp_doc, "Records in order: a sequence, empty once it is acknowledged."},
    {0, NULL},
};

static PyType_Spec batch_spec = {"trunkline.Batch", sizeof(BatchObject), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
                                 batch_slots};

int batch_add_to(PyObject* module) {
  batch_type = (PyTypeObject*)PyType_FromSpec(&batch_spec);
  return batch_type == NULL ? -1 : PyModule_AddObjectRef(module, "Batch", (PyObject*)batch_type);
}
