/* Python objects to values of the library, and back. */
#include <string.h>

#include "native.h"

Lent lent;

const char* native_text(PyObject* text, Py_ssize_t* size, PyObject** encoded) {
  const char* utf8 = PyUnicode_AsUTF8AndSize(text, size);
  if (utf8 != NULL || !PyUnicode_Check(text)) return utf8;
  PyErr_Clear();
  char* bytes = NULL;
  *encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
  if (*encoded == NULL || PyBytes_AsStringAndSize(*encoded, &bytes, size) < 0) return NULL;
  return bytes;
}

/* Keeps an object alive with the value that points into it; takes the reference. */
static int keep_alive(PyObject** keep, PyObject* object) {
  if (object == NULL) return -1;
  if (*keep == NULL) *keep = PyList_New(0);
  const int result = *keep == NULL ? -1 : PyList_Append(*keep, object);
  Py_DecRef(object);
  return result;
}

static int text_value(PyObject* object, tr_type type, tr_value* value, PyObject** keep) {
  Py_ssize_t size = 0;
  PyObject* encoded = NULL;
  value->type = type;
  value->data = native_text(object, &size, &encoded);
  value->size = (size_t)size;
  if (encoded != NULL && keep_alive(keep, encoded) < 0) return -1;
  return value->data == NULL ? -1 : 0;
}

static int integer_value(PyObject* object, tr_value* value, PyObject** keep) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0) {
    if (number == -1 && PyErr_Occurred()) return -1;
    value->type = TR_TYPE_I64;
    value->i64 = number;
    return 0;
  }
  PyObject* digits = PyObject_Str(object); /* 64 bits do not hold it: text does */
  if (digits == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
    PyErr_Clear(); /* the interpreter limits how many decimal digits it makes */
    digits = PyNumber_ToBase(object, 16);
  }
  if (digits == NULL || keep_alive(keep, digits) < 0) return -1;
  return text_value(digits, TR_TYPE_STR, value, keep);
}

static int bytes_value(PyObject* object, tr_value* value) {
  char* bytes = NULL;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(object, &bytes, &size) < 0) return -1;
  value->type = TR_TYPE_BYTES;
  value->data = bytes;
  value->size = (size_t)size;
  return 0;
}

/* The array type that holds every element of a list; TR_TYPE_NULL: none. */
static tr_type array_type(PyObject* list, Py_ssize_t count) {
  tr_type type = TR_TYPE_NULL;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* item = PyList_GetItem(list, i);
    const tr_type of_item = PyBool_Check(item)      ? TR_TYPE_BOOL_ARRAY
                            : PyLong_Check(item)    ? TR_TYPE_I64_ARRAY
                            : PyFloat_Check(item)   ? TR_TYPE_F64_ARRAY
                            : PyUnicode_Check(item) ? TR_TYPE_STR_ARRAY
                                                    : TR_TYPE_NULL;
    if (of_item == TR_TYPE_NULL || (type != TR_TYPE_NULL && of_item != type)) return TR_TYPE_NULL;
    type = of_item;
  }
  return type;
}

static int array_element(PyObject* item, tr_type type, char* elements, Py_ssize_t i, PyObject** keep) {
  tr_value one = {0};
  switch (type) {
    case TR_TYPE_BOOL_ARRAY:
      ((uint8_t*)elements)[i] = item == Py_True;
      return 0;
    case TR_TYPE_I64_ARRAY:
      if (integer_value(item, &one, keep) < 0) return -1;
      if (one.type != TR_TYPE_I64) return 1;
      ((int64_t*)(void*)elements)[i] = one.i64;
      return 0;
    case TR_TYPE_F64_ARRAY:
      ((double*)(void*)elements)[i] = PyFloat_AsDouble(item);
      return 0;
    default:
      if (text_value(item, TR_TYPE_STR, &one, keep) < 0) return -1;
      ((tr_string*)(void*)elements)[i] = (tr_string){one.data, one.size};
      return 0;
  }
}

/* Of a list of scalars of one type. 1: it is none, or has a number beyond 64 bits. */
static int array_value(PyObject* list, tr_value* value, PyObject** keep) {
  const Py_ssize_t count = PyList_Size(list);
  const tr_type type = array_type(list, count);
  if (type == TR_TYPE_NULL) return 1;
  const Py_ssize_t element = type == TR_TYPE_BOOL_ARRAY  ? 1
                             : type == TR_TYPE_STR_ARRAY ? (Py_ssize_t)sizeof(tr_string)
                                                         : 8;
  PyObject* memory = PyByteArray_FromStringAndSize(NULL, count * element);
  if (keep_alive(keep, memory) < 0) return -1;
  char* elements = PyByteArray_AsString(memory);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const int result = array_element(PyList_GetItem(list, i), type, elements, i, keep);
    if (result != 0) return result;
  }
  value->type = type;
  value->data = elements;
  value->size = (size_t)count;
  return 0;
}

static int encoded_value(PyObject* object, tr_value* value, PyObject** keep) {
  PyObject* encoded = PyObject_CallFunctionObjArgs(lent.encode, object, NULL);
  if (encoded == NULL || keep_alive(keep, encoded) < 0) return -1;
  if (PyTuple_Check(encoded)) return text_value(PyTuple_GetItem(encoded, 0), TR_TYPE_JSON, value, keep);
  return native_value(encoded, value, keep);
}

int native_value(PyObject* object, tr_value* value, PyObject** keep) {
  memset(value, 0, sizeof *value);
  if (PyUnicode_Check(object)) return text_value(object, TR_TYPE_STR, value, keep);
  if (object == Py_None) return 0;
  if (PyBool_Check(object)) {
    value->type = TR_TYPE_BOOL;
    value->i64 = object == Py_True;
    return 0;
  }
  if (PyLong_Check(object)) return integer_value(object, value, keep);
  if (PyFloat_Check(object)) {
    value->type = TR_TYPE_F64;
    value->f64 = PyFloat_AsDouble(object);
    return 0;
  }
  if (PyBytes_Check(object)) return bytes_value(object, value);
  if (PyList_Check(object) || PyTuple_Check(object)) {
    PyObject* list = PySequence_List(object); /* of its own: nobody changes it meanwhile */
    if (list == NULL || keep_alive(keep, list) < 0) return -1;
    const int result = array_value(list, value, keep);
    if (result <= 0) return result;
  }
  return encoded_value(object, value, keep);
}

/* ---- attributes ---- */

static int attribute_room(Attributes* attributes, size_t count) {
  attributes->items = attributes->few;
  attributes->objects = attributes->few_objects;
  if (count <= kFewAttributes) return 0;
  attributes->items = PyMem_Malloc(count * sizeof *attributes->items);
  attributes->objects = PyMem_Malloc(2 * count * sizeof *attributes->objects);
  if (attributes->items != NULL && attributes->objects != NULL) return 0;
  PyErr_NoMemory();
  return -1;
}

static int take_attribute(Attributes* attributes, size_t i) {
  tr_attribute* item = &attributes->items[i];
  tr_value key;
  if (!PyUnicode_Check(attributes->objects[2 * i])) {
    PyErr_SetString(PyExc_TypeError, "the keys of attributes are text");
    return -1;
  }
  if (text_value(attributes->objects[2 * i], TR_TYPE_STR, &key, &attributes->keep) < 0) return -1;
  item->key = (tr_string){key.data, key.size};
  return native_value(attributes->objects[2 * i + 1], &item->value, &attributes->keep);
}

int attributes_take(Attributes* attributes, PyObject* mapping) {
  attributes->items = NULL;
  attributes->count = 0;
  attributes->keep = NULL;
  attributes->objects = attributes->few_objects;
  if (mapping == Py_None) return 0;
  if (!PyDict_Check(mapping)) {
    PyObject* dict = PyDict_New(); /* of any mapping */
    int taken = dict == NULL ? -1 : PyDict_Update(dict, mapping);
    if (taken == 0) taken = attributes_take(attributes, dict);
    Py_XDECREF(dict);
    return taken;
  }
  if (attribute_room(attributes, (size_t)PyDict_Size(mapping)) < 0) {
    attributes_release(attributes);
    return -1;
  }
  Py_ssize_t position = 0;
  PyObject* key = NULL;
  PyObject* value = NULL;
  while (PyDict_Next(mapping, &position, &key, &value)) {
    Py_IncRef(key);
    Py_IncRef(value);
    attributes->objects[2 * attributes->count] = key;
    attributes->objects[2 * attributes->count + 1] = value;
    ++attributes->count;
  }
  for (size_t i = 0; i < attributes->count; ++i) {
    if (take_attribute(attributes, i) < 0) {
      attributes_release(attributes);
      return -1;
    }
  }
  return 0;
}

void attributes_release(Attributes* attributes) {
  for (size_t i = 0; i < 2 * attributes->count; ++i) Py_DecRef(attributes->objects[i]);
  if (attributes->items != attributes->few) PyMem_Free(attributes->items);
  if (attributes->objects != attributes->few_objects) PyMem_Free(attributes->objects);
  Py_XDECREF(attributes->keep);
}

/* ---- back ---- */

PyObject* object_of_text(tr_string text) { return PyUnicode_DecodeUTF8(text.data, (Py_ssize_t)text.size, "replace"); }

static PyObject* object_of_json(tr_string text) {
  PyObject* json = object_of_text(text);
  if (json == NULL) return NULL;
  PyObject* decoded = PyObject_CallFunctionObjArgs(lent.decode, json, NULL);
  Py_DecRef(json);
  return decoded;
}

static PyObject* object_of_element(const tr_value* value, size_t i) {
  switch (value->type) {
    case TR_TYPE_BOOL_ARRAY:
      return PyBool_FromLong(((const uint8_t*)value->data)[i]);
    case TR_TYPE_I64_ARRAY:
      return PyLong_FromLongLong(((const int64_t*)value->data)[i]);
    case TR_TYPE_F64_ARRAY:
      return PyFloat_FromDouble(((const double*)value->data)[i]);
    default:
      return object_of_text(((const tr_string*)value->data)[i]);
  }
}

static PyObject* object_of_array(const tr_value* value) {
  PyObject* list = PyList_New((Py_ssize_t)value->size);
  for (size_t i = 0; list != NULL && i < value->size; ++i) {
    PyObject* element = object_of_element(value, i);
    if (element == NULL || PyList_SetItem(list, (Py_ssize_t)i, element) < 0) {
      Py_DecRef(list);
      return NULL;
    }
  }
  return list;
}

PyObject* object_of_value(const tr_value* value) {
  switch (value->type) {
    case TR_TYPE_NULL:
      Py_RETURN_NONE;
    case TR_TYPE_BOOL:
      return PyBool_FromLong(value->i64 != 0);
    case TR_TYPE_I64:
      return PyLong_FromLongLong(value->i64);
    case TR_TYPE_F64:
      return PyFloat_FromDouble(value->f64);
    case TR_TYPE_STR:
      return object_of_text((tr_string){value->data, value->size});
    case TR_TYPE_BYTES:
      return PyBytes_FromStringAndSize(value->data, (Py_ssize_t)value->size);
    case TR_TYPE_JSON:
      return object_of_json((tr_string){value->data, value->size});
    default:
      return object_of_array(value);
  }
}

PyObject* object_of_attributes(const tr_attribute* attributes, size_t count) {
  PyObject* dict = PyDict_New();
  for (size_t i = 0; dict != NULL && i < count; ++i) {
    PyObject* key = object_of_text(attributes[i].key);
    PyObject* value = key == NULL ? NULL : object_of_value(&attributes[i].value);
    const int result = value == NULL ? -1 : PyDict_SetItem(dict, key, value);
    Py_XDECREF(key);
    Py_XDECREF(value);
    if (result < 0) {
      Py_DecRef(dict);
      return NULL;
    }
  }
  return dict;
}
