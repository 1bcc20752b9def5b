/* What all parts of the module share, and their joining to it. */
#include "native.h"

int native_count(Py_ssize_t given, Py_ssize_t least, Py_ssize_t most) {
  if (given >= least && given <= most) return 0;
  PyErr_Format(PyExc_TypeError, "%zd arguments given, %zd to %zd wanted", given, least, most);
  return -1;
}

int native_handle(PyObject* object, uint64_t* handle) {
  *handle = PyLong_AsUnsignedLongLong(object);
  return *handle == (uint64_t)-1 && PyErr_Occurred() ? -1 : 0;
}

int native_optional_text(PyObject* object, tr_string* text, PyObject** encoded) {
  Py_ssize_t size = 0;
  *text = (tr_string){NULL, 0};
  if (object == Py_None) return 0;
  text->data = native_text(object, &size, encoded);
  text->size = (size_t)size;
  return text->data == NULL ? -1 : 0;
}

static void lend(PyObject** slot, PyObject* object) {
  Py_IncRef(object);
  Py_XDECREF(*slot);
  *slot = object;
}

static PyObject* configure(PyObject* module, PyObject* const* arguments, Py_ssize_t count) {
  (void)module;
  if (native_count(count, 4, 4) < 0) return NULL;
  lend(&lent.encode, arguments[0]);
  lend(&lent.decode, arguments[1]);
  lend(&lent.make_usage, arguments[2]);
  lend(&lent.make_event, arguments[3]);
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"configure", (PyCFunction)(void (*)(void))configure, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

int native_add_to(PyObject* module) {
  if (PyModule_AddFunctions(module, functions) < 0) return -1;
  if (record_add_to(module) < 0 || batch_add_to(module) < 0) return -1;
  if (recording_add_to(module) < 0 || lifecycle_add_to(module) < 0) return -1;
  return processors_add_to(module);
}
