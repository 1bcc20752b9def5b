#!/usr/bin/env python3
"""The program `trunkline` from outside: what an agent recorded through the C API, read back by the command line.

    cli_test.py --trunkline PATH --lib DIR --include DIR [--cc COMMAND] [NAME...]

DIR of --lib holds libtrunkline.so, DIR of --include trunkline.h. Prints a line a check and their sum at the end."""
import json
import os
import re
import resource
import subprocess
import sys
import time

from cli_support import (Place, dangerous, display_width, equal, expect, place_with_store,
                         processor_seconds, read_only, run_checks, span_lines)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TRACE_KEYS = """id run_id name group_id foreign_id status start_ns end_ns duration_ns error_type error_message stop_reason
    span_count error_count input_tokens output_tokens total_tokens pruned_spans metadata""".split()
SPAN_KEYS = """trace_id span_id parent_id kind kind_name name status start_ns end_ns duration_ns model input_tokens
    output_tokens total_tokens cache_read_tokens cache_write_tokens reasoning_tokens score score_name step input input_type
    output output_type error_type error_message foreign_id attributes events dropped_attributes flags""".split()
EVENT_KEYS = ["name", "time_ns", "attributes"]
RECOVER_KEYS = "directory runs recovered incomplete corrupt expired waiting destination delivered spans complete".split()
STATS_KEYS = """directory traces running failed incomplete spans metric_runs input_tokens output_tokens total_tokens
    oldest_ns newest_ns store_bytes store_free_bytes run_bytes live_runs dead_runs""".split()

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


@check
def help_and_version():
    with Place() as place:
        text = place.good("--help")
        for command in ("ls", "show TRACE", "recover", "stats"):
            expect(f"\n  {command} " in text, f"--help does not list {command}")
        for command in ("ls", "show", "recover", "stats"):
            for text in (place.good(command, "--help"), place.good("-h", command)):
                expect(f"Usage: trunkline {command}" in text, f"{command} --help")
                expect("--json" in text and "--dir DIR" in text, f"{command} --help misses the global options")
                expect(max(map(len, text.splitlines())) <= 80, f"{command} --help is wider than 80 columns")
        expect(re.fullmatch(r"trunkline \d+\.\d+\.\d+\n", place.good("--version")), "--version")
        equal(os.listdir(place.path), [], "files made by asking for help")


@check
def usage_errors():
    with Place() as place:
        for words, sentence in (
                (["ls", "--frob"], "unknown option --frob"), (["ls", "-x"], "unknown option -x"),
                (["frob"], "unknown command 'frob'"), ([], "which command?"), (["show"], "which TRACE?"),
                (["show", "ab", "cd"], "too many arguments: 'cd'"), (["ls", "extra"], "too many arguments: 'extra'"),
                (["ls", "--limit"], "option --limit needs a value: N"), (["ls", "--limit=x"], "is not a whole number"),
                (["ls", "--limit", "-1"], "is not a whole number"), (["ls", "--sort", "size"], "is not one of newest|"),
                (["ls", "--since", "soon"], "is not a time"), (["ls", "--json=yes"], "option --json takes no value"),
                (["--limit", "3", "ls"], "unknown option --limit"), (["ls", "--dir", ""], "is not a text"),
                (["stats", "--color", "blue"], "is not one of auto|always|never")):
            done = place.run(*words)
            equal(done.returncode, 2, f"exit code of {words}")
            equal(done.stdout, b"", f"stdout of {words}")
            expect(done.stderr.decode().startswith("trunkline: ") and sentence in done.stderr.decode(),
                   f"{words}: {done.stderr!r}")
        done = place.run("ls", "--\x1b[31mred")
        expect(b"\x1b" not in done.stderr and b"\\x1b[31m" in done.stderr, f"escapes are echoed: {done.stderr!r}")


@check
def missing_directory_and_empty_store():
    with Place() as place:
        for directory in ("absent", "empty"):
            if directory == "empty":
                os.mkdir(place.directory, 0o700)
            done = place.run("ls")
            equal((done.returncode, done.stdout), (0, b""), f"ls, {directory}")
            equal(done.stderr.decode(), f"no traces yet ({place.directory})\n", f"ls, {directory}")
            equal(place.json("ls"), [], f"ls --json, {directory}")
            equal(place.run("show", "abcd").returncode, 1, f"show, {directory}")
            equal(place.json("stats")["traces"], 0, f"stats, {directory}")
            equal(place.json("recover")["runs"], 0, f"recover, {directory}")
            equal(place.good("recover"), "nothing to recover\n", f"recover, {directory}")
        equal(os.listdir(place.directory), [], "what reading made in an empty directory")
        os.rmdir(place.directory)
        place.run("ls")
        expect(not os.path.exists(place.directory), "ls made the directory")


@check
def which_directory():
    with Place() as place:
        del place.environment["TRUNKLINE_DIR"]
        home = os.path.join(place.path, ".local", "state", "trunkline")

        def answer(*words, **environment):
            return place.run("ls", *words, environment=environment).stderr.decode()

        equal(answer(), f"no traces yet ({home})\n", "HOME")
        equal(answer(XDG_STATE_HOME="/xdg"), "no traces yet (/xdg/trunkline)\n", "XDG_STATE_HOME")
        equal(answer(XDG_STATE_HOME="relative"), f"no traces yet ({home})\n", "a relative XDG_STATE_HOME")
        equal(answer(TRUNKLINE_DIR="/named"), "no traces yet (/named)\n", "TRUNKLINE_DIR")
        equal(answer("--dir", "there", TRUNKLINE_DIR="/named"), f"no traces yet ({place.path}/there)\n", "--dir")
        equal(os.listdir(place.path), [], "what looking made")
        os.mkdir(os.path.join(place.path, ".trunkline"))
        equal(answer(XDG_STATE_HOME="/xdg"), f"no traces yet ({place.path}/.trunkline)\n", "./.trunkline")
        done = place.run("ls", environment={"HOME": "", "TRUNKLINE_DIR": ""}, )
        expect(".trunkline" in done.stderr.decode(), "an empty TRUNKLINE_DIR counts as set")


@check
def ls_json():
    with place_with_store() as place:
        traces = place.json("ls")
        equal(len(traces), 1, "traces")
        trace = traces[0]
        equal(list(trace), TRACE_KEYS, "keys")
        expect(re.fullmatch("[0-9a-f]{32}", trace["id"]), "id")
        equal((trace["name"], trace["status"], trace["group_id"]), ("plain", "ok", "talk-1"), "texts")
        equal((trace["foreign_id"], trace["error_type"]), (None, None), "absent texts")
        equal((trace["span_count"], trace["error_count"]), (3, 1), "counts")
        equal((trace["input_tokens"], trace["output_tokens"], trace["total_tokens"]), (120, 30, 150), "tokens")
        equal(trace["metadata"], {"stop_reason": "final_answer", "config": {"a": [1, 2]}}, "metadata")
        expect(abs(trace["start_ns"] / 1e9 - time.time()) < 60, "start_ns is not now")
        equal(trace["duration_ns"], trace["end_ns"] - trace["start_ns"], "duration_ns")


@check
def ls_table():
    with place_with_store() as place:
        head, line = place.good("ls").splitlines()
        equal(head.split(), "ID STARTED DURATION STATUS SPANS ERRORS TOKENS NAME".split(), "titles")
        short, day, clock, _, status, spans, errors, tokens, name = line.split()
        equal((status, spans, errors, tokens, name), ("ok", "3", "1", "150", "plain"), "line")
        trace = place.json("ls")[0]
        expect(len(short) >= 8 and trace["id"].startswith(short), "the short id")
        equal(f"{day} {clock}", time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(trace["start_ns"] // 10**9)), "time")
        there = place.good("ls", environment={"TZ": "XYZ-05:30"}).splitlines()[1].split()
        equal(" ".join(there[1:3]), time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(trace["start_ns"] // 10**9 + 19800)),
              "local time")


@check
def ls_filters_and_order():
    with place_with_store() as place:
        for i in range(1, 6):
            place.insert_trace(f"{i}" * 32, [0] * i, name=f"made {i}")

        def names(*words):
            return [trace["name"] for trace in place.json("ls", *words)]

        made = [f"made {i}" for i in range(5, 0, -1)]
        equal(names("--name", "MADE"), made, "--name")
        equal(names("--name", "made", "--sort", "oldest"), made[::-1], "--sort oldest")
        equal(names("--sort", "spans")[:2], ["made 5", "made 4"], "--sort spans")
        equal(names("--sort", "tokens")[0], "plain", "--sort tokens")
        equal(names("--sort", "longest")[-1], "plain", "--sort longest")
        equal(names("--limit", "2"), ["plain", "made 5"], "--limit")
        equal(len(names("-n", "0")), 6, "-n 0")
        equal(names("--group=talk-1"), ["plain"], "--group")
        equal(names("--status", "running"), [], "--status")
        equal(names("--since", "1h"), ["plain"], "--since 1h")
        equal(names("--since", "1h ago"), ["plain"], "--since '1h ago'")
        equal(names("--until", "1h"), made, "--until 1h")
        # The made ones began at 2001-09-09T01:46:40Z.
        equal(names("--until", "2001-09-10"), made, "--until a day")
        equal(names("--until", "2001-09-09T01:46"), [], "--until a minute")
        equal(names("--since", "2001-09-09T01:46:40", "--until", "2001-09-09T01:46:41Z"), made, "seconds")
        equal(names("--until", "2001-09-09T01:46:40Z"), [], "--until is exclusive")
        for wrong in ("2026-02-30", "2026-13-01", "2026-1-1", "2026-11-21T25:00", "2026-11-21x", "h", "-3h", "3y"):
            equal(place.run("ls", "--since", wrong).returncode, 2, f"--since {wrong}")
        done = place.run("ls", "--name", "nobody")
        equal((done.returncode, done.stdout, done.stderr), (0, b"", b"no trace fits\n"), "nothing fits")


@check
def ls_short_ids_are_unique():
    with place_with_store() as place:
        alike = ["ab" * 10 + end * 12 for end in ("c", "d")]
        for trace_id in alike:
            place.insert_trace(trace_id, [0])
        # One of the two is not listed, but counts.
        short = place.good("ls", "--name", "made", "--limit", "1").splitlines()[1].split()[0]
        equal(len(short), 21, "length of the short id")
        equal(json.loads(place.good("show", short, "--json"))["trace"]["id"].startswith(short), True, "show")
        equal(len(place.good("ls", "--name", "plain").splitlines()[1].split()[0]), 8, "length if 8 are enough")


@check
def narrow_terminal():
    with place_with_store() as place:
        place.agent("name", "a name that is rather long for a terminal so narrow")
        for columns in (20, 40, 60, 80):
            for words in (["ls"], ["show", place.json("ls")[0]["id"]]):
                text = place.on_terminal(*words, "--color=never", environment={"COLUMNS": str(columns)})
                widest = max(map(display_width, text.splitlines()))
                expect(columns // 2 <= widest <= columns, f"{words} in {columns} columns: {widest} wide")
                # In 20 columns a long id, which traces of the same millisecond need, leaves the name less.
                expect("a name"[:6 if columns > 20 else 1] in text, f"{words} in {columns} columns: no name in {text}")
        by_size = place.on_terminal("ls", "--color=never", columns=44)
        expect(max(map(display_width, by_size.splitlines())) <= 44, "the terminal's own width does not count")
        unknown = place.on_terminal("ls", "--color=never")
        expect(60 < max(map(display_width, unknown.splitlines())) <= 80, "an unknown width is not 80")
        text = place.good("ls", environment={"COLUMNS": "20"})
        expect("for a terminal so narrow" in text, "what is no terminal was cut")


@check
def colours():
    with place_with_store() as place:
        def coloured(text):
            return "\x1b[" in text

        expect(coloured(place.on_terminal("ls")), "no colour on a terminal")
        expect(not coloured(place.on_terminal("ls", environment={"NO_COLOR": "1"})), "NO_COLOR does not count")
        expect(coloured(place.on_terminal("ls", environment={"NO_COLOR": ""})), "an empty NO_COLOR counts")
        expect(not coloured(place.on_terminal("ls", environment={"TERM": "dumb"})), "TERM=dumb does not count")
        expect(not coloured(place.on_terminal("ls", "--color=never")), "--color=never")
        expect(not coloured(place.good("ls")), "colour without a terminal")
        expect(coloured(place.good("ls", "--color=always")), "--color=always")


@check
def hostile_names():
    names = [b"\x1b[31mred\x1b[0m\r\n\x07bell", "\u009b31m c1 \u202etfel\u2066 \ufeff".encode(), b"bad \xff\xc3( utf8 \xe2\x82",
             "日本語の名前".encode() * 8, "e\u0301".encode() * 60, "👩\u200d👩\u200d👧 family".encode(), b"tab\there", b" "]
    with Place() as place:
        for name in names:
            place.agent("name", name)
        database = place.database()
        with database:
            database.execute("UPDATE spans SET name=?1, model=?1, error_message=?1", ("\x1b]0;title\x07\u202e",))
            database.execute("UPDATE traces SET stop_reason=?1", ("\x1b[2J",))
        database.close()
        for columns in (20, 31, 32, 33, 80):
            text = place.on_terminal("ls", "--color=never", environment={"COLUMNS": str(columns)})
            equal(len(text.splitlines()), len(names) + 1, f"lines in {columns} columns")
            equal(dangerous(text), [], f"ls in {columns} columns")
            expect(max(map(display_width, text.splitlines())) <= columns, f"too wide for {columns} columns")
        text = place.good("ls")
        for shown in ("\\x1b[31mred\\x1b[0m\\r\\n\\x07bell", "\\u{9b}31m", "\\u{202e}tfel", "bad \ufffd\ufffd( utf8",
                      "tab\\there", "日本語の名前" * 8):
            expect(shown in text, f"{shown} is not shown")
        for trace in place.json("ls"):
            text = place.good("show", trace["id"])
            equal(dangerous(text), [], "show")
            expect("\\x1b]0;title\\x07" in text and "\\x1b[2J" in text, "escapes are not shown")
        stored = {trace["name"] for trace in place.json("ls")}
        expect("\x1b[31mred\x1b[0m\r\n\x07bell" in stored, "JSON does not keep the name")


@check
def show_json():
    with place_with_store() as place:
        whole = place.json("show", place.json("ls")[0]["id"])
        equal(list(whole), ["trace", "spans", "events"], "keys")
        equal(whole["trace"], place.json("ls")[0], "the trace")
        spans = {span["name"]: span for span in whole["spans"]}
        for span in whole["spans"]:
            equal(list(span), SPAN_KEYS, "keys of a span")
        think = spans["think"]
        equal(think["parent_id"], spans["root"]["span_id"], "parent")
        equal(spans["root"]["parent_id"], None, "no parent")
        equal((think["kind"], think["kind_name"]), (4, "generation"), "kind")
        equal([think[key] for key in ("input_tokens", "output_tokens", "total_tokens", "cache_read_tokens",
                                      "cache_write_tokens", "reasoning_tokens")], [120, 30, 150, 100, None, 7], "usage")
        equal([think[key] for key in ("model", "score", "score_name", "step")], ["gpt-4o", 0.5, "judge", 3], "fields")
        equal((think["input"], think["input_type"]), ('a "question"', "str"), "input")
        equal((think["output"], think["output_type"]), ({"answer": [1, 2]}, "json"), "output")
        equal(think["attributes"]["nested"], {"a": {"b": [True, None]}}, "an attribute of JSON")
        equal((think["attributes"]["colour"], think["attributes"]["not_a_number"]), ("red", None), "attributes")
        equal([event["name"] for event in think["events"]], ["token"], "events of a span")
        equal((spans["root"]["input"], spans["root"]["model"], spans["root"]["score"]), (None, None, None), "absent")
        equal((spans["read_file"]["status"], spans["read_file"]["error_type"], spans["read_file"]["error_message"]),
              ("error", "IOError", "no such file\nsecond line"), "error")
        equal([list(event) for event in whole["events"]], [EVENT_KEYS], "keys of an event")
        equal(whole["events"][0]["name"], "note", "event")


@check
def show_text():
    with place_with_store() as place:
        trace_id = place.json("ls")[0]["id"]
        text = place.good("show", trace_id)
        for line in ("plain\n", f"  id        {trace_id}\n", "  status    ok\n", "  stopped   final_answer\n",
                     "  tokens    150 (120 in, 30 out)\n", '  metadata  config = {"a":[1,2]}\n', "  group     talk-1\n"):
            expect(line in text, f"{line!r} is missing")
        lines = [line[22:] for line in span_lines(text)]
        equal(lines[0], "└─ agent root", "root")
        equal(lines[1], "   └─ generation think  gpt-4o  120 in, 30 out  judge 0.5  step 3", "generation")
        equal(lines[2], "      └─ tool read_file  failed", "tool")
        equal(lines[3].strip(), "! IOError: no such file", "error")
        dashed = "-".join((trace_id[:8], trace_id[8:12], trace_id[12:16], trace_id[16:20], trace_id[20:]))
        for other in (trace_id[:8], trace_id.upper(), dashed):
            equal(place.good("show", other), text, f"show {other}")


@check
def show_refuses():
    with place_with_store() as place:
        for end in "abc":
            place.insert_trace("7" * 31 + end, [0], name=f"twin {end}\x1b")
        done = place.run("show", "777")
        equal((done.returncode, done.stdout), (1, b""), "an ambiguous id")
        message = done.stderr.decode()
        expect(message.endswith("trunkline: several traces have ids that begin with 777 (TR_EINVAL)\n"), message)
        error = json.loads(place.run("show", "777", "--json").stderr)["error"]
        equal((error["code"], error["number"]), ("TR_EINVAL", -1), "the error as JSON")
        equal(re.findall("  (7{31}[abc]) .*twin ([abc])", message), [("7" * 31 + c, c) for c in "abc"], "candidates")
        equal(dangerous(message), [], "candidates")
        for i in range(20):
            place.insert_trace(f"8{i:031x}", [0])
        done = place.run("show", "8")
        equal((done.returncode, done.stderr.decode().splitlines()[-2]), (1, "  and more"), "many candidates")
        equal(len(done.stderr.decode().splitlines()), 12, "many candidates")
        for unknown in ("ffff", "xyz", "a" * 33, ""):
            done = place.run("show", unknown)
            equal((done.returncode, done.stdout), (1, b""), f"show {unknown!r}")
            expect(done.stderr.startswith(b"trunkline: "), f"show {unknown!r}: {done.stderr!r}")


@check
def odd_trees():
    with place_with_store() as place:
        # 1 top; 2, 3 its children; 4 an orphan; 5 its child; 6 and 7 a circle; 8 its own parent.
        place.insert_trace("c" * 32, [0, 1, 1, 99, 4, 7, 6, 8])
        lines = [line[22:] for line in span_lines(place.good("show", "cccc"))]
        equal([line.split("  parent")[0] for line in lines],
              ["├─ tool s1", "│  ├─ tool s2", "│  └─ tool s3", "├─ tool s4", "│  └─ tool s5", "├─ tool s6", "│  └─ tool s7",
               "└─ tool s8"], "tree")
        expect(lines[3].endswith("parent 0000000000000063 is not in the store"), lines[3])
        equal(len(place.json("show", "cccc")["spans"]), 8, "spans")


@check
def many_spans():
    with place_with_store() as place:
        place.insert_trace("d" * 32, [0] + [i // 3 + 1 for i in range(29999)])
        for words in (["show", "dddd"], ["show", "dddd", "--json"]):
            seconds, text = processor_seconds(lambda: place.good(*words))
            expect(seconds < 2, f"{words} took {seconds:.2f} s")
            equal(text.count('"span_id"' if "--json" in words else "tool s"), 30000, f"spans of {words}")


@check
def deep_tree():
    with place_with_store() as place:
        depth = 10000
        place.insert_trace("e" * 32, list(range(depth)))

        def small_stack():
            resource.setrlimit(resource.RLIMIT_STACK, (512 * 1024, 512 * 1024))

        lines = span_lines(place.good("show", "eeee", preexec_fn=small_stack))
        equal(len(lines), depth, "lines")
        expect(max(map(len, lines)) < 140, "the indentation has no bound")
        expect(f"…{depth - 1} tool s{depth}" in lines[-1], lines[-1])
        equal(len(json.loads(place.good("show", "eeee", "--json", preexec_fn=small_stack))["spans"]), depth, "JSON")


@check
def closed_pipe():
    with place_with_store() as place:
        place.insert_trace("d" * 32, [0] * 20000)
        for words in (["ls"], ["ls", "--json"], ["show", "dddd"], ["show", "dddd", "--json"], ["--help"], ["stats"]):
            for read in (0, 10):
                child = subprocess.Popen([Place.trunkline, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         env=place.environment, cwd=place.path)
                child.stdout.read(read)
                child.stdout.close()
                message = child.stderr.read()
                child.stderr.close()
                equal((child.wait(), message), (0, b""), f"{words} after {read} bytes")


@check
def full_disk_and_closed_output():
    with place_with_store() as place:
        for words in (["ls"], ["ls", "-n0"], ["show", place.json("ls")[0]["id"]], ["stats"], ["recover"], ["--help"]):
            with open("/dev/full", "wb") as full:
                done = place.run(*words, stdout=full)
            equal((done.returncode, done.stderr.decode()),
                  (1, "trunkline: standard output: No space left on device (TR_EIO)\n"), f"{words}")
        before = sorted(os.listdir(place.directory))
        for words in (["ls"], ["recover"]):
            done = subprocess.run(["sh", "-c", 'exec "$0" "$@" >&-', Place.trunkline, *words], env=place.environment,
                                  cwd=place.path, stderr=subprocess.PIPE, timeout=60)
            equal((done.returncode, done.stderr.decode()), (1, "trunkline: standard output: Bad file descriptor (TR_EIO)\n"),
                  f"{words} without a standard output")
        equal(sorted(os.listdir(place.directory)), before, "files after that")
        equal(len(place.json("ls")), 1, "traces after that")


@check
def recover_after_kill():
    with Place() as place:
        place.agent("kill")
        found = place.json("recover")
        equal(list(found), RECOVER_KEYS, "keys")
        equal((found["runs"], found["corrupt"], found["expired"], found["complete"]), (1, 0, 0, True), "run")
        # The start and the end of the trace, its event, and three spans; of these the root and the trace had not ended.
        equal((found["delivered"], found["spans"], found["incomplete"]), (6, 3, 2), "records")
        equal(found["directory"], place.directory, "directory")
        trace, = place.json("ls")
        equal((trace["name"], trace["status"], trace["span_count"]), ("dying", "incomplete", 3), "trace")
        spans = {span["name"]: span["status"] for span in place.json("show", trace["id"])["spans"]}
        equal(spans, {"root": "incomplete", "think": "ok", "read_file": "error"}, "spans")
        text = place.good("show", trace["id"])
        equal([line[22:] for line in span_lines(text)][0], "└─ agent root  incomplete", "mark")
        equal(text.count("incomplete"), 2, "marks of the trace and of the open span")
        equal(place.json("recover")["runs"], 0, "a second time")
        place.agent("kill")
        expect(place.good("recover").startswith("1 dead run\n"), "text")
        equal([name for name in os.listdir(os.path.join(place.directory, "run")) if name[0] != "."], [], "runs left")


@check
def reading_adopts_first():
    for words in (["ls"], ["stats"], ["show", "0"]):
        with Place() as place:
            place.agent("kill")
            done = place.run(*words, "--json")
            expect(b"dying" in done.stdout or b'"incomplete":1' in done.stdout, f"{words}: {done.stdout!r}")
            equal((done.returncode, done.stderr), (0, b""), f"{words}")


@check
def read_only_directory():
    with place_with_store() as place:
        for dead in (False, True):
            if dead:
                place.agent("kill")
            command = read_only(place.directory, [Place.trunkline, "ls", "--json"])
            started = time.monotonic()
            done = subprocess.run(command, env=place.environment, cwd=place.path, capture_output=True, timeout=60)
            equal(done.returncode, 0, f"exit code: {done.stderr!r}")
            equal([trace["name"] for trace in json.loads(done.stdout)], ["plain"], "traces")
            expect(done.stderr.startswith(b"trunkline: warning: ") if dead else done.stderr == b"", f"{done.stderr!r}")
            expect(time.monotonic() - started < 10, "it waited for long")
            if dead:
                failed = subprocess.run(read_only(place.directory, [Place.trunkline, "recover", "--json"]),
                                        env=place.environment, cwd=place.path, capture_output=True, timeout=60)
                equal((failed.returncode, json.loads(failed.stdout)["complete"]), (1, False), f"{failed.stderr!r}")
            subprocess.run(["chmod", "-R", "u+w", place.path], check=True)
        equal(place.json("recover")["runs"], 1, "the run is still there")


@check
def ls_while_recording():
    with Place() as place:
        agent = subprocess.Popen([Place.agent_program, "live"], env=place.environment, cwd=place.path, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, bufsize=0)
        try:
            equal(agent.stdout.readline(), b"recording\n", "the agent")
            deadline = time.monotonic() + 20
            while not place.json("ls"):
                expect(time.monotonic() < deadline, "the trace does not appear")
            for _ in range(8):
                agent.stdin.write(b"x")
                trace, = place.json("ls")
                equal((trace["status"], trace["end_ns"], trace["duration_ns"]), ("running", None, None), "trace")
                numbers = place.json("stats")
                equal((numbers["live_runs"], numbers["dead_runs"], numbers["running"]), (1, 0, 1), "stats")
                equal(place.json("recover")["runs"], 0, "a live run was taken")
                equal(place.good("ls").splitlines()[1].split()[3:5], ["-", "running"], "table")
                count = int(agent.stdout.readline())
        finally:
            agent.stdin.close()
            code = agent.wait(timeout=60)
        equal(code, 0, "exit code of the agent")
        trace, = place.json("ls")
        equal((trace["status"], trace["span_count"]), ("ok", count), "afterwards")


@check
def stats():
    with place_with_store() as place:
        numbers = place.json("stats")
        equal(list(numbers), STATS_KEYS, "keys")
        equal([numbers[key] for key in ("traces", "running", "failed", "incomplete", "spans", "metric_runs")],
              [1, 0, 0, 0, 3, 0], "counts")
        equal((numbers["total_tokens"], numbers["live_runs"], numbers["dead_runs"]), (150, 0, 0), "tokens and runs")
        size = sum(os.stat(os.path.join(place.directory, name)).st_blocks * 512 for name in os.listdir(place.directory)
                   if name.startswith("traces.db"))
        equal(numbers["store_bytes"], size, "store_bytes")
        equal(numbers["oldest_ns"], place.json("ls")[0]["start_ns"], "oldest_ns")
        text = place.good("stats")
        expect("\ntraces     1 (0 running, 0 failed, 0 incomplete)\n" in text, text)
        # A run of another processor waits for it.
        place.environment["TRUNKLINE_PROCESSORS"] = "jsonl"
        place.agent("kill")
        numbers = place.json("stats")
        equal((numbers["live_runs"], numbers["dead_runs"]), (0, 1), "a run nobody here wants")
        expect(numbers["run_bytes"] > 0, "run_bytes")


@check
def damaged_stores():
    with place_with_store() as place:
        store = os.path.join(place.directory, "traces.db")
        trace_id = place.json("ls")[0]["id"]
        with place.database() as database:
            database.execute("UPDATE traces SET metadata='{\"a\":' || ?1", ("[" * 100000,))
            database.execute("UPDATE spans SET attributes='no json', events='[', status='\x1b'")
        database.close()
        whole = place.json("show", trace_id)
        equal(whole["spans"][0]["attributes"], "no json", "attributes that are no JSON")
        place.good("show", trace_id)
        with open(store, "wb") as file:
            file.write(b"not a database" * 1000)
        for words in (["ls"], ["show", "ab"], ["stats"]):
            done = place.run(*words)
            equal((done.returncode, done.stdout), (1, b""), f"{words}")
            expect(done.stderr.startswith(b"trunkline: "), f"{words}: {done.stderr!r}")


@check
def documentation():
    with open(os.path.join(ROOT, "docs", "cli.md"), encoding="utf-8") as file:
        text = file.read()
    with Place() as place:
        for command in [[]] + [[name] for name in place.commands()]:
            for option in re.findall(r"--[a-z]+(?:-[a-z]+)*", place.good(*command, "--help")):
                expect(option in text, f"docs/cli.md does not know {option}")
    for key in TRACE_KEYS + SPAN_KEYS + EVENT_KEYS + RECOVER_KEYS + STATS_KEYS:
        expect(f"`{key}`" in text, f"docs/cli.md does not know `{key}`")


if __name__ == "__main__":
    sys.exit(run_checks(CHECKS, __doc__))
