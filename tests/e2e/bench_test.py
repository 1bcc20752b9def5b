#!/usr/bin/env python3
"""The benchmarks: they build once, run interleaved, count what is lost, say what failed, and judge goals either way."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from kit import (bindings, cache, callgrind, goals, mlflow_page, page, peers, report, runner,  # noqa: E402
                 tracker_runs, wandb_page)

SAY = "import sys, os; open(os.environ['ORDER'], 'a').write(os.environ['NAME'] + sys.argv[1] + ' '); "
LINE = "print('{\"peer\": \"p\", \"call_ns\": %s, \"cpu_ns\": 1, \"rss_mb\": 1, \"dropped\": %s}')"


def outcome(*call_ns, dropped=0):
    return runner.Outcome([{"peer": "p", "call_ns": value, "cpu_ns": 1, "rss_mb": 1, "dropped": dropped}
                           for value in call_ns])


class Scratch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.scratch = Path(folder.name)

    def program(self, name, script):
        environment = {"ORDER": str(self.scratch / "order"), "NAME": name}
        return peers.Program([sys.executable, "-c", SAY + script], environment)


class Cache(Scratch):
    def setUp(self):
        super().setUp()
        before = os.environ.get("TRUNKLINE_CACHE")
        os.environ["TRUNKLINE_CACHE"] = str(self.scratch / "cache")
        self.addCleanup(lambda: os.environ.update(TRUNKLINE_CACHE=before) if before is not None
                        else os.environ.pop("TRUNKLINE_CACHE"))
        self.source = self.scratch / "source"
        self.source.write_text("one")
        self.made = 0

    def make(self, folder):
        self.made += 1
        (folder / "product").write_text(self.source.read_text())

    def test_makes_once_for_one_content(self):
        first = cache.made_once("peer", [self.source], self.make)
        self.assertEqual(cache.made_once("peer", [self.source], self.make), first)
        self.assertEqual(self.made, 1)

    def test_makes_anew_for_another_content(self):
        first = cache.made_once("peer", [self.source], self.make)
        self.source.write_text("two")
        second = cache.made_once("peer", [self.source], self.make)
        self.assertNotEqual(first, second)
        self.assertEqual((second / "product").read_text(), "two")

    def test_keeps_nothing_of_what_failed(self):
        def fail(folder):
            (folder / "half").write_text("")
            raise RuntimeError("no compiler")

        with self.assertRaises(RuntimeError):
            cache.made_once("peer", [self.source], fail)
        self.assertEqual(list(cache.root().iterdir()), [])


class Runner(Scratch):
    def measure(self, programs):
        return runner.measure(programs, ["W1", "W3"], 2, self.scratch)

    def test_goes_through_workloads_and_in_each_through_peers(self):
        programs = {name: self.program(name, LINE % (1, 0)) for name in ("floor", "fastrace")}
        outcomes, failures = self.measure(programs)
        self.assertEqual((self.scratch / "order").read_text(), "floorW1 fastraceW1 floorW3 fastraceW3 " * 2)
        self.assertEqual(failures, {})
        self.assertEqual(len(outcomes["floor", "W3"].rows), 2)

    def test_says_what_failed_and_why(self):
        programs = {"floor": self.program("floor", LINE % (1, 0)), "fastrace": self.program("x", "sys.exit('broken')")}
        outcomes, failures = self.measure(programs)
        self.assertIn("broken", failures["fastrace", "W1"])
        self.assertNotIn(("fastrace", "W1"), outcomes)
        self.assertIn(("floor", "W1"), outcomes)

    def test_gives_the_least_and_the_median(self):
        self.assertEqual((outcome(3, 1, 2).median("call_ns"), outcome(3, 1, 2).least("call_ns")), (2, 1))


class Goals(unittest.TestCase):
    def judged(self, ours, dropped=0):
        outcomes = {("trunkline", "W1"): outcome(ours, dropped=dropped), ("floor", "W1"): outcome(100)}
        return {goal.text: goal.reached for goal in goals.caller_goals(outcomes)}

    def test_are_reached_or_not(self):
        text = "W1 at most 1.6 of the floor"
        self.assertIs(self.judged(160)[text], True)
        self.assertIs(self.judged(161)[text], False)
        self.assertIs(self.judged(160)["W3 at most 1.3 of fastrace"], None)

    def test_see_what_is_lost_or_comes_twice(self):
        self.assertIs(self.judged(1)["nothing is lost"], True)
        self.assertIs(self.judged(1, dropped=1)["nothing is lost"], False)
        self.assertIs(self.judged(1, dropped=-1)["nothing is lost"], False)

    def test_that_are_missed_say_why(self):
        outcomes = {("trunkline", "W1"): outcome(200), ("floor", "W1"): outcome(100)}
        self.assertIn("**no**", goals.goal_table(goals.caller_goals(outcomes)))
        self.assertIn("is not reached:", goals.goal_table(goals.caller_goals(outcomes)))
        outcomes["trunkline", "W1"] = outcome(100)
        self.assertNotIn("is not reached:", goals.goal_table(goals.caller_goals(outcomes)))


class Bindings(Scratch):
    FIGURES = """import json; row = {"op6": (300, 900), "op6read": (310, 1200), "packed": (200, 800)}[sys.argv[1]]
print(json.dumps({"call_ns": row[0], "cpu_ns": row[1]}))"""

    def cost(self, script):
        programs = {name: self.program(name, script) for name in ("trunkline-rust", "trunkline-go", "fastrace")}
        return bindings.measure(programs, 2, self.scratch)

    def test_what_the_reader_costs_is_the_delivery(self):
        costs, failures = self.cost(self.FIGURES)
        self.assertEqual((list(costs), failures), (["trunkline-rust", "trunkline-go"], {}))
        self.assertEqual((costs["trunkline-rust"].call, costs["trunkline-rust"].delivery), ((300, 300), (300, 300)))
        self.assertIn("| trunkline-rust | 300 (300) | - | 300 (300) |", bindings.section(costs))
        self.assertIn("| trunkline-go | 300 (300) | 200 (200) | 300 (300) |", bindings.section(costs))

    def test_what_failed_is_said(self):
        costs, failures = self.cost("sys.exit('broken')")
        self.assertEqual((costs, sorted(failures)),
                         ({}, [("trunkline-go", "op6"), ("trunkline-go", "op6read"), ("trunkline-go", "packed"),
                               ("trunkline-rust", "op6"), ("trunkline-rust", "op6read")]))

    def test_goals_are_reached_or_not(self):
        def reached(call, delivery, w1):
            costs = {"trunkline-rust": bindings.Cost((call, call), (delivery, delivery))}
            outcomes = {("trunkline-rust", "W1"): outcome(w1), ("fastrace", "W1"): outcome(300)}
            return [goal.reached for goal in goals.binding_goals(outcomes, costs)]

        self.assertEqual(reached(350, 350, 100), [True, True, True, None])
        self.assertEqual(reached(351, 351, 101), [False, False, False, None])

    def test_goals_of_what_packs(self):
        def reached(call, packed, w1):
            costs = {"trunkline-go": bindings.Cost((call, call), (700, 700), (packed, packed))}
            outcomes = {("trunkline-go", "W1"): outcome(w1), ("otel-go", "W1"): outcome(1000)}
            return [goal.reached for goal in goals.binding_goals(outcomes, costs)]

        self.assertEqual(reached(500, 350, 200), [True, True, True, True])
        self.assertEqual(reached(501, 351, 201), [False, False, True, False])


class Page(unittest.TestCase):
    def test_shows_losses_of_everybody(self):
        text = report.workload_table({("floor", "W1"): outcome(100, dropped=7)}, ["floor"], ["W1"])
        self.assertTrue(text.endswith("| 7 |"), text)

    def test_shows_both_counts(self):
        self.assertIn("932 / 948", page.instructions({("floor", "W1"): (932.2, 948.4)}))


class MlflowGoals(unittest.TestCase):
    def reached(self, **figures):
        row = {"per_s": 95, "call_cpu_ns": 100, "private_kib": 8192, "threads": 4, "process_s": 0.1, **figures}
        sdk = {"call_cpu_ns": 50_000, "process_s": 4}
        outcomes = {("trunkline", mode): runner.Outcome([row]) for mode in ("numbers", "calls", "joined", "short")}
        outcomes.update({("without", mode): runner.Outcome([{"private_kib": 1024}]) for mode in ("numbers", "calls")})
        outcomes.update({("raw", mode): runner.Outcome([{"per_s": 100}]) for mode in ("numbers", "traces")})
        outcomes.update({("sdk", mode): runner.Outcome([sdk]) for mode in ("numbers", "short")})
        return [goal.reached for goal in mlflow_page.goals(outcomes)]

    def test_are_reached_or_not(self):
        self.assertEqual(self.reached(), [True] * 6)
        self.assertEqual(self.reached(call_cpu_ns=501), [False] + [True] * 5)
        self.assertEqual(self.reached(per_s=89), [True, False, False, True, True, True])
        self.assertEqual(self.reached(private_kib=12 * 1024, threads=6, process_s=0.5), [True] * 3 + [False] * 3)

    def test_that_were_not_measured_say_so(self):
        self.assertEqual({goal.reached for goal in mlflow_page.goals({})}, {None})


class WandbGoals(unittest.TestCase):
    def reached(self, **figures):
        row = {"per_s": 95, "call_cpu_ns": 100, "private_kib": 8192, "threads": 4, "process_s": 0.1, "from_start_s": 0.1,
               "processes": 1, "bytes_per_row": 100, **figures}
        sdk = {"call_cpu_ns": 50_000, "process_s": 4, "from_start_s": 15, "bytes_per_row": 300}
        modes = ("numbers", "calls", "offline", "first", "short")
        outcomes = {("trunkline", mode): runner.Outcome([row]) for mode in modes}
        outcomes.update({("sdk", mode): runner.Outcome([sdk]) for mode in modes})
        outcomes.update({("without", mode): runner.Outcome([{"private_kib": 1024}]) for mode in ("numbers", "calls")})
        outcomes["raw", "numbers"] = runner.Outcome([{"per_s": 100}])
        return [goal.reached for goal in wandb_page.goals(outcomes)]

    def test_are_reached_or_not(self):
        self.assertEqual(self.reached(), [True] * 8)
        self.assertEqual(self.reached(call_cpu_ns=1001), [False] + [True] * 7)
        self.assertEqual(self.reached(from_start_s=2, per_s=89, process_s=0.5), [True] + [False] * 3 + [True] * 4)
        self.assertEqual(self.reached(private_kib=12 * 1024, threads=6, processes=2, bytes_per_row=301),
                         [True] * 4 + [False] * 4)

    def test_that_were_not_measured_say_so(self):
        self.assertEqual({goal.reached for goal in wandb_page.goals({})}, {None})


class TrackerRuns(Scratch):
    def run_python(self, script, **more):
        return tracker_runs.run([sys.executable, "-c", script], lambda folder: dict(os.environ, PLACE=folder), self.scratch,
                                **more)

    def test_measures_one_run_and_leaves_nothing(self):
        script = "import os; open(os.environ['PLACE'] + '/left', 'w').write('x'); print('{\"records\": 6, \"seconds\": 2}')"
        row = self.run_python(script, look_at=lambda folder: {"left": os.listdir(folder)})
        self.assertEqual((row["per_s"], row["left"]), (3, ["left"]))
        self.assertGreater(row["process_s"], 0)
        self.assertEqual(list(self.scratch.iterdir()), [])

    def test_tells_when_the_first_number_has_arrived_and_how_many_processes_there_are(self):
        script = ("import subprocess, sys, time; child = subprocess.Popen(['sleep', '600']);"
                  "print('{\"logged_ns\": %d}' % time.monotonic_ns(), flush=True); open('logged', 'w'); sys.stdin.read(); "
                  "child.kill()")
        row = self.run_python(script, has_arrived=lambda: any(self.scratch.glob("*/logged")))
        self.assertEqual(row["processes"], 2)
        self.assertGreater(row["arrival_s"], 0)
        self.assertGreater(row["from_start_s"], row["arrival_s"])

    def test_says_what_failed(self):
        for script in ("raise SystemExit('broken')", "pass"):
            with self.assertRaises((RuntimeError, IndexError)):
                self.run_python(script, has_arrived=lambda: False)

    def test_all_writers_take_turns(self):
        asked = []

        def one(writer, mode):
            asked.append(writer.name + mode)
            if writer.name == "b":
                raise RuntimeError("broken")
            return {"process_s": 0}

        writers = [tracker_runs.Writer("a", [], {"x": 1, "y": 1}, {}), tracker_runs.Writer("b", [], {"y": 1}, {})]
        outcomes, failures = tracker_runs.take_turns(writers, ("x", "y"), 2, one, "nobody")
        self.assertEqual(asked, ["ax", "ay", "by", "ax", "ay"])
        self.assertEqual(failures, {("b", "y"): "broken"})
        self.assertEqual(len(outcomes["a", "x"].rows), 2)


class Programs(Scratch):
    def test_whole_command_with_two_peers(self):
        command = [str(ROOT / "bench" / "run.py"), "--peers", "trunkline,floor", "--workloads", "W3,W4",
                   "--repetitions", "1"]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, ROUNDS="1"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| trunkline | ", done.stdout)
        self.assertIn("| nothing is lost | 0 spans | yes |", done.stdout)

    def test_refuses_an_unknown_peer(self):
        done = subprocess.run([str(ROOT / "bench" / "run.py"), "--peers", "nobody"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nobody", done.stderr)

    def test_probes_print_their_figures(self):
        for probe, number, expected in (("latency", 2000, 1), ("cold", 2, 1), ("idle", 1, 1), ("lifecycle", 2, 2),
                                        ("catchup", 20000, 1)):
            program = peers.Program([str(peers.BUILT / "probe")], {"LD_LIBRARY_PATH": str(ROOT / "build" / "lib")})
            rows = runner.start(program, [probe, str(number)], self.scratch)
            self.assertEqual(len(rows), expected, probe)
            if probe == "catchup":
                self.assertEqual(rows[0]["received"], number)

    @unittest.skipUnless(Path("/usr/bin/valgrind").exists(), "valgrind is not installed")
    def test_counts_of_instructions_are_of_the_calls(self):
        full, _ = callgrind.per_span(peers.floor(), "W1", self.scratch)
        bare, every = callgrind.per_span(peers.floor(), "W3", self.scratch)
        self.assertGreater(full, 2 * bare)
        self.assertGreater(bare, 50)
        self.assertGreaterEqual(every, bare)


if __name__ == "__main__":
    unittest.main()
