#!/usr/bin/env python3
"""Writes the C functions with which null_arguments.c calls every function of trunkline.h with NULL for each of its pointers in turn, and every
function before the start and after the end: null_arguments.py HEADER OUTPUT. A parameter it has no value for is an
error, so that a new function cannot be left out."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import header_model  # noqa: E402

# Valid values, by "function.parameter", "type name" or "type"; the first that is found.
VALUES = {
    "tr_strerror.code": "TR_EIO", "tr_init.config": "&config", "tr_config_init.config": "&config",
    "tr_config_init.struct_size": "sizeof config", "tr_context_inject.buffer": "header",
    "tr_context_inject.capacity": "sizeof header", "tr_context_inject.span_or_trace": "span()",
    "tr_context_extract.traceparent": "kTraceparent", "tr_context_extract.size": "TR_TRACEPARENT_SIZE",
    "tr_batch_ack.batch": "polled()", "tr_poll_ack.batch": "polled()",
    "tr_poll_ack_part.batch": "polled()", "tr_poll_ack_part.taken": "0", "tr_poll_ack_part.result": "TR_EIO", "tr_batch_ack.result": "TR_OK",
    "tr_poll_ack.result": "TR_OK", "tr_poll.id": "source", "tr_poll.batch": "&unused_batch", "tr_poll_fd.id": "source",
    "tr_poll.max_records": "1", "tr_poll.timeout_ms": "0", "tr_batch_retain.batch": "batch",
    "tr_remove_processor.id": "0", "tr_processor_stats_get.id": "source",
    "tr_find_processor.name": '"source"', "tr_run_finish.status": "TR_RUN_FINISHED",
    "tr_run_log_artifact.file": '"/proc/self/exe"', "tr_run_log_media.file": '"/proc/self/exe"',
    "tr_media": "TR_MEDIA_HTML", "const tr_artifact *": "&artifact",
    "tr_family_preset.model": '"claude-x"',
    "const void *packed": '"\\0\\1\\0k"', "size_t packed_size": "4",
    "const char *options_json": '"{}"', "const char *json": '"[1]"', "const tr_attribute *": "&attribute",
    "const tr_value *": "&value", "const tr_usage *": "&usage", "const tr_span_data *": "span_data()",
    "const tr_trace_options *": "&trace_options", "const tr_run_options *": "&run_options",
    "const tr_processor *": "table()", "tr_processor_id *": "&id", "tr_processor *": "table()", "tr_error *": "&error",
    "tr_context *": "&context", "tr_stats *": "&stats", "tr_processor_stats *": "&counts", "uint8_t trace_id[16]": "id16",
    "uint8_t span_id[8]": "id8", "const char *": '"text"', "const void *": '"text"', "tr_trace": "trace", "tr_span": "span()",
    "tr_run": "run", "tr_kind": "TR_KIND_TOOL", "tr_type": "TR_TYPE_STR", "int64_t": "1", "int32_t": "1",
    "uint32_t": "1000", "double": "0.5", "int": "1",
}
PARENTS = {"tr_span_start.parent": "0", "tr_span_start_with.parent": "0", "tr_span_start_packed.parent": "0"}
# What may be NULL when its size, if it has one, is 0 or TR_NUL: said so in the header, or an empty text.
OPTIONAL = {
    "tr_init.config", "tr_trace_start.options", "tr_run_start.options", "tr_add_processor.id", "tr_span_get_ids.trace_id",
    "tr_span_get_ids.span_id", "tr_poll_ack.state", "tr_poll_ack_part.state", "tr_processor_save.state",
}
OPTIONAL_NAMES = {"error", "name", "value", "json", "type", "message", "model", "data", "id", "attributes", "metrics",
                  "items", "options_json", "packed"}
REQUIRED = {"tr_trace_set_value.value", "tr_span_set_value.value", "tr_find_processor.name", "tr_find_processor.id",
            "tr_run_use_artifact.name",
            # Whatever it is given: there is no key.
            "tr_wandb_download_artifact.options_json", "tr_wandb_download_artifact.name",
            "tr_wandb_download_artifact.error"}
BY_HAND = {"tr_init", "tr_set_processors", "tr_replace_processors"}  # they would end, or leave without processors, the instance
IN_HOOK = {"tr_processor_save", "tr_batch_retain"}
SIZE_NAME = re.compile(r"(^|_)(size|count|capacity)$")
# With invented handles, while nothing runs.
ALWAYS_FINE = {"tr_config_init", "tr_context_extract", "tr_local_processor", "tr_jsonl_processor",
               "tr_console_processor", "tr_mlflow_processor", "tr_wandb_processor", "tr_stats_get", "tr_shutdown"}


def split(declaration):
    """(type with its stars, name, whole) of a parameter."""
    match = re.match(r"(.*?)(\w+)(\[\d+\])?$", declaration)
    return match.group(1).strip(), match.group(2), declaration


def is_pointer(parameter):
    return "*" in parameter[2] or "[" in parameter[2]


def value_of(function, parameter):
    kind, name, whole = parameter
    for key in (f"{function}.{name}", whole, kind):
        found = PARENTS.get(key) or VALUES.get(key)
        if found:
            return found
    sys.exit(f"null_arguments.py: no value for '{whole}' of {function}: say one in VALUES")


def size_after(parameters, at):
    following = parameters[at + 1] if at + 1 < len(parameters) else None
    return at + 1 if following and following[0] == "size_t" and SIZE_NAME.search(following[1]) else None


def arguments_of(function, parameters):
    values = []
    for at, parameter in enumerate(parameters):
        if parameter[0] == "size_t" and not {f"{function}.{parameter[1]}", parameter[2]} & VALUES.keys():
            of = values[at - 1]
            values.append("1" if of.startswith("&") or of == "table()" else f"{len(of.strip(chr(34)))}")
        else:
            values.append(value_of(function, parameter))
    return values


def may_be_null(function, name):
    key = f"{function}.{name}"
    return key in OPTIONAL or (name in OPTIONAL_NAMES and key not in REQUIRED)


def variants(function, parameters):
    """(argument values, expected code, description) of each call with a NULL in it."""
    for at, parameter in enumerate(parameters):
        if not is_pointer(parameter):
            continue
        size = size_after(parameters, at)
        sizes = ["4", "0", "TR_NUL"] if size and parameter[0] in ("const char *", "const void *") else \
            ["1", "0"] if size else [None]
        for chosen in sizes:
            values = arguments_of(function, parameters)
            values[at] = "NULL"
            if size:
                values[size] = chosen
            allowed = may_be_null(function, parameter[1]) and chosen in (None, "0", "TR_NUL")
            if parameter[0] == "const void *" and chosen == "TR_NUL":
                allowed = False
            with_size = f" with size {chosen}" if size else ""
            yield values, "TR_OK" if allowed else "TR_EINVAL", f"{function}: NULL as {parameter[1]}{with_size}"


def call(function, values):
    return f"{function.name}({', '.join(values)})"


def null_calls(functions, wanted):
    lines, count = [], 0
    for function in functions:
        if not wanted(function.name):
            continue
        parameters = [split(p) for p in header_model.split_params(function.params)]
        for values, expected, what in variants(function.name, parameters):
            count += 1
            text = call(function, values)
            if function.result == "int":
                lines.append(f'  expect_code({text}, {expected}, "{what}");')
            elif "*" in function.result:
                lines.append(f'  expect_pointer({text}, "{what}");')
            else:
                misuse = 0 if expected == "TR_OK" else 1
                end = {"tr_trace": "tr_trace_end", "tr_span": "tr_span_end", "tr_run": "finish_run"}[function.result]
                lines.append(f'  expect_handle({text}, {end}, {misuse}, "{what}");')
    return lines, count


def idle_calls(functions):
    lines = []
    for function in functions:
        if function.name in IN_HOOK | {"tr_init"}:
            continue
        values = arguments_of(function.name, [split(p) for p in header_model.split_params(function.params)])
        values = ["invented" if value in ("trace", "span()", "run") else value for value in values]
        values = ["NULL" if value == "polled()" else "4711" if value == "source" else value for value in values]
        text = call(function, values)
        if function.result == "int":
            fine = 1 if function.name in ALWAYS_FINE else 0
            lines.append(f'  expect_idle({text}, {fine}, "{function.name}");')
        elif function.result in ("tr_trace", "tr_span", "tr_run"):
            lines.append(f'  expect_idle({text} == 0 ? TR_ESTATE : TR_OK, 0, "{function.name}");')
        else:
            lines.append(f"  EXPECT({text} != 0);")
    return lines


def main():
    functions = header_model.parse(sys.argv[1]).functions
    calls, count = null_calls(functions, lambda name: name not in BY_HAND | IN_HOOK)
    hook_calls, hook_count = null_calls(functions, lambda name: name in IN_HOOK)
    text = ["/* Written by null_arguments.py from trunkline.h. */", "", "static void in_hook(void) {",
            *hook_calls, "}", "", "static void every_null(void) {", *calls, "}", "",
            "static void every_call_while_nothing_runs(void) {", *idle_calls(functions), "}", "",
            f"enum {{ kNullCalls = {count + hook_count} }};"]
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
