#!/usr/bin/env python3
"""What each command of the program is for: searching, following, asking, comparing, exporting, removing, examining.

    cli_commands_test.py --trunkline PATH --lib DIR --include DIR [--cc COMMAND] [NAME...]"""
import csv
import io
import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from cli_support import Place, equal, expect, place_with_store, run_checks

A, B = "a" * 32, "b" * 32

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def found(place, *words):
    done = place.run("grep", *words, "--json")
    expect(done.returncode in (0, 3), done.stderr)
    return [hit["span"]["name"] for hit in json.loads(done.stdout)]


def text_span(name, text="", output="", kind="tool", **more):
    numbers = {"tool": 7, "generation": 4}
    return {"name": name, "input": text, "input_type": "str", "output": output, "output_type": "str",
            "kind": numbers[kind], "kind_name": kind, **more}


@check
def grep_finds_words():
    with place_with_store() as place:
        place.insert_spans(A, [
            text_span("one", "The quick brown Fox", "jumps"), text_span("two", "quick and brown", kind="generation"),
            text_span("three", "caf\u00e9 au lait", status="error", error_type="IOError", error_message="disk is full"),
            {"name": "four", "input": json.dumps([{"content": "line\nfoxes\tand \u00fcber \U0001f98a"}]), "input_type": "json"},
            {"name": "five", "input": b"quick bytes", "input_type": "bytes"}])
        for indexed in (False, True):  # the first search builds the index; what came before must be found in either way
            equal(found(place, "quick"), ["two", "one"], "a word, the newest first")
            equal(found(place, "QUICK BROWN"), ["one"], "a phrase in any case")
            equal(found(place, "quick", "brown"), ["two", "one"], "two words anywhere")
            equal(found(place, "fox", "jumps"), ["one"], "in input and output")
            equal(found(place, "fox*"), ["four", "one"], "a beginning")
            equal(found(place, "foxes and uber"), ["four"], "without the escapes of JSON, without accents")
            equal(found(place, "cafe"), ["three"], "accents")
            equal(found(place, "disk is full"), ["three"], "an error")
            equal(found(place, "disk", "--in", "input"), [], "--in")
            equal(found(place, "jumps", "--in", "output"), ["one"], "--in")
            equal(found(place, "quick", "--kind", "generation"), ["two"], "--kind")
            equal(found(place, "a*", "--status", "error"), ["three"], "--status")
            equal(found(place, "question", "--trace", "aaaa"), [], "--trace")
            equal(found(place, "quick", "--limit", "1"), ["two"], "--limit")
            equal(found(place, "quick", "--since", "2001-09-10"), [], "--since")
            equal(found(place, 'quick" OR "the'), [], "quotes are no syntax")
            equal([trace["id"] for trace in place.json("ls", "--text", "quick brown")], [A], "ls --text")
        equal(place.run("grep", "nowhere").returncode, 3, "nothing found")
        equal(place.run("grep", "...").returncode, 1, "no word")
        equal(place.good("grep", "quick", "--ids"), A + "\n", "--ids")
        text = place.good("grep", "brown", "--limit", "1", "--color=always")
        expect("quick and \x1b[31mbrown\x1b[0m" in text, f"no highlight in {text!r}")


@check
def grep_knows_what_is_new_and_what_is_gone():
    with place_with_store() as place:
        place.insert_spans(A, [text_span(f"s{i}", "first words") for i in range(5)])
        equal(len(found(place, "first")), 5, "before")
        place.good("rm", "aaaa", "--yes")
        equal(found(place, "first"), [], "removed")
        # The same rowids are used again, for other words.
        place.insert_spans(B, [text_span(f"t{i}", "later words") for i in range(5)])
        equal((found(place, "first"), len(found(place, "later"))), ([], 5), "used again")
        place.agent("plain")
        equal(found(place, "question", "--limit", "1"), ["think"], "what an agent records")


@check
def grep_on_a_store_that_cannot_be_written():
    with place_with_store() as place:
        indexed = query_one(place, "SELECT indexed FROM search_state")  # what the agent wrote
        place.insert_spans(A, [text_span("one", "hidden words")])
        with sqlite3.connect(os.path.join(place.directory, "traces.db")) as blocker:
            blocker.execute("BEGIN IMMEDIATE")
            equal(found(place, "hidden"), ["one"], "while another writes")
        equal(query_one(place, "SELECT indexed FROM search_state"), indexed, "the index, which nobody could write")
        equal(found(place, "hidden"), ["one"], "afterwards")
        expect(query_one(place, "SELECT indexed FROM search_state") > indexed, "the index was not built")


def query_one(place, sql):
    return list(place.json("query", sql)[0].values())[0]


@check
def more_filters_of_ls():
    with place_with_store() as place:
        place.insert_spans(A, [text_span("one")])
        place.insert_spans(B, [{"kind": 18, "kind_name": "retrieval"}])
        with place.database() as database:
            database.execute("UPDATE traces SET total_tokens=500, end_ns=start_ns+90000000000 WHERE id=?", (A,))
            database.execute("UPDATE traces SET kinds=1<<18 WHERE id=?", (B,))

        def ids(*words):
            return [trace["id"] for trace in place.json("ls", *words) if trace["run_id"] == "made"]

        equal(ids("--min-tokens", "500"), [A], "--min-tokens")
        equal(ids("--max-tokens", "499"), [B], "--max-tokens")
        equal(ids("--min-duration", "1m30s"), [A], "--min-duration")
        equal(ids("--max-duration", "89.5s"), [B], "--max-duration")
        equal(ids("--kind", "retrieval"), [B], "--kind")
        equal([trace["name"] for trace in place.json("ls", "--kind", "agent")], ["plain"], "--kind of what was recorded")
        expect(b"is no kind" in place.run("ls", "--kind", "frob").stderr, "an unknown kind")
        equal(place.run("ls", "--min-duration", "5 parsecs").returncode, 2, "no duration")
        equal(sorted(place.good("ls", "-qn0").split()), sorted(t["id"] for t in place.json("ls")), "-qn0")
        expect(b"did you mean 'show'?" in place.run("shwo").stderr, "no suggestion")


@check
def tail_shows_the_last():
    with place_with_store() as place:
        place.insert_spans(A, [text_span(f"s{i}") for i in range(20)])

        def names(*words):
            return [json.loads(line)["name"] for line in place.good("tail", "--json", *words).splitlines()]

        equal(names(), [f"s{i}" for i in range(10, 20)], "the last ten")
        equal(names("-n2"), ["s18", "s19"], "-n2")
        equal(names("-n", "0"), [], "-n 0")
        equal(names("--name", "S7"), ["s7"], "--name")
        equal(names("--kind", "generation"), ["think"], "--kind")
        equal(names("--status", "error"), ["read_file"], "--status")
        equal(names("--trace", "aaaa", "--limit", "1"), ["s19"], "--trace")
        expect(" tool s19" in place.good("tail").splitlines()[-1], "a line")


def read_until(stream, wanted, what):
    """The lines up to the first that contains the text."""
    lines = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        line = stream.readline()
        expect(line, f"{what}: the output ended after {lines}")
        lines.append(line)
        if wanted in line:
            return lines
    raise AssertionError(f"{what}: {wanted} did not come: {lines}")


@check
def tail_follows_and_shows_open_spans():
    with Place() as place:
        agent = subprocess.Popen([Place.agent_program, "open", "waiting sk-0123456789abcdefghij"], env=place.environment,
                                 cwd=place.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(agent.stdout.readline(), b"recording\n", "the agent")
        span = json.loads(place.good("tail", "--json").splitlines()[-1])
        equal((span["name"], span["status"], span["end_ns"], span["kind_name"]),
              ("waiting __redacted__", "running", None, "tool"), "an open span")
        equal(json.loads(place.good("tail", "--json", "--status", "running"))["name"], "waiting __redacted__", "--status")
        equal(place.good("tail", "--json", "--kind", "agent"), "", "an open span of another kind")
        # Whoever starts the tests in the background has them ignore interrupts, and children inherit that.
        tail = subprocess.Popen([Place.trunkline, "tail", "-f"], env=place.environment, cwd=place.path, text=True,
                                stdout=subprocess.PIPE,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        read_until(tail.stdout, "tool waiting __redacted__  running", "an open span with -f")
        place.agent("name", "meanwhile")
        read_until(tail.stdout, "agent root", "spans of another process")
        agent.stdin.close()
        equal(agent.wait(60), 0, "the agent")
        line = read_until(tail.stdout, "tool waiting __redacted__", "the end of the span")[-1]
        expect("running" not in line, line)
        tail.stdout.close()  # nobody reads any more
        equal(tail.wait(60), 0, "tail after its reader has gone")
        equal(place.good("tail", "--json", "--status", "running"), "", "after the end")


@check
def query_reads_only():
    with place_with_store() as place:
        sql = "SELECT kind_name, count(*) AS n FROM spans GROUP BY 1 ORDER BY 1"
        equal(place.json("query", sql), [{"kind_name": k, "n": 1} for k in ("agent", "generation", "tool")], "json")
        equal(place.good("query", sql), "kind_name   n\nagent       1\ngeneration  1\ntool        1\n", "table")
        equal(place.good("query", "SELECT 'a,\"b', 1.5, NULL, x'00ff'", "--format", "csv").splitlines()[1],
              '"a,""b",1.5,,AP8=', "csv")
        equal(place.good("query", "SELECT 1 AS a UNION SELECT 2", "--format", "jsonl"), '{"a":1}\n{"a":2}\n', "jsonl")
        expect("spans" in place.good("query") and "search_" not in place.good("query"), "the tables")
        equal(place.run("query", "SELECT 1 WHERE 0").returncode, 0, "no row")
        equal(len(place.json("query", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 5000) "
                                      "SELECT i FROM n")), 5000, "many rows")
        piped = subprocess.run([Place.trunkline, "query", "-", "--json"], input=b"SELECT 7 AS x;", env=place.environment,
                               cwd=place.path, capture_output=True)
        equal(json.loads(piped.stdout), [{"x": 7}], "standard input")
        before = place.json("ls")
        for wrong in ("DELETE FROM spans", "DROP TABLE spans", "SELECT 1; DELETE FROM spans", "PRAGMA user_version=9",
                      "ATTACH 'other.db' AS other", "CREATE TEMP TABLE t(x)", "VACUUM INTO 'copy.db'", "BEGIN",
                      "SELECT load_extension('x')", "SELECT", "", "SELECT * FROM nothing",
                      "INSERT INTO spans SELECT * FROM spans RETURNING *"):
            done = place.run("query", wrong)
            equal((done.returncode, done.stdout), (1, b""), wrong)
            expect(b"(TR_EINVAL)" in done.stderr, f"{wrong}: {done.stderr!r}")
        equal(place.json("ls"), before, "what queries left")
        equal(sorted(os.listdir(place.path)), ["data"], "files that queries made")


@check
def export_is_complete():
    with place_with_store() as place:
        place.insert_spans(A, [text_span('with "quotes", commas\nand lines', "in\r\nput", "out")])
        lines = [json.loads(line) for line in place.good("export").splitlines()]
        equal([line["type"] for line in lines], ["trace", "span"] + ["trace"] + ["span"] * 3 + ["event"], "types, oldest first")
        whole = place.json("show", A)
        equal({k: v for k, v in lines[0].items() if k != "type"}, whole["trace"], "a trace as show has it")
        equal({k: v for k, v in lines[1].items() if k != "type"}, whole["spans"][0], "a span as show has it")
        equal(len(place.good("export", "aaaa").splitlines()), 2, "one trace")
        equal(len(place.good("export", "--limit", "1", "--name", "plain").splitlines()), 5, "filters")
        rows = list(csv.DictReader(io.StringIO(place.run("export", "--format", "csv").stdout.decode(), newline="")))
        equal(len(rows), 4, "rows of csv")
        equal((rows[0]["name"], rows[0]["input"], rows[0]["trace_id"]),
              ('with "quotes", commas\nand lines', "in\r\nput", A), "a row of csv")


@check
def rm_removes():
    with place_with_store() as place:
        for i in range(6):
            place.insert_spans(f"{i}" * 32, [text_span(f"s{j}", "word " * 500) for j in range(400)])

        def left():
            return sorted(trace["id"][0] for trace in place.json("ls") if trace["run_id"] == "made")

        equal(place.run("rm", "0000").returncode, 2, "without a terminal and --yes")
        equal(place.run("rm", "--yes").returncode, 2, "nothing chosen")
        equal(place.json("rm", "0000", "--dry-run")["removed"], False, "--dry-run")
        equal(left(), list("012345"), "after --dry-run")
        report = place.json("rm", "0000", "1111", "--yes")
        equal((report["traces"], report["spans"], report["ids"]), (2, 800, ["0" * 32, "1" * 32]), "report")
        equal(left(), list("2345"), "by id")
        equal(query_one(place, f"SELECT count(*) FROM spans WHERE trace_id IN ('{'0' * 32}', '{'1' * 32}')"), 0, "their spans")
        with place.database() as database:
            database.execute("UPDATE traces SET status='running', end_ns=NULL WHERE id=?", ("2" * 32,))
            database.execute("INSERT INTO runs(id,trace_id,name,start_ns,status) VALUES('r',?,'run',1,'finished')", ("3" * 32,))
        equal(place.run("rm", "2222", "--yes").returncode, 1, "a running one")
        before = os.path.getsize(os.path.join(place.directory, "traces.db"))
        place.good("rm", "--older-than", "1d", "--keep", "2", "--yes")
        equal(left(), ["2", "5"], "--older-than with --keep: the newest, the agent's and the fifth, and what runs")
        expect(os.path.getsize(os.path.join(place.directory, "traces.db")) < before * 0.7, "the file did not shrink")
        equal(query_one(place, "SELECT count(*) FROM runs"), 0, "metric runs of a trace")
        place.good("rm", "--keep", "0", "--yes")
        equal([trace["id"][0] for trace in place.json("ls")], ["2"], "--keep 0")


@check
def rm_asks_on_a_terminal():
    for answer, gone in ((b"n\n", False), (b"y\n", True)):
        with place_with_store() as place:
            ours, theirs = pty.openpty()
            child = subprocess.Popen([Place.trunkline, "rm", place.json("ls")[0]["id"]], stdin=theirs, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env=place.environment, cwd=place.path)
            os.write(ours, answer)
            _, message = child.communicate(timeout=60)
            os.close(ours)
            os.close(theirs)
            expect(b"Go on? [y/N]" in message and b"plain" in message, message)
            equal((child.returncode == 0, place.json("ls") == []), (gone, gone), f"answer {answer}")


@check
def diff_aligns_steps():
    with place_with_store() as place:
        steps = [text_span("plan", "x", "same"), text_span("search", "x", "1"), text_span("read", "x", "same"),
                 text_span("write", "x", "same")]
        other = [text_span("plan", "x", "same"), text_span("read", "x", "same"), text_span("test", "x", "same"),
                 text_span("write", "x", "different", model="gpt-4o")]
        place.insert_spans(A, steps)
        place.insert_spans(B, other)
        report = place.json("diff", A, B)
        equal([(step["name"], step["change"]) for step in report["steps"]],
              [("plan", "none"), ("search", "removed"), ("read", "none"), ("test", "added"), ("write", "changed")], "steps")
        equal([(d["field"], d["a"], d["b"]) for d in report["steps"][4]["differences"]],
              [("model", "", "gpt-4o"), ("output", "same", "different")], "differences")
        lines = place.good("diff", A, B, "-U0").split("\n\n")[1].splitlines()
        equal([line[:2] for line in lines if line[:2].strip()], ["- ", "+ ", "~ "], "marks")
        equal(place.run("diff", A, B, "--exit-code").returncode, 3, "--exit-code")
        equal(place.run("diff", A, A, "--exit-code").returncode, 0, "--exit-code of the same")
        # So different that the shortest edit is not looked for.
        place.insert_spans("c" * 32, [text_span(f"{'x' if i % 2 else 'y'}{i}") for i in range(6000)])
        place.insert_spans("e" * 32, [text_span(f"{'x' if i % 2 else 'z'}{i}") for i in range(6000)])
        changes = [step["change"] for step in place.json("diff", "cccc", "eeee")["steps"]]
        equal([changes.count(change) for change in ("none", "removed", "added")], [3000, 3000, 3000], "far apart")


def messages(place, *spans):
    place.insert_spans(A, [{"input_type": "json", "output_type": "json",
                            **{k: json.dumps(v) if k in ("input", "output") else v for k, v in span.items()}} for span in spans])
    told = place.json("show", A, "--messages")["messages"]
    place.good("rm", A, "--yes")
    return told


def said(told):
    return [(m["role"], m["text"] or " ".join(f"{c['name']}{c['arguments']}" for c in m["calls"])) for m in told]


@check
def messages_of_the_usual_shapes():
    with place_with_store() as place:
        call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{\"a\":1}"}}
        shapes = {
            "chat": ([{"role": "system", "content": "Be."}, {"role": "user", "content": "Hi"}],
                     {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}),
            "request": ({"model": "m", "messages": [{"role": "developer", "content": "Be."}, {"role": "user", "content": [
                {"type": "text", "text": "Hi"}]}]}, {"role": "assistant", "tool_calls": [call]}),
            "blocks": ({"system": "Be.", "messages": [{"role": "user", "content": "Hi"}]}, {"role": "assistant", "content": [
                {"type": "tool_use", "id": "c1", "name": "add", "input": {"a": 1}}]}),
            "items": ({"instructions": "Be.", "input": "Hi"}, {"output": [
                {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{\"a\":1}"}]}),
            "parts": ({"systemInstruction": {"parts": [{"text": "Be."}]}, "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
                      {"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "add", "args": {"a": 1}}}]}}]}),
            "genai": ([{"role": "system", "parts": [{"type": "text", "content": "Be."}]},
                       {"role": "user", "parts": [{"type": "text", "content": "Hi"}]}],
                      [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}]}]),
            "framework": ([{"type": "system", "content": "Be."}, {"type": "human", "content": "Hi"}],
                          {"generations": [[{"message": {"type": "ai", "content": "", "tool_calls": [
                              {"id": "c1", "name": "add", "args": {"a": 1}}]}}]]}),
        }
        for shape, (given, answer) in shapes.items():
            told = messages(place, {"input": given, "output": answer})
            equal(said(told), [("system", "Be."), ("user", "Hi"), ("assistant", 'add{"a":1}')], shape)
            equal([m["from"] for m in told], ["input", "input", "output"], shape)
        told = messages(place, {"input": "Hi", "output": "Hello"})
        equal(said(told), [("user", "Hi"), ("assistant", "Hello")], "texts")
        attributes = {"gen_ai.input.messages": shapes["genai"][0], "gen_ai.output.messages": json.dumps(shapes["genai"][1])}
        told = messages(place, {"attributes": json.dumps(attributes), "input_type": None, "output_type": None})
        equal(said(told), [("system", "Be."), ("user", "Hi"), ("assistant", 'add{"a":1}')], "attributes")
        for odd in ([[[[]]]], {"role": 7}, [None, 5, True], {"messages": {"content": [{"type": "image_url"}]}}, {"a": 1}):
            messages(place, {"input": odd, "output": odd})


@check
def messages_are_told_once():
    with place_with_store() as place:
        one = [{"role": "system", "content": "Be."}, {"role": "user", "content": "Hi"}]
        use = {"role": "assistant", "content": [{"type": "text", "text": "Let me see."},
                                                {"type": "tool_use", "id": "c1", "name": "look", "input": {}}]}
        two = one + [use, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}]}]
        sub = [{"role": "system", "content": "Be."}, {"role": "user", "content": "A different task"}]
        three = [one[0]] + two[2:] + [{"role": "assistant", "content": "It is 42."}, {"role": "user", "content": "Thanks"}]
        told = messages(place, {"input": one, "output": use}, {"input": two, "output": "It is 42."},
                        {"input": sub, "output": "Done."}, {"input": three, "output": "Bye."})
        equal(said(told), [("system", "Be."), ("user", "Hi"), ("assistant", "Let me see."), ("tool", "42"),
                           ("assistant", "It is 42."), ("system", "Be."), ("user", "A different task"), ("assistant", "Done."),
                           ("user", "Thanks"), ("assistant", "Bye.")], "messages")
        equal([m["conversation"] for m in told], [0] * 5 + [1] * 3 + [0] * 2, "conversations")
        equal((told[2]["calls"][0]["name"], told[3]["call_id"]), ("look", "c1"), "a call and its result")
        place.insert_spans(A, [{"input": json.dumps(two), "input_type": "json", "output": "multi\nline", "output_type": "str"}])
        text = place.good("show", A, "--messages")
        for line in ("── think", "user\n  Hi\n", "assistant\n  Let me see.\n  → look({})\n", "tool  c1\n  42\n", "  multi\n  line\n"):
            expect(line in text, f"{line!r} is missing in {text}")
        done = place.run("show", place.json("ls", "--name", "plain")[0]["id"], "--span", "zzzz")
        expect(b"no span of the trace" in done.stderr, done.stderr)


@check
def one_span_whole():
    with place_with_store() as place:
        trace = place.json("ls")[0]["id"]
        think = next(s for s in place.json("show", trace)["spans"] if s["name"] == "think")
        equal(place.json("show", trace, "--span", think["span_id"][:6]), think, "as JSON")
        text = place.good("show", trace, "--span", think["span_id"].upper())
        for part in ("generation think", "model       gpt-4o", "reasoning   7", "judge 0.5", 'INPUT\n  a "question"\n',
                     'OUTPUT\n  {\n    "answer": [\n', "ATTRIBUTES\n", '"colour": "red"', "EVENTS\n"):
            expect(part in text, f"{part!r} is missing in {text}")


@check
def doctor_finds_what_is_wrong():
    with place_with_store() as place:
        def states(**environment):
            done = place.run("doctor", "--json", environment=environment)
            report = json.loads(done.stdout)
            equal(done.returncode, 3 if report["status"] == "problem" else 0, "exit code")
            return {finding["check"]: finding["status"] for finding in report["checks"]}

        healthy = states()
        expect("problem" not in healthy.values(), healthy)
        for name in ("directory", "recorder", "disk", "runs", "store", "lock", "search"):
            expect(name in healthy, f"{name} is not examined")
        equal(states(TRUNKLINE_MAX_DISK="much")["environment"], "problem", "a bad variable")
        equal(states(TRUNKLINE_RECORDER_DIR="/nowhere")["recorder"], "problem", "no directory for the recorder")
        equal(states(TRUNKLINE_DISABLED="1")["recording"], "warning", "disabled")
        os.chmod(place.directory, 0o755)
        equal((states()["directory"], healthy["directory"]), ("warning", "ok"), "a directory open to others")
        with sqlite3.connect(os.path.join(place.directory, "traces.db")) as blocker:
            blocker.execute("BEGIN IMMEDIATE")
            equal((states()["lock"], healthy["lock"]), ("warning", "ok"), "a lock")
        place.agent("kill")
        equal(states()["runs"], "warning", "a dead run")
        expect("integrity" in place.good("doctor", "--full"), "--full")
        with open(os.path.join(place.directory, "traces.db"), "r+b") as file:
            file.write(b"nothing that SQLite knows")
        equal(states()["store"], "problem", "a damaged store")


@check
def completion_completes():
    with place_with_store() as place:
        script = os.path.join(place.path, "completion.bash")
        with open(script, "w", encoding="utf-8") as file:
            file.write(place.good("completion", "bash"))

        def completed(*words):
            words_text = " ".join(f"'{word}'" for word in words)
            bash = (f"compopt() {{ :; }}; . {script}; COMP_WORDS=({words_text}); COMP_CWORD={len(words) - 1}; _trunkline; "
                    'printf "%s\\n" "${COMPREPLY[@]}"')
            path = os.path.dirname(Place.trunkline) + ":" + place.environment["PATH"]
            done = subprocess.run(["bash", "-c", bash], env={**place.environment, "PATH": path}, cwd=place.path, text=True,
                                  capture_output=True)
            equal((done.returncode, done.stderr), (0, ""), f"completion of {words}")
            return done.stdout.split()

        equal(sorted(completed("trunkline", "s")), ["show", "stats", "sync"], "commands")
        expect({"--sort", "--status", "--json"} <= set(completed("trunkline", "ls", "--")), "options")
        equal(completed("trunkline", "ls", "--status", "in"), ["incomplete"], "values")
        equal(completed("trunkline", "ls", "--kind", "gen"), ["generation"], "kinds")
        equal(completed("trunkline", "show", ""), [place.json("ls")[0]["id"]], "ids")
        equal(completed("trunkline", "completion", "z"), ["zsh"], "operands")
        for shell in ("zsh", "fish"):
            text = place.good("completion", shell)
            for name in place.commands():
                expect(name in text, f"completion {shell} does not know {name}")
            if shutil.which(shell):
                done = subprocess.run([shell, "-n"], input=text, text=True, capture_output=True)
                equal((done.returncode, done.stderr), (0, ""), f"{shell} -n")


@check
def manual_page_tells_all():
    with Place() as place:
        page = place.good("man")
        for name in place.commands():
            expect(f'.SS "trunkline {name}' in page, f"the manual page does not know {name}")
            for option in re.findall(r"--[a-z]+(?:-[a-z]+)*", place.good(name, "--help").split("Options")[-1]):
                expect(option.replace("-", "\\-") in page, f"the manual page does not know {option}")
        built = os.path.join(os.path.dirname(os.path.dirname(Place.trunkline)), "share", "trunkline.1")
        if os.path.exists(os.path.dirname(built)):
            with open(built, encoding="utf-8") as file:
                equal(file.read(), page, "the manual page of the build")
        done = subprocess.run(["man", "--warnings", "-l", "-"], input=page.encode(), capture_output=True,
                              env={**place.environment, "MANROFFSEQ": "", "MANWIDTH": "80"}) if shutil.which("man") else None
        if done is not None:
            equal((done.returncode, done.stderr), (0, b""), "what man says about the page")


@check
def pager_on_terminals():
    with place_with_store() as place:
        place.insert_trace("d" * 32, [0] * 100)
        pager = {"PAGER": "sed s/^/paged:/"}
        expect("paged:" in place.on_terminal("show", "dddd", environment=pager), "a long text is not paged")
        expect("paged:" not in place.on_terminal("ls", environment=pager), "a short text is paged")
        expect("paged:" not in place.on_terminal("show", "dddd", "--no-pager", environment=pager), "--no-pager")
        expect("paged:" not in place.good("show", "dddd", environment=pager), "paged without a terminal")
        expect("paged:" not in place.on_terminal("tail", "-n0", environment=pager), "tail is paged")
        both = {**pager, "TRUNKLINE_PAGER": "sed s/^/ours:/"}
        expect("ours:" in place.on_terminal("show", "dddd", environment=both), "TRUNKLINE_PAGER")
        # A pager that reads little is no failure; neither is one that does not exist.
        place.on_terminal("show", "dddd", environment={"PAGER": "head -1"})
        place.on_terminal("show", "dddd", environment={"PAGER": "no-such-pager 2>/dev/null"})


@check
def interrupted_tail_ends():
    with place_with_store() as place:
        # Whoever starts the tests in the background has them ignore interrupts, and children inherit that.
        tail = subprocess.Popen([Place.trunkline, "tail", "-f"], env=place.environment, cwd=place.path, text=True,
                                stdout=subprocess.PIPE,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        read_until(tail.stdout, "agent root", "the last spans")
        tail.send_signal(signal.SIGINT)
        equal(tail.wait(60), -signal.SIGINT, "after an interrupt")
        tail.stdout.close()


if __name__ == "__main__":
    sys.exit(run_checks(CHECKS, __doc__))
