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

void native_replace(PyObject** slot, PyObject* object) {
  PyObject* old = *slot;
  *slot = object;
  Py_XDECREF(old);
}

int native_optional_text(PyObject* object, tr_string* text, PyObject** encoded) {
  Py_ssize_t size = 0;
  *text = (tr_string){NULL, 0};
  if (object == Py_None) return 0;
  text->data = native_text(object, &size, encoded);
  text->size = (size_t)size;
  return text->data == NULL ? -1 : 0;
}

/* A dict of what `Lent` names. */
static PyObject* lend(PyObject* module, PyObject* dict) {
  (void)module;
  const struct {
    const char* name;
    PyObject** slot;
  } slots[] = {
      {"encode", &lent.encode},           {"decode", &lent.decode},
      {"make_usage", &lent.make_usage},   {"make_event", &lent.make_event},
      {"kind_number", &lent.kind_number}, {"get_current", &lent.get_current},
      {"set_current", &lent.set_current}, {"reset_current", &lent.reset_current},
      {"start_trace", &lent.start_trace}, {"off", &lent.off},
  };
  for (size_t i = 0; i < sizeof slots / sizeof *slots; ++i) {
    PyObject* object = PyDict_GetItemString(dict, slots[i].name);
    if (object == NULL) {
      PyErr_SetString(PyExc_KeyError, slots[i].name);
      return NULL;
    }
    native_replace(slots[i].slot, Py_NewRef(object));
  }
  Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"lend", lend, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int native_add_to(PyObject* module) {
  if (PyModule_AddFunctions(module, functions) < 0) return -1;
  if (record_add_to(module) < 0 || batch_add_to(module) < 0 || span_add_to(module) < 0) return -1;
  if (recording_add_to(module) < 0 || lifecycle_add_to(module) < 0 || artifacts_add_to(module) < 0) return -1;
  return processors_add_to(module);
}
