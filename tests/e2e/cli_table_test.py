#!/usr/bin/env python3
"""Every command of the program under the same conditions: as JSON, with a bad option, on an empty store, in a narrow
terminal, into a closed pipe, over a trace of 30,000 spans, and with hostile names.

    cli_table_test.py --trunkline PATH --lib DIR --include DIR [--cc COMMAND] [NAME...]"""
import json
import os
import subprocess
import sys

from cli_support import Place, dangerous, display_width, equal, expect, place_with_store, processor_seconds, run_checks

BIG, OTHER = "d" * 32, "c" * 32

# Command -> its words; exit code on an empty store; whether its text fits into any terminal; whether it shows names.
COMMANDS = {
    "ls": (["ls"], 0, True, True),
    "show": (["show", BIG], 1, True, True),
    "diff": (["diff", BIG, OTHER], 1, True, True),
    "tail": (["tail"], 0, True, True),
    "grep": (["grep", "question"], 3, True, True),
    "query": (["query", "SELECT name, input FROM spans LIMIT 100"], 1, True, True),
    "export": (["export"], 0, False, False),
    "rm": (["rm", "--keep", "0", "--dry-run"], 0, False, True),
    "recover": (["recover"], 0, False, False),
    "sync": (["sync"], 0, False, False),
    "stats": (["stats"], 0, True, False),
    "doctor": (["doctor"], 0, True, False),
    "completion": (["completion", "bash"], 0, False, False),
    "man": (["man"], 0, False, False),
    "help": (["help"], 0, False, False),
}
MORE = {
    "show --messages": (["show", BIG, "--messages"], 1, True, True),
    "show --span": (["show", BIG, "--span", f"{1:016x}"], 1, True, True),
    "sync --list": (["sync", "--list"], 0, False, False),
    "ls --text": (["ls", "--text", "question"], 0, True, True),
    "grep --ids": (["grep", "question", "--ids"], 3, False, False),
    "export --format csv": (["export", "--format", "csv"], 0, False, False),
    "query --format csv": (["query", "SELECT 1", "--format", "csv"], 1, False, False),
}
ALL = {**COMMANDS, **MORE}
LINES = ("tail", "export")  # their JSON is an object a line

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def hostile(text):
    return f"{text} \x1b[31mred\x1b[0m\r\n\x07 \u202etfel \u009b31m question " + "long " * 40


def place_with_two_traces(name="made", text="a question", spans=30):
    place = place_with_store()
    for trace_id in (BIG, OTHER):
        place.insert_spans(trace_id, [
            {"parent_id": f"{(i + 2) // 3:016x}" if i else None, "name": name, "input": f"{text} {i % 7}", "input_type": "str",
             "output": json.dumps({"answer": f"{text} {trace_id[0]}"}), "output_type": "json", "error_message": name,
             "model": name} for i in range(spans)], name=name)
    return place


@check
def the_table_is_complete():
    with Place() as place:
        equal(sorted(place.commands()), sorted(COMMANDS), "commands")


@check
def json_of_every_command():
    with place_with_two_traces() as place:
        for name, (words, _, _, _) in ALL.items():
            if "csv" in name:
                equal(place.run(*words, "--json").returncode, 2, f"{name} --json")
                continue
            text = place.good(*words, "--json")
            if words[0] in LINES:
                expect(all(isinstance(json.loads(line), dict) for line in text.splitlines()) and text, f"{name} --json")
            else:
                expect(isinstance(json.loads(text), (dict, list)), f"{name} --json")


@check
def bad_option():
    with place_with_two_traces() as place:
        for name, (words, _, _, _) in ALL.items():
            done = place.run(*words, "--xyzzy")
            equal((done.returncode, done.stdout), (2, b""), name)
            equal(done.stderr.decode().splitlines()[0], "trunkline: unknown option --xyzzy (TR_EINVAL)", name)
            done = place.run(*words, "--xyzzy", "--json")
            equal((done.returncode, json.loads(done.stderr)["error"]["code"]), (2, "TR_EINVAL"), f"{name} --json")
            for help_words in ([words[0], "--help"], ["help", words[0]]):
                expect(f"Usage: trunkline {words[0]}" in place.good(*help_words), help_words)


@check
def empty_store():
    with Place() as place:
        for name, (words, code, _, _) in ALL.items():
            done = place.run(*words)
            equal(done.returncode, code, f"{name}: {done.stderr!r}")
            if code == 1:
                expect(done.stderr.endswith(b"(TR_ENOENT)\n") and not done.stdout, f"{name}: {done.stderr!r}")
            if "csv" in name:
                continue
            done = place.run(*words, "--json")
            equal(done.returncode, code, f"{name} --json")
            if code == 1:
                equal(json.loads(done.stderr)["error"]["code"], "TR_ENOENT", f"{name} --json")
            else:
                equal(done.stderr, b"", f"{name} --json")
                for text in done.stdout.decode().splitlines() if words[0] in LINES else [done.stdout.decode()]:
                    json.loads(text)
        expect(not os.path.exists(place.directory), "a command made the directory")


@check
def narrow_terminal():
    with place_with_two_traces(name="日本語 " + "a rather long name " * 5) as place:
        for name, (words, _, fits, _) in ALL.items():
            for columns in (10, 20, 33, 60):
                text = place.on_terminal(*words, "--color=never", environment={"COLUMNS": str(columns)})
                expect(text.strip(), f"{name} in {columns} columns is empty")
                widest = max(map(display_width, text.splitlines()))
                expect(not fits or widest <= columns, f"{name} in {columns} columns: {widest} wide")


@check
def closed_pipe():
    with place_with_two_traces(spans=3000) as place:
        for name, (words, _, _, _) in ALL.items():
            for more in ([], ["--json"]):
                if more and "csv" in name:
                    continue
                for read in (0, 10):
                    child = subprocess.Popen([Place.trunkline, *words, *more], stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE, env=place.environment, cwd=place.path)
                    child.stdout.read(read)
                    child.stdout.close()
                    message = b"".join(line for line in child.stderr if b"trunkline:" in line)
                    child.stderr.close()
                    equal((child.wait(), message), (0, b""), f"{name} {more} after {read} bytes")


@check
def thirty_thousand_spans():
    with place_with_two_traces(spans=30000) as place:
        place.run("grep", "nothing")  # the first search makes the index
        for name, (words, _, _, _) in ALL.items():
            seconds, done = processor_seconds(lambda: place.run(*words))
            expect(done.returncode == 0 and done.stdout, f"{name}: {done.stderr!r}")
            expect(seconds < 3, f"{name} took {seconds:.2f} s of a processor")
        equal(place.good("show", BIG).count("made"), 3 * 30000 + 1, "names in show")


@check
def hostile_names():
    with place_with_two_traces(name=hostile("name"), text=hostile("text")) as place:
        database = place.database()
        with database:  # bytes that are not UTF-8, as only a damaged store has them
            database.execute("UPDATE spans SET kind_name=CAST(x'746f6fff6c' AS TEXT) WHERE trace_id=?", (OTHER,))
        database.close()
        for name, (words, _, _, shows_names) in ALL.items():
            if words[0] == "export" or "csv" in name:
                continue
            done = place.run(*words)
            equal(done.returncode, 0, f"{name}: {done.stderr!r}")
            text = done.stdout.decode() + done.stderr.decode()
            equal(dangerous(text), [], name)
            expect(not shows_names or "\\x1b[31mred" in text, f"{name} does not show the escape")
            equal(dangerous(place.on_terminal(*words, "--color=never", columns=50)), ["\t"] * 0, f"{name} on a terminal")
        for name, (words, _, _, _) in ALL.items():
            if "csv" not in name:
                text = place.run(*words, "--json").stdout.decode()
                equal([c for c in dangerous(text) if c < " "], [], f"controls in {name} --json")
        equal(place.json("show", BIG)["trace"]["name"], hostile("name"), "the name in JSON")


if __name__ == "__main__":
    sys.exit(run_checks(CHECKS, __doc__))
