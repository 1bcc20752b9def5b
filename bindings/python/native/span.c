/* The type SpanBase: what every span does, from its making to its end. The rest of trunkline.Span is Python. */
#include "native.h"

#include <stddef.h>

typedef struct SpanObject {
  PyObject object;
  PyObject* name;
  PyObject* kind;
  PyObject* attributes;
  PyObject* parent; /* None: whatever is current at the start */
  PyObject* token;  /* of the variable that holds what is current */
  PyObject* own_trace;
  PyObject* in_trace; /* the Trace it was started in, when that is known */
  uint64_t trace;
  uint64_t handle;
  int started;
} SpanObject;

static PyTypeObject* span_type;
static PyObject* trace_name;
static PyObject* handle_name;

static int span_init(PyObject* object, PyObject* arguments, PyObject* named) {
  static char* names[] = {"name", "kind", "attributes", "parent", NULL};
  SpanObject* self = (SpanObject*)object;
  PyObject* name = NULL;
  PyObject* kind = NULL;
  PyObject* attributes = Py_None;
  PyObject* parent = Py_None;
  if (!PyArg_ParseTupleAndKeywords(arguments, named, "U|$OOO:span", names, &name, &kind, &attributes, &parent))
    return -1;
  if (self->name != NULL) {
    PyErr_SetString(PyExc_RuntimeError, "a span is made once");
    return -1;
  }
  self->name = Py_NewRef(name);
  self->kind = Py_XNewRef(kind);
  self->attributes = Py_NewRef(attributes);
  self->parent = Py_NewRef(parent);
  return 0;
}

static int span_traverse(PyObject* object, visitproc visit, void* arg) {
  const SpanObject* self = (const SpanObject*)object;
  Py_VISIT(self->kind);
  Py_VISIT(self->attributes);
  Py_VISIT(self->parent);
  Py_VISIT(self->token);
  Py_VISIT(self->own_trace);
  Py_VISIT(self->in_trace);
  Py_VISIT(Py_TYPE(object));
  return 0;
}

static int span_clear(PyObject* object) {
  SpanObject* self = (SpanObject*)object;
  Py_CLEAR(self->kind);
  Py_CLEAR(self->attributes);
  Py_CLEAR(self->parent);
  Py_CLEAR(self->token);
  Py_CLEAR(self->own_trace);
  Py_CLEAR(self->in_trace);
  return 0;
}

static void span_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  span_clear(object);
  Py_XDECREF(((SpanObject*)object)->name);
  PyObject_GC_Del(object);
  Py_DecRef((PyObject*)type);
}

/* ---- an error that waits while something else is done ---- */

typedef struct Error {
  PyObject* type;
  PyObject* value;
  PyObject* traceback;
} Error;

static Error error_take(void) {
  Error error;
  PyErr_Fetch(&error.type, &error.value, &error.traceback);
  return error;
}

/* The one that waited goes before one that came meanwhile. */
static void error_give(Error error) {
  if (error.type != NULL) PyErr_Restore(error.type, error.value, error.traceback);
}

/* ---- start ---- */

static int read_handle(PyObject* scope, PyObject* name, uint64_t* handle) {
  PyObject* number = PyObject_GetAttr(scope, name);
  if (number == NULL) return -1;
  const int result = native_handle(number, handle);
  Py_DecRef(number);
  return result;
}

/* Takes over what the scope is: its handles, and the trace it lies in. */
static int enter_scope(SpanObject* self, PyObject* scope, uint64_t* parent) {
  if (scope == lent.off) {
    self->trace = *parent = 0;
    return 0;
  }
  if (PyObject_TypeCheck(scope, span_type)) {
    const SpanObject* span = (const SpanObject*)scope;
    native_replace(&self->in_trace, Py_XNewRef(span->in_trace));
    self->trace = span->trace;
    *parent = span->handle;
    return 0;
  }
  native_replace(&self->in_trace, Py_NewRef(scope));
  return read_handle(scope, trace_name, &self->trace) < 0 ? -1 : read_handle(scope, handle_name, parent);
}

static PyObject* start_own_trace(SpanObject* self) {
  self->own_trace = PyObject_CallFunctionObjArgs(lent.start_trace, self->name, NULL);
  return Py_XNewRef(self->own_trace);
}

/* The scope that the span is started in; outside of every trace it brings a trace of its own. A new reference. */
static PyObject* find_scope(SpanObject* self) {
  PyObject* scope = PyObject_CallNoArgs(lent.get_current);
  if (scope == NULL || scope == lent.off) return scope;
  if (self->parent != Py_None) {
    Py_DecRef(scope);
    return Py_NewRef(self->parent);
  }
  if (scope != Py_None) return scope;
  Py_DecRef(scope);
  return start_own_trace(self);
}

static int read_kind(PyObject* kind, tr_kind* number) {
  if (kind == NULL) return 0;
  PyObject* converted =
      PyUnicode_Check(kind) ? PyObject_CallFunctionObjArgs(lent.kind_number, kind, NULL) : Py_NewRef(kind);
  if (converted == NULL) return -1;
  const unsigned long value = PyLong_AsUnsignedLong(converted);
  Py_DecRef(converted);
  if (PyErr_Occurred()) return -1;
  if (value > UINT32_MAX) {
    PyErr_SetString(PyExc_ValueError, "a kind has 32 bits");
    return -1;
  }
  *number = (tr_kind)value;
  return 0;
}

static int start_with(SpanObject* self, uint64_t parent, tr_kind kind) {
  Py_ssize_t size = 0;
  PyObject* encoded = NULL;
  const char* name = native_text(self->name, &size, &encoded);
  if (name == NULL) return -1;
  Attributes attributes;
  const int taken = attributes_take(&attributes, self->attributes);
  if (taken == 0) {
    PyThreadState* unlocked = native_unlock();
    const tr_span handle =
        tr_span_start_with(self->trace, parent, kind, name, (size_t)size, attributes.items, attributes.count);
    native_lock(unlocked);
    self->handle = handle;
    attributes_release(&attributes);
  }
  Py_XDECREF(encoded);
  return taken;
}

static int start_in(SpanObject* self, PyObject* scope, tr_kind kind) {
  uint64_t parent = 0;
  if (scope == NULL) return -1;
  const int found = enter_scope(self, scope, &parent);
  Py_DecRef(scope);
  return found < 0 ? -1 : start_with(self, parent, kind);
}

/* The current scope was left behind by a trace that has ended since: a task or thread that outlived it. */
static int was_left_behind(const SpanObject* self) {
  uint8_t id[16];
  return self->handle == 0 && self->trace != 0 && self->parent == Py_None && self->own_trace == NULL &&
         tr_trace_get_id(self->trace, id) == TR_ESTALE;
}

static int end_own_trace(SpanObject* self) {
  if (self->own_trace == NULL) return 0;
  PyObject* done = PyObject_CallMethod(self->own_trace, "end", NULL);
  Py_XDECREF(done);
  return done == NULL ? -1 : 0;
}

static int start(SpanObject* self) {
  tr_kind kind = 0;
  if (self->started || self->name == NULL) {
    PyErr_SetString(PyExc_RuntimeError, "a span is started once");
    return -1;
  }
  if (read_kind(self->kind, &kind) < 0) return -1;
  self->started = 1;
  int result = start_in(self, find_scope(self), kind);
  if (result == 0 && was_left_behind(self)) result = start_in(self, start_own_trace(self), kind);
  if (result == 0) return 0;
  Error error = error_take();
  end_own_trace(self);
  error_give(error);
  return -1;
}

static PyObject* span_start(PyObject* self, PyObject* unused) {
  (void)unused;
  return start((SpanObject*)self) < 0 ? NULL : Py_NewRef(self);
}

static PyObject* span_enter(PyObject* object, PyObject* unused) {
  (void)unused;
  SpanObject* self = (SpanObject*)object;
  if (!self->started && start(self) < 0) return NULL;
  PyObject* token = PyObject_CallFunctionObjArgs(lent.set_current, object, NULL);
  if (token == NULL) return NULL;
  native_replace(&self->token, token);
  return Py_NewRef(object);
}

/* ---- end ---- */

/* Another span, whose block outlasts this one's, stays current, unless the trace ends here. */
static int is_to_leave(const SpanObject* self, PyObject* scope) {
  if (scope == (const PyObject*)self) return 1;
  return self->own_trace != NULL && self->trace != 0 && PyObject_TypeCheck(scope, span_type) &&
         ((const SpanObject*)scope)->trace == self->trace;
}

/* In another context than the one that was entered there is nothing to undo. */
static int leave(SpanObject* self) {
  PyObject* token = self->token;
  if (token == NULL) return 0;
  self->token = NULL;
  PyObject* scope = PyObject_CallNoArgs(lent.get_current);
  PyObject* done = NULL;
  if (scope != NULL && is_to_leave(self, scope)) {
    done = PyObject_CallFunctionObjArgs(lent.reset_current, token, NULL);
  } else if (scope != NULL) {
    done = Py_NewRef(Py_None);
  }
  Py_XDECREF(scope);
  Py_DecRef(token);
  if (done == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
    PyErr_Clear();
    return 0;
  }
  Py_XDECREF(done);
  return done == NULL ? -1 : 0;
}

static int call_with(PyObject* object, const char* method, PyObject* argument) {
  PyObject* done = PyObject_CallMethod(object, method, "O", argument);
  Py_XDECREF(done);
  return done == NULL ? -1 : 0;
}

/* `error`: what left the block, or None. */
static int end(SpanObject* self, PyObject* error) {
  tr_span_end(self->handle);
  if (self->own_trace == NULL) return 0;
  if (error != Py_None) call_with(self->own_trace, "set_error", error);
  const Error failure = error_take();
  const int result = end_own_trace(self);
  error_give(failure);
  return result < 0 || failure.type != NULL ? -1 : 0;
}

static PyObject* span_end(PyObject* self, PyObject* unused) {
  (void)unused;
  if (end((SpanObject*)self, Py_None) < 0) return NULL;
  Py_RETURN_NONE;
}

static PyObject* span_exit(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
  SpanObject* self = (SpanObject*)object;
  if (native_count(count, 3, 3) < 0) return NULL;
  if (arguments[1] != Py_None) call_with(object, "set_error", arguments[1]);
  Error failure = error_take();
  leave(self);
  if (failure.type == NULL) failure = error_take();
  PyErr_Clear();
  end(self, arguments[1]);
  error_give(failure);
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

/* ---- attributes ---- */

static PyObject* span_set(PyObject* object, PyObject* const* arguments, Py_ssize_t count) {
  if (native_count(count, 2, 2) < 0) return NULL;
  Py_ssize_t size = 0;
  PyObject* encoded = NULL;
  PyObject* keep = NULL;
  tr_value value;
  const char* key = native_text(arguments[0], &size, &encoded);
  if (key != NULL && native_value(arguments[1], &value, &keep) == 0) {
    tr_span_set_value(((SpanObject*)object)->handle, key, (size_t)size, &value);
  }
  Py_XDECREF(encoded);
  Py_XDECREF(keep);
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

static PyObject* get_name(PyObject* object, void* closure) {
  (void)closure;
  return Py_XNewRef(((const SpanObject*)object)->name);
}

static PyObject* get_in_trace(PyObject* object, void* closure) {
  (void)closure;
  PyObject* trace = ((const SpanObject*)object)->in_trace;
  return Py_NewRef(trace == NULL ? Py_None : trace);
}

static PyObject* get_handle(PyObject* object, void* offset) {
  return PyLong_FromUnsignedLongLong(*(const uint64_t*)(const void*)((const char*)object + (size_t)offset));
}

static PyMethodDef span_methods[] = {
    {"start", span_start, METH_NOARGS,
     "Starts the span without making it current. Outside of every trace it brings a trace of its own."},
    {"end", span_end, METH_NOARGS, "Ends the span. From here on it survives the death of the process."},
    {"set", (PyCFunction)(void (*)(void))span_set, METH_FASTCALL, "Sets an attribute; the last value of a key wins."},
    {"__enter__", span_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))span_exit, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef span_fields[] = {
    {"name", get_name, NULL, NULL, NULL},
    {"_in_trace", get_in_trace, NULL, NULL, NULL},
    {"_trace", get_handle, NULL, NULL, (void*)offsetof(SpanObject, trace)},
    {"_handle", get_handle, NULL, NULL, (void*)offsetof(SpanObject, handle)},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot span_slots[] = {
    {Py_tp_init, span_init},       {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, span_dealloc}, {Py_tp_traverse, span_traverse},
    {Py_tp_clear, span_clear},     {Py_tp_methods, span_methods},
    {Py_tp_getset, span_fields},   {0, NULL},
};

static PyType_Spec span_spec = {
    "trunkline.SpanBase", sizeof(SpanObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, span_slots};

int span_add_to(PyObject* module) {
  trace_name = PyUnicode_InternFromString("_trace");
  handle_name = PyUnicode_InternFromString("_handle");
  span_type = (PyTypeObject*)PyType_FromSpec(&span_spec);
  if (trace_name == NULL || handle_name == NULL || span_type == NULL) return -1;
  return PyModule_AddObjectRef(module, "SpanBase", (PyObject*)span_type);
}
