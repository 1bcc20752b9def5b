/* Registration of processors, built in or polled by this host, and polling. */
#include <string.h>

#include "native.h"

/* A description is (name, destination or None, flags, batch size) of a polled processor, or (built-in, options as
 * JSON). */
static int read_polled(PyObject* description, tr_processor* table) {
  Py_ssize_t size = 0;
  PyObject* destination = PyTuple_GetItem(description, 1);
  table->struct_size = sizeof *table;
  table->name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(description, 0), &size);
  if (table->name == NULL) return -1;
  if (destination != Py_None && (table->destination = PyUnicode_AsUTF8AndSize(destination, &size)) == NULL) return -1;
  table->flags = TR_PROCESSOR_POLL | (uint32_t)PyLong_AsUnsignedLong(PyTuple_GetItem(description, 2));
  table->batch_size = (uint32_t)PyLong_AsUnsignedLong(PyTuple_GetItem(description, 3));
  return PyErr_Occurred() ? -1 : 0;
}

typedef int (*Fill)(const char* options_json, size_t size, tr_processor* out, tr_error* error);

static int read_built_in(PyObject* description, tr_processor* table) {
  static const struct {
    const char* name;
    Fill fill;
  } built_ins[] = {{"local", tr_local_processor},
                   {"jsonl", tr_jsonl_processor},
                   {"console", tr_console_processor},
                   {"mlflow", tr_mlflow_processor},
                   {"wandb", tr_wandb_processor}};
  Py_ssize_t size = 0;
  const char* name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(description, 0), &size);
  const char* options = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(description, 1), &size);
  if (name == NULL || options == NULL) return -1;
  for (size_t i = 0; i < sizeof built_ins / sizeof *built_ins; ++i) {
    if (strcmp(name, built_ins[i].name) != 0) continue;
    tr_error error = {.struct_size = sizeof error};
    table->struct_size = sizeof *table;
    if (built_ins[i].fill(options, (size_t)size, table, &error) == TR_OK) return 0;
    memset(table, 0, sizeof *table);
    PyErr_SetString(PyExc_ValueError, error.message);
    return -1;
  }
  PyErr_Format(PyExc_ValueError, "there is no built-in processor %s", name);
  return -1;
}

static int read_description(PyObject* description, tr_processor* table) {
  memset(table, 0, sizeof *table);
  if (!PyTuple_Check(description)) {
    PyErr_SetString(PyExc_TypeError, "a description is a tuple");
    return -1;
  }
  return PyTuple_Size(description) == 2 ? read_built_in(description, table) : read_polled(description, table);
}

static void release_tables(const tr_processor* tables, Py_ssize_t count) {
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (tables[i].release != NULL) tables[i].release(tables[i].user_data);
  }
}

/* Registers what the list describes; adds one, or replaces all. -> a list of ids, or an error code. */
static PyObject* register_all(PyObject* list, int replace) {
  if (!PyList_Check(list)) {
    PyErr_SetString(PyExc_TypeError, "a list of descriptions");
    return NULL;
  }
  const Py_ssize_t count = PyList_Size(list);
  tr_processor* tables = PyMem_Calloc((size_t)count + 1, sizeof *tables);
  tr_processor_id* ids = PyMem_Calloc((size_t)count + 1, sizeof *ids);
  PyObject* answer = NULL;
  Py_ssize_t read = 0;
  if (tables == NULL || ids == NULL) PyErr_NoMemory();
  while (!PyErr_Occurred() && read < count && read_description(PyList_GetItem(list, read), &tables[read]) == 0) ++read;
  if (PyErr_Occurred()) {
    if (tables != NULL) release_tables(tables, read);
  } else {
    int result = 0;
    Py_BEGIN_ALLOW_THREADS;
    result = replace ? tr_replace_processors(tables, (size_t)count, ids) : tr_add_processor(tables, ids);
    Py_END_ALLOW_THREADS;
    answer = result == TR_OK ? PyList_New(count) : PyLong_FromLong(result);
    for (Py_ssize_t i = 0; result == TR_OK && answer != NULL && i < count; ++i) {
      PyList_SetItem(answer, i, PyLong_FromUnsignedLongLong(ids[i]));
    }
  }
  PyMem_Free(tables);
  PyMem_Free(ids);
  return answer;
}

static PyObject* add_processor(PyObject* module, PyObject* list) {
  (void)module;
  if (PyList_Check(list) && PyList_Size(list) != 1) {
    PyErr_SetString(PyExc_ValueError, "one description");
    return NULL;
  }
  return register_all(list, 0);
}

static PyObject* replace_processors(PyObject* module, PyObject* list) {
  (void)module;
  return register_all(list, 1);
}

/* id, most -> a Batch; None: there is none now; a number: an error code. Does not wait: tr_poll_fd tells when. */
static PyObject* poll(PyObject* module, PyObject* const* arguments, Py_ssize_t count) {
  (void)module;
  uint64_t id = 0;
  if (native_count(count, 2, 2) < 0 || native_handle(arguments[0], &id) < 0) return NULL;
  const unsigned long most = PyLong_AsUnsignedLong(arguments[1]);
  if (PyErr_Occurred()) return NULL;
  tr_batch* batch = NULL;
  int result = 0;
  Py_BEGIN_ALLOW_THREADS;
  result = tr_poll(id, (uint32_t)most, 0, &batch);
  Py_END_ALLOW_THREADS;
  if (result < 0) return PyLong_FromLong(result);
  if (batch == NULL) Py_RETURN_NONE;
  PyObject* object = batch_new(batch);
  if (object == NULL) tr_poll_ack(batch, TR_EAGAIN, NULL, 0);
  return object;
}

static PyMethodDef functions[] = {
    {"add_processor", add_processor, METH_O, NULL},
    {"replace_processors", replace_processors, METH_O, NULL},
    {"poll", (PyCFunction)(void (*)(void))poll, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

int processors_add_to(PyObject* module) { return PyModule_AddFunctions(module, functions); }
