"""Plays conformance scenarios (tests/conformance/scenarios) through the Python package, and compares what was delivered.

Not seen from Python, and so left out of both sides: the flags of values, `time_clamped` apart from `flags`, and of which
type a value was when Python has one word for both: JSON and lists, text and JSON that is a text. Objects of the package
do not tell result codes; `inject` tells a text or None."""

from __future__ import annotations

import base64
import json
import math
import re
import threading

from scenario_speakers import UNSEEN, Fields, Refused, value

import trunkline

PATIENCE = 20.0  # seconds
NEEDS = {"after_shutdown", "bad_utf8", "calls_in_hooks", "chosen_ids", "double_end", "extract", "handle_misuse", "poll",
         "raw_json", "raw_json_attributes", "retain", "throw", "unknown_kinds"}
CANNOT = {"bad_utf8": "text is Unicode", "poll": "the package pulls by itself",
          "raw_json_attributes": "attributes are objects, and what is not JSON is text",
          "extract": "the package reads a traceparent where a trace is started"}
CODES = ["TR_OK", "TR_EINVAL", "TR_ESTALE", "TR_ESTATE", "TR_ENOMEM", "TR_ETIMEDOUT", "TR_EAGAIN", "TR_EREENTRANT",
         "TR_EPARENT", "TR_EUNSUPPORTED", "TR_EIO", "TR_ELIMIT", "TR_ECLOSED", "TR_ENOENT", "TR_EINTERNAL"]
FLAGS = ["incomplete", "failed", "time_clamped", "recovered"]
TALLIES = ["offered", "delivered", "rejected", "poisoned", "removed", "overflowed", "unreadable", "left_behind", "pending"]
STATS = {"traces_started", "traces_ended", "traces_sampled_out", "traces_refused", "spans_started", "spans_ended",
         "spans_incomplete", "spans_refused", "stale_handles", "misuse", "values_truncated", "values_dropped",
         "attributes_dropped", "values_redacted", "records_logged"}


# ---- the normal form ----

def plain(given):
    """A value as Python shows it, in words that tell numbers and texts apart."""
    if isinstance(given, float):
        exact = "-0" if given == 0 and math.copysign(1, given) < 0 else repr(given)
        return {"f64": exact}
    if isinstance(given, bytes):
        return {"bytes": base64.b64encode(given).decode()}
    if isinstance(given, dict):
        return {key: plain(each) for key, each in given.items()}
    return [plain(each) for each in given] if isinstance(given, list) else given


def plain_expected(given):
    if "any" in given:
        return {"any": given["any"]}
    given = {name: each for name, each in given.items() if name != "flags"}
    return plain(value(given))


def normal_attributes(given):
    return {key: plain(each) for key, each in given.items()}


def normal(record):
    type_name = trunkline.RecordType(record.type).name.lower()
    form = {"type": type_name, "trace": record.trace_id, "parent": record.parent_id, "name": record.name,
            "start_ns": record.start_ns, "end_ns": record.end_ns}
    if type_name.startswith("span_"):
        known = record.kind in list(trunkline.Kind)
        form |= {"span": record.span_id,
                 "kind": trunkline.Kind(record.kind).name.lower() if known else f"kind-{record.kind}"}
    if type_name.startswith("run_"):
        form["run"] = record.span_id
    form["flags"] = [name for bit, name in enumerate(FLAGS) if record.flags >> bit & 1]
    for name in ("group_id", "project", "foreign_id", "model", "score_name", "error_type", "error_message", "step"):
        form[name] = getattr(record, name)
    form["score"] = None if record.score is None else plain(record.score)
    for name in ("input", "output"):
        form[name] = plain(getattr(record, name))
    usage = record.usage._asdict() if record.usage else {}
    form["usage"] = {name: count for name, count in usage.items() if count is not None}
    form["attributes"] = normal_attributes(record.attributes)
    if type_name == "run_add_artifact":
        forget_places(form["attributes"].get("files"))
    form["events"] = [{"name": event.name, "attributes": normal_attributes(event.attributes)} if event.attributes else
                      {"name": event.name} for event in record.events]
    form["dropped_attributes"] = record.dropped_attributes
    kept_when_empty = ("step", "input", "output")  # there they are values
    form = {name: each for name, each in form.items()
            if each is not None and (name in kept_when_empty or each not in ("", [], {}, 0))}
    if type_name == "run_finish":
        form |= {"run_status": trunkline.RunStatus(record.run_status).name.lower(), "exit_code": record.exit_code}
    return form


def forget_places(files):
    """What of the files of an artifact depends on the machine is not compared; it must be there."""
    for each in files if isinstance(files, list) else []:
        if isinstance(each.get("file"), str) and isinstance(each.get("modified_ns"), int):
            del each["file"], each["modified_ns"]


def normal_expected(record):
    form = dict(record)
    for name in ("input", "output"):
        if name in form:
            form[name] = plain_expected(form[name])
    if "score" in form:
        form["score"] = plain(float(form["score"]))
    if "attributes" in form:
        form["attributes"] = {key: plain_expected(each) for key, each in form["attributes"].items()}
    if "events" in form:
        form["events"] = [{name: {key: plain_expected(value) for key, value in each.items()}
                           if name == "attributes" else each for name, each in event.items()}
                          for event in form["events"]]
    return form


def same(expected, actual):
    if isinstance(expected, dict) and set(expected) == {"any"}:
        return True
    if isinstance(expected, dict) and isinstance(actual, dict):
        return set(expected) == set(actual) and all(same(expected[name], actual[name]) for name in expected)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return type(expected) is type(actual) and expected == actual


class Names:
    """Which name stands for which id: one for one."""

    def __init__(self):
        self.name_of, self.id_of = {}, {}

    def bind(self, name, id):
        if id not in self.name_of and name not in self.id_of:
            self.name_of[id], self.id_of[name] = name, id

    def show(self, id, wanted):
        if re.fullmatch("[0-9a-f]{16}|[0-9a-f]{32}", wanted):
            return id
        self.bind(wanted, id)
        return self.name_of.get(id, id)


# ---- processors ----

class Rule:
    def __init__(self, description):
        fields = Fields(description, "an answer")
        to = Fields(fields.take("to"), "what is answered")
        self.type, self.name = to.take("type", None), to.take("name", None)
        to.finish()
        self.answer, self.times = fields.take("answer"), fields.take("times", math.inf)
        self.calls = fields.take("calls", [])
        fields.finish()
        if self.answer not in ("take", "again", "fail", "throw", "retain"):
            raise Refused(f"the unknown answer {self.answer}")

    def fits(self, record):
        type_name = trunkline.RecordType(record.type).name.lower()
        return self.times > 0 and self.type in (None, type_name) and self.name in (None, record.name)


def make_processor(description, play):
    """A processor of a class of its own: which hooks a class overrides says what it wants."""
    fields = Fields(description, "a processor")
    name, shape = fields.take("as"), fields.take("shape", "hooks")
    if shape not in ("hooks", "batch"):
        raise Refused(f"the unknown shape {shape}")
    wants_starts, batch_size = fields.take("span_starts", False), fields.take("batch_size", 0)
    rules = [Rule(each) for each in fields.take("answers", [])]
    fields.finish()
    members = {"name": name, "batch_size": batch_size, "span_starts": wants_starts}
    if shape == "batch":
        members["on_batch"] = Collector.take_batch
    else:
        members |= dict.fromkeys(("on_trace_start", "on_span_end", "on_trace_end", "on_run"), Collector.take_record)
        if wants_starts:
            members["on_span_start"] = Collector.take_record
    made = type("Processor", (Collector,), members)()
    made.rules, made.play = rules, play
    return made


class Collector(trunkline.TraceProcessor):
    """Keeps what it takes, and answers as its rules say."""

    def __init__(self):
        self.changed = threading.Condition()
        self.taken, self.kept = [], []
        self.endings = self.id = 0
        self.rules, self.play = [], None

    def shutdown(self):
        self.endings += 1

    def answer(self, record):
        rule = next((each for each in self.rules if each.fits(record)), None)
        if rule is None:
            return "take"
        rule.times -= 1
        self.play(rule.calls)
        if rule.answer == "again":
            raise trunkline.Again
        if rule.answer in ("fail", "throw"):
            raise RuntimeError("as the scenario wants it")
        return rule.answer

    def keep(self, records):
        with self.changed:
            self.taken += records
            self.changed.notify_all()

    def take_record(self, record):
        self.answer(record)
        self.keep([record])

    def take_batch(self, batch):
        answer = next((each for each in map(self.answer, batch) if each != "take"), "take")
        if answer == "retain":
            batch.retain()
            with self.changed:
                self.kept.append(batch)
                self.changed.notify_all()
        else:
            self.keep(list(batch))

    def wait(self, done):
        with self.changed:
            return self.changed.wait_for(done, PATIENCE)


# ---- playing ----

class Player:
    def __init__(self, scenario, speaker, folder):
        fields = Fields(scenario, "the scenario")
        fields.take("shows")
        unknown = set(fields.take("needs", [])) - NEEDS
        if unknown:
            raise Refused(f"unknown needs {unknown}")
        self.config, self.first = fields.take("config", {}), fields.take("processors", [{"as": "p"}])
        self.steps, self.expect = fields.take("steps"), Fields(fields.take("expect"), "the expectation")
        fields.finish()
        self.speaker, self.folder = speaker, folder
        self.failures, self.collectors, self.counts, self.names = [], {}, {}, Names()
        self.alive = False
        self.made = 0

    def run(self):
        """What was not as the scenario expects."""
        try:
            self.init(Fields({}, "init"))
            for each in self.first:
                self.play({"do": "add_processor", **each})
            for step in self.steps:
                self.play(step)
            if self.alive:
                if not trunkline.force_flush(PATIENCE):
                    self.failures.append("the last flush is not in time")
                self.shutdown(Fields({}, "the end"))
        finally:
            trunkline.shutdown(PATIENCE)
        self.compare()
        return self.failures

    def play(self, given):
        step = Fields(given, f"step {given}")
        what = step.take("do")
        if what in ("run_log_artifact", "run_log_media"):
            result = getattr(self.speaker, what)(step, self.file(step, step["path" if "path" in step else "key"]))
        elif what == "run_add_artifact":
            files = [Fields(each, "a file") for each in step.take("files")]
            result = self.speaker.run_add_artifact(step, [(each.take("path"), self.file(each)) for each in files])
            for each in files:
                each.finish()
        elif hasattr(self, what) and what in STEPS:
            result = getattr(self, what)(step)
        elif hasattr(self.speaker, what) and re.match("(trace|span|run)_|inject$", what):
            result = getattr(self.speaker, what)(step)
        else:
            raise Refused(f"the unknown step {what}")
        if what == "inject":
            self.compare_context(step, result)
        elif what in ("trace_start", "span_start", "run_start"):
            self.started(step, result)
        elif what != "shutdown":
            self.check(step, result)
        step.finish()

    def play_inside(self, steps):
        try:
            for step in steps:
                self.play(step)
        except Exception as error:  # noqa: BLE001 - it is told at the end
            self.failures.append(f"inside a hook: {error!r}")

    def check(self, step, result):
        expected = step.take("returns", "TR_OK")
        if expected not in CODES:
            raise Refused(f"the unknown code {expected}")
        if result is not UNSEEN and result != -CODES.index(expected):
            self.failures.append(f"{step.what} gives {CODES[-result]} and not {expected}")

    def started(self, step, handle):
        name, expected = step.take("as"), step.take("returns", "handle")
        recording = self.speaker.recording(handle)
        if expected not in ("handle", "none"):
            raise Refused(f"a start returns {expected}")
        if recording != (expected == "handle"):
            self.failures.append(f"{step.what} is {'' if recording else 'not '}recorded")
        if name in self.speaker.handles:
            raise Refused(f"the name {name} is given twice")
        self.speaker.handles[name] = handle
        id = self.speaker.id_of(handle)
        if id is not None:
            self.names.bind(name, id)

    def compare_context(self, step, traceparent):
        expected, returns = Fields(step.take("expect", {}), "the expected context"), step.take("returns", "TR_OK")
        if (traceparent is None) != (returns != "TR_OK"):
            self.failures.append(f"{step.what} gives {traceparent}")
        if traceparent is None or not expected:
            return
        version, trace, parent, flags = traceparent.split("-")
        actual = {"trace": trace, "parent": parent, "flags": flags, "version": version}
        for name in ("trace", "parent"):
            if name in expected:
                wanted = expected.take(name)
                if self.names.show(actual[name], wanted) != wanted:
                    self.failures.append(f"{step.what}: {name} is {actual[name]}")
        if expected.take("flags") != flags:
            self.failures.append(f"{step.what}: the flags are {flags}")
        expected.finish()

    def file(self, given, path="file"):
        """A file with this content, a folder with these files, or the name of neither; called as the path ends."""
        self.made += 1
        file = self.folder / f"file-{self.made}" / (path.rpartition("/")[2] or "file")
        contents = {file / name: content for name, content in given.take("folder", {}).items()}
        if "content" in given:
            contents[file] = given.take("content")
        for each, content in contents.items():
            each.parent.mkdir(parents=True, exist_ok=True)
            each.write_text(content)
        return str(file)

    def collector(self, name):
        if name not in self.collectors:
            raise Refused(f"no processor is called {name}")
        return self.collectors[name]

    def new_collector(self, description):
        made = make_processor(description, self.play_inside)
        if made.name in self.collectors:
            raise Refused(f"two processors are called {made.name}")
        self.collectors[made.name] = made
        return made

    def init(self, step):
        config = dict(self.config)
        unknown = set(config) - {"content", "max_value_bytes", "max_attributes", "max_memory", "sample_ratio", "redact_keys",
                                 "redact_patterns", "default_redaction", "disabled", "end_grace_ms", "durability",
                                 "recorder"}
        if unknown:
            raise Refused(f"unknown members of the configuration {unknown}")
        if "end_grace_ms" in config:
            config["end_grace"] = config.pop("end_grace_ms") / 1000
        self.made += 1
        trunkline.init(self.folder / f"store-{self.made}", processors="none", log_level="off", **config)
        self.alive = True
        return 0

    def shutdown(self, step):
        if "returns" in step:
            return self.check(step, told(trunkline.shutdown, PATIENCE))
        if not trunkline.shutdown(PATIENCE):
            self.failures.append("the shutdown is not in time")
        self.alive = False
        for name, each in self.collectors.items():
            if each.id and name not in self.counts:
                self.counts[name] = trunkline.processor_stats(each.id)
                if each.endings != 1:
                    self.failures.append(f"{name} was ended {each.endings} times")
        return None

    def flush(self, step):
        return told(trunkline.force_flush, PATIENCE)

    def add_processor(self, step):
        description = {name: step.take(name) for name in ("as", "shape", "span_starts", "batch_size", "answers")
                       if name in step}
        added = self.new_collector(description)
        return told(lambda: setattr(added, "id", trunkline.add_trace_processor(added)))

    def set_processors(self, step):
        added = [self.new_collector(each) for each in step.take("processors")]

        def replace():
            for each, id in zip(added, trunkline.set_trace_processors(added)):
                each.id = id
        return told(replace)

    def remove_processor(self, step):
        return told(trunkline.remove_trace_processor, self.collector(step.take("processor")).id)

    def wait(self, step):
        waited, records = self.collector(step.take("processor")), step.take("records")
        if not waited.wait(lambda: len(waited.taken) >= records):
            self.failures.append(f"{step.what}: it has taken {len(waited.taken)}")
        return 0

    def ack(self, step):
        keeper, result = self.collector(step.take("processor")), -CODES.index(step.take("result"))
        if not keeper.wait(lambda: keeper.kept):
            self.failures.append(f"{step.what}: no batch was kept")
            return UNSEEN
        batch = keeper.kept.pop(0)
        if result == 0:
            keeper.keep(list(batch))
        return batch.ack(result)

    # ---- comparing ----

    def compare(self):
        deliveries = Fields(self.expect.take("deliveries"), "the expected deliveries")
        counts = Fields(self.expect.take("processors", {}), "the expected counts")
        for name, each in self.collectors.items():
            self.compare_records(name, deliveries.take(name), each.taken)
            if each.id:
                self.compare_counts(name, Fields(counts.take(name, {}), name))
        deliveries.finish()
        counts.finish()
        stats = self.expect.take("stats", {})
        if set(stats) - STATS:
            raise Refused(f"unknown stats {set(stats) - STATS}")
        actual = trunkline.stats()
        self.failures += [f"{name} is {actual[name]} and not {wanted}" for name, wanted in stats.items()
                          if actual[name] != wanted]
        self.expect.finish()

    def compare_records(self, name, expected, taken):
        if len(expected) != len(taken):
            self.failures.append(f"{name} took {len(taken)} records and not {len(expected)}")
        for i, (wanted, record) in enumerate(zip(expected, taken)):
            actual = normal(record)
            for time in ("start_ns", "end_ns"):
                if time not in wanted:
                    actual.pop(time, None)
            for member in ("trace", "span", "run", "parent"):
                if member in actual and member in wanted:
                    actual[member] = self.names.show(actual[member], wanted[member])
            if not same(normal_expected(wanted), actual):
                self.failures.append(f"{name}, record {i}: expected {normal_expected(wanted)}\n  but got {actual}")
        self.failures += [f"{name}, record {i}: {what}" for i, record in enumerate(taken) for what in insane(record)]
        if any(one.sequence >= next.sequence for one, next in zip(taken, taken[1:])):
            self.failures.append(f"{name}: a sequence does not rise")

    def compare_counts(self, name, expected):
        counts = self.counts[name]
        for what in ("records", "spans"):
            if counts[f"offered_{what}"] != sum(counts[f"{part}_{what}"] for part in TALLIES[1:]):
                self.failures.append(f"{name}: not all {what} that were offered are accounted for")
        flat = {part: expected.take(part) for part in ("retries", "poisoned_now") if part in expected}
        for part in TALLIES:
            tally = Fields(expected.take(part, {}), f"{name}, {part}")
            flat |= {f"{part}_{what}": tally.take(what) for what in ("records", "spans") if what in tally}
            tally.finish()
        expected.finish()
        self.failures += [f"{name}: {part} is {counts[part]} and not {wanted}" for part, wanted in flat.items()
                          if counts[part] != wanted]


STEPS = {"init", "shutdown", "flush", "add_processor", "set_processors", "remove_processor", "wait", "ack"}


def told(call, *arguments):
    """The code of a call that raises it, or tells whether the time was enough."""
    try:
        return -CODES.index("TR_ETIMEDOUT") if call(*arguments) is False else 0
    except trunkline.TrunklineError as error:
        return error.code


def insane(record):
    type_name = trunkline.RecordType(record.type).name
    if record.start_ns <= 0:
        yield f"the start of a {type_name} is {record.start_ns}"
    if type_name in ("TRACE_START", "SPAN_START") and record.end_ns != 0:
        yield f"the end of a {type_name}"
    if type_name in ("TRACE_END", "SPAN_END") and record.end_ns < record.start_ns:
        yield f"an end before its start: {type_name}"


def altered(scenario, alteration):
    """The scenario with one place replaced, added or removed."""
    fields = Fields(alteration, "an alteration")
    fields.take("scenario")
    fields.take("sees", None)
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in fields.take("at").split("/")[1:]]
    place = scenario
    for part in path:
        place = place[int(part) if isinstance(place, list) else part]
    last = int(last) if isinstance(place, list) else last
    if fields.take("remove", False):
        del place[last]
    else:
        place[last] = fields.take("value")
    fields.finish()
    return scenario


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))

