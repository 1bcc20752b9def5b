/* trunkline_python.i - what Python needs: text without a copy, calls that wait without the interpreter's lock. Calls that
 * take structs are left to the functions of bindings/python/native, which take dictionaries. */

%begin %{
#define PY_SSIZE_T_CLEAN
%}

/* The text stays where Python keeps it: every str caches its UTF-8. Text that has none (lone surrogates) is encoded as it
 * is, for the library to repair. */
%typemap(in) (const char *text, size_t size) (Py_ssize_t length, PyObject *encoded = NULL) {
  $1 = (char *)native_text($input, &length, &encoded);
  if ($1 == NULL) SWIG_fail;
  $2 = (size_t)length;
}
%typemap(freearg) (const char *text, size_t size) { Py_XDECREF(encoded$argnum); }
%apply(const char *text, size_t size) {
  (const char *name, size_t name_size), (const char *key, size_t key_size), (const char *value, size_t size),
  (const char *json, size_t size), (const char *model, size_t size), (const char *data, size_t size),
  (const char *type, size_t type_size), (const char *message, size_t message_size), (const char *id, size_t size),
  (const char *path, size_t path_size), (const char *file, size_t file_size), (const char *name, size_t size)
};

/* These wait, or wake threads that may want the interpreter. */
%exception tr_flush { Py_BEGIN_ALLOW_THREADS; $action Py_END_ALLOW_THREADS; }
%exception tr_shutdown { Py_BEGIN_ALLOW_THREADS; $action Py_END_ALLOW_THREADS; }
%exception tr_remove_processor { Py_BEGIN_ALLOW_THREADS; $action Py_END_ALLOW_THREADS; }

%exception tr_run_log_media { Py_BEGIN_ALLOW_THREADS; $action Py_END_ALLOW_THREADS; }
%exception tr_run_log_artifact { Py_BEGIN_ALLOW_THREADS; $action Py_END_ALLOW_THREADS; }

/* Structs are for the hand-written part. */
%rename("$ignore", %$isclass) "";
%ignore tr_config_init;
%ignore tr_init;
%ignore tr_trace_start;
%ignore tr_trace_set_value;
%ignore tr_trace_event;
%ignore tr_trace_get_id;
%ignore tr_span_start_with;
%ignore tr_span_set_value;
%ignore tr_span_set_values;
%ignore tr_span_set_bytes;
%ignore tr_span_set_usage;
%ignore tr_span_event;
%ignore tr_span_get_ids;
%ignore tr_span_end_with;
%ignore tr_span_start_packed;
%ignore tr_span_set_packed;
%ignore tr_span_end_packed;
%ignore tr_span_record;
%ignore tr_context_inject;
%ignore tr_context_extract;
%ignore tr_run_start;
%ignore tr_run_log;
%ignore tr_run_set_summary;
%ignore tr_run_set_config;
%ignore tr_run_add_artifact;
%ignore tr_add_processor;
%ignore tr_set_processors;
%ignore tr_replace_processors;
%ignore tr_processor_save;
%ignore tr_batch_retain;
%ignore tr_batch_ack;
%ignore tr_poll;
%ignore tr_poll_ack;
%ignore tr_poll_ack_part;
%ignore tr_local_processor;
%ignore tr_jsonl_processor;
%ignore tr_mlflow_processor;
%ignore tr_wandb_processor;
%ignore tr_wandb_download_artifact;
%ignore tr_console_processor;
%ignore tr_stats_get;
%ignore tr_processor_stats_get;

%{
#include "native.h"
%}
%init %{
  if (native_add_to(m) < 0) return NULL;
%}
