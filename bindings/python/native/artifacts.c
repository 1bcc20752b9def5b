/* Artifacts: the calls that read or fetch files, without the interpreter's lock. */
#include "native.h"

/* The texts of a list of str, and what keeps them. */
typedef struct Texts {
  tr_string* items;
  PyObject** encoded;
  Py_ssize_t count;
} Texts;

static void texts_release(Texts* texts) {
  for (Py_ssize_t i = 0; texts->encoded != NULL && i < texts->count; ++i) Py_XDECREF(texts->encoded[i]);
  PyMem_Free(texts->encoded);
  PyMem_Free(texts->items);
}

/* The list belongs to the package: nobody changes it meanwhile. */
static int texts_take(Texts* texts, PyObject* list) {
  *texts = (Texts){NULL, NULL, 0};
  if (!PyList_Check(list)) {
    PyErr_SetString(PyExc_TypeError, "a list of texts");
    return -1;
  }
  const Py_ssize_t count = PyList_Size(list);
  texts->items = PyMem_Calloc((size_t)count + 1, sizeof *texts->items);
  texts->encoded = PyMem_Calloc((size_t)count + 1, sizeof *texts->encoded);
  if (texts->items == NULL || texts->encoded == NULL) PyErr_NoMemory();
  while (!PyErr_Occurred() && texts->count < count) {
    Py_ssize_t size = 0;
    const char* data = native_text(PyList_GetItem(list, texts->count), &size, &texts->encoded[texts->count]);
    texts->items[texts->count++] = (tr_string){data, (size_t)size};
  }
  if (!PyErr_Occurred()) return 0;
  texts_release(texts);
  return -1;
}

static int add_artifact(uint64_t run, const Texts* names, const Texts* aliases, const Texts* files,
                        const Attributes* metadata) {
  const size_t count = (size_t)files->count / 2;
  tr_artifact_file* list = PyMem_Calloc(count + 1, sizeof *list);
  if (list == NULL) return TR_ENOMEM;
  for (size_t i = 0; i < count; ++i) list[i] = (tr_artifact_file){files->items[2 * i], files->items[2 * i + 1]};
  const tr_artifact artifact = {sizeof artifact,
                                0,
                                names->items[0],
                                names->items[1],
                                names->items[2],
                                aliases->items,
                                (size_t)aliases->count,
                                metadata->items,
                                metadata->count,
                                list,
                                count};
  int result = 0;
  Py_BEGIN_ALLOW_THREADS;
  result = tr_run_add_artifact(run, &artifact);
  Py_END_ALLOW_THREADS;
  PyMem_Free(list);
  return result;
}

/* handle, [name, type, description], aliases, [path, file, path, file, ...], metadata */
static PyObject* run_add_artifact(PyObject* module, PyObject* const* arguments, Py_ssize_t count) {
  (void)module;
  uint64_t handle = 0;
  Texts texts[3];
  Attributes metadata;
  int taken = 0;
  int result = 0;
  if (native_count(count, 5, 5) < 0 || native_handle(arguments[0], &handle) < 0) return NULL;
  while (taken < 3 && texts_take(&texts[taken], arguments[1 + taken]) == 0) ++taken;
  if (taken == 3 && texts[0].count != 3) PyErr_SetString(PyExc_ValueError, "name, type, description");
  if (!PyErr_Occurred() && attributes_take(&metadata, arguments[4]) == 0) {
    result = add_artifact(handle, &texts[0], &texts[1], &texts[2], &metadata);
    attributes_release(&metadata);
  }
  while (taken > 0) texts_release(&texts[--taken]);
  return PyErr_Occurred() ? NULL : PyLong_FromLong(result);
}

/* options, name, folder -> None, or the code and message of what went wrong */
static PyObject* wandb_download_artifact(PyObject* module, PyObject* list) {
  (void)module;
  Texts texts;
  tr_error error = {.struct_size = sizeof error};
  int result = 0;
  if (texts_take(&texts, list) < 0) return NULL;
  if (texts.count == 3) {
    const tr_string* items = texts.items;
    Py_BEGIN_ALLOW_THREADS;
    result = tr_wandb_download_artifact(items[0].data, items[0].size, items[1].data, items[1].size, items[2].data,
                                        items[2].size, &error);
    Py_END_ALLOW_THREADS;
  } else {
    PyErr_SetString(PyExc_ValueError, "options, name, folder");
  }
  texts_release(&texts);
  if (PyErr_Occurred()) return NULL;
  if (result == TR_OK) Py_RETURN_NONE;
  return Py_BuildValue("(is)", result, error.message);
}

static PyMethodDef functions[] = {
    {"run_add_artifact", (PyCFunction)(void (*)(void))run_add_artifact, METH_FASTCALL, NULL},
    {"wandb_download_artifact", wandb_download_artifact, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

int artifacts_add_to(PyObject* module) { return PyModule_AddFunctions(module, functions); }
