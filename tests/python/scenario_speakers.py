"""The steps of conformance scenarios that record, in the two ways in which Python says them: with the package's objects,
and with the flat functions of the extension module under it, which tell result codes."""

from __future__ import annotations

import base64
import json

import trunkline
from trunkline import _trunkline as native
from trunkline._types import kind_number

UNSEEN = object()  # the result of a call that does not tell


class Refused(Exception):
    """The scenario says what this runner does not know."""


class Fields(dict):
    """An object whose members are taken out, so that what is left is not known."""

    def __init__(self, given, what):
        super().__init__(given)
        self.what = what

    def take(self, name, *default):
        if name not in self and not default:
            raise Refused(f"{self.what} has no {name}")
        return self.pop(name, *default)

    def finish(self):
        if self:
            raise Refused(f"{self.what} has unknown members {list(self)}")


def number(given):
    return float(given) if isinstance(given, str) else given


def value(given):
    """As a program would have it. JSON is what it says."""
    fields = Fields(given, "a value")
    times = fields.take("repeat", 1)
    if len(fields) != 1:
        raise Refused(f"a value has one type: {given}")
    kind, content = next(iter(fields.items()))
    match kind:
        case "null" | "bool" | "i64" | "bools" | "i64s" | "strs":
            return content
        case "f64":
            return number(content)
        case "f64s":
            return [number(each) for each in content]
        case "str":
            return content * times
        case "bytes":
            return base64.b64decode(content) * times
        case "json":
            return json.loads(content * times)
    raise Refused(f"a value of the unknown type {kind}")


def attributes(given):
    return {key: value(each) for key, each in given.items()}


class Speaker:
    """Takes the fields of a step, gives what the call returned. `handles` has what was started, by name."""

    cannot: dict[str, str] = {}

    def __init__(self):
        self.handles = {"0": self.nothing()}

    def handle(self, step, member):
        return self.named(step.take(member))

    def named(self, name):
        if name not in self.handles:
            raise Refused(f"nothing is called {name}")
        return self.handles[name]

    def parent(self, step):
        return self.handle(step, "parent") if "parent" in step else None


class Objects(Speaker):
    """The package as programs use it. What goes wrong is not told but counted."""

    cannot = {"handle_misuse": "an object is a trace, a span or a run", "chosen_ids": "the package makes the ids"}

    @staticmethod
    def nothing():
        return trunkline.Trace("not started")

    def trace_start(self, step):
        return trunkline.Trace(step.take("name"), group=step.take("group_id", None),
                               foreign_id=step.take("foreign_id", None), traceparent=step.take("traceparent", None),
                               metadata=attributes(step.take("metadata", {}))).start()

    @staticmethod
    def recording(handle):
        return handle.recording

    @staticmethod
    def id_of(handle):
        return None if isinstance(handle, trunkline.Run) else getattr(handle, "span_id", None) or handle.trace_id

    def trace_set(self, step):
        self.handle(step, "trace").set(step.take("key"), value(step.take("value")))
        return UNSEEN

    def trace_set_error(self, step):
        self.handle(step, "trace").set_error(step.take("type"), step.take("message"))
        return UNSEEN

    def trace_event(self, step):
        self.handle(step, "trace").event(step.take("name"), attributes(step.take("attributes", {})))
        return UNSEEN

    def trace_end(self, step):
        self.handle(step, "trace").end()
        return UNSEEN

    def span_start(self, step):
        trace = self.handle(step, "trace")
        parent = self.parent(step)
        return trunkline.Span(step.take("name"), kind=step.take("kind"),
                              attributes=attributes(step.take("attributes", {})),
                              parent=trace if parent is None else parent).start()

    def span_set(self, step):
        self.handle(step, "span").set(step.take("key"), value(step.take("value")))
        return UNSEEN

    def span_set_many(self, step):
        self.handle(step, "span").update(attributes(step.take("attributes")))
        return UNSEEN

    def span_set_usage(self, step):
        self.handle(step, "span").set_usage(**step.take("usage"))
        return UNSEEN

    def span_set_model(self, step):
        self.handle(step, "span").set_model(step.take("model"))
        return UNSEEN

    def span_set_score(self, step):
        self.handle(step, "span").set_score(step.take("name"), number(step.take("score")))
        return UNSEEN

    def span_set_step(self, step):
        self.handle(step, "span").set_step(step.take("step"))
        return UNSEEN

    def span_set_input(self, step):
        given = step.take("value")
        span = self.handle(step, "span")
        span.set_input_json(given["json"]) if "json" in given else span.set_input(value(given))
        return UNSEEN

    def span_set_output(self, step):
        given = step.take("value")
        span = self.handle(step, "span")
        span.set_output_json(given["json"]) if "json" in given else span.set_output(value(given))
        return UNSEEN

    def span_set_error(self, step):
        self.handle(step, "span").set_error(step.take("type"), step.take("message"))
        return UNSEEN

    def span_set_foreign_id(self, step):
        self.handle(step, "span").set_foreign_id(step.take("id"))
        return UNSEEN

    def span_event(self, step):
        self.handle(step, "span").event(step.take("name"), attributes(step.take("attributes", {})))
        return UNSEEN

    def span_end(self, step):
        span = self.handle(step, "span")
        if "attributes" in step:
            span.update(attributes(step.take("attributes")))
        span.end()
        return UNSEEN

    def span_record(self, step):
        error, message = step.take("error_type", None), step.take("error_message", None)
        if message is not None:  # said by an exception
            error = type(error or "Error", (Exception,), {"__module__": "builtins"})(message)
        self.handle(step, "trace").record(
            step.take("name"), step.take("start_ns"), step.take("end_ns"), kind=step.take("kind"),
            parent=self.parent(step), attributes=attributes(step.take("attributes", {})), error=error,
            foreign_id=step.take("foreign_id", None))
        return UNSEEN

    def inject(self, step):
        return self.handle(step, "trace" if "trace" in step else "span").traceparent

    def run_start(self, step):
        trace = self.handle(step, "trace") if "trace" in step else None
        return trunkline.start_run(step.take("name", None), project=step.take("project", None),
                                   group=step.take("group_id", None), config=attributes(step.take("config", {})),
                                   trace=trace)

    def run_log(self, step):
        self.handle(step, "run").log(attributes(step.take("metrics")), step.take("step", None))
        return UNSEEN

    def run_set_summary(self, step):
        self.handle(step, "run").set_summary(attributes(step.take("items")))
        return UNSEEN

    def run_set_config(self, step):
        self.handle(step, "run").set_config(attributes(step.take("items")))
        return UNSEEN

    def run_set_tag(self, step):
        self.handle(step, "run").set_tag(step.take("key"), step.take("value"))
        return UNSEEN

    def run_log_artifact(self, step, file):
        folder, _, _ = step.take("path").rpartition("/")
        self.handle(step, "run").log_artifact(file, folder)
        return UNSEEN

    def run_log_media(self, step, file):
        run = self.handle(step, "run")
        log = {"image": run.log_image, "html": run.log_html}[step.take("media")]
        log(step.take("key"), file, step.take("step", None))
        return UNSEEN

    def run_add_artifact(self, step, files):
        self.handle(step, "run").add_artifact(
            step.take("name"), step.take("type"), dict(files), aliases=step.take("aliases", []),
            metadata=attributes(step.take("metadata", {})), description=step.take("description", ""))
        return UNSEEN

    def run_use_artifact(self, step):
        self.handle(step, "run").use_artifact(step.take("name"))
        return UNSEEN

    def run_finish(self, step):
        status = trunkline.RunStatus[step.take("status").upper()]
        self.handle(step, "run").finish(status, step.take("exit_code"))
        return UNSEEN


class Functions(Speaker):
    """The extension module, whose handles are numbers and whose results are codes."""

    cannot = {"calls_in_hooks": "the package is what keeps hooks from recording",
              "chosen_ids": "the module makes the ids"}

    def __init__(self):
        super().__init__()
        self.handles["invented"] = 2**52 + 12345

    @staticmethod
    def nothing():
        return 0

    @staticmethod
    def recording(handle):
        return handle != 0

    @staticmethod
    def id_of(handle):
        return native.span_id(handle) or native.trace_id(handle)

    def trace_start(self, step):
        return native.trace_start(step.take("name"), step.take("group_id", None), step.take("foreign_id", None),
                                  step.take("traceparent", None), attributes(step.take("metadata", {})))

    def trace_set(self, step):
        return native.trace_set(self.handle(step, "trace"), step.take("key"), value(step.take("value")))

    def trace_set_error(self, step):
        return native.trace_set_error(self.handle(step, "trace"), step.take("type"), step.take("message"))

    def trace_event(self, step):
        return native.trace_event(self.handle(step, "trace"), step.take("name"),
                                  attributes(step.take("attributes", {})))

    def trace_end(self, step):
        return native.trace_end(self.handle(step, "trace"))

    @staticmethod
    def kind(step):
        return kind_number(step.take("kind"))

    def span_start(self, step):
        arguments = (self.handle(step, "trace"), self.parent(step) or 0, self.kind(step), step.take("name"))
        if "attributes" in step:
            return native.span_start_with(*arguments, attributes(step.take("attributes")))
        return native.span_start(*arguments)

    def span_set(self, step):
        span, key, given = self.handle(step, "span"), step.take("key"), step.take("value")
        typed = {"str": native.span_set_str, "i64": native.span_set_i64, "f64": native.span_set_f64,
                 "bool": native.span_set_bool}
        setter = next((typed[kind] for kind in typed if kind in given), native.span_set)
        return setter(span, key, value(given))

    def span_set_many(self, step):
        return native.span_set_many(self.handle(step, "span"), attributes(step.take("attributes")))

    def span_set_usage(self, step):
        usage = Fields(step.take("usage"), "usage")
        counts = [usage.take(name, None) for name in ("input", "output", "total", "cache_read", "cache_write",
                                                      "reasoning")]
        usage.finish()
        return native.span_set_usage(self.handle(step, "span"), *counts)

    def span_set_model(self, step):
        return native.span_set_model(self.handle(step, "span"), step.take("model"))

    def span_set_score(self, step):
        return native.span_set_score(self.handle(step, "span"), step.take("name"), number(step.take("score")))

    def span_set_step(self, step):
        return native.span_set_step(self.handle(step, "span"), step.take("step"))

    @staticmethod
    def typed_text(given):
        return (native.TYPE_JSON, given["json"]) if "json" in given else (native.TYPE_STR, value(given))

    def span_set_input(self, step):
        return native.span_set_input(self.handle(step, "span"), *self.typed_text(step.take("value")))

    def span_set_output(self, step):
        return native.span_set_output(self.handle(step, "span"), *self.typed_text(step.take("value")))

    def span_set_error(self, step):
        return native.span_set_error(self.handle(step, "span"), step.take("type"), step.take("message"))

    def span_set_foreign_id(self, step):
        return native.span_set_foreign_id(self.handle(step, "span"), step.take("id"))

    def span_event(self, step):
        return native.span_event(self.handle(step, "span"), step.take("name"),
                                 attributes(step.take("attributes", {})))

    def span_end(self, step):
        span = self.handle(step, "span")
        if "attributes" in step:
            return native.span_end_with(span, attributes(step.take("attributes")))
        return native.span_end(span)

    def span_record(self, step):
        return native.span_record(self.handle(step, "trace"), self.parent(step) or 0, self.kind(step),
                                  step.take("start_ns"), step.take("end_ns"), step.take("name"),
                                  step.take("foreign_id", None), step.take("error_type", None),
                                  step.take("error_message", None), attributes(step.take("attributes", {})))

    def inject(self, step):
        return native.inject(self.handle(step, "trace" if "trace" in step else "span"))

    def run_start(self, step):
        trace = self.handle(step, "trace") if "trace" in step else 0
        return native.run_start(trace, step.take("name", None), step.take("project", None),
                                step.take("group_id", None), attributes(step.take("config", {})))

    def run_log(self, step):
        return native.run_log(self.handle(step, "run"), step.take("step", -1), attributes(step.take("metrics")))

    def run_set_summary(self, step):
        return native.run_set_summary(self.handle(step, "run"), attributes(step.take("items")))

    def run_set_config(self, step):
        return native.run_set_config(self.handle(step, "run"), attributes(step.take("items")))

    def run_set_tag(self, step):
        return native.run_set_tag(self.handle(step, "run"), step.take("key"), step.take("value"))

    def run_log_artifact(self, step, file):
        return native.run_log_artifact(self.handle(step, "run"), step.take("path"), file)

    def run_log_media(self, step, file):
        kind = {"image": native.MEDIA_IMAGE, "html": native.MEDIA_HTML}[step.take("media")]
        return native.run_log_media(self.handle(step, "run"), step.take("step", -1), step.take("key"), kind, file)

    def run_add_artifact(self, step, files):
        names = [step.take("name"), step.take("type"), step.take("description", "")]
        flat = [text for each in files for text in each]
        return native.run_add_artifact(self.handle(step, "run"), names, step.take("aliases", []), flat,
                                       attributes(step.take("metadata", {})))

    def run_use_artifact(self, step):
        return native.run_use_artifact(self.handle(step, "run"), step.take("name"))

    def run_finish(self, step):
        status = trunkline.RunStatus[step.take("status").upper()]
        return native.run_finish(self.handle(step, "run"), status, step.take("exit_code"))
