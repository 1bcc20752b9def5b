"""What the checks of the command line share: an agent that records through the C API, and places to record in."""
import argparse
import fcntl
import json
import os
import pty
import resource
import shlex
import shutil
import signal
import sqlite3
import struct
import subprocess
import tempfile
import termios
import unicodedata

# An agent in C: `agent plain|kill|live|open|name [NAME]`.
AGENT = r"""
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "trunkline.h"

static tr_string text(const char *s) { tr_string t; t.data = s; t.size = strlen(s); return t; }

static void set_all(tr_span span) {
  const tr_usage usage = {120, 30, -1, 100, -1, 7};
  tr_span_set_usage(span, &usage);
  tr_span_set_model(span, "gpt-4o", TR_NUL);
  tr_span_set_score(span, "judge", TR_NUL, 0.5);
  tr_span_set_step(span, 3);
  tr_span_set_input(span, TR_TYPE_STR, "a \"question\"", TR_NUL);
  tr_span_set_output(span, TR_TYPE_JSON, "{\"answer\": [1, 2]}", TR_NUL);
  tr_span_set_str(span, "colour", TR_NUL, "red", TR_NUL);
  tr_span_set_json(span, "nested", TR_NUL, "{\"a\":{\"b\":[true,null]}}", TR_NUL);
  tr_span_set_f64(span, "not_a_number", TR_NUL, NAN);
  tr_span_event(span, "token", TR_NUL, NULL, 0);
}

static int record(const char *mode, const char *name) {
  tr_trace_options options;
  tr_trace trace;
  tr_span root, generation, tool;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.group_id = text("talk-1");
  trace = tr_trace_start(name, TR_NUL, &options);
  tr_trace_set_str(trace, "stop_reason", TR_NUL, "final_answer", TR_NUL);
  tr_trace_set_json(trace, "config", TR_NUL, "{\"a\":[1,2]}", TR_NUL);
  root = tr_span_start(trace, 0, TR_KIND_AGENT, "root", TR_NUL);
  generation = tr_span_start(trace, root, TR_KIND_GENERATION, "think", TR_NUL);
  set_all(generation);
  tool = tr_span_start(trace, generation, TR_KIND_TOOL, "read_file", TR_NUL);
  tr_span_set_error(tool, "IOError", TR_NUL, "no such file\nsecond line", TR_NUL);
  if (tr_span_end(tool) || tr_span_end(generation)) return 1;
  tr_trace_event(trace, "note", TR_NUL, NULL, 0);
  if (!strcmp(mode, "kill")) raise(SIGKILL);
  if (tr_span_end(root) || tr_trace_end(trace)) return 1;
  return 0;
}

static int record_until_told(void) {
  char byte;
  long count = 0;
  tr_trace trace = tr_trace_start("long", TR_NUL, NULL);
  if (tr_flush(60000)) return 1;
  puts("recording");
  fflush(stdout);
  while (read(0, &byte, 1) == 1) {
    long i;
    for (i = 0; i < 2000; ++i) tr_span_end(tr_span_start(trace, 0, TR_KIND_STEP, "step", TR_NUL));
    count += i;
    printf("%ld\n", count);
    fflush(stdout);
  }
  return tr_trace_end(trace);
}

/* A span that is open until standard input ends. */
static int record_open_span(const char *name) {
  char byte;
  tr_trace trace = tr_trace_start("open", TR_NUL, NULL);
  tr_span span = tr_span_start(trace, 0, TR_KIND_TOOL, name, TR_NUL);
  if (tr_flush(60000)) return 1;
  puts("recording");
  fflush(stdout);
  while (read(0, &byte, 1) == 1) { }
  return tr_span_end(span) || tr_trace_end(trace);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "plain";
  tr_error error = {sizeof error, 0, {0}};
  int failed;
  if (tr_init(NULL, &error)) { fprintf(stderr, "%s\n", error.message); return 2; }
  failed = !strcmp(mode, "live") ? record_until_told()
           : !strcmp(mode, "open") ? record_open_span(argc > 2 ? argv[2] : "waiting")
                                 : record(mode, argc > 2 ? argv[2] : !strcmp(mode, "kill") ? "dying" : "plain");
  return tr_shutdown(60000) != 0 || failed;
}
"""


def expect(condition, why):
    if not condition:
        raise AssertionError(why)


def equal(got, wanted, what=""):
    expect(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")


class Place:
    """An empty folder with an environment that points nowhere else."""

    trunkline = None      # the program
    agent_program = None

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="trunkline-cli-")
        self.directory = os.path.join(self.path, "data")
        keep = {name: value for name, value in os.environ.items()
                if name in ("PATH", "LD_LIBRARY_PATH") or name.endswith("SAN_OPTIONS")}
        self.environment = {**keep, "HOME": self.path, "TZ": "UTC", "TERM": "xterm", "PAGER": "",
                            "TRUNKLINE_DIR": self.directory}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def run(self, *words, environment=None, **more):
        """stdout and stderr are bytes."""
        more.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([Place.trunkline, *words], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env={**self.environment, **(environment or {})}, cwd=self.path, timeout=60, **more)

    def good(self, *words, **more):
        done = self.run(*words, **more)
        expect(done.returncode == 0, f"{words}: exit code {done.returncode}: {done.stderr[-300:]!r}")
        equal(done.stderr, b"", f"stderr of {words}")
        return done.stdout.decode()

    def json(self, *words):
        return json.loads(self.good(*words, "--json"))

    def commands(self):
        """The names of all commands, as the help lists them."""
        listed = self.good("--help").split("Commands:\n")[1].split("\n\n")[0]
        return [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "]

    def agent(self, *words):
        done = subprocess.run([Place.agent_program, *words], env=self.environment, cwd=self.path, timeout=60, capture_output=True)
        wanted = -signal.SIGKILL if words[:1] == ("kill",) else 0
        expect(done.returncode == wanted, f"the agent: exit code {done.returncode}: {done.stderr[-300:]!r}")

    def on_terminal(self, *words, columns=None, environment=None):
        """What a terminal gets, its line ends as \\n."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns or 0, 0, 0))
        child = subprocess.Popen([Place.trunkline, *words], stdout=theirs, stderr=subprocess.PIPE, cwd=self.path,
                                 stdin=subprocess.DEVNULL, env={**self.environment, **(environment or {})})
        os.close(theirs)
        out = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other side has gone
                break
            if not piece:
                break
            out += piece
        os.close(ours)
        message = child.stderr.read()
        child.stderr.close()
        equal(child.wait(), 0, f"{words} on a terminal: {message!r}")
        return out.decode().replace("\r\n", "\n")

    def database(self):
        return sqlite3.connect(os.path.join(self.directory, "traces.db"))

    def insert_spans(self, trace_id, spans, name="made"):
        """A trace of spans, each a dictionary of columns; what is not given has a value that fits."""
        usual = {"parent_id": None, "kind": 4, "kind_name": "generation", "name": "think", "status": "ok",
                 "attributes": "{}", "events": "[]", "dropped_attributes": 0, "flags": 0}
        with self.database() as database:
            database.execute(
                "INSERT INTO traces(id,run_id,name,start_ns,end_ns,status,metadata,span_count,kinds) VALUES(?,?,?,?,?,?,?,?,?)",
                (trace_id, "made", name, 10**18, 10**18 + 10**9, "ok", "{}", len(spans), 1 << 4))
            for i, span in enumerate(spans, 1):
                row = {**usual, "trace_id": trace_id, "span_id": f"{i:016x}", "start_ns": 10**18 + i,
                       "end_ns": 10**18 + 10**8, **span}
                database.execute(f"INSERT INTO spans({','.join(row)}) VALUES({','.join('?' * len(row))})", list(row.values()))
        database.close()

    def insert_trace(self, trace_id, parents, name="made"):
        """A trace whose span number i (from 1) has the parent parents[i - 1]; 0: none."""
        with self.database() as database:
            database.execute(
                "INSERT INTO traces(id,run_id,name,start_ns,end_ns,status,metadata,span_count) VALUES(?,?,?,?,?,?,?,?)",
                (trace_id, "made", name, 10**18, 10**18 + 10**9, "ok", "{}", len(parents)))
            database.executemany(
                "INSERT INTO spans(trace_id,span_id,parent_id,kind,kind_name,name,start_ns,end_ns,status,attributes,"
                "events,dropped_attributes,flags) VALUES(?,?,?,7,'tool',?,?,?,'ok','{}','[]',0,0)",
                ((trace_id, f"{i:016x}", f"{parent:016x}" if parent else None, f"s{i}", 10**18 + i, 10**18 + 10**8)
                 for i, parent in enumerate(parents, 1)))
        database.close()


def place_with_store():
    place = Place()
    place.agent("plain")
    return place


def display_width(line):
    def width(c):
        return 0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 2 if unicodedata.east_asian_width(c) in "WF" else 1

    return sum(map(width, line))


def dangerous(text):
    """Characters that could drive a terminal or reorder what is read."""
    return [c for c in text if (unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n" and c != "\u200d")]


def span_lines(text):
    return text.split("SPAN\n", 1)[1].split("\n\n")[0].splitlines()


def processor_seconds(action):
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = used()
    result = action()
    return used() - before, result


def read_only(directory, command):
    """A command line that runs `command` where nothing in the directory can be written."""
    if os.geteuid() != 0:
        subprocess.run(["chmod", "-R", "a-w", directory], check=True)
        return command
    script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    wrapped = ["unshare", "-m", "sh", "-c", script, directory]
    if subprocess.run([*wrapped, "true"], capture_output=True).returncode == 0:
        return [*wrapped, *command]
    subprocess.run(["chmod", "-R", "a-w,a+rX", os.path.dirname(directory)], check=True)
    return ["setpriv", "--reuid", "65534", "--clear-groups", *command]


def build_agent(folder, compiler, include, library):
    source, program = os.path.join(folder, "agent.c"), os.path.join(folder, "agent")
    with open(source, "w", encoding="utf-8") as file:
        file.write(AGENT)
    library = os.path.abspath(library)
    subprocess.run([*shlex.split(compiler), "-I", include, source, "-o", program, "-L", library, "-ltrunkline",
                    f"-Wl,-rpath,{library}", "-lm"], check=True)
    return program


def run_checks(checks, description):
    """The main function of a program of checks."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trunkline", required=True, metavar="PATH")
    parser.add_argument("--lib", required=True, metavar="DIR")
    parser.add_argument("--include", required=True, metavar="DIR")
    parser.add_argument("--cc", default="cc", help="the C compiler, with its flags")
    parser.add_argument("names", nargs="*", help="only these checks")
    options = parser.parse_args()
    Place.trunkline = os.path.abspath(options.trunkline)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="trunkline-cli-") as folder:
        Place.agent_program = build_agent(folder, options.cc, options.include, options.lib)
        for function in checks:
            if options.names and function.__name__ not in options.names:
                continue
            try:
                function()
            except Exception as failure:  # whatever it is, the other checks go on
                failed += 1
                print(f"FAILED {function.__name__}: {type(failure).__name__}: {str(failure)!r:.600}", flush=True)
            else:
                passed += 1
                print(f"ok {function.__name__}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0
