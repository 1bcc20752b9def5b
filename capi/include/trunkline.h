/* SPDX-License-Identifier: Apache-2.0
 *
 * trunkline.h - the whole public C API of libtrunkline, the native tracer for LLM agents.
 *
 * An agent records traces: a trace is one run of the agent, a tree of timed spans (steps, generations, tool calls).
 * Recording costs nanoseconds and never waits: the caller's thread writes into memory that a kill -9 does not take away,
 * a worker thread orders, redacts and logs it, and delivery threads hand it to processors. A processor is a table of
 * functions (`tr_processor`), whether built in (the local store, JSON lines, the console) or written by you.
 *
 * Conventions, for every section:
 * - A result of type int is 0 or a negative `TR_E...` code. Codes are never renumbered.
 * - Handles (`tr_trace`, `tr_span`, `tr_run`) are 64-bit values below 2^53. 0 means "not recording": every call accepts
 *   it, does nothing and returns 0. A stale, foreign or invented handle gives TR_ESTALE and touches nothing.
 * - Text is a pointer and a length in bytes. TR_NUL as length means "NUL-terminated". Everything passed in is *borrowed*
 *   for the call and copied before it returns, unless a comment says otherwise. Text should be UTF-8; what is not is
 *   repaired with U+FFFD before it is delivered, never refused.
 * - Structs that can grow begin with `uint32_t struct_size`, to be set to sizeof. A larger struct than this library
 *   knows is accepted when its tail is zero, else refused with TR_EUNSUPPORTED.
 * - Nothing happens when the library is loaded: no thread, file or socket before tr_init.
 *
 * Each section states its defaults once - thread-safety, blocking, use inside processor callbacks, after fork, since -
 * and a function's comment says what it does, who owns what, its errors, and where it differs from the defaults.
 */
#ifndef TRUNKLINE_H
#define TRUNKLINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TR_API __attribute__((visibility("default")))
#else
#define TR_API
#endif

/* ====================================================================================================================
 * Results and versions
 *
 * Defaults of this section
 *   Thread-safety: any thread, any time, also before tr_init.
 *   Blocking:      never.
 *   In callbacks:  allowed.
 *   After fork:    unchanged.
 *   Since:         0.1
 * ================================================================================================================== */

#define TR_VERSION_MAJOR 0
#define TR_VERSION_MINOR 1
#define TR_VERSION_PATCH 0
/* Major and minor of the ABI this header describes, as tr_abi_version returns them. */
#define TR_ABI_VERSION 0x00000001u

#define TR_OK 0
#define TR_EINVAL (-1)       /* an argument is wrong; the call changed nothing */
#define TR_ESTALE (-2)       /* the handle is not, or no longer, what it is used as */
#define TR_ESTATE (-3)       /* not initialised, already initialised, or shut down */
#define TR_ENOMEM (-4)       /* no memory left within max_memory; what was lost is counted */
#define TR_ETIMEDOUT (-5)    /* the deadline passed; the work goes on where that is possible */
#define TR_EAGAIN (-6)       /* from a processor's hook: offer this again later */
#define TR_EREENTRANT (-7)   /* a signal handler interrupted a call on this thread, or a hook may not call this */
#define TR_EPARENT (-8)      /* the parent does not belong to the trace */
#define TR_EUNSUPPORTED (-9) /* a newer struct, flag or mode than this library knows */
#define TR_EIO (-10)         /* a file could not be made, read or written */
#define TR_ELIMIT (-11)      /* a limit (attributes, key length, value size) cut or refused the data; counted */
#define TR_ECLOSED (-12)     /* the processor is removed or shut down and has nothing left */
#define TR_ENOENT (-13)      /* no such processor, or artifact */
#define TR_EINTERNAL (-14)   /* a defect of this library, contained */

/* As a length: the text is NUL-terminated. */
#define TR_NUL ((size_t)-1)

/* Text that is not necessarily NUL-terminated. */
typedef struct tr_string {
  const char *data;
  size_t size;
} tr_string;

/* What went wrong, in words. Allocated by the caller, who sets struct_size; filled only when a call fails. */
typedef struct tr_error {
  uint32_t struct_size;
  int32_t code;
  char message[256]; /* NUL-terminated */
} tr_error;

/** The short English name of a result code, for example "stale handle". Never NULL; static, do not free. */
TR_API const char *tr_strerror(int code);

/** The version of the loaded library, for example "0.1.0". Static, do not free. */
TR_API const char *tr_version(void);

/** The ABI version of the loaded library: major in the upper 16 bits, minor in the lower. A binding built for
 * TR_ABI_VERSION works when the majors are equal and the library's minor is not smaller. */
TR_API uint32_t tr_abi_version(void);

/* ====================================================================================================================
 * Values and attributes
 *
 * An attribute is a key and a value. No unions: every foreign function interface reads these structs.
 * Well-known keys follow OpenTelemetry's GenAI conventions (docs/conventions.md); token counts under any of their usual
 * names (prompt_tokens, input_tokens, gen_ai.usage.input_tokens, ...) become the fields of tr_usage.
 * ================================================================================================================== */

typedef uint32_t tr_type;
#define TR_TYPE_NULL 0u
#define TR_TYPE_BOOL 1u
#define TR_TYPE_I64 2u
#define TR_TYPE_F64 3u
#define TR_TYPE_STR 4u
#define TR_TYPE_BYTES 5u
#define TR_TYPE_JSON 6u      /* JSON text; what does not parse is kept as a string and flagged */
#define TR_TYPE_BOOL_ARRAY 7u /* elements: uint8_t */
#define TR_TYPE_I64_ARRAY 8u  /* elements: int64_t */
#define TR_TYPE_F64_ARRAY 9u  /* elements: double */
#define TR_TYPE_STR_ARRAY 10u /* elements: tr_string */

/* Flags of a value that is delivered; 0 in a value that is passed in. */
#define TR_VALUE_TRUNCATED 1u    /* cut at max_value_bytes */
#define TR_VALUE_REDACTED 2u     /* replaced, wholly or in part, by "__redacted__" */
#define TR_VALUE_INVALID_JSON 4u /* was passed as JSON and is not; type is TR_TYPE_STR */
#define TR_VALUE_REPAIRED 8u     /* was not UTF-8; repaired with U+FFFD */

typedef struct tr_value {
  tr_type type;
  uint32_t flags;
  int64_t i64;      /* TR_TYPE_I64; TR_TYPE_BOOL: 0 or 1 */
  double f64;       /* TR_TYPE_F64; not-a-number is kept */
  const void *data; /* STR, BYTES, JSON: the bytes; arrays: the elements */
  size_t size;      /* STR, BYTES, JSON: bytes (TR_NUL accepted); arrays: number of elements */
} tr_value;

typedef struct tr_attribute {
  tr_string key;
  tr_value value;
} tr_attribute;

/* Tokens of a generation; -1 = absent. Cached tokens are part of input, reasoning tokens part of output. */
typedef struct tr_usage {
  int64_t input;
  int64_t output;
  int64_t total; /* -1: input + output */
  int64_t cache_read;
  int64_t cache_write;
  int64_t reasoning;
} tr_usage;

/* What a span is. A kind decides how sinks present a span, nothing else; unknown values pass through. */
typedef uint32_t tr_kind;
#define TR_KIND_CUSTOM 0u
#define TR_KIND_WORKFLOW 1u
#define TR_KIND_AGENT 2u
#define TR_KIND_STEP 3u
#define TR_KIND_GENERATION 4u
#define TR_KIND_REASONING 5u
#define TR_KIND_MESSAGE 6u
#define TR_KIND_TOOL 7u
#define TR_KIND_ACT 8u
#define TR_KIND_MCP 9u
#define TR_KIND_DECIDE 10u
#define TR_KIND_PARSE 11u
#define TR_KIND_REDUCE 12u
#define TR_KIND_CRITIC 13u
#define TR_KIND_GUARDRAIL 14u
#define TR_KIND_HANDOFF 15u
#define TR_KIND_DELEGATE 16u
#define TR_KIND_FANOUT 17u
#define TR_KIND_RETRIEVAL 18u
#define TR_KIND_EMBEDDING 19u
#define TR_KIND_RERANK 20u
#define TR_KIND_CHUNK 21u
#define TR_KIND_SPEECH_IN 22u
#define TR_KIND_SPEECH_OUT 23u
#define TR_KIND_GROUP 24u
#define TR_KIND_MEMORY 25u
#define TR_KIND_ATTACHMENT 26u

/* ====================================================================================================================
 * Lifecycle
 *
 * One instance of the library lives in a process between tr_init and tr_shutdown. Before and after, every recording
 * call returns 0, TR_ESTATE or - for a handle, which is stale - TR_ESTALE at once. In a forked child all handles are
 * stale and the first call starts a fresh instance with the same configuration and its own run directory, unless it is
 * tr_init with another one; processors written by the host are not inherited. fork() waits until the local store is not
 * in the middle of a write, a second at most.
 *
 * Defaults of this section
 *   Thread-safety: any thread; calls are serialised.
 *   Blocking:      up to the given timeout; tr_init for the time of making its files.
 *   In callbacks:  not allowed: TR_EREENTRANT.
 *   After fork:    allowed in the child.
 *   Since:         0.1
 * ================================================================================================================== */

/* Where finished records are kept until every durable processor has them. */
typedef uint32_t tr_durability;
#define TR_DURABILITY_DEFAULT 0u /* TR_DURABILITY_LOG */
#define TR_DURABILITY_MEMORY 1u  /* no log on disk: a crash loses what was not delivered */
#define TR_DURABILITY_LOG 2u     /* survives kill -9 of the process */
#define TR_DURABILITY_FSYNC 3u   /* as LOG, and synced to the disk about 10 times a second: survives the machine */

/* Where records lie before the worker has logged them. */
typedef uint32_t tr_recorder;
#define TR_RECORDER_DEFAULT 0u /* TR_RECORDER_FILE */
#define TR_RECORDER_FILE 1u    /* a mapped file in the run directory: survives kill -9 */
#define TR_RECORDER_MEMORY 2u  /* anonymous memory: up to a few milliseconds are lost by a kill */

typedef uint32_t tr_content;
#define TR_CONTENT_DEFAULT 0u /* TR_CONTENT_ON */
#define TR_CONTENT_ON 1u
#define TR_CONTENT_OFF 2u /* only names, kinds, times, numbers and well-known metric fields are recorded */

/* What happens to a new span when max_memory is used up. Spans already begun are never cut. */
typedef uint32_t tr_overflow;
#define TR_OVERFLOW_DEFAULT 0u /* TR_OVERFLOW_DROP_NEWEST */
#define TR_OVERFLOW_DROP_NEWEST 1u
#define TR_OVERFLOW_BLOCK 2u /* wait up to block_timeout_ms, then drop */

typedef uint32_t tr_level;
#define TR_LEVEL_OFF 0u
#define TR_LEVEL_ERROR 1u
#define TR_LEVEL_WARN 2u
#define TR_LEVEL_INFO 3u
#define TR_LEVEL_DEBUG 4u

/* Receives the library's own messages. Called on library threads, inside tr_init, and inside calls that refuse a file, an
 * artifact or media of a run, which say why; must not block and must not call the library. The message is *borrowed* for the call, one line, control characters escaped. */
typedef void (*tr_log_callback)(void *user_data, tr_level level, const char *message, size_t size);

/* Decides about one text value (an attribute, a string inside JSON, an event's attribute; with an empty key a name, an
 * input, an error message or another field): non-zero replaces it by "__redacted__". Called on the worker thread; must not
 * block and must not call the library. */
typedef int (*tr_redact_callback)(void *user_data, const char *key, size_t key_size, const char *value,
                                  size_t value_size);

/* Configuration. Fill it with tr_config_init, which sets struct_size, reads the environment and puts defaults, then
 * change what you want: what is set in code wins over the environment. Strings are *borrowed* during tr_init. */
typedef struct tr_config {
  uint32_t struct_size;
  uint32_t flags;                  /* TR_CONFIG_... */
  const char *directory;           /* NULL: $TRUNKLINE_DIR, ./.trunkline, $XDG_STATE_HOME/trunkline, else memory */
  const char *recorder_directory;  /* NULL: in the run directory; for example "/dev/shm" */
  const char *service_name;        /* NULL: the program's name */
  const char *processors;          /* built-ins to start with, comma-separated; "local" by default, "none" for none */
  uint64_t max_memory;             /* bytes of the recorder's pool; 64 MiB; at least 4 MiB */
  uint64_t max_disk;               /* bytes of the log before the slowest processor loses its oldest; 1 GiB */
  uint64_t max_value_bytes;        /* a longer value is cut and flagged; 16 MiB */
  uint32_t max_attributes;         /* of one span, trace or event; more are refused and counted; 1,024 */
  tr_durability durability;
  tr_recorder recorder;
  tr_content content;
  tr_overflow overflow;
  uint32_t block_timeout_ms;       /* for TR_OVERFLOW_BLOCK; 100 */
  double sample_ratio;             /* share of traces recorded, decided by the trace id; 1.0 */
  const char *redact_keys;         /* added to the built-in list of keys, comma-separated, any case */
  const char *redact_patterns;     /* comma-separated; "sk-*" hides "sk-" and the token characters that follow it */
  tr_redact_callback redact;       /* NULL: none */
  void *redact_user_data;
  tr_log_callback log;             /* NULL: standard error */
  void *log_user_data;
  tr_level log_level;              /* TR_LEVEL_WARN */
  uint32_t end_grace_ms;           /* how long open spans of an ended trace may still end; 2,000 */
  uint32_t exit_timeout_ms;        /* how long the exit of a program that did not call tr_shutdown may wait; 2,000 */
} tr_config;

#define TR_CONFIG_DISABLED 1u            /* record nothing; every call is a cheap no-op */
#define TR_CONFIG_NO_ADOPTION 2u         /* leave what dead runs left behind to others */
#define TR_CONFIG_NO_DEFAULT_REDACTION 4u /* start with an empty list of redacted keys */
#define TR_CONFIG_NO_EXIT_HOOK 8u        /* do not flush at exit */

/** Fills `config` with the defaults and the environment (TRUNKLINE_*: docs/conventions.md). `struct_size` is sizeof
 * of the caller's tr_config; no more than that is written. Strings in it point into the environment.
 * Errors: TR_EINVAL. In callbacks: allowed. */
TR_API int tr_config_init(tr_config *config, size_t struct_size);

/** Starts the library. NULL: the environment and defaults. A directory that cannot be used gives a warning and memory
 * mode, not an error (tr_stats tells). What dead runs left in the directory is taken up in the background.
 * Errors: TR_EINVAL and TR_EUNSUPPORTED for the configuration, TR_ESTATE when already started, TR_ENOMEM, TR_EIO. */
TR_API int tr_init(const tr_config *config, tr_error *error);

/** Waits until all that was recorded before the call, and what has been taken up of dead runs by then, is with every
 * processor, and asks each to pass it on (`force_flush`). Errors: TR_ESTATE, TR_ETIMEDOUT. */
TR_API int tr_flush(uint32_t timeout_ms);

/** Ends open spans as incomplete, delivers what is left within the timeout, stops all threads and releases all
 * processors. What durable processors do not have by then stays in the run directory for the next start. Idempotent.
 * A processor that blocks for ever is abandoned with its thread; hooks that are running, and a write to a slow disk, are
 * given some two seconds beyond the timeout, also of 0. Errors: TR_ETIMEDOUT: something is left. */
TR_API int tr_shutdown(uint32_t timeout_ms);

/* ====================================================================================================================
 * Traces
 *
 * A trace is one run of an agent. Its metadata may be set until its end. At its end no new spans are accepted; spans
 * still open may end for end_grace_ms, then they are ended as incomplete; the trace's end is delivered last.
 *
 * Defaults of this section
 *   Thread-safety: any thread, also several on one handle.
 *   Blocking:      never.
 *   In callbacks:  allowed; traces started inside a hook are not recorded: the handle is 0.
 *   After fork:    handles of the parent are stale in the child.
 *   Since:         0.1
 * ================================================================================================================== */

typedef uint64_t tr_trace;
typedef uint64_t tr_span;
typedef uint64_t tr_run;

/* Where a trace or span continues from: a W3C trace context. */
typedef struct tr_context {
  uint32_t struct_size;
  uint32_t flags; /* W3C trace flags: 1 = sampled, 2 = random trace id */
  uint8_t trace_id[16];
  uint8_t span_id[8];
} tr_context;

typedef struct tr_trace_options {
  uint32_t struct_size;
  uint32_t flags;               /* 0 */
  tr_string group_id;           /* the conversation or session it belongs to */
  tr_string foreign_id;         /* the id another system gave it, any text; kept beside the trace id */
  /* Continues a remote trace: same trace id; spans without a parent of their own are children of its span. Recorded
   * only if its flags say sampled. */
  const tr_context *parent;
  const tr_attribute *metadata; /* as by tr_trace_set_value */
  size_t metadata_count;
} tr_trace_options;

/** Starts a trace. `options` may be NULL. 0: disabled, sampled out, no memory (counted), or not started.
 * Errors: none returned; bad options are counted as misuse and ignored. */
TR_API tr_trace tr_trace_start(const char *name, size_t name_size, const tr_trace_options *options);

/** Sets one item of metadata; the last value of a key wins. `stop_reason` is the well-known key for why an agent
 * stopped. Errors: TR_ESTALE, TR_EINVAL, TR_ENOMEM, TR_ELIMIT. */
TR_API int tr_trace_set_value(tr_trace trace, const char *key, size_t key_size, const tr_value *value);

/** As tr_trace_set_value, with a text. Errors: as there. */
TR_API int tr_trace_set_str(tr_trace trace, const char *key, size_t key_size, const char *value, size_t size);

/** As tr_trace_set_value, with an integer. Errors: as there. */
TR_API int tr_trace_set_i64(tr_trace trace, const char *key, size_t key_size, int64_t value);

/** As tr_trace_set_value, with a double. Errors: as there. */
TR_API int tr_trace_set_f64(tr_trace trace, const char *key, size_t key_size, double value);

/** As tr_trace_set_value, with a boolean. Errors: as there. */
TR_API int tr_trace_set_bool(tr_trace trace, const char *key, size_t key_size, int value);

/** As tr_trace_set_value, with JSON text. Errors: as there. */
TR_API int tr_trace_set_json(tr_trace trace, const char *key, size_t key_size, const char *json, size_t size);

/** Marks the trace as failed. `type` is a short name of low cardinality, `message` free text; either may be empty.
 * Errors: as tr_trace_set_value. */
TR_API int tr_trace_set_error(tr_trace trace, const char *type, size_t type_size, const char *message,
                              size_t message_size);

/** Records that something happened now in the trace; delivered at once as a record of its own.
 * Errors: as tr_trace_set_value. */
TR_API int tr_trace_event(tr_trace trace, const char *name, size_t name_size, const tr_attribute *attributes,
                          size_t count);

/** Copies the trace's id. For 0 the id is all zero. Errors: TR_ESTALE, TR_EINVAL. */
TR_API int tr_trace_get_id(tr_trace trace, uint8_t trace_id[16]);

/** Ends the trace. The handle is stale from then on. Errors: TR_ESTALE. */
TR_API int tr_trace_end(tr_trace trace);

/* ====================================================================================================================
 * Spans
 *
 * A span is one timed step of a trace. Its parent is explicit: 0 is the trace itself. A span may be started on one
 * thread, written on others and ended on a third. When its end call has returned the span is safe: see tr_durability.
 *
 * Defaults of this section
 *   Thread-safety: any thread, also several on one handle.
 *   Blocking:      never; with TR_OVERFLOW_BLOCK what needs new memory (starts, tr_span_record, events, records of a
 *                  run) may wait block_timeout_ms, outside callbacks.
 *   In callbacks:  allowed.
 *   After fork:    handles of the parent are stale in the child.
 *   Since:         0.1
 * ================================================================================================================== */

/** Starts a span now. Trace 0 gives 0. A parent that has ended or belongs to another trace is counted and the span
 * becomes a child of the trace. 0: not recorded (tr_stats says why). */
TR_API tr_span tr_span_start(tr_trace trace, tr_span parent, tr_kind kind, const char *name, size_t name_size);

/** As tr_span_start with attributes in the same call, for callers to whom a call is dear.
 * `span` as by tr_span_start; attributes that cannot be kept are counted. */
TR_API tr_span tr_span_start_with(tr_trace trace, tr_span parent, tr_kind kind, const char *name, size_t name_size,
                                  const tr_attribute *attributes, size_t count);

/** Sets an attribute to any value; the last value of a key wins.
 * Errors: TR_ESTALE, TR_EINVAL (NULL, empty key, bad type), TR_ENOMEM, TR_ELIMIT. */
TR_API int tr_span_set_value(tr_span span, const char *key, size_t key_size, const tr_value *value);

/** As tr_span_set_value for several attributes in one call. The first error is returned, the others are still set. */
TR_API int tr_span_set_values(tr_span span, const tr_attribute *attributes, size_t count);

/** As tr_span_set_value, with a text. Errors: as there. */
TR_API int tr_span_set_str(tr_span span, const char *key, size_t key_size, const char *value, size_t size);

/** As tr_span_set_value, with an integer. Errors: as there. */
TR_API int tr_span_set_i64(tr_span span, const char *key, size_t key_size, int64_t value);

/** As tr_span_set_value, with a double. Errors: as there. */
TR_API int tr_span_set_f64(tr_span span, const char *key, size_t key_size, double value);

/** As tr_span_set_value, with a boolean. Errors: as there. */
TR_API int tr_span_set_bool(tr_span span, const char *key, size_t key_size, int value);

/** As tr_span_set_value, with bytes. Errors: as there. */
TR_API int tr_span_set_bytes(tr_span span, const char *key, size_t key_size, const void *value, size_t size);

/** As tr_span_set_value, with JSON text. Errors: as there. */
TR_API int tr_span_set_json(tr_span span, const char *key, size_t key_size, const char *json, size_t size);

/** Sets the token counts of a generation. Errors: TR_ESTALE, TR_EINVAL (below -1). */
TR_API int tr_span_set_usage(tr_span span, const tr_usage *usage);

/** Sets the model that was asked for. Errors: as tr_span_set_value. */
TR_API int tr_span_set_model(tr_span span, const char *model, size_t size);

/** Sets a score (of a critic, an evaluation) and the name of what scored. Errors: as tr_span_set_value. */
TR_API int tr_span_set_score(tr_span span, const char *name, size_t name_size, double score);

/** Sets the number of a step. Errors: as tr_span_set_value. */
TR_API int tr_span_set_step(tr_span span, int64_t step);

/** Sets what went into the span: text (TR_TYPE_STR) or JSON (TR_TYPE_JSON). Content: not recorded with
 * TR_CONTENT_OFF. Errors: as tr_span_set_value. */
TR_API int tr_span_set_input(tr_span span, tr_type type, const char *data, size_t size);

/** Sets what came out of the span, as tr_span_set_input. Errors: as tr_span_set_value. */
TR_API int tr_span_set_output(tr_span span, tr_type type, const char *data, size_t size);

/** Marks the span as failed, as tr_trace_set_error. Errors: as tr_span_set_value. */
TR_API int tr_span_set_error(tr_span span, const char *type, size_t type_size, const char *message,
                             size_t message_size);

/** Sets the id another system gave the span, any text. Errors: as tr_span_set_value. */
TR_API int tr_span_set_foreign_id(tr_span span, const char *id, size_t size);

/** Records that something happened now in the span; delivered with the span. Errors: as tr_span_set_value. */
TR_API int tr_span_event(tr_span span, const char *name, size_t name_size, const tr_attribute *attributes,
                         size_t count);

/** Copies the ids of the span and its trace; either pointer may be NULL. For 0 the ids are all zero.
 * Errors: TR_ESTALE. */
TR_API int tr_span_get_ids(tr_span span, uint8_t trace_id[16], uint8_t span_id[8]);

/** Ends the span now. Exactly one end of a span succeeds; the handle is stale from then on. Errors: TR_ESTALE. */
TR_API int tr_span_end(tr_span span);

/** Sets attributes and ends the span in one call. The span ends whatever becomes of the attributes.
 * Errors: as tr_span_set_values and tr_span_end. */
TR_API int tr_span_end_with(tr_span span, const tr_attribute *attributes, size_t count);

/* Packed attributes: the same in one run of bytes, for hosts to whom an array of structs that point into their memory is
 * dear (a garbage-collected heap). Attributes follow one another without padding, numbers with the lowest byte first:
 *   type:u8  size of the key:u16, not 0  the key  the value, by its type:
 *     NULL nothing; BOOL u8; I64 i64; F64 f64; STR, BYTES and JSON size:u32 and the bytes;
 *     BOOL_ARRAY count:u32 and u8 each; I64_ARRAY and F64_ARRAY count:u32 and 8 bytes each;
 *     STR_ARRAY count:u32 and for each size:u32 and the bytes.
 * TR_EINVAL: the bytes end early, or have a type that is not known; what stands before that is set all the same. */

/** As tr_span_start_with, with packed attributes. What is wrong with them is counted as misuse; the span starts. */
TR_API tr_span tr_span_start_packed(tr_trace trace, tr_span parent, tr_kind kind, const char *name, size_t name_size,
                                    const void *packed, size_t packed_size);

/** As tr_span_set_values, with packed attributes. Errors: as there. */
TR_API int tr_span_set_packed(tr_span span, const void *packed, size_t packed_size);

/** As tr_span_end_with, with packed attributes. Errors: as there. */
TR_API int tr_span_end_packed(tr_span span, const void *packed, size_t packed_size);

/* A span that was timed elsewhere. Times are Unix nanoseconds. */
typedef struct tr_span_data {
  uint32_t struct_size;
  tr_kind kind;
  tr_trace trace;
  tr_span parent;
  tr_string name;
  tr_string foreign_id;
  int64_t start_ns;
  int64_t end_ns; /* before start_ns: taken as start_ns, and flagged */
  tr_string error_type;
  tr_string error_message;
  const tr_attribute *attributes;
  size_t attribute_count;
  uint8_t span_id[8]; /* all zero: a new one */
} tr_span_data;

/** Records a finished span with explicit times. Errors: TR_ESTALE (trace), TR_EINVAL, TR_ENOMEM. */
TR_API int tr_span_record(const tr_span_data *span);

/* ====================================================================================================================
 * Propagation
 *
 * W3C trace context, to follow an agent across processes.
 *
 * Defaults of this section
 *   Thread-safety: any thread.
 *   Blocking:      never.
 *   In callbacks:  allowed.
 *   After fork:    handles of the parent are stale in the child.
 *   Since:         0.1
 * ================================================================================================================== */

/* Length of a traceparent without its NUL. */
#define TR_TRACEPARENT_SIZE 55

/** Writes the `traceparent` of a span (or of a trace handle: a parent id made from the trace) as TR_TRACEPARENT_SIZE
 * characters and a NUL. Errors: TR_EINVAL (buffer too small), TR_ESTALE (0 included: there is nothing to inject). */
TR_API int tr_context_inject(uint64_t span_or_trace, char *buffer, size_t capacity);

/** Parses a `traceparent`. The caller sets context->struct_size. Errors: TR_EINVAL: not a valid traceparent. */
TR_API int tr_context_extract(const char *traceparent, size_t size, tr_context *context);

/* ====================================================================================================================
 * Runs
 *
 * A run is a container of metrics at W&B, MLflow or tracehouse. It may belong to a trace or stand alone. Each call is
 * one record, delivered in order. Why a file, an artifact or media is refused is a warning in the log.
 *
 * Defaults of this section
 *   Thread-safety: any thread, also several on one handle.
 *   Blocking:      never.
 *   In callbacks:  allowed; runs started inside a hook are not recorded: the handle is 0.
 *   After fork:    handles of the parent are stale in the child.
 *   Since:         0.1
 * ================================================================================================================== */

typedef struct tr_run_options {
  uint32_t struct_size;
  uint32_t flags;   /* 0 */
  tr_trace trace;   /* 0: not tied to a trace */
  tr_string name;
  tr_string project;
  tr_string group_id;
  const tr_attribute *config;
  size_t config_count;
} tr_run_options;

typedef uint32_t tr_run_status;
#define TR_RUN_FINISHED 0u
#define TR_RUN_FAILED 1u
#define TR_RUN_KILLED 2u

/** Starts a run. `options` may be NULL. 0: not recorded. */
TR_API tr_run tr_run_start(const tr_run_options *options);

/** Logs metrics. `step` < 0: the sink counts. Errors: TR_ESTALE, TR_EINVAL, TR_ENOMEM, TR_ELIMIT. */
TR_API int tr_run_log(tr_run run, int64_t step, const tr_attribute *metrics, size_t count);

/** Sets items of the run's summary. Errors: as tr_run_log. */
TR_API int tr_run_set_summary(tr_run run, const tr_attribute *items, size_t count);

/** Adds to the run's configuration. Errors: as tr_run_log. */
TR_API int tr_run_set_config(tr_run run, const tr_attribute *items, size_t count);

/** Sets a tag. An empty value is a plain tag. Errors: as tr_run_log. */
TR_API int tr_run_set_tag(tr_run run, const char *key, size_t key_size, const char *value, size_t size);

/** Adds a file of this machine to the run's artifacts, under `path`: names with slashes between them. Both texts are copied;
 * of the file only its name, size and time of last change are recorded, which say which version of it this is. A processor
 * that keeps artifacts (MLflow) reads it when the record is delivered: the caller leaves it as it is until then, at the
 * latest until tr_flush has returned TR_OK. A file that has changed or is gone by then is not stored, which is said and
 * counted. The library sets no limit to its size: servers do. With TR_CONTENT_OFF the name of the file is not recorded,
 * and it goes nowhere.
 * Errors: as tr_run_log; TR_EINVAL: also a `path` that is empty, absolute or leads upwards, and text that is not UTF-8;
 * TR_EIO: no regular file that can be read. Blocking: for one look at the file (stat), which the file system of a network
 * may hold up. */
TR_API int tr_run_log_artifact(tr_run run, const char *path, size_t path_size, const char *file, size_t file_size);

/* What media is. */
typedef uint32_t tr_media;
#define TR_MEDIA_IMAGE 1u /* PNG, JPEG, GIF or WebP */
#define TR_MEDIA_HTML 2u

/** Logs an image or an HTML page under a key of the run's history. The file is read at the call, for its SHA-256 and the
 * size of the image; else as tr_run_log_artifact: a processor reads it again when the record is delivered.
 * Errors: as tr_run_log_artifact; TR_EINVAL: also a key that with 46 bytes more (step, digest) could not be a path, an
 * unknown kind, and an image of none of these formats. Blocking: for one reading of the file. */
TR_API int tr_run_log_media(tr_run run, int64_t step, const char *key, size_t key_size, tr_media kind, const char *file,
                            size_t file_size);

/* A file of an artifact: its name there, with slashes, and the file of this machine. Of a folder all files below it are
 * meant, under `path`. An empty path: the file's own name; of a folder: nothing before the names in it. */
typedef struct tr_artifact_file {
  tr_string path;
  tr_string file;
} tr_artifact_file;

/* A named set of files, of which the server keeps versions. Names, types and aliases: letters, digits, '-', '_' and '.',
 * at most 128. */
typedef struct tr_artifact {
  uint32_t struct_size;
  uint32_t flags; /* 0 */
  tr_string name;
  tr_string type; /* "model", "dataset", ... */
  tr_string description;
  const tr_string *aliases; /* "latest" is there without being asked for */
  size_t alias_count;
  const tr_attribute *metadata;
  size_t metadata_count;
  const tr_artifact_file *files;
  size_t file_count;
} tr_artifact;

/** Adds an artifact that the run has made. All its files are read at the call, for their MD5; else each is as with
 * tr_run_log_artifact. W&B: a version of the artifact, unless there is one with the same content; when a file has changed
 * or is gone by the time of delivery there is none, which is said and counted. MLflow: the files, under the name.
 * Errors: as tr_run_log_artifact; TR_EINVAL: also two files of one path, and no file at all; TR_ELIMIT: the list of files
 * is longer than max_value_bytes; it is recorded cut, and no processor stores the artifact. Blocking: for one reading of all files. */
TR_API int tr_run_add_artifact(tr_run run, const tr_artifact *artifact);

/** Says that the run uses an artifact: "name:alias", with "project/" or "entity/project/" before it for another's; an alias
 * or a version ("v3"), without one "latest". Errors: as tr_run_log; TR_EINVAL: also what is no such name. */
TR_API int tr_run_use_artifact(tr_run run, const char *name, size_t size);

/** Finishes the run. The handle is stale from then on. Errors: TR_ESTALE, TR_EINVAL (status). */
TR_API int tr_run_finish(tr_run run, tr_run_status status, int32_t exit_code);

/* ====================================================================================================================
 * Records: what processors receive
 *
 * Immutable snapshots. Everything reachable from a record is *borrowed*: valid during the hook, or until the
 * acknowledgement of a retained or polled batch. Redelivered records have the same run id and sequence.
 * ================================================================================================================== */

typedef uint32_t tr_record_type;
#define TR_RECORD_TRACE_START 1u
#define TR_RECORD_SPAN_START 2u /* only to processors that ask: TR_PROCESSOR_SPAN_STARTS or on_span_start */
#define TR_RECORD_SPAN_END 3u
#define TR_RECORD_TRACE_END 4u
#define TR_RECORD_EVENT 5u
#define TR_RECORD_RUN_START 6u   /* attributes: the configuration */
#define TR_RECORD_RUN_LOG 7u     /* attributes: the metrics; step */
#define TR_RECORD_RUN_SUMMARY 8u
#define TR_RECORD_RUN_CONFIG 9u
#define TR_RECORD_RUN_TAG 10u
#define TR_RECORD_RUN_FINISH 11u /* run_status, exit_code */
#define TR_RECORD_RUN_ARTIFACT 12u /* name: its path; attributes: file, size, modified_ns */
/* attributes: type, description, aliases, metadata, files: JSON, [{path, file, size, modified_ns, md5}] */
#define TR_RECORD_RUN_ADD_ARTIFACT 13u
#define TR_RECORD_RUN_USE_ARTIFACT 14u
/* name: its key; step; attributes: media ("image", "html"), file, size, modified_ns, sha256, format, width, height */
#define TR_RECORD_RUN_MEDIA 15u

#define TR_RECORD_INCOMPLETE 1u   /* was never ended: the process died, the trace ended, or the library shut down */
#define TR_RECORD_FAILED 2u       /* an error was set */
#define TR_RECORD_TIME_CLAMPED 4u /* an end before its start was moved to the start */
#define TR_RECORD_RECOVERED 8u    /* from a run that died */

typedef struct tr_event {
  tr_string name;
  int64_t time_ns;
  const tr_attribute *attributes;
  size_t attribute_count;
} tr_event;

typedef struct tr_record {
  uint32_t struct_size;
  tr_record_type type;
  uint32_t flags;
  tr_kind kind;
  uint64_t sequence;      /* position in the run's log, from 1; with the run id it names the record for ever */
  uint8_t trace_id[16];
  uint8_t span_id[8];     /* spans; runs: the run's id */
  uint8_t parent_id[8];   /* all zero: none; may be a span of another process */
  int64_t start_ns;       /* Unix time */
  int64_t end_ns;         /* 0 in start records */
  tr_string name;         /* of the trace, span, event, run, tag or artifact */
  tr_string group_id;     /* traces and runs */
  tr_string project;      /* runs */
  tr_string foreign_id;
  tr_string model;
  tr_string score_name;
  tr_string error_type;
  tr_string error_message;
  tr_value input;         /* TR_TYPE_NULL: absent */
  tr_value output;
  tr_usage usage;         /* total is filled in when input or output is known */
  double score;           /* not-a-number: absent, unless score_name is set */
  int64_t step;           /* -1: absent */
  tr_run_status run_status;
  int32_t exit_code;
  uint32_t dropped_attributes;
  uint32_t reserved;
  const tr_attribute *attributes; /* metadata of traces; each key once */
  size_t attribute_count;
  const tr_event *events;
  size_t event_count;
} tr_record;

typedef uint64_t tr_processor_id;

typedef struct tr_batch {
  uint32_t struct_size;
  uint32_t flags;                   /* TR_BATCH_... */
  tr_processor_id processor;
  const char *run_id;               /* of the run directory the records come from */
  const tr_record *const *records;  /* in order */
  size_t count;
  const void *state;                /* the saved state this delivery resumes from; NULL but in its first batch */
  size_t state_size;
} tr_batch;

#define TR_BATCH_ADOPTED 1u /* of a run that died, not of this process */

/* ====================================================================================================================
 * Processors
 *
 * A processor is a table of hooks. All its hooks run on one delivery thread, one at a time, never on a thread that
 * records. A hook returns 0 (taken), TR_EAGAIN (offer again, with backoff) or another error (dropped, counted, not
 * offered again). When `on_batch` is set it receives everything and the single-record hooks are not called. Missing
 * hooks are NULL. A processor sees the traces started while it was registered, until their end or its removal.
 * Exceptions must not leave a hook written in C++; one that does is caught and counted as an error. A processor that
 * fails TR_POISON_LIMIT times in a row gets nothing more; the others do not notice.
 *
 * A processor flagged TR_PROCESSOR_DURABLE has a cursor on disk, under its identity: name and destination. Records it
 * had not taken when the process died are delivered to the processor of equal identity of the next process that uses
 * the directory, at least once.
 *
 * Defaults of this section
 *   Thread-safety: any thread.
 *   Blocking:      never.
 *   In callbacks:  allowed.
 *   After fork:    ids of the parent are unknown in the child: TR_ENOENT, of tr_poll TR_ECLOSED.
 *   Since:         0.1
 * ================================================================================================================== */

#define TR_POISON_LIMIT 16

#define TR_PROCESSOR_DURABLE 1u     /* keep a cursor; redeliver after a crash */
#define TR_PROCESSOR_POLL 2u        /* no hooks for records: the host pulls with tr_poll */
#define TR_PROCESSOR_SPAN_STARTS 4u /* wants TR_RECORD_SPAN_START */
/* May share one delivery thread with others flagged so. Its hooks never wait long, and may run while the program exits
 * without tr_shutdown; those of other processors are not called any more then. */
#define TR_PROCESSOR_SHARED 8u
/* Its hooks may run while the program exits without tr_shutdown, within exit_timeout_ms: they need no runtime that may
 * be gone by then. Implied by TR_PROCESSOR_SHARED. */
#define TR_PROCESSOR_AT_EXIT 16u

typedef struct tr_processor {
  uint32_t struct_size;
  uint32_t flags;
  void *user_data;
  const char *name;        /* copied; required, 1 to 64 characters */
  const char *destination; /* copied; where it sends to, without secrets; part of the identity; may be NULL */
  int (*on_trace_start)(void *user_data, const tr_record *record);
  int (*on_span_start)(void *user_data, const tr_record *record);
  int (*on_span_end)(void *user_data, const tr_record *record);
  int (*on_trace_end)(void *user_data, const tr_record *record);
  int (*on_run)(void *user_data, const tr_record *record); /* runs and events of traces */
  int (*on_batch)(void *user_data, const tr_batch *batch);
  int (*on_tick)(void *user_data, int64_t unix_ns); /* about every tick_ms, also without records */
  /* State saved under this identity for the run, before its first delivery here. Return non-zero to refuse it. */
  int (*restore)(void *user_data, const char *run_id, const void *state, size_t size);
  int (*force_flush)(void *user_data, uint32_t timeout_ms);
  int (*shutdown)(void *user_data, uint32_t timeout_ms);
  /* Called exactly once, after the last hook has returned; also when registration fails. */
  void (*release)(void *user_data);
  uint32_t tick_ms;    /* 0: no ticks */
  uint32_t batch_size; /* most records of one batch; 0: 512 */
} tr_processor;

/** Adds a processor; the table is copied. `id` may be NULL. Whatever the result, `release` is called once.
 * Errors: TR_EINVAL (no name, no hook), TR_EUNSUPPORTED, TR_ESTATE, TR_ENOMEM. */
TR_API int tr_add_processor(const tr_processor *processor, tr_processor_id *id);

/** Finds a processor by its name, the built-in ones included; of several the first. `id` is 0 on an error.
 * Errors: TR_ENOENT, TR_EINVAL. */
TR_API int tr_find_processor(const char *name, size_t size, tr_processor_id *id);

/** Removes a processor. What it had not taken is counted as removed, its cursor ends. Returns at once; `release`
 * tells when the last hook has returned. Errors: TR_ENOENT, TR_ESTATE. */
TR_API int tr_remove_processor(tr_processor_id id);

/** Replaces all processors, the default one included. `count` may be 0. All or nothing: on an error none is added
 * and the old ones stay; `release` of each passed table is called once in any case.
 * Errors: as tr_add_processor. */
TR_API int tr_set_processors(const tr_processor *processors, size_t count);

/** As tr_set_processors, and writes the ids of the new ones, in their order, to `ids`, which has room for `count`: a
 * host that polls needs them. On an error they are 0. Errors: as tr_add_processor. */
TR_API int tr_replace_processors(const tr_processor *processors, size_t count, tr_processor_id *ids);

/** Inside a hook that is given records: stores up to 64 KiB of state with the cursor, once the records of this
 * delivery are acknowledged; the last call wins. Errors: TR_ESTATE outside a hook, TR_ELIMIT, TR_EINVAL. */
TR_API int tr_processor_save(const void *state, size_t size);

/** Inside on_batch: keeps the batch valid, and not acknowledged, after the hook has returned: whatever it returns, only
 * tr_batch_ack tells what became of the batch. The caller *owns* the result until then. NULL: not inside on_batch. */
TR_API tr_batch *tr_batch_retain(const tr_batch *batch);

/** Acknowledges a retained batch and *takes ownership* of it. `result`: as a hook's, but TR_EAGAIN offers it again as
 * a new batch. Any order; the cursor is the lowest record not acknowledged. Errors: TR_EINVAL.
 * After fork: the parent's batches must not be used. */
TR_API int tr_batch_ack(tr_batch *batch, int result);

/** Pulls the next batch of a TR_PROCESSOR_POLL processor. Several may be out at once; each is the caller's until
 * tr_poll_ack. 1: `batch` is set. 0: none within the timeout. TR_ECLOSED: removed or shut down, and empty.
 * Errors: TR_ENOENT, TR_EINVAL, TR_ECLOSED. Blocking: up to timeout_ms. In callbacks: timeout 0 only. */
TR_API int tr_poll(tr_processor_id id, uint32_t max_records, uint32_t timeout_ms, tr_batch **batch);

/** A file descriptor that is readable while tr_poll has something; *borrowed*: do not read or close it.
 * Negative: an error. Errors: TR_ENOENT, TR_EINVAL. */
TR_API int tr_poll_fd(tr_processor_id id);

/** Acknowledges a polled batch, as tr_batch_ack, with the state to keep (NULL: none). Errors: as tr_batch_ack,
 * TR_ELIMIT. After fork: the parent's batches must not be used. */
TR_API int tr_poll_ack(tr_batch *batch, int result, const void *state, size_t state_size);

/** Acknowledges a polled batch record by record, for a host with single-record hooks: the first `taken` records were
 * taken, with the state to keep, and `result`, an error, is the next one's: TR_EAGAIN offers it again later, another
 * drops it. What follows it is offered again. Errors: as tr_poll_ack; TR_EINVAL: `taken` is not below the batch's
 * count. After fork: the parent's batches must not be used. */
TR_API int tr_poll_ack_part(tr_batch *batch, size_t taken, int result, const void *state, size_t state_size);

/* ====================================================================================================================
 * Built-in processors
 *
 * Each function fills a table to be passed to tr_add_processor or tr_set_processors, from options in JSON; NULL or an
 * empty text gives the defaults. Unknown options are errors. If the table is not registered, the caller must call its
 * `release`.
 *
 * Defaults of this section
 *   Thread-safety: any thread.
 *   Blocking:      never; files are opened by the first delivery.
 *   In callbacks:  allowed.
 *   After fork:    allowed.
 *   Since:         0.1
 * ================================================================================================================== */

/** The local store, which `trunkline ls` reads: {"path": file, "max_bytes": n}. Default: traces.db in the directory.
 * The caller sets out->struct_size. Errors: TR_EINVAL. */
TR_API int tr_local_processor(const char *options_json, size_t size, tr_processor *out, tr_error *error);

/** JSON lines, one record a line: {"path": file}. Default: traces.jsonl in the directory.
 * The caller sets out->struct_size. Errors: TR_EINVAL. */
TR_API int tr_jsonl_processor(const char *options_json, size_t size, tr_processor *out, tr_error *error);

/** A readable tree on a stream: {"stream": "stderr" or "stdout", "color": "auto", "always" or "never"}.
 * The caller sets out->struct_size. Errors: TR_EINVAL. */
TR_API int tr_console_processor(const char *options_json, size_t size, tr_processor *out, tr_error *error);

/** MLflow: a run for each trace, with its metrics, params and tags. {"tracking_uri": URL of the
 * server, or a folder in the layout of MLflow's file store (default: a folder beside the program's own),
 * "experiment_name" or "experiment_id", "run_name": default the trace's, "run_id": a run to join instead,
 * "tags": {key: text}, "auto_end_run": true, "traces": true, "username", "password", "token", "tls_ca": file or folder,
 * "tls_client_certificate": file, "tls_insecure": false, "timeout_ms": 60000}. What is not given is taken from MLflow's
 * own variables (docs/mlflow.md). Its hooks wait for the server, on a thread of their own.
 * The caller sets out->struct_size. Errors: TR_EINVAL. */
TR_API int tr_mlflow_processor(const char *options_json, size_t size, tr_processor *out, tr_error *error);

/** W&B (Weights & Biases): a run for each trace, with its history, summary, config and tags. {"project", "entity",
 * "name": default the trace's, "config": {key: anything}, "tags": [text], "group": default the trace's, "job_type",
 * "notes", "id": of a run that all traces join, "resume": "allow", "must", "never" or "auto", "auto_finish": true,
 * "trace_tree": false, "mode": "online", "offline" or "disabled", "dir": where offline runs are written, "base_url",
 * "api_key", "tls_ca": file or folder, "timeout_ms": 60000, "interval_ms": 15000}. What is not given is taken from W&B's
 * own variables (docs/wandb.md); without a key runs are written to files. Its hooks wait for the server, on a thread of
 * their own. The caller sets out->struct_size. Errors: TR_EINVAL. */
TR_API int tr_wandb_processor(const char *options_json, size_t size, tr_processor *out, tr_error *error);

/** Downloads an artifact of W&B, "entity/project/name:alias", into a folder, which is made if need be; what is not said of
 * the name is taken from the options, which are those of tr_wandb_processor. Each file gets its name only when its digest is
 * that of the artifact; files that are there already with that digest are not fetched again. Needs no tr_init.
 * Errors: TR_EINVAL (also names of files that lead out of the folder), TR_ENOENT: no such artifact; TR_EIO: a wrong digest,
 * or a file that cannot be written; TR_EUNSUPPORTED: files that W&B only refers to; TR_ETIMEDOUT: no answer within
 * timeout_ms. Blocking: until all files are there. In callbacks: not allowed: TR_EREENTRANT. */
TR_API int tr_wandb_download_artifact(const char *options_json, size_t options_size, const char *name, size_t name_size,
                                      const char *folder, size_t folder_size, tr_error *error);

/** What an agent for a family of models ("qwen", "anthropic", ...; found by the name of a model, too) is commonly set up
 * with, as a JSON object for "config": {"family", "model_id", "recommended_models", "max_steps", "max_tokens",
 * "max_retries", "temperature", "protocol", "context_window", "tools", "native_tool_calls"}; what is left to the model is
 * not there. QitOS's table, of August 2026. The text is the library's. NULL: no such family. */
TR_API const char *tr_family_preset(const char *model, size_t size);

/* ====================================================================================================================
 * Statistics
 *
 * Every loss is counted with a reason. When nothing is being recorded, for each processor:
 *     offered = delivered + rejected + poisoned + removed + overflowed + unreadable + left_behind + pending
 * and, for a processor that was there from the start, offered.spans = spans_ended + spans_incomplete.
 * After tr_shutdown the final counts stay readable, with TR_MODE_OFF, until the next tr_init.
 *
 * Defaults of this section
 *   Thread-safety: any thread.
 *   Blocking:      never.
 *   In callbacks:  allowed.
 *   After fork:    counts of the child alone, whose instance begins with this call if it has not yet.
 *   Since:         0.1
 * ================================================================================================================== */

typedef uint32_t tr_mode;
#define TR_MODE_OFF 0u      /* not started, or disabled */
#define TR_MODE_FILE 1u     /* recorder and log on disk */
#define TR_MODE_LOG_ONLY 2u /* recorder in memory, log on disk */
#define TR_MODE_MEMORY 3u   /* everything in memory */

typedef struct tr_stats {
  uint32_t struct_size;
  tr_mode mode;
  uint64_t traces_started;
  uint64_t traces_ended;
  uint64_t traces_sampled_out;
  uint64_t traces_refused;   /* no memory */
  uint64_t spans_started;
  uint64_t spans_ended;      /* calls that returned success, tr_span_record included */
  uint64_t spans_incomplete; /* ended by the library */
  uint64_t spans_refused;    /* no memory at their start */
  uint64_t stale_handles;
  uint64_t misuse;           /* other wrong arguments that no result code could report */
  uint64_t reentrant;
  uint64_t values_truncated;
  uint64_t values_dropped;   /* no memory for a value of an open span */
  uint64_t attributes_dropped; /* over max_attributes */
  uint64_t values_redacted;
  uint64_t records_logged;
  uint64_t log_bytes;
  uint64_t log_errors;       /* writes that failed: full disk, I/O errors */
  uint64_t memory_used;      /* bytes of the recorder's pool in use */
  uint64_t memory_mapped;    /* bytes of the recorder's pool ever used */
  uint64_t runs_adopted;
  uint64_t records_recovered; /* found in the recorders of dead runs */
  uint64_t records_corrupt;   /* refused by their checksum, in dead runs */
  uint64_t runs_expired;      /* dead runs removed though some processor never came for them */
} tr_stats;

/* Spans among the records, and all records. */
typedef struct tr_tally {
  uint64_t spans;
  uint64_t records;
} tr_tally;

typedef struct tr_processor_stats {
  uint32_t struct_size;
  uint32_t poisoned_now; /* 1: it failed too often and gets nothing more */
  tr_tally offered;
  tr_tally delivered;  /* taken and acknowledged */
  tr_tally rejected;   /* a hook returned an error */
  tr_tally poisoned;   /* not offered: it had failed too often */
  tr_tally removed;    /* not taken before its removal */
  tr_tally overflowed; /* lost beyond max_disk, or max_memory without a log on disk */
  tr_tally unreadable; /* refused by their checksum when read back from the log */
  tr_tally left_behind; /* not taken at shutdown and not kept: not durable, or no log on disk */
  tr_tally pending;    /* in the log or in its hands */
  tr_tally adopted;    /* of dead runs; not part of offered and delivered */
  uint64_t retries;    /* TR_EAGAIN */
} tr_processor_stats;

/** Fills `stats`, whose struct_size the caller has set. Errors: TR_EINVAL. */
TR_API int tr_stats_get(tr_stats *stats);

/** Fills the counts of one processor; also after its removal, until 64 more have been removed.
 * Errors: TR_ENOENT, TR_EINVAL. */
TR_API int tr_processor_stats_get(tr_processor_id id, tr_processor_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* TRUNKLINE_H */
